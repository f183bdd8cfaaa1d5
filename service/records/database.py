"""The database: SQLite in the data directory by default, any async SQLAlchemy URL instead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from alembic import command
from alembic.config import Config
from pydantic_core import from_json
from sqlalchemy import (
    Connection,
    CursorResult,
    Dialect,
    Engine,
    Executable,
    Row,
    Transaction,
    create_engine,
    event,
    func,
    select,
    update,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service.errors import RecordsNotUsable, Unavailable
from service.records.tables import brands

DEADLOCK = "40P01"  # SQLSTATE
NO_TEXT = "22021"  # SQLSTATE of a value with a NUL, which no row can hold
BUSY_SECONDS = 10  # how long a write waits for another process's write
LOOK_SECONDS = (0.001, 0.02)  # between two looks whether that one is done: at first, and at most
LOCKED = "database is locked"  # how SQLite says it


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


def _in_this_thread(url: URL) -> Engine:
    """SQLite's file without a thread between: to find a row by its index takes less time than the way there and back."""
    engine = create_engine(url.set(drivername="sqlite"), json_deserializer=from_json, pool_reset_on_return=None)
    event.listen(engine, "connect", _durable)
    event.listen(engine, "connect", _without_begin)
    event.listen(engine, "begin", _for_writing)
    return engine


def _without_begin(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout=0")  # this thread never sleeps


def _for_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # What is deleted is overwritten: deleted rows must not stand in the file until their page is used again.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000}", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class Writes(Protocol):
    """A transaction of either kind, as the records' queries need it."""

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""

    async def execute(self, statement: Executable, parameters: Any = None, /) -> CursorResult[Any]:
        """Runs one statement; a list of parameters runs it for each."""


class _Direct:
    """A transaction whose statements run at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None, /) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)


class Database:
    """Reads and writes of one database; each noun of the records has its queries in a class of its own on top of it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        # Of its own: an isolation level set anew for each read costs two more statements.
        self._reading = connect(engine.url, reading=True)
        of_a_file = engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:")
        self._inline = _in_this_thread(engine.url) if of_a_file else None
        self._committing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit")
        self._brief = asyncio.Lock()

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()
        await self._reading.dispose()
        if self._inline is not None:
            self._inline.dispose()
        self._committing.shutdown(wait=False)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction; raises Unavailable where it can't be written, and then nothing of it is."""
        with _whole_or_unavailable():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def briefly(self) -> AsyncIterator[Writes]:
        """One transaction of a few statements that find their rows by an index, and with nothing else awaited in it.

        On SQLite its statements run at once, so that it is not held up, and holds up nobody, while something else computes; only
        the commit, which waits for the disk, has a thread. Raises Unavailable like `writing`.
        """
        if self._inline is None:
            async with self.writing() as connection:
                yield connection
            return
        with _whole_or_unavailable():
            async with self._brief:
                with self._inline.connect() as direct:
                    transaction = await _begun(direct)
                    try:
                        yield _Direct(direct)
                        commit = asyncio.get_running_loop().run_in_executor(self._committing, transaction.commit)
                        await _whatever_comes(commit)
                    except BaseException:
                        transaction.rollback()
                        raise

    async def all(self, query: Executable, values: dict[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Every row of a query; raises Unavailable where it can't be read."""
        try:
            async with self._reading.connect() as connection:
                rows: Sequence[Row[Any]] = (await connection.execute(query, values)).all()
                return rows
        except (DBAPIError, OSError) as error:
            if _sqlstate(error) == NO_TEXT:
                return []
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


async def _begun(connection: Connection) -> Transaction:
    """A transaction that may write; waits for another process's."""
    end, pause = time.monotonic() + BUSY_SECONDS, LOOK_SECONDS[0]
    while True:
        try:
            return connection.begin()
        except OperationalError as error:
            if LOCKED not in str(error.orig) or time.monotonic() > end:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, LOOK_SECONDS[1])


async def _whatever_comes(work: asyncio.Future[None]) -> None:
    """Waits for work in a thread to its end, even where nobody waits for this any more: the connection is its own until then."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def aware(moment: datetime) -> datetime:
    """SQLite gives times without a zone; all of ours are UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def is_deadlock(error: Unavailable) -> bool:
    """Whether Postgres ended the transaction because it and another one waited for each other."""
    return _sqlstate(error.__cause__) == DEADLOCK


def _sqlstate(error: BaseException | None) -> str | None:
    """The code by which Postgres names an error; None of any other."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


@contextmanager
def _whole_or_unavailable() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, OSError) as error:
        raise Unavailable(f"the records can't be written ({_reason(error)}): nothing was changed, try again") from error


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
