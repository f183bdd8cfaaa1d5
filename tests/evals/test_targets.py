"""What a suite is run against gives the same answers: in process, a service over HTTP, and answers recorded before."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from evals.results import LINES, Result, Run
from evals.runner import Plan, run
from evals.suites import Suite, SuiteCase, read_suite
from evals.targets import Cassette, Target, in_process, kept_answers, over_http, read_triage
from service.errors import SettingsNotUsable
from service.files import shipped
from service.imports import import_knowledge
from service.messages import Triage
from service.parts import build_parts
from service.records.database import connect, migrate
from service.records.queries import Records
from service.settings import Settings

SettingsIn = Callable[..., Settings]
TODAY = date(2026, 11, 22)
PLAIN = """\
name: both
defaults: {received_at: "2026-11-22T09:00:00Z"}
cases:
  - name: parcel
    inputs: {text: "Where is my parcel A-1001?", author: {customer_id: C-1042}, channel: whatsapp}
    expected_output: {order: A-1001, escalate: false}
  - name: thread
    inputs:
      text: "Still nothing!! This is a joke."
      channel: instagram
      author: {handle: "@lena"}
      thread: [{role: customer, text: "Where is my tent?"}, {role: brand, text: "It is on its way."}]
    expected_output: {label: frustration}
  - name: washing
    inputs: {text: "Kann ich die Daunenjacke in der Maschine waschen?", channel: email}
    expected_output: {passages: [down-care]}
    asserts: [{type: similar, value: "Daunenjacken wäschst du bei 30 Grad mit Daunenwaschmittel.", threshold: 0.2}]
  - name: human
    inputs: {text: "Schandalig! Ik wil een mens spreken, NU!", channel: x, visibility: public}
    expected_output: {escalate: true, reasons: [explicit_human_request]}
  - name: nobody
    inputs: {text: "hello", brand: nobody}
"""
FIXTURES = """\
name: fixtures
defaults: {received_at: "2026-11-22T09:00:00Z"}
cases:
  - name: own-knowledge
    inputs: {text: "Can I bring my ferret into the shop?"}
    expected_output: {passages: [ferrets]}
    asserts: [{type: contains, value: "on a lead", in: private}]
    fixture:
      knowledge:
        - {id: ferrets, question: "Are ferrets allowed in the shop?", answer: "Ferrets are welcome on a lead.", language: en}
  - name: without-it
    inputs: {text: "Can I bring my ferret into the shop?"}
    asserts: [{type: not-contains, value: "on a lead"}]
  - name: own-order
    inputs: {text: "Where is my order? I wanted to fly the kite this weekend.", author: {name: "Ada Lovelace"}, channel: whatsapp}
    expected_output: {order: K-77}
    asserts: [{type: contains, value: "27 November", in: private}, {type: contains, value: Ada, in: private}]
    fixture:
      orders: [{order_id: K-77, status: in_transit, shipped_at: "2026-11-19", due_at: "2026-11-27", items: [{name: Kite}]}]
  - name: no-order
    inputs: {text: "Where is my parcel A-1001?", author: {customer_id: C-1042}, channel: whatsapp}
    expected_output: {order: null}
    fixture: {orders: []}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def knowledge_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo brand with orders that do not move with the day: a server has today's, a test can't."""
    folder = tmp_path_factory.mktemp("brands")
    shutil.copytree(shipped("knowledge/demo"), folder / "demo")
    identity = folder / "demo" / "brand.yaml"
    lines = identity.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("orders_as_of")]
    assert len(kept) == len(lines) - 1
    identity.write_text("".join(kept), encoding="utf-8")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def target(settings_in: SettingsIn, knowledge_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    settings = settings_in(tmp_path_factory.mktemp("targets"), knowledge_dir=knowledge_dir)
    async with in_process(settings, TODAY) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(
    settings_in: SettingsIn, knowledge_dir: Path, start_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, str]]:
    """URL and key of a `firstreply serve` process."""
    folder = tmp_path_factory.mktemp("served")
    records = Records(connect(settings_in(folder).database))
    await migrate(records.engine)
    key = await records.api_keys.make("qa", None)
    await records.close()
    with start_server(folder, KNOWLEDGE_DIR=knowledge_dir) as server:
        yield server.url, key


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch, models_dir: Path, tmp_path: Path) -> None:
    """The embedder that asserts of texts from elsewhere are judged with."""
    monkeypatch.setenv("FIRSTREPLY_MODELS_DIR", str(models_dir))
    monkeypatch.setenv("FIRSTREPLY_DATA_DIR", str(tmp_path / "data"))


def written(path: Path, text: str) -> Suite:
    path.write_text(text, encoding="utf-8")
    return read_suite(path)


def by_name(done: Run) -> dict[str, Result]:
    return {result.case: result for result in done.results}


def answers(done: Run) -> list[dict[str, Any]]:
    return [result.model_dump(exclude={"seconds"}) for result in done.results if not result.error]


async def test_a_service_over_http_gives_the_results_of_the_pipeline_in_process(
    target: Target, served: tuple[str, str], tmp_path: Path
) -> None:
    suite = written(tmp_path / "both.yaml", PLAIN)
    here = await run(Plan([suite], tmp_path / "here"), target)
    async with over_http(*served) as reached:
        there = await run(Plan([suite], tmp_path / "there"), reached)
    assert [result.case for result in here.results if result.passed] == ["human", "parcel", "thread", "washing"]
    assert answers(there) == answers(here)
    assert by_name(here)["nobody"].error == "UnknownBrand: /brand: no brand named 'nobody'; known brands: demo"
    assert by_name(there)["nobody"].error == (
        "Unavailable: the service answered 422 /brand: no brand named 'nobody'; known brands: demo"
    )
    assert there.head.target == served[0]
    assert there.head.versions == here.head.versions


async def test_a_case_with_its_own_knowledge_or_orders_stands_on_them_alone(target: Target, tmp_path: Path) -> None:
    done = await run(Plan([written(tmp_path / "fixtures.yaml", FIXTURES)], tmp_path / "run"), target)
    found = by_name(done)
    assert [(name, one.error, one.failing) for name, one in found.items() if not one.passed] == []
    own = found["own-knowledge"].found
    assert own is not None
    assert list(own.passages) == ["ferrets"]


async def test_a_case_with_a_fixture_is_skipped_over_http_with_the_reason(served: tuple[str, str], tmp_path: Path) -> None:
    async with over_http(*served) as reached:
        done = await run(Plan([written(tmp_path / "fixtures.yaml", FIXTURES)], tmp_path / "run"), reached)
    why = "it brings its own knowledge or orders: run it in process"
    assert {result.case: result.skipped for result in done.results} == {
        "own-knowledge": why, "own-order": why, "no-order": why, "without-it": None,
    }  # fmt: skip
    assert [result.case for result in done.judged] == ["without-it"]


@pytest.mark.parametrize(
    ("fixture", "said"),
    [
        ("{knowledge: [{id: one, question: why}]}", "fixture.knowledge: line 1: "),
        ("{orders: [{order_id: K-1, status: flying}]}", "fixture.orders: line 1: "),
    ],
)
async def test_a_fixture_that_cant_be_read_fails_its_case_with_the_place(
    target: Target, tmp_path: Path, fixture: str, said: str
) -> None:
    text = f"name: bad\ncases:\n  - name: one\n    inputs: {{text: hello}}\n    fixture: {fixture}\n"
    done = await run(Plan([written(tmp_path / "bad.yaml", text)], tmp_path / "run"), target)
    error = done.results[0].error or ""
    assert error.startswith(f"KnowledgeNotUsable: {tmp_path / 'bad.yaml'}: case one: {said}"), error


async def test_a_fixture_of_an_unknown_brand_fails_its_case_with_the_brands_there_are(target: Target, tmp_path: Path) -> None:
    text = FIXTURES.replace('ferret into the shop?"}', 'ferret into the shop?", brand: nobody}')
    done = await run(Plan([written(tmp_path / "f.yaml", text)], tmp_path / "run", ("own-knowledge",)), target)
    assert done.results[0].error == "UnknownBrand: /brand: no brand named 'nobody'; known brands: demo"


async def test_no_case_is_in_the_history_of_the_next(target: Target, tmp_path: Path) -> None:
    said = "Ridiculous!! The zip broke after one day. Worst tent I ever bought, absolute rubbish!"
    cases = "".join(
        f'  - name: angry-{day}\n    inputs: {{text: "{said}", received_at: "2026-11-{day}T09:00:00Z"}}\n'
        "    expected_output: {not_reasons: [repeat_contact]}\n"
        for day in (22, 23, 24)
    )
    text = f"name: h\ndefaults: {{author: {{customer_id: C-9000}}}}\ncases:\n{cases}"
    done = await run(Plan([written(tmp_path / "h.yaml", text)], tmp_path / "run", concurrent=1), target)
    assert [result.found.label for result in done.results if result.found] == ["frustration"] * 3
    assert [result.failing for result in done.results] == [[], [], []]


async def test_an_installations_own_records_are_used_only_where_that_is_asked_for(
    settings_in: SettingsIn, data_dir: Path, tmp_path: Path
) -> None:
    settings = settings_in(data_dir)
    line = {"id": "ferrets", "question": "Are ferrets allowed in the shop?", "answer": "Ferrets are welcome on a lead."}
    async with build_parts(settings, today=TODAY) as parts:
        report = await import_knowledge(parts, "demo", [json.dumps(line)])
        assert (report.added, report.problems) == (1, [])
    text = 'name: own\ncases:\n  - name: one\n    inputs: {text: "Can I bring my ferret into the shop?"}\n'
    suite = written(tmp_path / "own.yaml", text + "    expected_output: {passages: [ferrets]}\n")
    before = {path.name for path in data_dir.iterdir()}
    passed = {}
    for installation in (False, True):
        async with in_process(settings, TODAY, installation=installation) as made:
            passed[installation] = (await run(Plan([suite], tmp_path / f"run{installation}"), made)).results[0].passed
    assert passed == {False: False, True: True}
    assert {path.name for path in data_dir.iterdir()} <= before | {"firstreply.db-wal", "firstreply.db-shm", "start.lock"}


async def test_answers_that_were_recorded_are_played_back_with_the_same_results(target: Target, tmp_path: Path) -> None:
    suites = [written(tmp_path / "both.yaml", PLAIN), written(tmp_path / "fixtures.yaml", FIXTURES)]
    cassette = tmp_path / "kept" / "answers.jsonl"
    recorded = await run(Plan(suites, tmp_path / "rec", mode="record"), Cassette(cassette, "record").around(target))
    played = await run(Plan(suites, tmp_path / "play", mode="replay"), kept_answers(cassette))
    assert answers(played) == answers(recorded)
    assert len(answers(played)) == 8
    assert (by_name(played)["nobody"].error or "").startswith("ReplayMiss: ")
    assert (played.head.target, played.head.mode) == ("replay of answers.jsonl", "replay")
    assert played.head.versions == recorded.head.versions


async def test_a_request_that_was_not_recorded_fails_its_case_and_no_other(target: Target, tmp_path: Path) -> None:
    cassette = tmp_path / "answers.jsonl"
    before, after = (
        written(tmp_path / "a.yaml", PLAIN),
        written(tmp_path / "b.yaml", PLAIN.replace("Still nothing", "Still zilch")),
    )
    await run(Plan([before], tmp_path / "rec", mode="record"), Cassette(cassette, "record").around(target))
    played = by_name(await run(Plan([after], tmp_path / "play", mode="replay"), kept_answers(cassette)))
    assert played["thread"].error == f"ReplayMiss: no answer to this case is in {cassette}: record it again"
    assert not played["thread"].passed
    assert [name for name in played if played[name].passed] == ["human", "parcel", "washing"]


async def test_an_expectation_that_changed_needs_no_new_recording(target: Target, tmp_path: Path) -> None:
    cassette = tmp_path / "answers.jsonl"
    before, after = (
        written(tmp_path / "a.yaml", PLAIN),
        written(tmp_path / "b.yaml", PLAIN.replace("escalate: false", "escalate: true")),
    )
    await run(Plan([before], tmp_path / "rec", mode="record"), Cassette(cassette, "record").around(target))
    played = by_name(await run(Plan([after], tmp_path / "play", mode="replay"), kept_answers(cassette)))
    assert [verdict.name for verdict in played["parcel"].failing] == ["escalate"]


async def test_a_recording_that_was_killed_goes_on_and_loses_no_answer(target: Target, tmp_path: Path) -> None:
    suite, cassette, folder = written(tmp_path / "a.yaml", PLAIN), tmp_path / "answers.jsonl", tmp_path / "rec"
    whole = await run(Plan([suite], folder, mode="record"), Cassette(cassette, "record").around(target))
    lines, results = cassette.read_text().splitlines(), (folder / LINES).read_text().splitlines()
    first = {json.loads(line)["case"] for line in results[:2]}
    cassette.write_text("\n".join(lines[:2]) + "\n" + lines[2][:50])
    (folder / LINES).write_text("\n".join(results[:2]) + "\n")
    assert len(first) == 2
    again = await run(Plan([suite], folder, mode="record"), Cassette(cassette, "record").around(target, goes_on=True))
    assert answers(again) == answers(whole)
    played = await run(Plan([suite], tmp_path / "play", mode="replay"), kept_answers(cassette))
    assert answers(played) == answers(whole)


async def test_a_new_recording_takes_the_place_of_the_old_one(target: Target, tmp_path: Path) -> None:
    suite, cassette = written(tmp_path / "a.yaml", PLAIN), tmp_path / "answers.jsonl"
    for number, word in enumerate(("parcel", "washing")):
        plan = Plan([suite], tmp_path / f"rec{number}", (word,), mode="record")
        await run(plan, Cassette(cassette, "record").around(target))
    assert len(cassette.read_text().splitlines()) == 1


@pytest.mark.parametrize("content", [None, b"nonsense\n", b"[1]\n", b'{"request": "a"}\n', b"\xff\n"])
def test_a_cassette_that_cant_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "answers.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsNotUsable, match=r"the cassette .*answers\.jsonl can't be read \(\w+\): record it first"):
        kept_answers(path)


def test_a_cassette_that_cant_be_written_is_refused(target: Target, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsNotUsable, match=r"can't be written \(.+\): give another --cassette"):
        Cassette(tmp_path / "file" / "answers.jsonl", "record").around(target)


async def test_an_answer_of_another_version_is_read_without_what_is_new_in_it(target: Target, tmp_path: Path) -> None:
    case = next(case for case in written(tmp_path / "a.yaml", PLAIN).cases if case.case.name == "parcel")
    made = await target.triage(case)
    content = json.loads(made.model_dump_json())
    content["sentiment"] = 0.5
    content["understanding"]["mood"] = {"deep": [1, 2]}
    content["context"]["passages"][0]["rank"] = 1
    assert read_triage(json.dumps(content)) == Triage.model_validate_json(made.model_dump_json())
    del content["understanding"]["label"]
    with pytest.raises(ValueError, match=r"understanding\.label"):
        read_triage(json.dumps(content))


async def test_a_service_that_wants_a_key_is_told_before_the_first_case(served: tuple[str, str]) -> None:
    url, key = served
    for given, said in ((None, "wants an API key"), ("fr_wrong", "does not take this API key")):
        with pytest.raises(SettingsNotUsable) as refused:
            async with over_http(url, given):
                pass
        assert refused.value.detail == f"the service at {url} {said}: give a valid one by --key or FIRSTREPLY_API_KEY"
    with pytest.raises(SettingsNotUsable, match="characters that no key has"):
        async with over_http(url, "ключ"):
            pass
    async with over_http(f"{url}/", key) as reached:
        assert reached.name == url


@contextmanager
def answering(status: int) -> Iterator[str]:
    """URL of a server that is none of ours and answers everything so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9", "no service answers at http://127.0.0.1:9 (ConnectError): start one, or mend --target"),
        ("127.0.0.1:9", "mend --target"),
        ("http://[::bad", "--target http://[::bad is no URL"),
        ("http://qa:hunter2@127.0.0.1:9", "no service answers at http://127.0.0.1:9 ("),
    ],
)
async def test_a_target_that_does_not_answer_is_refused(url: str, said: str) -> None:
    with pytest.raises(SettingsNotUsable) as refused:
        async with over_http(url, None):
            pass
    assert said in refused.value.detail
    assert "hunter2" not in refused.value.detail


@pytest.mark.parametrize("status", [404, 503])
async def test_a_target_that_is_not_ready_is_refused(status: int) -> None:
    with answering(status) as url, pytest.raises(SettingsNotUsable) as refused:
        async with over_http(url, None):
            pass
    assert refused.value.detail == f"the service at {url} is not ready ({status} from /readyz)"


async def test_a_service_that_goes_away_fails_the_cases_and_not_the_run(target: Target, tmp_path: Path) -> None:
    with answering(200) as url:
        async with over_http(url, None) as reached:
            done = await run(Plan([written(tmp_path / "a.yaml", PLAIN)], tmp_path / "run"), reached)
    assert [result.error for result in done.results] == ["Unavailable: the service answered 501"] * 5


async def test_what_a_target_raises_is_the_cases_error(target: Target, tmp_path: Path) -> None:
    async def triage(case: SuiteCase) -> Triage:
        if case.case.name == "human":
            raise RuntimeError("out of\nluck")
        return await target.triage(case)

    done = await run(Plan([written(tmp_path / "a.yaml", PLAIN)], tmp_path / "run"), replace(target, triage=triage))
    assert by_name(done)["human"].error == "RuntimeError: out of\nluck"
    assert [result.case for result in done.results if result.error] == ["human", "nobody"]
