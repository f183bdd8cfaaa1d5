"""Runs suites: cases side by side, each result written as it comes, so that a run that was killed goes on where it ended."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_evals import Case, Dataset
from pydantic_evals.lifecycle import CaseLifecycle
from pydantic_evals.reporting import ReportCase, ReportCaseFailure

from evals.judge import MeetsExpectations
from evals.results import HEAD, LINES, Found, Head, Result, Run, Verdict, read_lines, read_run
from evals.suites import Suite, SuiteCase
from evals.targets import Skip, Target
from service.errors import SettingsNotUsable
from service.messages import Triage

CONCURRENT = 8  # cases in flight: enough to keep one embedding thread, or a service, busy


@dataclass
class Plan:
    """What is run, and how."""

    suites: Sequence[Suite]
    folder: Path
    filters: Sequence[str] = ()
    repeat: int = 1
    seed: int = 0
    mode: str = "live"
    concurrent: int = CONCURRENT
    started: float = field(default_factory=time.perf_counter)

    def cases(self) -> list[SuiteCase]:
        """The cases that pass every filter, in an order that the seed alone decides."""
        chosen = [case for suite in self.suites for case in suite.cases if all(matches(case, f) for f in self.filters)]
        random.Random(self.seed).shuffle(chosen)  # noqa: S311 - an order, not a secret
        return chosen


def matches(case: SuiteCase, wanted: str) -> bool:
    """Whether a case fits a filter: part of its name, tag=WORD, suite=NAME, or a slice such as language=de."""
    name, sign, value = wanted.partition("=")
    if not sign:
        return wanted.casefold() in case.case.name.casefold()
    if name == "tag":
        return value in case.case.tags
    return value == (case.suite if name == "suite" else case.slices.get(name))


async def run(plan: Plan, target: Target, done: Callable[[int], None] = lambda _: None) -> Run:
    """Runs what the plan's folder does not hold yet, and returns the whole run.

    A case that raises is a failed case with its error. Raises SettingsNotUsable where the folder holds another run.
    """
    cases = plan.cases()
    head = Head(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"), suites={suite.name: suite.digest for suite in plan.suites},
        target=target.name, mode=plan.mode, seed=plan.seed, repeat=plan.repeat, filters=list(plan.filters),
        versions=dict(target.versions),
    )  # fmt: skip
    finished = _finished(plan.folder, head)
    writer = _Writer(plan.folder / LINES, done)
    wanted = {(case.suite, case.case.name, number): case for number in range(1, plan.repeat + 1) for case in cases}
    done(len(finished & set(wanted)))
    todo = [(key, case) for key, case in wanted.items() if key not in finished]
    for key, case in todo:
        if case.case.skip:
            writer.write(_result(case, key[2], skipped=case.case.skip))
    dataset = Dataset[SuiteCase, Triage, Any](
        name="firstreply",
        cases=[
            Case(name=f"{key[0]}/{key[1]}#{key[2]}", inputs=case, metadata=key[2]) for key, case in todo if not case.case.skip
        ],
        evaluators=[MeetsExpectations(target.embed)],
    )

    class Writes(CaseLifecycle[SuiteCase, Triage, Any]):
        async def teardown(self, result: ReportCase[Any, Any, Any] | ReportCaseFailure[Any, Any, Any] | None) -> None:
            if result is not None:
                writer.write(_of_report(self.case.inputs, int(self.case.metadata or 1), result))

    try:
        if dataset.cases:
            await dataset.evaluate(target.triage, progress=False, max_concurrency=plan.concurrent, lifecycle=Writes)
    finally:
        writer.close()
    head = head.model_copy(update={"versions": dict(target.versions), "seconds": round(time.perf_counter() - plan.started, 2)})
    (plan.folder / HEAD).write_text(head.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return read_run(plan.folder)


def _finished(folder: Path, head: Head) -> set[tuple[str, str, int]]:
    """Keys of the results that a killed run left in the folder; a folder that is new is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / LINES).exists():
            before = Head.model_validate_json((folder / HEAD).read_text(encoding="utf-8"))
            same = ("suites", "target", "mode", "seed", "filters")
            if other := [name for name in same if getattr(before, name) != getattr(head, name)]:
                raise SettingsNotUsable(
                    f"{folder} holds a run with other {', '.join(other)}: give another --output, or remove the folder"
                )
            kept = read_lines(folder / LINES)
            lines = [result.model_dump_json(exclude_defaults=True) for result in kept]
            (folder / LINES).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
            return {result.key for result in kept}
        (folder / HEAD).write_text(head.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SettingsNotUsable(f"{folder} can't be used for a run ({error}): give another --output") from None
    return set()


class _Writer:
    """Appends a line a result, at once."""

    def __init__(self, path: Path, done: Callable[[int], None]) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._done = done

    def write(self, result: Result) -> None:
        self._file.write(result.model_dump_json(exclude_defaults=True) + "\n")
        self._file.flush()
        self._done(1)

    def close(self) -> None:
        self._file.close()


def _of_report(case: SuiteCase, repeat: int, report: ReportCase[Any, Any, Any] | ReportCaseFailure[Any, Any, Any]) -> Result:
    if isinstance(report, ReportCaseFailure):
        kind, _, said = report.error_message.partition(": ")
        if kind == Skip.__name__:
            return _result(case, repeat, skipped=said)
        return _result(case, repeat, error=report.error_message)
    if report.evaluator_failures:
        return _result(case, repeat, error=report.evaluator_failures[0].error_message)
    return _result(
        case, repeat, found=Found.of(report.output), seconds=round(report.task_duration, 5),
        verdicts=[
            Verdict(name=name, holds=bool(one.value), why=one.reason or "") for name, one in report.assertions.items()
        ],
    )  # fmt: skip


def _result(case: SuiteCase, repeat: int, **more: Any) -> Result:
    spec, message = case.case, case.message
    return Result(
        suite=case.suite, case=spec.name, repeat=repeat, digest=case.digest, text=message.content,
        thread=[f"{turn.role}: {turn.text}" for turn in message.thread], channel=message.channel,
        expected=json.loads(spec.expected_output.model_dump_json(exclude_unset=True)), reference=spec.reference,
        tags=spec.tags, slices=case.slices, weight=spec.weight, threshold=spec.threshold, **more,
    )  # fmt: skip
