"""`firstreply eval`: run suites, compare runs, gate a release, write reports, and make cases of what was recorded."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from service.errors import SettingsNotUsable

if TYPE_CHECKING:
    from evals.compare import Comparison
    from evals.gates import Judgement
    from evals.measures import Number
    from evals.results import Run

app = typer.Typer(no_args_is_help=True, help="Offline evals: run suites, compare runs, gate a release.")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
HERE = Path(__file__).parent
GATES = HERE / "gates.toml"
RUNS = Path(".firstreply") / "evals"
LEADING = (
    "pass_rate",
    "errors",
    "label.accuracy",
    "escalation.recall",
    "escalation.precision",
    "retrieval.found",
    "draft.asserts",
)
SIGNIFICANT = 0.05  # p value below which a slice's change is listed
SHOWN = 20  # cases that a terminal lists
WIDE = 130  # columns of the table of changes, wherever it is printed: a cut-off name is no name

RunArgument = Annotated[Path, typer.Argument(help="Folder of a run, or a baseline file.")]
OutputOption = Annotated[Path | None, typer.Option("--output", help="Where to write; by default beside the run.")]
BaselineOption = Annotated[Path | None, typer.Option(help="A run or a baseline file to compare with.")]
GatesOption = Annotated[Path | None, typer.Option(help="TOML file of gates; by default the shipped one.")]
SeedOption = Annotated[int, typer.Option(help="Of the order of cases and of bootstrap intervals.")]


@app.callback()
def needs() -> None:
    """Offline evals: run suites, compare runs, gate a release."""
    import importlib.util

    missing = [
        name
        for name in ("pydantic_evals", "httpx", "ir_measures", "junitparser", "scipy", "jinja2")
        if not importlib.util.find_spec(name)
    ]
    if missing:
        raise SettingsNotUsable(f"evals need {', '.join(missing)}: pip install 'firstreply[evals]'")


@app.command()
def run(
    suites: Annotated[list[str] | None, typer.Argument(help="Files, folders or shipped suites; default all.")] = None,
    target: Annotated[str | None, typer.Option(help="URL of a running service; by default this code, in process.")] = None,
    key: Annotated[str | None, typer.Option(envvar="FIRSTREPLY_API_KEY", help="API key of the target.")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--filter", help="Part of a name, tag=, suite= or a slice such as language=de.")
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How often each case is run.")] = 1,
    seed: SeedOption = 0,
    concurrent: Annotated[int, typer.Option(min=1, max=256, help="Cases in flight.")] = 8,
    output: Annotated[Path | None, typer.Option(help="Folder of the run; one that a killed run left is gone on with.")] = None,
    mode: Annotated[str, typer.Option(help="live, record (keep each answer) or replay (take kept ones).")] = "live",
    cassette: Annotated[Path | None, typer.Option(help="File of kept answers, for record and replay.")] = None,
    installation: Annotated[bool, typer.Option(help="On this installation's records, not a fresh one.")] = False,
    record_model: Annotated[Path | None, typer.Option(help="File to keep the answers of the model that words drafts in.")] = None,
    replay_model: Annotated[Path | None, typer.Option(help="File of its kept answers; a prompt that is not in it fails.")] = None,
) -> None:
    """Run suites and write results and reports."""
    from evals.cases import MODES
    from evals.report.write import write_reports
    from evals.runner import Plan, joined
    from evals.suites import find_suite, read_suite, shipped_suites

    if mode not in MODES:
        raise SettingsNotUsable(f"--mode is one of {', '.join(MODES)}, not {mode!r}")
    if (mode != "live") != (cassette is not None):
        raise SettingsNotUsable(f"--mode {mode} " + ("needs --cassette FILE" if mode != "live" else "takes no --cassette"))
    if target and (installation or mode == "replay"):
        other = "--installation" if installation else "--mode replay"
        raise SettingsNotUsable(f"--target and {other} are two sources of answers: give one of them")
    if (record_model and replay_model) or ((record_model or replay_model) and (target or mode == "replay")):
        raise SettingsNotUsable("--record-model and --replay-model are for a run in process, one of them at a time")
    read = joined(read_suite(find_suite(name)) for name in suites or shipped_suites())
    made = datetime.now(UTC)
    name = "-".join(suite.name for suite in read) if len(read) < 4 else "all"
    folder = output or RUNS / f"{name}-{made:%Y%m%d-%H%M%S}"
    plan = Plan(read, folder, tuple(only or ()), repeat, seed, mode, concurrent)
    if not plan.cases():
        raise SettingsNotUsable(f"no case fits {' and '.join(only or ())}: filters are a part of a name, tag=, suite= or a slice")
    try:
        done = asyncio.run(
            _run(plan, target, key, cassette, installation, record_model or replay_model, record_model is not None)
        )
    except KeyboardInterrupt:
        err.print(f"stopped; go on with: firstreply eval run … --output {folder}", markup=False)
        raise
    if plan.kept:
        what = "all of them, so nothing was run" if plan.kept == len(done.results) else "the others were run now"
        err.print(f"{plan.kept} of {len(done.results)} results were in {folder} before: {what}", markup=False)
    numbers = write_reports(done, seed=seed)
    _show(done, numbers)
    out.print(f"{folder / 'report.html'}", markup=False)


async def _run(
    plan: Any, url: str | None, key: str | None, cassette: Path | None, installation: bool, tape: Path | None, recording: bool
) -> Run:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from evals.results import LINES
    from evals.runner import run as run_plan
    from evals.targets import Cassette, in_process, kept_answers, over_http
    from service.settings import read_settings

    async with AsyncExitStack() as stack:
        if plan.mode == "replay":
            reached = kept_answers(cassette or Path())
        elif url:
            reached = await stack.enter_async_context(over_http(url, key))
        else:
            day = max(case.message.received_at.date() for case in plan.cases())
            inside = in_process(read_settings(), day, installation=installation, tape=tape, recording=recording)
            reached = await stack.enter_async_context(inside)
        if cassette is not None:
            reached = Cassette(cassette, plan.mode).around(reached, goes_on=(plan.folder / LINES).exists())
        columns = (TextColumn("eval"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
            task = progress.add_task("eval", total=len(plan.cases()) * plan.repeat)
            return await run_plan(plan, reached, lambda n: progress.advance(task, n))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The earlier run, or a baseline file.")],
    after: Annotated[Path, typer.Argument(help="The later run.")],
    output: OutputOption = None,
    seed: SeedOption = 0,
) -> None:
    """Compare two runs of the same cases: what moved, how surely, and which cases turned."""
    from evals.report.write import write_reports
    from evals.results import read_run

    found = _compared(read_run(before), read_run(after), seed)
    _show_changes(found)
    write_reports(found.after, comparison=found, folder=output or _beside(after), name="compare", seed=seed)
    out.print(f"{(output or _beside(after)) / 'compare.html'}", markup=False)


@app.command()
def gate(
    path: RunArgument,
    gates: GatesOption = None,
    baseline: BaselineOption = None,
    output: OutputOption = None,
    seed: SeedOption = 0,
) -> None:
    """Judge a run by the gates; exit code 1 where one fails."""
    judged = _reported(path, gates or GATES, baseline, output, seed)
    _show_gates(judged)
    out.print(f"{(output or _beside(path)) / 'report.html'}", markup=False)
    sys.exit(1 if any(one.outcome == "failed" for one in judged) else 0)


@app.command()
def report(
    path: RunArgument,
    gates: GatesOption = None,
    baseline: BaselineOption = None,
    output: OutputOption = None,
    seed: SeedOption = 0,
) -> None:
    """Write the reports of a run again: HTML, JUnit XML, JSON and Markdown."""
    _reported(path, gates, baseline, output, seed)
    names = ("report.html", "junit.xml", "metrics.json", "summary.md")
    out.print("\n".join(str((output or _beside(path)) / name) for name in names), markup=False)


def _reported(path: Path, gates: Path | None, baseline: Path | None, output: Path | None, seed: int) -> list[Judgement]:
    """Writes a run's reports, judged by the gates where there are some and compared with the baseline where there is one."""
    from evals.gates import judge, read_gates
    from evals.report.write import write_reports
    from evals.results import read_run

    done = read_run(path)
    limits = read_gates(gates) if gates is not None else None
    found = _compared(read_run(baseline), done, seed) if baseline is not None else None
    judged = judge(limits, done, found, seed) if limits is not None else []
    write_reports(done, judgements=judged, comparison=found, folder=output or _beside(path), seed=seed)
    return judged


@app.command()
def baseline(
    path: RunArgument, target: Annotated[Path, typer.Argument(help="The file to write, such as evals/baselines/all.jsonl.")]
) -> None:
    """Keep a run's results in one small file, for later runs to be compared with."""
    from evals.results import read_run, write_baseline

    done = read_run(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_baseline(done, target)
    except OSError as error:
        raise SettingsNotUsable(f"{target} can't be written: {error.strerror}") from None
    out.print(f"{len(done.results)} results written to {target}", markup=False)


@app.command("import")
def import_cases(
    source: Annotated[Path, typer.Argument(help="CSV or JSON Lines.")],
    suite: Annotated[Path, typer.Argument(help="The suite's YAML file; cases are added where it is there.")],
    name: Annotated[str | None, typer.Option(help="Name of a new suite; default the file's.")] = None,
) -> None:
    """Add cases from CSV or JSON Lines to a suite; a bad line is named and the rest goes in."""
    from evals.importing import read_rows, write_suite

    cases, problems = read_rows(source)
    added = write_suite(suite, name or suite.stem, cases)
    for problem in problems:
        err.print(problem, markup=False)
    err.print(f"{added} cases added to {suite}, {len(cases) - added} there before, {len(problems)} lines refused", markup=False)
    sys.exit(1 if problems else 0)


@app.command()
def label(
    triage_id: Annotated[str, typer.Argument(help="Id of a recorded triage: tri_…")],
    suite: Annotated[Path, typer.Option(help="The suite's YAML file; the case is added.")],
    label: Annotated[str | None, typer.Option(help="The right label, where it was wrong.")] = None,
    level: Annotated[str | None, typer.Option(help="The right frustration level.")] = None,
    topic: Annotated[str | None, typer.Option(help="The right topic.")] = None,
    action: Annotated[str | None, typer.Option(help="The right action: reply, ask, handoff or none.")] = None,
    escalate: Annotated[bool | None, typer.Option("--escalate/--no-escalate", help="Whether a human must take over.")] = None,
    reasons: Annotated[list[str] | None, typer.Option("--reason", help="A right reason; several may be given.")] = None,
) -> None:
    """Make a recorded triage and its feedback a case, personal data masked. What is not corrected is expected as it was found."""
    from pydantic import ValidationError

    from evals.expectations import Expected
    from evals.importing import write_suite
    from service.yaml_files import explained

    right: dict[str, Any] = {"label": label, "level": level, "topic": topic, "action": action, "escalate": escalate}
    right = {name: value for name, value in right.items() if value is not None}
    if reasons is not None or escalate is False:
        right["reasons"] = reasons or []
    try:
        Expected.model_validate(right)
    except ValidationError as error:
        raise SettingsNotUsable(explained(error.errors()[0], Expected)) from None
    case = asyncio.run(_recorded(triage_id, right))
    added = write_suite(suite, suite.stem, [case])
    err.print(f"case {case.name} " + (f"added to {suite}: read it once" if added else f"is in {suite} already"), markup=False)


async def _recorded(triage_id: str, right: dict[str, Any]) -> Any:
    from evals.importing import case_of_triage
    from service.brands import brand_folders, read_brand
    from service.records.database import connect, migrate
    from service.records.queries import Records
    from service.settings import read_settings

    settings = read_settings()
    records = Records(connect(settings.database))
    try:
        await migrate(records.engine)
        found = await records.recorded(triage_id)
        if found is None:
            raise SettingsNotUsable(
                f"no triage {triage_id} is recorded here: see FIRSTREPLY_DATA_DIR and FIRSTREPLY_DATABASE_URL"
            )
        message, made = found
        author = message.author
        who: str | tuple[str, str] = author.customer_id or (message.channel, author.handle or "")
        known = await records.known(message.brand, who, message.received_at)
        brand = read_brand(message.brand, brand_folders(settings.knowledge_dir, demo=settings.demo).get(message.brand))
        ours = list(brand.identity.support_handles.values())
        return case_of_triage(made, message, known.customer, await records.feedback.of(triage_id), ours, right)
    finally:
        await records.close()


@app.command()
def schema(path: Annotated[Path, typer.Argument(help="Where to write the JSON schema of suites.")]) -> None:
    """Write the JSON schema with which editors complete and check suites."""
    from evals.importing import write_schema

    write_schema(path)
    out.print(str(path), markup=False)


def _compared(before: Run, after: Run, seed: int) -> Comparison:
    """The runs side by side; raises SettingsNotUsable where there is nothing to compare, which would pass for no change."""
    from evals.compare import compare as pair

    found = pair(before, after, seed)
    if not found.pairs:
        why = f"{len(found.rewritten)} are in both and say something else" if found.rewritten else "they have none in common"
        raise SettingsNotUsable(f"no case of {after.folder} can be compared with {before.folder}: {why}")
    return found


def _beside(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _show(done: Run, numbers: Sequence[Number]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("measure", "value", "95 % interval", "n"):
        table.add_column(name, justify="left" if name == "measure" else "right")
    for number in numbers:
        if number.slice == "all" and number.measure in LEADING:
            table.add_row(number.measure, f"{number.value:.3f}", f"{number.low:.3f}–{number.high:.3f}", str(number.n))
    out.print(table)
    failing = [result for result in done.judged if not result.passed]
    for result in failing[:SHOWN]:
        what = result.error or ", ".join(verdict.name for verdict in result.failing)
        out.print(f"{'raised' if result.error else 'fails'}  {result.suite}/{result.case}: {what}", markup=False)
    if len(failing) > SHOWN:
        out.print(f"… and {len(failing) - SHOWN} more", markup=False)


def _show_changes(found: Comparison) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("measure", "slice", "before", "after", "change", "95 % interval", "p", "n"):
        table.add_column(name, justify="left" if name in ("measure", "slice") else "right")
    moved = [
        change
        for change in found.changes
        if change.difference and (change.slice == "all" or (change.p < SIGNIFICANT and not change.small))
    ]
    for change in moved:
        table.add_row(
            change.measure.name, change.slice, f"{change.before:.3f}", f"{change.after:.3f}", f"{change.difference:+.3f}",
            f"{change.low:+.3f} to {change.high:+.3f}", f"{change.p:.2g}", str(change.n),
        )  # fmt: skip
    if moved:
        Console(highlight=False, width=max(out.width, WIDE)).print(table)
    else:
        out.print("nothing moved")
    for flip in found.flips[:SHOWN]:
        said = [f"lost {', '.join(flip.lost)}"] if flip.lost else []
        said += [f"gained {', '.join(flip.gained)}"] if flip.gained else []
        out.print(f"turned  {flip.after.suite}/{flip.after.case}: {'; '.join(said)}", markup=False)
    out.print(
        f"{len(found.pairs)} cases in both, {len(found.flips)} turned, {len(found.added)} new, {len(found.removed)} gone, "
        f"{len(found.rewritten)} rewritten", markup=False,
    )  # fmt: skip


def _show_gates(judged: Sequence[Judgement]) -> None:
    marks = {"failed": "FAILED", "passed": "passed"}
    for one in judged:
        out.print(f"{marks.get(one.outcome, '-'):7} {one.title}: {one.reason}", markup=False)
    counts = {name: sum(one.outcome == name for one in judged) for name in ("passed", "failed", "too small", "nothing to judge")}
    out.print(", ".join(f"{count} {name}" for name, count in counts.items() if count), markup=False)
