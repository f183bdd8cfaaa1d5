"""What agents said is exported, masked and once, and what was exported can be trained on, run and imported."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml
from builders import TODAY

from evals.results import read_run
from service import pipeline
from service.cli import main
from service.errors import KnowledgeNotUsable
from service.feedback import give
from service.feedback_export import write_lines
from service.files import shipped
from service.messages import Feedback, Message, Triage
from service.parts import Parts, build_parts
from service.understand.classifier import load_heads
from service.understand.embedder import Embedder
from service.understand.examples import read_examples
from service.understand.refit import compared
from service.understand.signals import read_signal_rules

Run = Callable[..., CompletedProcess[str]]
PERSONAL = ("Lena", "Brandt", "lena.brandt", "A-1001", "C-1042", "2345", "Mo", "RP48210077DE", "@lena")
LENA = {"customer_id": "C-1042", "handle": "@lena", "name": "Lena Brandt"}


@dataclass(frozen=True)
class Said:
    """Triages by what agents said of them."""

    accepted: Triage
    corrected: Triage
    rejected: Triage


@pytest.fixture(scope="module")
def folder(_copied: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory for all of these tests: what they do with it is no other's business."""
    return _copied(tmp_path_factory.mktemp("said"))


@pytest.fixture(scope="module")
def said(settings_in: Any, folder: Path) -> Said:
    """Three triages: accepted, edited with the right label and approved, and rejected without a word on what is right."""

    async def work() -> Said:
        async with build_parts(settings_in(folder), today=TODAY) as parts:
            return Said(await _accepted(parts), await _corrected(parts), await _rejected(parts))

    return asyncio.run(work())


@pytest.fixture
def run(environment: Callable[..., dict[str, str]], folder: Path, tmp_path: Path, said: Said) -> Run:
    """`run("explain", …)` in this process, which saves a start: its exit code and what it printed."""

    def call(*words: object) -> CompletedProcess[str]:
        out, err, code = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["firstreply", *(str(word) for word in words)])
            for name, value in environment(folder).items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    main()
                except SystemExit as ended:
                    code = int(ended.code or 0)
        return CompletedProcess(words, code, out.getvalue(), err.getvalue())

    return call


async def _made(parts: Parts, text: str, **more: Any) -> Triage:
    message = {"text": text, "channel": "whatsapp", "received_at": "2026-11-22T09:00:00Z", "author": LENA} | more
    return await pipeline.triage(Message.model_validate(message), parts)


async def _accepted(parts: Parts) -> Triage:
    made = await _made(parts, "Hello, Lena Brandt here. Where is my parcel A-1001?")
    await give(parts, made.id, Feedback(action="accepted", agent="Mo"), "desk")
    return made


async def _corrected(parts: Parts) -> Triage:
    thread = [
        {"role": "customer", "text": "Lena again, @lena, lena.brandt@mail.example or +49 151 2345 6789."},
        {"role": "brand", "text": "Hello Lena!"},
    ]
    made = await _made(parts, "Do you have a shop in Gothenburg, asks Lena?", thread=thread)
    given = {"action": "edited", "text": "Hi Lena, no shop there. Mo", "agent": "Mo", "approve": True}
    right = {"wrong": {"label": "frustration", "topic": "returns", "escalate": False, "urgency": "high"}}
    await give(parts, made.id, Feedback.model_validate(given | right), "desk")
    return made


async def _rejected(parts: Parts) -> Triage:
    made = await _made(parts, "Thank you so much, Lena")
    await give(parts, made.id, Feedback.model_validate({"action": "rejected", "reasons": ["not_needed"]}), "desk")
    return made


def exported(run: Run, form: str, output: Path, *more: str) -> str:
    done = run("feedback", "export", "--brand", "demo", "--as", form, "--output", output, *more)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1]


def assert_masked(text: str) -> None:
    for personal in PERSONAL:
        assert not re.search(rf"(?<!\w){re.escape(personal)}\b", text), f"{personal} in\n{text}"


def test_examples_can_be_trained_on(run: Run, tmp_path: Path, said: Said, embedder: Embedder) -> None:
    output = tmp_path / "examples" / "mine.jsonl"
    assert exported(run, "examples", output) == f"2 examples added to {output}, 0 there already, 1 triages with nothing to learn"
    text = output.read_text(encoding="utf-8")
    assert_masked(text)
    examples = {example.id: example for example in read_examples([output.parent])}
    assert set(examples) == {said.accepted.id, said.corrected.id}
    accepted, corrected = examples[said.accepted.id], examples[said.corrected.id]
    seen = said.accepted.understanding
    assert (accepted.label, accepted.topic, accepted.language) == (seen.label, seen.topic.label, "en")
    assert (corrected.label, corrected.level, corrected.topic, corrected.urgency) == (
        "frustration",
        "moderate",
        "returns",
        "high",
    )
    assert corrected.reasons == ()
    assert [turn.role for turn in corrected.thread] == ["customer", "brand"]

    heads = load_heads(shipped("knowledge/heads.safetensors"), embedder.fingerprint)
    rules = read_signal_rules(shipped("knowledge/signals"))
    aspects = {one.name: one for one in compared([accepted, corrected], heads, heads, embedder, rules, ["delivery", "returns"])}
    assert aspects["label"].before == 1, "the heads in force have the corrected one wrong"

    edited = text.replace('"urgency": "high"', '"urgency": "critical"')
    output.write_text(edited, encoding="utf-8")
    assert exported(run, "examples", output).startswith(f"0 examples added to {output}, 2 there already")
    assert output.read_text(encoding="utf-8") == edited, "what a person corrected stays"
    assert exported(run, "examples", tmp_path / "late.jsonl", "--since", "2100-01-01").startswith("0 examples")
    assert not (tmp_path / "late.jsonl").exists()


def test_cases_can_be_run_and_expect_what_is_right(run: Run, tmp_path: Path, said: Said) -> None:
    output = tmp_path / "mine.yaml"
    assert exported(run, "cases", output) == f"3 cases added to {output}, 0 there already, 0 triages with nothing to learn"
    text = output.read_text(encoding="utf-8")
    assert_masked(text)
    cases = {case["name"]: case for case in yaml.safe_load(text)["cases"]}
    right = cases[said.corrected.id]["expected_output"]
    assert (right["label"], right["level"], right["topic"]) == (["frustration"], ["mild", "moderate", "strong"], ["returns"])
    assert (right["escalate"], right.get("reasons", [])) == (False, [])
    assert "action" not in cases[said.rejected.id]["expected_output"]
    assert exported(run, "cases", output).startswith("0 cases added")
    assert output.read_text(encoding="utf-8") == text

    ran = run("eval", "run", output, "--output", tmp_path / "run")
    assert ran.returncode == 0, ran.stderr
    passed = {result.case: result.passed for result in read_run(tmp_path / "run").results}
    assert passed == {said.accepted.id: True, said.corrected.id: False, said.rejected.id: True}


def test_precedents_can_be_imported_as_knowledge(run: Run, tmp_path: Path, said: Said) -> None:
    output = tmp_path / "replies.jsonl"
    assert exported(run, "precedents", output).startswith("1 precedents added")
    (line,) = [json.loads(one) for one in output.read_text(encoding="utf-8").splitlines()]
    assert line == {
        "id": f"precedent-{said.corrected.id}", "question": "Do you have a shop in Gothenburg, asks [name]?",
        "answer": "Hi [name], no shop there. [name]", "language": "en",
    }  # fmt: skip
    imported = run("knowledge", "import", output, "--brand", "fresh")
    assert imported.returncode == 0, imported.stderr
    assert "1 added" in imported.stdout + imported.stderr


def test_a_triage_is_explained_so_that_a_person_can_read_it(run: Run, said: Said) -> None:
    told = run("explain", said.accepted.id)
    assert told.returncode == 0, told.stderr
    for line in (
        r"^What came in$", r"^  text +Hello, Lena Brandt here", r"^  versions +service \d", r"^  milliseconds +embed \d",
        r"^  label +information_seeking \(", r"^  passage +0\.\d\d ", r"^  order +A-1001 .*picked by number in text",
        r"^  goes to +\w+, ", r"^  conversation +tri_\w+  answered by Mo", r"^  checks passed +language, ",
        r"^  20\d\d-.* UTC +accepted", r"^  20\d\d-.* UTC +local: recorded",
        r"^  20\d\d-.* UTC +Mo: answer  \(from new, to answered",
    ):  # fmt: skip
        assert re.search(line, told.stdout, re.MULTILINE), f"{line} not in\n{told.stdout}"
    corrected = run("explain", said.corrected.id).stdout
    assert "should be label frustration, topic returns, urgency high, escalate False" in corrected
    as_json = json.loads(run("explain", said.rejected.id, "--json").stdout)
    assert as_json["feedback"][0]["feedback"]["reasons"] == ["not_needed"]


def test_what_cant_be_exported_or_explained_is_said_in_a_line(run: Run, tmp_path: Path) -> None:
    unknown = run("explain", "tri_none")
    assert (unknown.returncode, "no triage tri_none is recorded here" in unknown.stderr) == (2, True)
    foreign = run("feedback", "export", "--brand", "nobody", "--as", "cases", "--output", tmp_path / "x")
    assert (foreign.returncode, "no brand named 'nobody'; there are: demo" in foreign.stderr) == (2, True)
    other = tmp_path / "other.txt"
    other.write_text("notes of mine\n", encoding="utf-8")
    with pytest.raises(KnowledgeNotUsable, match="name another file"):
        write_lines(other, [{"id": "tri_1"}])
    assert other.read_text(encoding="utf-8") == "notes of mine\n"
