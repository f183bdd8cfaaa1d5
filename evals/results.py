"""What a run writes: a line a case, in a folder that can be read again, graded again and compared."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from rapidfuzz.distance import Levenshtein

from evals.asserts import cited
from service.errors import SettingsNotUsable
from service.messages import Triage

HEAD, LINES = "run.json", "results.jsonl"


class Verdict(BaseModel):
    """One expectation or assert: whether it holds, and what was found."""

    name: str
    holds: bool
    why: str


class Text(BaseModel):
    """A draft's text as it was."""

    text: str
    length: int
    limit: int | None


class Found(BaseModel):
    """Of a triage what can be judged; nothing that differs between two runs of the same version."""

    label: str
    also: list[str]
    scores: dict[str, float]
    level: str
    trajectory: str
    topic: str
    urgency: str
    addressed: str
    language: str
    confidence: float
    signals: list[str]
    escalate: bool
    score: float
    reasons: list[str]
    evidence: list[str | None]
    queue: str
    priority: str
    passages: dict[str, float]
    orders: list[str]
    action: str | None
    public: Text | None
    private: Text | None
    sources: list[str]
    failed_checks: list[str]

    @classmethod
    def of(cls, triage: Triage) -> Self:
        """The comparable part of a triage."""
        seen, verdict, draft = triage.understanding, triage.escalation, triage.draft
        texts = {
            name: Text(text=text.text, length=text.length, limit=text.limit)
            for name, text in (("public", draft.public), ("private", draft.private)) if text is not None
        } if draft else {}  # fmt: skip
        return cls(
            label=seen.label, also=list(seen.also), scores={str(k): v for k, v in seen.scores.items()},
            level=seen.frustration_level, trajectory=seen.trajectory, topic=seen.topic.label, urgency=seen.urgency,
            addressed=seen.addressed.label, language=seen.language.code, confidence=seen.confidence,
            signals=[signal.code for signal in seen.signals], escalate=verdict.escalate, score=verdict.score,
            reasons=[reason.code for reason in verdict.reasons], evidence=[reason.evidence for reason in verdict.reasons],
            queue=verdict.queue, priority=verdict.priority,
            passages={passage.id: passage.score for passage in triage.context.passages},
            orders=[order.order_id for order in triage.context.orders],
            action=draft.action if draft else None, public=texts.get("public"), private=texts.get("private"),
            sources=sorted(cited(draft)),
            failed_checks=[check.check for check in draft.checks if not check.passed] if draft else [],
        )  # fmt: skip


class Result(BaseModel):
    """One case, once."""

    suite: str
    case: str
    repeat: int = 1
    digest: str
    text: str
    thread: list[str] = []
    channel: str
    expected: dict[str, Any]
    reference: str | None = None
    edits: float | None = None  # the distance, where a baseline has left out the texts
    asserts: int = 0  # how many the case makes
    tags: list[str] = []
    slices: dict[str, str] = {}
    weight: float = 1.0
    threshold: float = 1.0
    skipped: str | None = None
    error: str | None = None
    found: Found | None = None
    verdicts: list[Verdict] = []
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, str, int]:
        """The same in every run of the suite."""
        return self.suite, self.case, self.repeat

    @cached_property
    def passed(self) -> bool:
        """No error, and enough of the verdicts hold."""
        if self.error or self.skipped:
            return False
        held = sum(verdict.holds for verdict in self.verdicts)
        return not self.verdicts or held / len(self.verdicts) >= self.threshold

    @property
    def distance(self) -> float | None:
        """Normalised Levenshtein distance (0 to 1) of the nearer text to the reference; None where the case has none."""
        if self.edits is not None or not self.reference:
            return self.edits
        both = (self.found.private, self.found.public) if self.found else ()
        texts = [text.text for text in both if text is not None and text.text]
        return min((Levenshtein.normalized_distance(text, self.reference) for text in texts), default=1.0)

    @property
    def failing(self) -> list[Verdict]:
        """Verdicts that do not hold."""
        return [verdict for verdict in self.verdicts if not verdict.holds]


class Head(BaseModel):
    """What was run, by which versions."""

    model_config = ConfigDict(extra="ignore")

    made_at: str
    suites: dict[str, str]  # name and digest
    target: str
    mode: str = "live"
    seed: int = 0
    repeat: int = 1
    filters: list[str] = []
    versions: dict[str, str] = {}
    seconds: float = 0.0


class Run(BaseModel):
    """A finished run."""

    folder: Path
    head: Head
    results: list[Result]

    @property
    def name(self) -> str:
        """How people tell runs apart."""
        return self.folder.name.removesuffix(".gz").removesuffix(".jsonl")

    @cached_property
    def judged(self) -> list[Result]:
        """Results of cases that were run."""
        return [result for result in self.results if not result.skipped]


def read_run(path: Path) -> Run:
    """The run in a folder, or a baseline file of result lines; raises SettingsNotUsable saying what is wrong."""
    lines = path / LINES if path.is_dir() else path
    if not lines.is_file():
        raise SettingsNotUsable(f"{path} is no run: give the folder that firstreply eval run wrote, or a baseline file")
    head = path / HEAD
    try:
        known = Head.model_validate_json(head.read_text(encoding="utf-8")) if path.is_dir() and head.is_file() else None
        results = read_lines(lines)
    except (ValidationError, ValueError, OSError) as error:
        first = str(error).splitlines()[0]
        raise SettingsNotUsable(f"{path} can't be read as a run ({first}): was it written by another version?") from None
    if known is None:
        known = Head(made_at="", suites={}, target="")
    return Run(folder=path, head=known, results=sorted(results, key=lambda result: result.key))


def read_lines(path: Path) -> list[Result]:
    """Results of a file, packed or not, a cut-off last line left out."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    return [Result.model_validate_json(line) for line in whole.split("\n") if line]


def write_head(folder: Path, head: Head) -> None:
    """What was run, into the run's folder."""
    replace_text(folder / HEAD, head.model_dump_json(indent=1) + "\n")


def replace_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all: a run may be killed at any moment."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def write_baseline(run: Run, path: Path) -> None:
    """The run's results in one file without texts and times, packed where its name ends in .gz: the later runs' measure."""
    content = "".join(line + "\n" for line in _baseline_lines(run.results)).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _baseline_lines(results: Iterable[Result]) -> Iterable[str]:
    for result in results:
        content = result.model_dump(mode="json", exclude_defaults=True, exclude={"seconds", "thread", "reference"})
        content |= {"text": "", "verdicts": [{"name": v.name, "holds": v.holds, "why": ""} for v in result.verdicts]}
        if (distance := result.distance) is not None:
            content["edits"] = distance
        if result.found is not None:
            content["found"] |= {"public": None, "private": None, "evidence": []}
        yield json.dumps(content, ensure_ascii=False)
