"""`firstreply customers erase` and `firstreply retention run`: what is kept of people, and its end."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from service.settings import read_settings
from service.terminal import fail, out, say, with_records

if TYPE_CHECKING:
    from service.erasure import Erasure
    from service.records.aged import AgedCounts

customers = typer.Typer(no_args_is_help=True, help="Customers: erase one everywhere.")
retention = typer.Typer(no_args_is_help=True, help="How long things are kept: delete what is too old.")


@customers.callback()
def _customers() -> None:
    """Customers: erase one everywhere."""


@retention.callback()
def _retention() -> None:
    """How long things are kept: delete what is too old."""


@customers.command("erase")
def erase_customer(
    customer_id: Annotated[str | None, typer.Argument(help="The customer's id.")] = None,
    brand: Annotated[str, typer.Option(help="The brand's name.")] = "demo",
    channel: Annotated[str | None, typer.Option(help="For somebody known by a handle alone: where.")] = None,
    handle: Annotated[str | None, typer.Option(help="The handle there.")] = None,
) -> None:
    """Erase a customer everywhere and print the receipt; there is no way back."""
    from service.erasure import erase
    from service.messages import Channel
    from service.records.traces import Person
    from service.telemetry import log_warnings

    if (customer_id is None) == (handle is None) or (handle is None) != (channel is None):
        fail("name a customer: firstreply customers erase ID, or --channel CHANNEL --handle HANDLE")
    if channel is not None and channel not in get_args(Channel):
        fail(f"no channel {channel!r}: one of {', '.join(get_args(Channel))}")

    log_warnings()

    async def work(records: Any) -> Erasure:
        return await erase(records, brand, Person(customer_id, channel, handle))

    receipt = with_records(work)
    sys.stdout.write(receipt.model_dump_json(indent=2) + "\n")
    if not receipt.compacted:
        say("the rows are gone; their bytes stay in the database's files until it is compacted: see docs/privacy.md")


@retention.command("run")
def run_retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is too old, and delete nothing.")] = False,
) -> None:
    """Delete what is older than its brand keeps it, as the service does by itself once a day."""
    from service.brands import brand_folders, read_brand
    from service.retention import periods_of, run

    settings = read_settings()
    folders = brand_folders(settings.knowledge_dir, demo=settings.demo)
    periods = periods_of({name: read_brand(name, folder) for name, folder in folders.items()})

    async def work(records: Any) -> dict[str, AgedCounts]:
        return await run(records, periods, datetime.now(UTC), dry_run=dry_run)

    done = with_records(work)
    said = "too old" if dry_run else "deleted"
    for brand, counts in done.items():
        out.print(
            f"{brand}: {counts.triages} triages, {counts.messages} messages and {counts.contacts} contacts {said}", markup=False
        )
    if not done:
        say("no brand has a retention period: see docs/privacy.md")
