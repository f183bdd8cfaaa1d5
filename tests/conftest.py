"""Fixtures on the real parts: the bundled model, the embedded index, a database of its own. Nothing of ours is replaced."""

from __future__ import annotations

import functools
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastapi.dependencies.models
import httpx
import pytest
import pytest_asyncio
import structlog
from builders import DATABASE, TODAY
from postgres_server import Databases, postgres_server

from service.app import create_app
from service.parts import Parts, build_parts, ensure_model
from service.settings import Settings
from service.understand.build import DEFAULT_MODEL, current
from service.understand.embedder import Embedder

ROOT = Path(__file__).parent.parent
START_SECONDS = 120.0  # a cold start takes two to four; a busy machine may take much longer
_LISTENING = re.compile(r"listening on (http://\S+)")
_MODELS = os.environ.get("FIRSTREPLY_MODELS_DIR")

for _name in [name for name in os.environ if name.startswith("FIRSTREPLY_")]:
    del os.environ[_name]  # what is set on a developer's machine must not change what is tested

# One plain line an event: the default draws a traceback with every local value, which takes minutes where it is deep.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])

SettingsIn = Callable[..., Settings]
ON_POSTGRES = os.environ.get("TEST_DATABASE") == "postgres"  # every test that does not ask for SQLite (`make test-postgres`)


def pytest_configure(config: pytest.Config) -> None:
    """Declares the mark of tests that look into the SQLite file itself."""
    config.addinivalue_line("markers", "sqlite: of the SQLite file itself; left out with TEST_DATABASE=postgres")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what only SQLite has."""
    for item in items:
        if ON_POSTGRES and item.get_closest_marker("sqlite"):
            item.add_marker(pytest.mark.skip(reason="it looks into the SQLite file"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a Postgres of this run's own."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases | None:
    """On Postgres, a database a data directory; None on SQLite, whose file lies in it."""
    return Databases(request.getfixturevalue("postgres")) if ON_POSTGRES else None


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the default model: the checkout's, else the one named in the environment, else built now."""
    for folder in (ROOT / ".firstreply" / "models", Path(_MODELS) if _MODELS else None):
        if folder is not None and current(folder / DEFAULT_MODEL):
            return folder
    folder = Path(_MODELS) if _MODELS else tmp_path_factory.mktemp("models")
    ensure_model(Settings(models_dir=folder, data_dir=tmp_path_factory.mktemp("build")))
    return folder


@pytest.fixture(scope="session")
def settings_in(models_dir: Path, databases: Databases | None) -> SettingsIn:
    """`settings_in(path, **more)`: settings of an installation whose state lies in `path`."""

    def make(path: Path, **more: Any) -> Settings:
        where = {"database_url": databases.url_of(path)} if databases is not None else {}
        return Settings(**{"models_dir": models_dir, "data_dir": path} | where | more)

    return make


@pytest.fixture(scope="session")
def embedder(settings_in: SettingsIn, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """The default embedder, loaded once."""
    return ensure_model(settings_in(tmp_path_factory.mktemp("embedder")))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _installed(settings_in: SettingsIn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory as it is after the first start, to be copied; nothing has it open."""
    folder = tmp_path_factory.mktemp("installed")
    async with build_parts(settings_in(folder), today=TODAY):
        pass
    return folder


@pytest.fixture(scope="session")
def _copied(_installed: Path, databases: Databases | None) -> Callable[[Path], Path]:
    """`_copied(folder)`: the folder, as it is after the first start: the demo brand is in, and need not be embedded again."""

    def copy(folder: Path) -> Path:
        if databases is not None:
            databases.url_of(folder, like=_installed)
            return folder
        with closing(sqlite3.connect(_installed / DATABASE)) as database:
            database.execute("VACUUM INTO ?", (str(folder / DATABASE),))
        return folder

    return copy


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def parts(
    settings_in: SettingsIn, _copied: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Parts]:
    """The parts of an installation with the demo brand, dated 2026-11-22."""
    async with build_parts(settings_in(_copied(tmp_path_factory.mktemp("data"))), today=TODAY) as built:
        yield built


@pytest.fixture
def data_dir(_copied: Callable[[Path], Path], tmp_path: Path) -> Path:
    """A data directory of its own as it is after the first start."""
    folder = tmp_path / "data"
    folder.mkdir()
    return _copied(folder)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on `parts`, in this process."""
    async with client_of(parts) as made:
        yield made


@pytest.fixture(scope="session")
def client_on() -> Callable[[Parts], httpx.AsyncClient]:
    """`client_on(parts)`: an async context manager, a client of an application on other parts."""
    return client_of


def client_of(parts: Parts) -> httpx.AsyncClient:
    """A client of the application in this process; each request gets the state that the lifespan would give it."""
    app = create_app(parts.settings, parts)
    state: dict[str, Any] = {}

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        if not state:
            async with app.router.lifespan_context(app) as given:  # parts handed in stay open when it ends
                state.update(given or {})
        scope["state"] = dict(state)
        await app(scope, receive, send)

    transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)
    return _Client(transport=transport, base_url="http://firstreply", timeout=60)


class _Client(httpx.AsyncClient):
    """A client whose application can go when it is closed: FastAPI keeps the functions of every application it has looked at."""

    async def __aexit__(self, *error: Any) -> None:
        """Closes it; a model and all knowledge would stay with the application, 250 MB a test."""
        await super().__aexit__(*error)
        for kept in vars(fastapi.dependencies.models).values():
            if isinstance(kept, functools._lru_cache_wrapper):
                kept.cache_clear()


@dataclass
class Server:
    """A `firstreply serve` process."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path = field(repr=False)

    def stderr(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


StartServer = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def environment(models_dir: Path, databases: Databases | None) -> Callable[..., dict[str, str]]:
    """`environment(data_dir, NAME=value)`: variables of a process of ours; names are without the prefix FIRSTREPLY_."""

    def make(data_dir: Path, **more: object) -> dict[str, str]:
        where = {"DATABASE_URL": databases.url_of(data_dir)} if databases is not None else {}
        ours = where | {"MODELS_DIR": models_dir, "DATA_DIR": data_dir, "DRAIN_SECONDS": 0} | more
        plain = {"PYTHONUTF8": "1", "NO_COLOR": "1", "COLUMNS": "200"}
        return {**os.environ, **plain, **{f"FIRSTREPLY_{name}": str(value) for name, value in ours.items()}}

    return make


@pytest.fixture(scope="session")
def command() -> list[str]:
    """The `firstreply` command of this environment."""
    return [sys.executable, "-m", "service"]


@pytest.fixture
def run(
    environment: Callable[..., dict[str, str]], command: list[str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run("triage", "text", data_dir=…, NAME=value)`: the command's exit code and output, run in an empty folder."""

    def make(*words: object, data_dir: Path | None = None, **more: object) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "cwd"
        folder.mkdir(exist_ok=True)
        return subprocess.run(
            [*command, *(str(word) for word in words)], env=environment(data_dir or tmp_path / "data", **more), cwd=folder,
            capture_output=True, text=True, encoding="utf-8", timeout=900, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def start_server(
    environment: Callable[..., dict[str, str]], command: list[str], tmp_path_factory: pytest.TempPathFactory
) -> StartServer:
    """`with start_server(data_dir, NAME=value) as server`: a real process on a free port, ready; ended at the end."""

    @contextmanager
    def start(data_dir: Path, *options: str, **more: object) -> Iterator[Server]:
        log = tmp_path_factory.mktemp("server") / "stderr"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, "serve", "--port", "0", *options], env=environment(data_dir, **more), cwd=log.parent,
                stdout=file, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        try:
            yield Server(_ready(process, log), process, log)
        finally:
            _end(process)

    return start


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        said = log.read_text(encoding="utf-8", errors="replace")
        if process.poll() is not None:
            raise AssertionError(f"serve ended with code {process.returncode}:\n{said}")
        if found := _LISTENING.search(said):
            try:
                if httpx.get(f"{found[1]}/readyz", timeout=5).status_code == 200:
                    return found[1]
            except httpx.TransportError:
                pass
        time.sleep(0.05)
    raise AssertionError(f"serve was not ready within {START_SECONDS:g} s:\n{log.read_text(encoding='utf-8', errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)


@pytest.fixture(scope="session")
def wrong() -> Callable[[httpx.Response], Mapping[str, Any]]:
    """`wrong(response)`: the problem it carries, after checking that it is one and says no more than it should."""

    def check(response: httpx.Response) -> Mapping[str, Any]:
        assert response.headers["content-type"] == "application/problem+json", response.text[:500]
        body: dict[str, Any] = response.json()
        assert 400 <= response.status_code < 500, body
        assert body["status"] == response.status_code
        assert body["type"].startswith("urn:firstreply:problem:")
        assert body["title"]
        assert body["detail"]
        assert body["request_id"] == response.headers["x-request-id"]
        assert "Traceback" not in response.text
        if response.status_code == 422:
            assert body["errors"]
            assert all(set(error) == {"pointer", "detail"} and error["detail"] for error in body["errors"])
        return body

    return check


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says which tests had no tool to run with: a skip is not a pass."""
    reasons = {
        str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)
    }
    for reason in sorted(reason for reason in reasons if "NOT TESTED" in reason):
        terminalreporter.write_line(reason.removeprefix("Skipped: "), yellow=True, bold=True)
