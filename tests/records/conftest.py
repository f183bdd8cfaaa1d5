"""Fresh records on SQLite, and on a Postgres of the run's own where one can be started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from service.records.database import connect, migrate
from service.records.queries import Records
from service.records.tables import metadata


@pytest.fixture(params=["sqlite", "postgres"])
async def records(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Records]:
    """Fresh, migrated records."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'records.db'}"
    else:
        url = request.getfixturevalue("postgres")
    made = Records(connect(url))
    try:
        async with made.engine.begin() as connection:
            await connection.run_sync(_emptied)
        await migrate(made.engine)
        yield made
    finally:
        await made.close()


def _emptied(connection: Connection) -> None:
    metadata.drop_all(connection)
    connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
