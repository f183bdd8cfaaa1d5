"""Where DBOS keeps which process has which message: a file of its own beside the records', or the records' Postgres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url


def url_of(records: str, data_dir: Path) -> str:
    """The URL for DBOS, whose driver for Postgres is another one than ours."""
    url = make_url(records)
    if url.get_backend_name() != "postgresql":
        return str(URL.create("sqlite", database=str((data_dir / "work.db").resolve())))
    query = {("sslmode" if name == "ssl" else name): value for name, value in url.query.items()}
    return url.set(drivername="postgresql+psycopg", query=query).render_as_string(hide_password=False)


def engine_of(url: str) -> Engine | None:
    """For SQLite an engine as DBOS makes one, but with a log that is written ahead; None where DBOS's own is as it should be.

    A rollback journal does a sixth of the work in a second. What a power cut takes of the last commits, a worker begins anew: the
    inbox is what counts.
    """
    if not url.startswith("sqlite"):
        return None
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
