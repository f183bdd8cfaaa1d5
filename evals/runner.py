"""Runs suites: cases side by side, each result written as it comes, so that a run that was killed goes on where it ended."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_evals import Case, Dataset
from pydantic_evals.lifecycle import CaseLifecycle
from pydantic_evals.reporting import ReportCase, ReportCaseFailure

from evals.judge import MeetsExpectations
from evals.results import HEAD, LINES, Found, Head, Result, Run, Verdict, read_lines, read_run, replace_text, write_head
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
    kept: int = 0  # results that the folder held already; set by the run
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


def joined(suites: Iterable[Suite]) -> list[Suite]:
    """The suites, those of one name (two files of a folder) as one; a case that was given twice is run once.

    Raises SettingsNotUsable where two cases of one name differ.
    """
    found: dict[str, dict[str, SuiteCase]] = {}
    for suite in suites:
        cases = found.setdefault(suite.name, {})
        for case in suite.cases:
            other = cases.setdefault(case.case.name, case)
            if other.digest != case.digest:
                raise SettingsNotUsable(
                    f"{case.path}: case {case.case.name} of suite {suite.name} is another one in {other.path}: rename one"
                )
    return [Suite(name, tuple(cases.values())) for name, cases in found.items()]


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
    finished, head = _finished(plan.folder, head)
    writer = _Writer(plan.folder / LINES, done)
    wanted = {(case.suite, case.case.name, number): case for number in range(1, plan.repeat + 1) for case in cases}
    plan.kept = len(finished & set(wanted))
    done(plan.kept)
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
    seconds = round(head.seconds + time.perf_counter() - plan.started, 2)
    head = head.model_copy(update={"versions": head.versions | target.versions, "seconds": seconds})
    write_head(plan.folder, head)
    return read_run(plan.folder)


def _finished(folder: Path, head: Head) -> tuple[set[tuple[str, str, int]], Head]:
    """Keys of the results that a killed run left in the folder, and what is to be told of both; a new folder is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / LINES).exists():
            before = Head.model_validate_json((folder / HEAD).read_text(encoding="utf-8"))
            same = ("suites", "target", "mode", "seed", "filters")
            other = [name for name in same if getattr(before, name) != getattr(head, name)]
            other += ["repeat"] if before.repeat > head.repeat else []  # more repeats of the same run may be asked for
            known = before.versions.keys() & head.versions.keys()  # of a service over HTTP none is known yet
            other += [f"version of the {name}" for name in sorted(known) if before.versions[name] != head.versions[name]]
            if other:
                raise SettingsNotUsable(
                    f"{folder} holds a run with other {', '.join(other)}: give another --output, or remove the folder"
                )
            kept = read_lines(folder / LINES)
            lines = [result.model_dump_json(exclude_defaults=True) for result in kept]
            replace_text(folder / LINES, "".join(line + "\n" for line in lines))
            told = {"made_at": before.made_at, "versions": before.versions | head.versions, "seconds": before.seconds}
            return {result.key for result in kept}, head.model_copy(update=told)
        write_head(folder, head)
    except (OSError, ValueError) as error:
        raise SettingsNotUsable(f"{folder} can't be used for a run ({error}): give another --output") from None
    return set(), head


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
        asserts=len(spec.asserts), tags=spec.tags, slices=case.slices, weight=spec.weight, threshold=spec.threshold, **more,
    )  # fmt: skip
