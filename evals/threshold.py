"""`firstreply policy threshold`: chooses a brand's soft threshold on its labelled messages, and says what it rests on."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.errors import SettingsNotUsable

if TYPE_CHECKING:
    from evals.labelled import Labelled
    from evals.promise import Choice
    from evals.suites import Suite

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
TARGET, CONFIDENCE = 0.95, 0.9
SHOWN = 20  # messages a terminal lists
WIDE = 110  # columns of the curve, wherever it is printed


def threshold(
    suites: Annotated[list[str], typer.Argument(help="Suites, or files of labels (.csv, .jsonl), of your own messages.")],
    brand: Annotated[str, typer.Option("--brand", help="Whose escalation.yaml is judged.")] = "demo",
    target_recall: Annotated[
        float | None, typer.Option(help=f"Share of what must be escalated that is to be caught; default {TARGET}.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="How sure the promise is to be.")] = CONFIDENCE,
    miss_cost: Annotated[float | None, typer.Option(help="Choose by cost instead: what a missed message costs.")] = None,
    alarm_cost: Annotated[float | None, typer.Option(help="What a false alarm costs, in the same unit; default 1.")] = None,
    share: Annotated[
        float | None, typer.Option(help="By cost: share of all your messages that need a human; default as in the cases.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="An HTML report with the curve, such as threshold.html.")] = None,
) -> None:
    """Choose the soft threshold on labelled messages: one that keeps a promise, or the least expected cost.

    Nothing is changed: the line for escalation.yaml is printed. Exit code 1 where no threshold keeps the promise.
    """
    from evals.cli import needs
    from evals.labelled import read_labelled
    from evals.promise import Costs, choose
    from evals.report.threshold import write_report
    from evals.suites import FOLDER, find_suite

    needs()
    _possible(target_recall, confidence, miss_cost, alarm_cost, share)
    target = TARGET if target_recall is None else target_recall
    read, problems = read_labelled(suites, brand)
    for problem in problems:
        err.print(problem, markup=False)
    for name in suites:
        if FOLDER in find_suite(name).resolve().parents:
            err.print(f"{name} ships with the service and judges it: choose on messages of your own", markup=False)
    _enough(read, target, confidence, by_cost=miss_cost is not None)
    now, found = asyncio.run(_scored(read, brand))
    for case in found.raised[:SHOWN]:
        err.print(f"left out, no answer: {case}", markup=False)
    costs = None
    if miss_cost is not None:
        of_all = float(found.must.mean()) if share is None else share
        costs = Costs(miss_cost, 1.0 if alarm_cost is None else alarm_cost, of_all)
    choice = choose(found.must, found.scores, target, confidence, costs)
    _show(choice, now, found)
    if output is not None:
        write_report(output, choice, now, brand, suites)
        out.print(str(output), markup=False)
    sys.exit(1 if choice.chosen is None or problems or found.raised else 0)


def _possible(target: float | None, confidence: float, miss: float | None, alarm: float | None, share: float | None) -> None:
    """Refuses what can't be meant."""
    if miss is not None and target is not None:
        raise SettingsNotUsable("--target-recall and --miss-cost are two ways to choose a threshold: give one of them")
    if miss is None and (alarm is not None or share is not None):
        raise SettingsNotUsable("--alarm-cost and --share weigh against --miss-cost: give that as well, such as --miss-cost 20")
    for name, value in (("--target-recall", target), ("--confidence", confidence)):
        if value is not None and not 0 < value < 1:
            raise SettingsNotUsable(f"{name} lies between 0 and 1, such as 0.95, not {value:g}: nothing finite proves 1")
    for name, value in (("--miss-cost", miss), ("--alarm-cost", alarm)):
        if value is not None and not 0 < value < float("inf"):
            raise SettingsNotUsable(f"{name} is an amount above 0, not {value:g}")
    if share is not None and not 0 < share < 1:
        raise SettingsNotUsable(f"--share lies between 0 and 1, such as 0.05, not {share:g}")


def _enough(read: list[Suite], target: float, confidence: float, *, by_cost: bool) -> None:
    """Refuses too few cases before any is run."""
    from evals.promise import Point, cheapest, promised

    said = [bool(case.case.expected_output.escalate) for suite in read for case in suite.cases]
    known = [Point(0.01, sum(said), sum(said), 0, len(said) - sum(said), 0.0)]
    if by_cost:
        cheapest(known)
    else:
        promised(known, target, confidence)


async def _scored(read: list[Suite], brand: str) -> tuple[float, Labelled]:
    """The threshold in force, and the cases with their scores."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from evals.labelled import scored
    from service.brands import brand_folders, read_brand
    from service.settings import read_settings

    settings = read_settings()
    folders = brand_folders(settings.knowledge_dir, demo=settings.demo)
    if brand not in folders:
        raise SettingsNotUsable(f"no brand folder named {brand!r}; there are: {', '.join(folders) or 'none'}")
    now = read_brand(brand, folders[brand]).policy.threshold
    columns = (TextColumn("policy"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("policy", total=sum(len(suite.cases) for suite in read))
        return now, await scored(read, settings, lambda n: progress.advance(task, n))


def _show(choice: Choice, now: float, found: Labelled) -> None:
    """The curve, the chosen point, and what it rests on."""
    from evals.promise import GRID, steps
    from evals.report.threshold import told

    chosen, confidence = choice.chosen, choice.confidence
    names = ["threshold", "recall", "95 % interval", f"surely ({confidence:.0%})", "false alarms", "escalated"]
    table = Table(box=None, pad_edge=False)
    for name in [*names, *(["cost"] if choice.costs else [])]:
        table.add_column(name, justify="left" if name == "threshold" else "right")
    table.add_column("")
    for lowest, point in steps(choice.curve):
        low, high = point.recall_interval
        marks = ["<- chosen"] if chosen is not None and lowest <= chosen.threshold <= point.threshold else []
        marks += ["<- now"] if lowest <= now <= point.threshold else []
        span = f"{lowest:.2f}" if lowest == point.threshold else f"{lowest:.2f} - {point.threshold:.2f}"
        rate = "no case" if point.alarm_rate is None else f"{point.alarm_rate:.3f}"
        cells = [span, f"{point.recall:.3f}", f"{low:.3f} - {high:.3f}", f">= {point.surely(confidence):.3f}", rate]
        cost = [f"{point.cost:.3f}"] if choice.costs else []
        table.add_row(*cells, f"{point.escalated:.3f}", *cost, " ".join(marks))
    Console(highlight=False, width=max(out.width, WIDE)).print(table)
    for line in told(choice, now):
        out.print(line, markup=False)
    if chosen is None:
        pairs = zip(found.names, found.must, found.scores, strict=True)
        lost = [name for name, must, score in pairs if must and score < GRID[0]]
        for name in lost[:SHOWN]:
            out.print(f"gives no reason: {name}", markup=False)
        if len(lost) > SHOWN:
            out.print(f"... and {len(lost) - SHOWN} more", markup=False)
