"""Refitted heads judged before they are in force: the same suites run with both, the later run gated against the earlier."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from evals.compare import compare
from evals.gates import Judgement, judge, read_gates
from evals.results import Run
from evals.runner import Plan, joined
from evals.runner import run as run_plan
from evals.suites import find_suite, read_suite
from evals.targets import in_process
from service.settings import Settings

SEED = 0  # of the order of cases and of the bootstrap intervals
CONCURRENT = 8  # cases in flight


def judge_of(settings: Settings, suites: Sequence[str], gates: Path) -> Callable[[Path], Awaitable[list[Judgement]]]:
    """Tells what the gates say of heads in a file, the heads in force being the baseline.

    Suites and gates are read at once: raises SettingsNotUsable where one can't be, before anything is fitted.
    """
    read = joined(read_suite(find_suite(name)) for name in suites)
    limits = read_gates(gates)

    async def made(folder: Path, using: Settings) -> Run:
        plan = Plan(read, folder, (), 1, SEED, "live", CONCURRENT)
        async with in_process(using, max(case.message.received_at.date() for case in plan.cases())) as target:
            return await run_plan(plan, target, lambda _: None)

    async def judged(candidate: Path) -> list[Judgement]:
        with tempfile.TemporaryDirectory(prefix="firstreply-refit-") as folder:
            before = await made(Path(folder) / "before", settings)
            after = await made(Path(folder) / "after", settings.model_copy(update={"heads": candidate.resolve()}))
            return judge(limits, after, compare(before, after, SEED), SEED)

    return judged
