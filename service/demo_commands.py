"""`firstreply demo`: an invented day of the demo brand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from service.settings import read_settings
from service.terminal import fail, say, with_parts, with_records

if TYPE_CHECKING:
    from service.erasure import Erasure

demo = typer.Typer(no_args_is_help=True, help="An invented day of the demo brand: load it, remove it.")


@demo.command("load")
def load_day() -> None:
    """Load the day, with what agents did with it; its messages are triaged as any other."""
    from service.demo_day import load
    from service.records.demo import BRAND

    settings = read_settings()

    async def work(parts: Any) -> int:
        if BRAND not in parts.brands:
            fail("there is no demo brand here: set FIRSTREPLY_DEMO=true")
        return await load(parts)

    count = with_parts(work, settings)
    say(f"{count} messages of an invented day are in the queue; firstreply demo remove takes them away")


@demo.command("remove")
def remove_day() -> None:
    """Remove the day and print the receipt; nothing else is touched, also while the service runs."""
    from service.demo_day import remove
    from service.telemetry import log_warnings

    log_warnings()
    settings = read_settings()

    async def work(records: Any) -> Erasure:
        return await remove(records, settings)

    receipt = with_records(work)
    sys.stdout.write(receipt.model_dump_json(indent=2) + "\n")
    say("the demo day is gone")
