"""Runs through the real pipeline: what is judged and written, what a killed run leaves, and what a folder refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from evals.results import HEAD, LINES, Result, Run, read_run, write_baseline
from evals.runner import Plan, joined, run
from evals.suites import Suite, SuiteCase, read_suite
from evals.targets import Target, in_process
from service.errors import SettingsNotUsable
from service.messages import Triage
from service.settings import Settings

TODAY = date(2026, 11, 22)
SUITE = """\
name: mine
defaults: {received_at: "2026-11-22T09:00:00Z"}
slices: {industry: retail}
cases:
  - name: en-parcel
    inputs: {text: "Where is my parcel A-1001?", author: {customer_id: C-1042}, channel: whatsapp}
    expected_output: {label: information_seeking, language: en, order: A-1001}
    asserts: [{type: contains, value: "24 November", in: private}]
    tags: [order]
  - name: en-wrong
    inputs: {text: "Thank you so much, the tent is wonderful!"}
    expected_output: {label: frustration, language: en}
  - name: en-half
    inputs: {text: "Thank you so much, the tent is wonderful!"}
    expected_output: {label: frustration, language: en}
    threshold: 0.5
  - name: de-human
    inputs: {text: "Ich will sofort mit einem Menschen sprechen!", channel: x}
    expected_output: {escalate: true, reasons: [explicit_human_request], language: de}
    tags: [human, order]
  - name: en-skipped
    inputs: {text: "Does it float?"}
    skip: the answer is being written
  - name: en-raises
    inputs: {text: "Where is it?", brand: nobody}
    expected_output: {label: information_seeking}
  - name: fr-thanks
    inputs: {text: "Merci beaucoup, tout est parfait !"}
    expected_output: {label: praise, language: fr}
"""
NAMES = ["de-human", "en-half", "en-parcel", "en-raises", "en-skipped", "en-wrong", "fr-thanks"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def target(settings_in: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with in_process(settings_in(tmp_path_factory.mktemp("runner")), TODAY) as made:
        yield made


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return written(tmp_path / "mine.yaml")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the suite that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    return await run(Plan([written(folder / "mine.yaml")], folder / "run"), target)


def written(path: Path, text: str = SUITE) -> Suite:
    path.write_text(text, encoding="utf-8")
    return read_suite(path)


def but_time(done: Run) -> list[dict[str, Any]]:
    return [result.model_dump(exclude={"seconds"}) for result in done.results]


def by_name(done: Run) -> dict[str, Result]:
    return {result.case: result for result in done.results}


def counted(target: Target) -> tuple[Target, list[str]]:
    """The target, and the names of the cases it was asked, in order."""
    asked: list[str] = []

    async def triage(case: SuiteCase) -> Triage:
        asked.append(case.case.name)
        return await target.triage(case)

    return replace(target, triage=triage), asked


def test_a_run_judges_what_the_pipeline_made_of_each_case(whole: Run) -> None:
    found = by_name(whole)
    assert list(found) == NAMES
    assert [name for name in NAMES if found[name].passed] == ["de-human", "en-half", "en-parcel", "fr-thanks"]
    parcel = found["en-parcel"]
    assert [verdict.name for verdict in parcel.verdicts] == ["label", "language", "order", "assert:contains", "checks"]
    assert parcel.found is not None
    assert parcel.found.private is not None
    assert "24 November" in parcel.found.private.text
    assert parcel.slices == {"channel": "whatsapp", "language": "en", "label": "information_seeking", "industry": "retail"}
    assert parcel.text == "Where is my parcel A-1001?"
    assert parcel.seconds > 0
    wrong = found["en-wrong"]
    assert [(verdict.name, verdict.why) for verdict in wrong.failing] == [("label", "praise, expected frustration")]


def test_a_skipped_case_keeps_its_reason_and_is_not_judged(whole: Run) -> None:
    skipped = by_name(whole)["en-skipped"]
    assert (skipped.skipped, skipped.found, skipped.verdicts) == ("the answer is being written", None, [])
    assert "en-skipped" not in [result.case for result in whole.judged]


def test_a_case_that_raises_is_a_failed_case_with_its_error_and_the_run_goes_on(whole: Run) -> None:
    raised = by_name(whole)["en-raises"]
    assert raised.error == "UnknownBrand: /brand: no brand named 'nobody'; known brands: demo"
    assert not raised.passed
    assert raised.found is None
    assert [result.case for result in whole.results if result.error] == ["en-raises"]


def test_a_runs_head_says_what_was_run_by_which_versions(whole: Run) -> None:
    head = whole.head
    assert list(head.suites) == ["mine"]
    assert (head.target, head.mode, head.seed, head.repeat) == ("in process", "live", 0, 1)
    assert set(head.versions) == {"service", "embedder", "classifier", "knowledge", "policy"}
    assert head.seconds > 0


@pytest.mark.parametrize(("seed", "concurrent"), [(0, 8), (7, 1)])
async def test_two_runs_of_one_version_differ_in_nothing_but_time(
    whole: Run, suite: Suite, target: Target, tmp_path: Path, seed: int, concurrent: int
) -> None:
    again = await run(Plan([suite], tmp_path / "run", seed=seed, concurrent=concurrent), target)
    assert but_time(again) == but_time(whole)
    assert again.head.versions == whole.head.versions
    assert again.head.suites == whole.head.suites


async def test_the_seed_decides_the_order_and_nothing_else(suite: Suite, target: Target, tmp_path: Path) -> None:
    orders = []
    for number, seed in enumerate((1, 1, 2)):
        counting, asked = counted(target)
        await run(Plan([suite], tmp_path / f"run{number}", seed=seed, concurrent=1), counting)
        orders.append(asked)
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], NAMES),
        (["PARCEL"], ["en-parcel"]),
        (["tag=order"], ["de-human", "en-parcel"]),
        (["tag=order", "language=de"], ["de-human"]),
        (["tag=ord"], []),
        (["channel=x"], ["de-human"]),
        (["label=praise"], ["fr-thanks"]),
        (["industry=retail"], NAMES),
        (["suite=mine"], NAMES),
        (["suite=min"], []),
        (["language=it"], []),
        (["colour=red"], []),
    ],
)
def test_a_filter_is_a_part_of_a_name_a_tag_a_suite_or_a_slice(
    suite: Suite, tmp_path: Path, filters: list[str], names: list[str]
) -> None:
    assert sorted(case.case.name for case in Plan([suite], tmp_path, filters).cases()) == names


async def test_a_filtered_run_holds_no_other_case(suite: Suite, target: Target, tmp_path: Path) -> None:
    done = await run(Plan([suite], tmp_path / "run", ("tag=order",)), target)
    assert list(by_name(done)) == ["de-human", "en-parcel"]
    assert done.head.filters == ["tag=order"]


async def test_each_repeat_is_a_result_of_its_own(suite: Suite, target: Target, tmp_path: Path) -> None:
    done = await run(Plan([suite], tmp_path / "run", ("thanks",), repeat=3), target)
    assert [result.key for result in done.results] == [("mine", "fr-thanks", number) for number in (1, 2, 3)]
    assert len({result.model_dump_json(exclude={"seconds", "repeat"}) for result in done.results}) == 1
    with pytest.raises(SettingsNotUsable, match="other repeat"):
        await run(Plan([suite], tmp_path / "run", ("thanks",), repeat=2), target)
    counting, asked = counted(target)
    more = await run(Plan([suite], tmp_path / "run", ("thanks",), repeat=4), counting)
    assert asked == ["fr-thanks"]
    assert [result.repeat for result in more.results] == [1, 2, 3, 4]


async def test_a_run_that_was_cut_off_in_the_middle_of_a_line_goes_on_with_the_rest(
    whole: Run, suite: Suite, target: Target, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    await run(Plan([suite], folder), target)
    lines = (folder / LINES).read_text(encoding="utf-8").split("\n")
    (folder / LINES).write_text("\n".join(lines[:3]) + "\n" + lines[3][:40], encoding="utf-8")
    counting, asked = counted(target)
    told: list[int] = []
    plan = Plan([suite], folder)
    done = await run(plan, counting, told.append)
    assert plan.kept == told[0] == 3
    assert sum(told) == len(NAMES)
    kept = [json.loads(line)["case"] for line in lines[:3]]
    assert sorted([*asked, *kept]) == NAMES
    assert but_time(done) == but_time(whole)


async def test_a_finished_run_is_not_run_again(suite: Suite, target: Target, tmp_path: Path) -> None:
    first = await run(Plan([suite], tmp_path / "run"), target)
    counting, asked = counted(replace(target, versions={}))
    plan = Plan([suite], tmp_path / "run")
    again = await run(plan, counting)
    assert asked == []
    assert plan.kept == len(NAMES)
    assert again.results == first.results
    assert (again.head.made_at, again.head.versions) == (first.head.made_at, first.head.versions)


async def test_a_folder_of_another_run_is_refused_with_what_differs(suite: Suite, target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    await run(Plan([suite], folder, ("thanks",), seed=3), target)
    before = (folder / LINES).read_bytes(), (folder / HEAD).read_bytes()
    changed = written(tmp_path / "mine.yaml", SUITE.replace("Merci beaucoup", "Mille mercis"))
    newer = replace(target, versions=target.versions | {"policy": "another"})
    same: dict[str, Any] = {"filters": ("thanks",), "seed": 3}
    others: list[tuple[Plan, Target, str]] = [
        (Plan([changed], folder, **same), target, "suites"),
        (Plan([suite], folder, seed=3), target, "filters"),
        (Plan([suite], folder, ("thanks",)), target, "seed"),
        (Plan([suite], folder, mode="record", **same), target, "mode"),
        (Plan([suite], folder, **same), replace(target, name="http://elsewhere"), "target"),
        (Plan([suite], folder, **same), newer, "version of the policy"),
    ]
    for plan, reached, what in others:
        with pytest.raises(SettingsNotUsable) as refused:
            await run(plan, reached)
        assert refused.value.detail == (f"{folder} holds a run with other {what}: give another --output, or remove the folder")
    assert ((folder / LINES).read_bytes(), (folder / HEAD).read_bytes()) == before


@pytest.mark.parametrize("damage", ["a file in its place", "no head", "a line that is none"])
async def test_a_folder_that_cant_be_used_is_refused(suite: Suite, target: Target, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "run"
    if damage == "a file in its place":
        folder.write_text("notes")
    else:
        await run(Plan([suite], folder, ("thanks",)), target)
        if damage == "no head":
            (folder / HEAD).unlink()
        else:
            (folder / LINES).write_text("nonsense\n")
    with pytest.raises(SettingsNotUsable, match="can't be used for a run"):
        await run(Plan([suite], folder, ("thanks",)), target)


def test_files_of_one_suite_are_run_as_one_and_a_case_given_twice_once(tmp_path: Path) -> None:
    one = written(tmp_path / "one.yaml")
    head, _, _ = SUITE.partition("cases:")
    two = written(tmp_path / "two.yaml", f"{head}cases:\n  - name: en-new\n    inputs: {{text: hello}}\n")
    (made,) = joined([one, two, one])
    assert sorted(case.case.name for case in made.cases) == sorted([*NAMES, "en-new"])
    assert made.digest not in (one.digest, two.digest)
    other = written(tmp_path / "other.yaml", SUITE.replace("Merci beaucoup", "Mille mercis"))
    with pytest.raises(SettingsNotUsable, match=r"other\.yaml: case fr-thanks of suite mine is another one in .*one\.yaml"):
        joined([one, other])


@pytest.mark.parametrize("name", ["baseline.jsonl", "baseline.jsonl.gz"])
def test_a_baseline_keeps_every_verdict_and_no_text_of_anybody(whole: Run, tmp_path: Path, name: str) -> None:
    write_baseline(whole, tmp_path / name)
    kept = read_run(tmp_path / name)
    assert [(result.key, result.digest, result.passed) for result in kept.results] == [
        (result.key, result.digest, result.passed) for result in whole.results
    ]
    for one, other in zip(kept.results, whole.results, strict=True):
        assert [(v.name, v.holds) for v in one.verdicts] == [(v.name, v.holds) for v in other.verdicts]
        assert (one.text, one.seconds, one.thread) == ("", 0.0, [])
        assert one.found is None or (one.found.public, one.found.private) == (None, None)
        assert one.found is None or other.found is None or one.found.scores == other.found.scores
    write_baseline(whole, tmp_path / f"again-{name}")
    assert (tmp_path / f"again-{name}").read_bytes() == (tmp_path / name).read_bytes()


def test_a_run_is_read_without_a_last_line_that_was_cut_off(whole: Run, tmp_path: Path) -> None:
    content = (whole.folder / LINES).read_text(encoding="utf-8")
    (tmp_path / "cut.jsonl").write_text(content[:-20], encoding="utf-8")
    assert len(read_run(tmp_path / "cut.jsonl").results) == len(NAMES) - 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is no run: give the folder that firstreply eval run wrote, or a baseline file"),
        (b"nonsense\n", "can't be read as a run"),
        (b'{"suite": "mine"}\n', "can't be read as a run"),
        (b"\xff\xfe\n", "can't be read as a run"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "some.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsNotUsable) as refused:
        read_run(path)
    assert refused.value.detail.startswith(str(path))
    assert said in refused.value.detail
