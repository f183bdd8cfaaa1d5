"""Labelled messages for the choice of a threshold: suites or files of labels, triaged in process under one brand's policy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evals.importing import read_rows
from evals.intervals import Floats
from evals.promise import ALWAYS, Bools
from evals.results import Found
from evals.runner import Plan, joined
from evals.runner import run as run_plan
from evals.suites import RECEIVED_AT, Suite, SuiteCase, find_suite, read_suite
from evals.targets import in_process
from service.errors import SettingsNotUsable
from service.escalate.policy import HARD
from service.messages import Message
from service.settings import Settings

ROWS = (".csv", ".jsonl")


@dataclass(frozen=True)
class Labelled:
    """Labelled messages with the scores they were given: `must` [n], `scores` [n], their `names`; `raised` got no answer."""

    must: Bools
    scores: Floats
    names: tuple[str, ...]
    raised: tuple[str, ...]


def read_labelled(names: Sequence[str], brand: str) -> tuple[list[Suite], list[str]]:
    """The cases that say whether a human must take over, as messages to the brand, and what is wrong with other lines.

    Raises a NotUsable where a file can't be read or no case says it.
    """
    suites, problems = [], []
    for name in names:
        if Path(name).suffix.lower() in ROWS:
            cases, wrong = read_rows(Path(name))
            problems += wrong
            path = Path(name)
            given = {"received_at": RECEIVED_AT}
            made = (SuiteCase(path.stem, path, case, Message.model_validate(given | case.inputs)) for case in cases)
            suites.append(Suite(path.stem, tuple(made)))
        else:
            suites.append(read_suite(find_suite(name)))
    read = [Suite(suite.name, tuple(_to(brand, case) for case in suite.cases if _says(case))) for suite in joined(suites)]
    if not any(suite.cases for suite in read):
        raise SettingsNotUsable(
            f"no case of {', '.join(names)} says whether a human must take over: give expected_output.escalate (in a file of "
            "rows the column escalate) as true or false"
        )
    return read, problems


def _says(case: SuiteCase) -> bool:
    return case.case.expected_output.escalate is not None and not case.case.skip


def _to(brand: str, case: SuiteCase) -> SuiteCase:
    """The brand's policy is judged, whatever brand the case was written for; a draft matters, since its checks add reasons."""
    options = case.message.options.model_copy(update={"draft": True})
    return replace(case, message=case.message.model_copy(update={"brand": brand, "options": options}))


async def scored(suites: Sequence[Suite], settings: Settings, done: Callable[[int], None] = lambda _: None) -> Labelled:
    """The cases triaged on a fresh installation of the brands' folders; raises SettingsNotUsable where none got an answer."""
    with tempfile.TemporaryDirectory(prefix="firstreply-threshold-") as folder:
        plan = Plan([suite for suite in suites if suite.cases], Path(folder) / "run")
        async with in_process(settings, max(case.message.received_at.date() for case in plan.cases())) as target:
            results = (await run_plan(plan, target, done)).results
    answered = [(result, result.found) for result in results if result.found is not None]
    raised = [result for result in results if result.found is None]
    if not answered:
        raise SettingsNotUsable(f"no case got an answer; the first one: {raised[0].error}")
    return Labelled(
        must=np.array([bool(result.expected["escalate"]) for result, _ in answered], bool),
        scores=np.array([soft_score(found) for _, found in answered], np.float64),
        names=tuple(f"{result.suite}/{result.case}" for result, _ in answered),
        raised=tuple(f"{result.suite}/{result.case}: {result.error}" for result in raised),
    )


def soft_score(found: Found) -> float:
    """The score that a threshold is compared with; ALWAYS where a hard reason is there, which none can turn off."""
    return ALWAYS if HARD.intersection(found.reasons) else found.score
