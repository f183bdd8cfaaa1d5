"""`firstreply eval` as a QA lead uses it: what it prints, writes and refuses, and what its gates catch."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import yaml
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from evals.results import read_run
from evals.runner import Plan, run
from evals.suites import find_suite, read_suite
from evals.targets import in_process
from service import pipeline
from service.cli import main
from service.files import shipped
from service.messages import Feedback, Message
from service.parts import build_parts
from service.settings import Settings

Eval = Callable[..., CompletedProcess[str]]
TODAY = date(2026, 11, 22)
REPORTS = ("report.html", "junit.xml", "metrics.json", "summary.md")
SUITE = """\
name: mine
defaults: {received_at: "2026-11-22T09:00:00Z"}
cases:
  - name: parcel
    inputs: {text: "Where is my parcel A-1001?", author: {customer_id: C-1042}, channel: whatsapp}
    expected_output: {label: information_seeking, language: en, order: A-1001}
    tags: [order]
  - name: wrong
    inputs: {text: "Thank you so much, the tent is wonderful!"}
    expected_output: {label: frustration, language: en}
  - name: raises
    inputs: {text: "Where is it?", brand: nobody}
  - name: left-out
    inputs: {text: "Does it float?"}
    skip: the answer is being written
"""


def call(folder: Path, environment: dict[str, str], *words: object) -> CompletedProcess[str]:
    """`firstreply eval WORDS` in this process, which saves a start: its exit code and what it printed."""
    said, complained, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["firstreply", "eval", *(str(word) for word in words)])
        for name in environment:
            patch.setenv(name, environment[name])
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            try:
                main()
            except SystemExit as ended:
                code = int(ended.code or 0)
    return CompletedProcess(words, code, said.getvalue(), complained.getvalue())


@pytest.fixture
def firstreply(environment: Callable[..., dict[str, str]], tmp_path: Path) -> Eval:
    """`firstreply("run", "mine.yaml", data_dir=…, NAME=value)` in the test's folder."""

    def make(*words: object, data_dir: Path | None = None, **more: object) -> CompletedProcess[str]:
        return call(tmp_path, environment(data_dir or tmp_path / "data", **more), *words)

    return make


@pytest.fixture(scope="module")
def kept(environment: Callable[..., dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `mine.yaml`, its run `first`, and the cassette `answers.jsonl` of it."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "mine.yaml").write_text(SUITE, encoding="utf-8")
    recorded = ("run", "mine.yaml", "--output", "first", "--mode", "record", "--cassette", "answers.jsonl")
    done(call(folder, environment(folder / "data"), *recorded))
    return folder


def done(process: CompletedProcess[str], code: int = 0) -> CompletedProcess[str]:
    assert process.returncode == code, (process.returncode, process.stdout[-3_000:], process.stderr[-3_000:])
    assert "Traceback" not in process.stderr
    return process


def refused(process: CompletedProcess[str], *said: object) -> str:
    """The one line on stderr, which holds each of `said`."""
    assert process.returncode == 2, (process.returncode, process.stdout, process.stderr)
    lines = process.stderr.strip().splitlines()
    assert len(lines) == 1, process.stderr
    assert lines[0].startswith("firstreply: ")
    assert not [str(words) for words in said if str(words) not in lines[0]], lines[0]
    assert process.stdout == ""
    return lines[0]


def results(folder: Path) -> list[dict[str, Any]]:
    return [result.model_dump(exclude={"seconds"}) for result in read_run(folder).results]


# run


def test_a_run_prints_its_numbers_and_what_fails_and_writes_every_report(kept: Path) -> None:
    first = kept / "first"
    assert [name for name in (*REPORTS, "run.json", "results.jsonl") if not (first / name).is_file()] == []
    numbers = json.loads((first / "metrics.json").read_text(encoding="utf-8"))
    assert numbers["cases"] == {"judged": 3, "passed": 1, "errors": 1, "skipped": 1}
    junit = ET.parse(first / "junit.xml").getroot()
    assert {case.get("name"): [part.tag for part in case] for case in junit.iter("testcase")} == {
        "parcel": [], "wrong": ["failure"], "raises": ["error"], "left-out": ["skipped"],
    }  # fmt: skip


def test_a_run_lists_what_fails_and_what_raised(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    words = ("run", kept / "mine.yaml", "--mode", "replay", "--cassette", kept / "answers.jsonl", "--output", "run")
    printed = done(firstreply(*words)).stdout
    assert "fails  mine/wrong: label\n" in printed
    assert f"raised  mine/raises: ReplayMiss: no answer to this case is in {kept / 'answers.jsonl'}: record it again\n" in printed
    assert re.search(r"^pass_rate +0\.333 +0\.\d{3}–\d\.\d{3} +3$", printed, re.MULTILINE)
    assert printed.endswith("run/report.html\n")


def test_a_run_without_an_output_gets_a_folder_named_for_its_suite(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    words = ("run", kept / "mine.yaml", "--mode", "replay", "--cassette", kept / "answers.jsonl", "--filter", "parcel")
    printed = done(firstreply(*words)).stdout
    (folder,) = (tmp_path / ".firstreply" / "evals").iterdir()
    assert re.fullmatch(r"mine-\d{8}-\d{6}", folder.name)
    assert f".firstreply/evals/{folder.name}/report.html" in printed
    assert [result["case"] for result in results(folder)] == ["parcel"]


def test_a_run_says_that_its_results_were_there_before(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    words = ("run", kept / "mine.yaml", "--mode", "replay", "--cassette", kept / "answers.jsonl", "--output", "run")
    assert done(firstreply(*words)).stderr == ""
    before = results(tmp_path / "run")
    assert "4 of 4 results were in run before: all of them, so nothing was run" in done(firstreply(*words)).stderr
    lines = (tmp_path / "run" / "results.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "run" / "results.jsonl").write_text("".join(lines[:3]), encoding="utf-8")
    assert "3 of 4 results were in run before: the others were run now" in done(firstreply(*words)).stderr
    assert results(tmp_path / "run") == before


def test_a_recording_that_goes_on_keeps_what_it_recorded(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept / "first", tmp_path / "first")
    shutil.copy(kept / "answers.jsonl", tmp_path / "answers.jsonl")
    lines = (tmp_path / "first" / "results.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    rest = [line for line in lines if '"case":"wrong"' not in line]
    assert len(rest) == len(lines) - 1
    (tmp_path / "first" / "results.jsonl").write_text("".join(rest), encoding="utf-8")
    done(firstreply("run", kept / "mine.yaml", "--output", "first", "--mode", "record", "--cassette", "answers.jsonl"))
    replay = ("run", kept / "mine.yaml", "--output", "second", "--mode", "replay", "--cassette", "answers.jsonl")
    done(firstreply(*replay))
    assert [result["error"] for result in results(tmp_path / "second") if result["case"] in ("parcel", "wrong")] == [None, None]


def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_results(
    firstreply: Eval, command: list[str], environment: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    suite = ["understanding", "--filter", "language=nl", "--filter", "channel=email", "--repeat", "12", "--seed", "5"]
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        [*command, "eval", "run", *suite, "--output", str(folder), "--concurrent", "1"],
        env=environment(tmp_path / "data"), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 60
    lines = folder / "results.jsonl"
    while not (lines.exists() and lines.read_bytes().count(b"\n") >= 10):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=10) == -signal.SIGKILL
    left = lines.read_bytes().count(b"\n")
    assert not (folder / "report.html").exists()

    again = done(firstreply("run", *suite, "--output", folder))
    done(firstreply("run", *suite, "--output", "whole"))
    ended, whole = results(folder), results(tmp_path / "whole")
    assert 10 <= left < len(whole)
    assert f"{left} of {len(whole)} results were in {folder} before: the others were run now" in again.stderr
    assert ended == whole
    assert [name for name in REPORTS if not (folder / name).is_file()] == []
    assert (folder / "summary.md").read_text() == (tmp_path / "whole" / "summary.md").read_text()
    one, other = (json.loads((path / "metrics.json").read_text()) for path in (folder, tmp_path / "whole"))
    timeless = ("made_at", "seconds")
    assert {key: value for key, value in one["run"].items() if key not in timeless} == {
        key: value for key, value in other["run"].items() if key not in timeless
    }
    assert {**one, "run": None} == {**other, "run": None}


def test_a_folder_of_another_run_is_refused_and_left_alone(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept / "first", tmp_path / "first")
    before = {path.name: path.read_bytes() for path in (tmp_path / "first").iterdir()}
    replay = ("run", kept / "mine.yaml", "--output", "first", "--mode", "replay", "--cassette", kept / "answers.jsonl")
    refused(firstreply(*replay), "first holds a run with other target, mode", "give another --output, or remove the folder")
    assert {path.name: path.read_bytes() for path in (tmp_path / "first").iterdir()} == before


@pytest.mark.parametrize(
    ("typo", "said"),
    [
        ("    expected_outptu: {label: praise}", ":4: unknown key 'cases.0.expected_outptu'; did you mean 'expected_output'?"),
        ("    expected_output: {lable: praise}", ":4: unknown key 'cases.0.expected_output.lable'; did you mean 'label'?"),
        ("    expected_output: {label: happy}", ":4: cases.0.expected_output.label"),
        ("    asserts: [{type: contians, value: a}]", "did you mean 'contains'?"),
        ("    asserts: [{type: contains, valeu: a}]", ":4: unknown key 'cases.0.asserts.0.valeu'; did you mean 'value'?"),
        ("    tag: [a]", ":4: unknown key 'cases.0.tag'; did you mean 'tags'?"),
    ],
)
def test_a_typo_in_a_suite_names_file_line_key_and_the_nearest_key(
    firstreply: Eval, tmp_path: Path, typo: str, said: str
) -> None:
    text = f"name: typo\ncases:\n  - name: one\n{typo}\n    inputs: {{text: hello}}\n"
    (tmp_path / "typo.yaml").write_text(text, encoding="utf-8")
    refused(firstreply("run", "typo.yaml"), "typo.yaml:4: ", said)


def test_a_typo_in_a_request_names_its_line_and_the_nearest_key(firstreply: Eval, tmp_path: Path) -> None:
    text = "name: typo\ncases:\n  - name: one\n    inputs:\n      text: hello\n      chanel: x\n"
    (tmp_path / "typo.yaml").write_text(text, encoding="utf-8")
    refused(firstreply("run", "typo.yaml"), "typo.yaml:6: ", "chanel", "did you mean 'channel'?")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("escalatoin",), "no suite 'escalatoin'; did you mean 'escalation'?"),
        (("nothing-like-it",), "no suite 'nothing-like-it'; there are: checks, drafts, "),
        (("mine.yaml", "--mode", "reply"), "--mode is one of live, record, replay, not 'reply'"),
        (("mine.yaml", "--mode", "record"), "--mode record needs --cassette FILE"),
        (("mine.yaml", "--mode", "replay", "--cassette", "none.jsonl"), "none.jsonl can't be read (FileNotFoundError)"),
        (("mine.yaml", "--cassette", "a.jsonl"), "--mode live takes no --cassette"),
        (("mine.yaml", "--filter", "lang=de"), "no case fits lang=de: filters are a part of a name, tag=, suite= or a slice"),
        (("mine.yaml", "--target", "http://127.0.0.1:9"), "no service answers at http://127.0.0.1:9 (ConnectError)"),
        (("mine.yaml", "--target", "http://127.0.0.1:9", "--installation"), "two sources of answers"),
        (("mine.yaml", "--target", "http://a", "--mode", "replay", "--cassette", "a.jsonl"), "two sources of answers"),
    ],
)  # fmt: skip
def test_what_cant_be_run_is_one_line_and_exit_code_2(
    firstreply: Eval, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "mine.yaml").write_text(SUITE, encoding="utf-8")
    refused(firstreply("run", *words), said)
    assert not (tmp_path / ".firstreply").exists()


def test_an_output_that_cant_be_written_is_refused(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    replay = ("run", kept / "mine.yaml", "--mode", "replay", "--cassette", kept / "answers.jsonl")
    refused(firstreply(*replay, "--output", "file"), "file can't be used for a run", "give another --output")
    refused(firstreply(*replay, "--output", "file/run"), "file/run can't be used for a run", "give another --output")


# compare, gate, report, baseline


def gates(path: Path, *entries: str) -> Path:
    path.write_text("".join(f"[[gate]]\n{entry}\n" for entry in entries), encoding="utf-8")
    return path


def turned(run: Path, target: Path, case: str, verdict: str) -> Path:
    """A copy of a run in which a case's verdict turned."""
    shutil.copytree(run, target)
    lines = [json.loads(line) for line in (run / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        for one in line.get("verdicts", []):
            if (line["case"], one["name"]) == (case, verdict):
                one["holds"] = not one["holds"]
    (target / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return target


def test_compare_names_the_cases_that_turned_and_what_of_them(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    worse = turned(kept / "first", tmp_path / "worse", "parcel", "order")
    printed = done(firstreply("compare", kept / "first", worse)).stdout
    assert "turned  mine/parcel: lost order\n" in printed
    assert "3 cases in both, 1 turned, 0 new, 0 gone, 0 rewritten\n" in printed
    assert re.search(r"^pass_rate +all +0\.333 +0\.000 +-0\.333 ", printed, re.MULTILINE)
    assert (worse / "compare.html").is_file()
    assert json.loads((worse / "compare.json").read_text(encoding="utf-8"))["flips"]
    better = done(firstreply("compare", worse, kept / "first", "--output", "out")).stdout
    assert "turned  mine/parcel: gained order\n" in better
    # A comparison leaves the run's own reports as they are.
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"compare.html", "compare.json", "compare.md"}
    same = done(firstreply("compare", kept / "first", kept / "first", "--output", "out")).stdout
    assert same.startswith("nothing moved\n")


def test_runs_without_a_case_in_common_are_not_compared(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    lines = (kept / "first" / "results.jsonl").read_text(encoding="utf-8")
    (tmp_path / "other.jsonl").write_text(lines.replace('"suite":"mine"', '"suite":"yours"'), encoding="utf-8")
    (tmp_path / "rewritten.jsonl").write_text(re.sub('"digest":"[0-9a-f]+"', '"digest":"0"', lines), encoding="utf-8")
    limit = gates(tmp_path / "gates.toml", 'measure = "pass_rate"\nlargest_drop = 0.01')
    for name, why in (("other", "they have none in common"), ("rewritten", "3 are in both and say something else")):
        said = refused(firstreply("compare", kept / "first", f"{name}.jsonl"), why)
        assert f"no case of {name}.jsonl can be compared with {kept / 'first'}" in said
        refused(firstreply("gate", kept / "first", "--gates", limit, "--baseline", f"{name}.jsonl"), why)
        refused(firstreply("report", kept / "first", "--baseline", f"{name}.jsonl"), why)


def test_a_baseline_is_one_small_file_that_later_runs_are_compared_with(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    for name in ("a/all.jsonl", "a/all.jsonl.gz"):
        assert done(firstreply("baseline", kept / "first", name)).stdout == f"4 results written to {name}\n"
        worse = turned(kept / "first", tmp_path / f"worse-{Path(name).name}", "parcel", "order")
        assert "turned  mine/parcel: lost order\n" in done(firstreply("compare", name, worse)).stdout
    assert (tmp_path / "a" / "all.jsonl.gz").stat().st_size < (tmp_path / "a" / "all.jsonl").stat().st_size
    (tmp_path / "file").write_text("")
    refused(firstreply("baseline", kept / "first", "file/all.jsonl"), "file/all.jsonl can't be written")
    refused(firstreply("baseline", "nowhere", "all.jsonl"), "nowhere is no run")


def test_a_report_is_written_again_from_the_results_alone(firstreply: Eval, kept: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for name in ("results.jsonl", "run.json"):
        shutil.copy(kept / "first" / name, tmp_path / "run" / name)
    printed = done(firstreply("report", "run")).stdout
    assert printed.split() == [f"run/{name}" for name in REPORTS]
    for name in ("metrics.json", "summary.md", "junit.xml"):
        assert (tmp_path / "run" / name).read_bytes() == (kept / "first" / name).read_bytes()
    refused(firstreply("report", "nowhere"), "nowhere is no run: give the folder that firstreply eval run wrote")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('measure = "pass_rat"\nminimum = 1', "did you mean 'pass_rate'?"),
        ('measure = "pass_rate"\nminimun = 1', "gates.toml:3: unknown key 'gate.0.minimun'; did you mean 'minimum'?"),
        ('measure = "pass_rate"', "sets no limit: give minimum, maximum or largest_drop"),
        ("measure = ", "gates.toml: "),
    ],
)
def test_a_typo_in_a_gate_names_the_nearest_key(firstreply: Eval, kept: Path, tmp_path: Path, entry: str, said: str) -> None:
    refused(firstreply("gate", kept / "first", "--gates", gates(tmp_path / "gates.toml", entry)), "gates.toml", said)
    refused(firstreply("gate", kept / "first", "--gates", "none.toml"), "none.toml can't be read")
    refused(firstreply("gate", "nowhere"), "nowhere is no run")


# label


async def test_a_recorded_triage_with_its_feedback_becomes_a_case_that_passes(
    settings_in: Callable[..., Settings], data_dir: Path, firstreply: Eval, tmp_path: Path
) -> None:
    message = Message.model_validate(
        {
            "text": "Hello, Lena Brandt here (lena.brandt@mail.example, +49 151 2345 6789). Where is my parcel A-1001? "
                    "Tell @lena, please!",
            "channel": "whatsapp", "received_at": "2026-11-22T09:00:00Z", "id": "wa-778", "conversation_id": "chat-778",
            "author": {"customer_id": "C-1042", "handle": "@lena", "name": "Lena Brandt", "followers": 20412},
            "thread": [{"role": "customer", "text": "It is Lena again."}, {"role": "brand", "text": "Hello Lena!"}],
        }
    )  # fmt: skip
    async with build_parts(settings_in(data_dir), today=TODAY) as parts:
        made = await pipeline.triage(message, parts)
        sent = "Hi Lena, A-1001 arrives on 24 November. Call us on +31 50 555 0142."
        await parts.records.feedback.put(made.id, Feedback.model_validate({"action": "edited", "text": sent, "agent": "Mo"}))
    assert made.context.orders[0].order_id == "A-1001"

    def label() -> CompletedProcess[str]:
        return firstreply("label", made.id, "--suite", "recorded.yaml", data_dir=data_dir)

    assert f"case {made.id} added to recorded.yaml: read it once" in done(await asyncio.to_thread(label)).stderr
    text = (tmp_path / "recorded.yaml").read_text(encoding="utf-8")
    for personal in ("Lena", "lena", "Brandt", "1001", "1042", "2345", "555 0142", "20412", "778", "RP48210077DE", "Mo"):
        assert not re.search(rf"\b{re.escape(personal)}\b", text), f"{personal} in\n{text}"
    (case,) = yaml.safe_load(text)["cases"]
    assert case["tags"] == ["recorded", "feedback:edited"]
    masked = case["expected_output"]["order"]
    assert re.fullmatch(r"A-\d{4}", masked)
    assert f", {masked} arrives on 24 November. Call us on " in case["reference"]
    assert case["expected_output"]["label"] == [made.understanding.label]

    again = done(await asyncio.to_thread(label))
    assert f"case {made.id} is in recorded.yaml already" in again.stderr
    assert (tmp_path / "recorded.yaml").read_text(encoding="utf-8") == text
    ran = await asyncio.to_thread(lambda: firstreply("run", "recorded.yaml", "--output", "run"))
    assert [line for line in done(ran).stdout.splitlines() if line.startswith(("fails", "raised"))] == []
    (result,) = read_run(tmp_path / "run").results
    assert (result.passed, result.reference) == (True, case["reference"])

    words = ("label", made.id, "--suite", "right.yaml", "--label", "frustration", "--escalate", "--reason", "legal_threat")
    done(await asyncio.to_thread(lambda: firstreply(*words, data_dir=data_dir)))
    (right,) = yaml.safe_load((tmp_path / "right.yaml").read_text(encoding="utf-8"))["cases"]
    expected = right["expected_output"]
    assert (expected["label"], expected["escalate"], expected["reasons"]) == (["frustration"], True, ["legal_threat"])


def test_a_label_of_nothing_and_a_wrong_one_are_refused(firstreply: Eval, data_dir: Path, tmp_path: Path) -> None:
    label = ("label", "tri_0", "--suite", "recorded.yaml")
    refused(firstreply(*label, data_dir=data_dir), "no triage tri_0 is recorded here", "FIRSTREPLY_DATA_DIR")
    refused(firstreply(*label, "--label", "happy", data_dir=data_dir), "label", "'frustration'")
    refused(firstreply(*label, "--reason", "whim", data_dir=data_dir), "reasons", "'legal_threat'")
    assert not (tmp_path / "recorded.yaml").exists()


# A release that is worse

SLICE = {"drafts": (), "escalation": ("language=en",), "retrieval": ()}
LIMITS = {
    "drafts": ['measure = "draft.asserts"\nlargest_drop = 0.02'],
    "escalation": ['measure = "escalation.recall"\nlargest_drop = 0.01'],
    "retrieval": ['measure = "retrieval.found"\nlargest_drop = 0.02', 'measure = "label.accuracy"\nlargest_drop = 0.02'],
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def release(settings_in: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the brand that is in use, under brands/demo, and its runs drafts, escalation and retrieval."""
    folder = tmp_path_factory.mktemp("release")
    shutil.copytree(shipped("knowledge/demo"), folder / "brands" / "demo")
    async with in_process(settings_in(folder / "data", knowledge_dir=folder / "brands"), TODAY) as target:
        for suite, filters in SLICE.items():
            await run(Plan([read_suite(find_suite(suite))], folder / suite, filters), target)
            gates(folder / f"{suite}.toml", *LIMITS[suite])
    return folder


@pytest.fixture
def brand(release: Path, tmp_path: Path) -> Path:
    """A copy of the brand, to be changed."""
    return Path(shutil.copytree(release / "brands" / "demo", tmp_path / "brands" / "demo"))


def judged(firstreply: Eval, release: Path, suite: str, code: int) -> str:
    """What `gate` prints of a run of the changed brand against the one in use."""
    new: dict[str, Any] = {"KNOWLEDGE_DIR": "brands"}
    filters = [word for one in SLICE[suite] for word in ("--filter", one)]
    done(firstreply("run", suite, *filters, "--output", suite, **new))
    gated = firstreply("gate", suite, "--gates", release / f"{suite}.toml", "--baseline", release / suite)
    return done(gated, code).stdout


def caught(printed: str, measure: str) -> list[str]:
    """The cases that the failed gate's reason names."""
    number = r"(\d\.\d{3})"
    failed = re.search(
        rf"^FAILED  {re.escape(measure)} of every suite, all: {number} became {number}, {number} worse than the baseline where "
        r"0\.0\d is allowed, and that is no chance \(p = (\S+), n = (\d+)\): (.+)$",
        printed, re.MULTILINE,
    )  # fmt: skip
    assert failed is not None, printed
    before, after, worse, p, n = (float(failed[at]) for at in range(1, 6))
    assert before - after == pytest.approx(worse, abs=0.0011)
    assert p < 0.05
    assert n >= 30
    assert "1 failed" in printed
    return failed[6].split(" and ")[0].split(", ")


def test_a_worse_phrase_file_is_caught_with_the_reason(firstreply: Eval, release: Path, brand: Path) -> None:
    (brand / "phrases").mkdir()
    vague = {
        "en": "{order} is being looked after.", "de": "Um {order} kümmern wir uns.", "nl": "We zijn bezig met {order}.",
        "sv": "Vi tar hand om {order}.", "fr": "Nous nous occupons de {order}.", "es": "Nos ocupamos de {order}.",
    }  # fmt: skip
    for language, text in vague.items():
        states = yaml.safe_load((shipped("prompts/compose") / f"{language}.yaml").read_text(encoding="utf-8"))["order"]
        content = {"language": language, "order": {state: [text] for state in states}}
        path = brand / "phrases" / f"{language}.yaml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    named = caught(judged(firstreply, release, "drafts", 1), "draft.asserts")
    assert len(named) == 5
    runs = (read_run(release / "drafts"), read_run(brand.parent.parent / "drafts"))
    found = [{result.case: result for result in run.results} for run in runs]
    for case in named:
        before, after = (one[case].found for one in found)
        assert before is not None
        assert after is not None
        assert before.private != after.private


def test_a_worse_threshold_is_caught_with_the_reason(firstreply: Eval, release: Path, brand: Path) -> None:
    path = brand / "escalation.yaml"
    text = path.read_text(encoding="utf-8")
    assert "\nthreshold: 0.5\n" in text
    path.write_text(text.replace("\nthreshold: 0.5\n", "\nthreshold: 0.95\n"), encoding="utf-8")
    named = caught(judged(firstreply, release, "escalation", 1), "escalation.recall")
    missed = {
        result.case
        for result in read_run(brand.parent.parent / "escalation").results
        if result.found and not result.found.escalate
    }
    assert set(named) <= missed


def test_a_worse_heads_file_is_caught_with_the_reason(firstreply: Eval, release: Path, brand: Path, tmp_path: Path) -> None:
    numbers = load_file(shipped("knowledge/heads.safetensors"))
    with safe_open(shipped("knowledge/heads.safetensors"), "numpy") as file:
        about = file.metadata()
    numbers["label.weights"] = np.roll(numbers["label.weights"], 1, axis=0)
    (tmp_path / "data").mkdir()
    save_file(
        {name: np.ascontiguousarray(value) for name, value in numbers.items()}, tmp_path / "data" / "heads.safetensors", about
    )
    caught(judged(firstreply, release, "retrieval", 1), "label.accuracy")


def test_a_worse_knowledge_file_is_caught_with_the_reason(firstreply: Eval, release: Path, brand: Path) -> None:
    expected = [name for result in read_run(release / "retrieval").results for name in result.expected.get("passages") or []]
    often = sorted(set(expected), key=lambda name: (-expected.count(name), name))[:4]
    for path in [path for name in often for path in (brand / "faqs").glob(f"*/{name}.md")]:
        path.unlink()
    named = caught(judged(firstreply, release, "retrieval", 1), "retrieval.found")
    wanted = {
        result.case: result.expected["passages"]
        for result in read_run(release / "retrieval").results
        if result.expected.get("passages")
    }
    assert all(set(wanted[case]) & set(often) for case in named)


def test_a_harmless_change_passes(firstreply: Eval, release: Path, brand: Path) -> None:
    (brand / "phrases").mkdir()
    phrases = {"language": "en", "signoff": ["Best wishes from all of us,\n{team}"]}
    (brand / "phrases" / "en.yaml").write_text(yaml.safe_dump(phrases), encoding="utf-8")
    policy = brand / "escalation.yaml"
    policy.write_text(policy.read_text(encoding="utf-8") + "\n# Read by QA.\n", encoding="utf-8")
    printed = judged(firstreply, release, "drafts", 0)
    assert re.search(
        r"^passed  draft\.asserts of every suite, all: 0\.\d{3} \(.+\), was 0\.\d{3} \(p = 1\)$", printed, re.MULTILINE
    )
    runs = (read_run(release / "drafts"), read_run(brand.parent.parent / "drafts"))
    private = [[result.found and result.found.private for result in run.results] for run in runs]
    assert private[0] != private[1], "the change is in no draft"
