"""The database: SQLite in the data directory by default, any async SQLAlchemy URL instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.errors import RecordsNotUsable

BUSY_SECONDS = 10  # how long a write waits for another process's write


def connect(url: str | URL, *, reading: bool = False) -> AsyncEngine:
    """An engine for the URL; nothing is opened yet. Raises RecordsNotUsable for a URL that can't work.

    `reading`: for single statements that change nothing; without BEGIN and ROLLBACK around it, one takes half as long.
    """
    try:
        parsed = make_url(url)
        # SQLite is in this process: no ping, and no ROLLBACK after each read, which is as dear as the read.
        embedded = parsed.drivername.startswith("sqlite")
        engine = create_async_engine(
            parsed, pool_pre_ping=not embedded, pool_reset_on_return=None if embedded or reading else "rollback",
            **({"isolation_level": "AUTOCOMMIT"} if reading else {}),
        )  # fmt: skip
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise RecordsNotUsable(
            f"FIRSTREPLY_DATABASE_URL can't be used ({error}): "
            "write sqlite+aiosqlite:///path/file.db or postgresql+asyncpg://user:password@host/database"
        ) from None
    if parsed.drivername.startswith("sqlite"):
        event.listen(engine.sync_engine, "connect", _durable)
    return engine


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def migrate(engine: AsyncEngine) -> None:
    """Brings the tables up to date; raises RecordsNotUsable where the database can't be opened or written."""
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
            await connection.commit()
    except (DBAPIError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        where = engine.url.database if engine.url.drivername.startswith("sqlite") else engine.url.render_as_string()
        raise RecordsNotUsable(
            f"the database {where} can't be used ({reason}): check that it is there, not damaged, and writable"
        ) from None


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
