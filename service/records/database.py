"""The database: SQLite in the data directory by default, any async SQLAlchemy URL instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from pydantic_core import from_json
from sqlalchemy import Connection, Executable, Row, event, func, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service.errors import RecordsNotUsable, Unavailable
from service.records.tables import brands

DEADLOCK = "40P01"  # SQLSTATE
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
            parsed, json_deserializer=from_json, pool_pre_ping=not embedded,
            pool_reset_on_return=None if embedded or reading else "rollback",
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
    # What is deleted is overwritten: deleted rows must not stand in the file until their page is used again.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000}", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class Database:
    """Reads and writes of one database; each noun of the records has its queries in a class of its own on top of it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        # Of its own: an isolation level set anew for each read costs two more statements.
        self._reading = connect(engine.url, reading=True)

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()
        await self._reading.dispose()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction; raises Unavailable where it can't be written, and then nothing of it is."""
        try:
            async with self.engine.begin() as connection:
                yield connection
        except (DBAPIError, OSError) as error:
            raise Unavailable(f"the records can't be written ({_reason(error)}): nothing was changed, try again") from error

    async def all(self, query: Executable, values: dict[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Every row of a query; raises Unavailable where it can't be read."""
        try:
            async with self._reading.connect() as connection:
                rows: Sequence[Row[Any]] = (await connection.execute(query, values)).all()
                return rows
        except (DBAPIError, OSError) as error:
            raise Unavailable(f"the records can't be read ({_reason(error)}): try again") from error

    async def compact(self) -> bool:
        """Rewrites SQLite's file without what was deleted and empties its log; False where that was not done.

        Writes wait meanwhile. A file that is busy for BUSY_SECONDS stays as it is, and so does any other database.
        """
        if self.engine.dialect.name != "sqlite":
            return False
        try:
            async with self._reading.connect() as connection:
                await connection.exec_driver_sql("VACUUM")
                busy = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one()
        except (DBAPIError, OSError):
            return False
        return not busy

    async def writable(self) -> bool:
        """Whether a write goes through now: one is committed, that changes nothing. A full disk lets any but the commit pass."""
        first = select(func.min(brands.c.name)).scalar_subquery()
        try:
            async with self.engine.begin() as connection:
                await connection.execute(update(brands).where(brands.c.name == first).values(name=brands.c.name))
        except (DBAPIError, OSError):
            return False
        return True


def aware(moment: datetime) -> datetime:
    """SQLite gives times without a zone; all of ours are UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def is_deadlock(error: Unavailable) -> bool:
    """Whether Postgres ended the transaction because it and another one waited for each other."""
    return getattr(getattr(error.__cause__, "orig", None), "sqlstate", None) == DEADLOCK


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]


async def migrate(engine: AsyncEngine) -> None:
    """Brings the tables up to date; raises RecordsNotUsable where the database can't be opened or written."""
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
            await connection.commit()
    except (DBAPIError, OSError) as error:
        where = engine.url.database if engine.url.drivername.startswith("sqlite") else engine.url.render_as_string()
        raise RecordsNotUsable(
            f"the database {where} can't be used ({_reason(error)}): check that it is there, not damaged, and writable"
        ) from None


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
