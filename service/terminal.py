"""What every command shares: where it writes, how it fails, and the records or parts it works on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from rich.console import Console

from service.settings import Settings, read_settings

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
Result = TypeVar("Result")


def fail(detail: str, code: int = 2) -> NoReturn:
    """Ends the command with one line on stderr."""
    err.print(f"firstreply: {' '.join(detail.split())}", markup=False)
    sys.exit(code)


def say(line: str) -> None:
    """A line on stderr, beside the output that another program may read."""
    err.print(line, markup=False)


def with_parts(work: Callable[[Any], Awaitable[Result]], settings: Settings | None = None) -> Result:
    """What `work` makes of the parts of a service; raises a NotUsable where they can't be built."""
    from service.parts import build_parts
    from service.telemetry import log_warnings

    log_warnings()

    async def run() -> Result:
        async with build_parts(settings or read_settings(), progress=say) as parts:
            return await work(parts)

    return asyncio.run(run())


def with_records(work: Callable[[Any], Awaitable[Result]]) -> Result:
    """What `work` makes of the records alone: no model is loaded."""
    from service.parts import start_lock
    from service.records.database import connect, migrate
    from service.records.queries import Records

    async def run() -> Result:
        settings = read_settings()
        with start_lock(settings):
            records = Records(connect(settings.database))
            try:
                await migrate(records.engine)
                return await work(records)
            finally:
                await records.close()

    return asyncio.run(run())
