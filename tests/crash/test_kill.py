"""Processes are killed at random moments under load: what was accepted is triaged, and recorded once.

TEST_LONG=1 pytest tests/crash            # 300 rounds; CRASH_ROUNDS=20 says another number, SEED=7 other moments
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import DATABASE
from postgres_server import Databases
from sqlalchemy import func, select

from service.records.database import connect
from service.records.queries import Records
from service.records.tables import inbox, triages

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "300" if os.environ.get("TEST_LONG") else "10"))
SEED = int(os.environ.get("SEED", "20261122"))
SHARES = {("sqlite", 1): 0.4, ("postgres", 1): 0.2, ("sqlite", 3): 0.2, ("postgres", 3): 0.2}  # of the rounds
MESSAGES = 40  # of a round
LONGEST = 1.0  # seconds from the first messages accepted in a round to the kill, at most
MANY = 20  # rounds, of which some must have hit a process at work
START_SECONDS = 120.0
DONE_SECONDS = 300.0  # until all is done, on a busy machine
SETTINGS = {"WORKER_SILENT_SECONDS": 2, "DEBOUNCE": False, "DRAIN_SECONDS": 0}


class Process:
    """A server or a worker, killed and started again."""

    def __init__(self, start: Callable[[], AbstractContextManager[Any]]) -> None:
        self._start = start
        self._stack = ExitStack()
        self.start()

    def start(self) -> None:
        self.made = self._stack.enter_context(self._start())

    def kill(self) -> None:
        os.kill(self.made.process.pid, signal.SIGKILL)
        self.made.process.wait(timeout=30)
        self._stack.close()

    def end(self) -> None:
        self._stack.close()


class Running:
    """A worker with no address."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process


@pytest.fixture
def start_worker(
    environment: Callable[..., dict[str, str]], command: list[str], tmp_path: Path
) -> Callable[..., AbstractContextManager[Running]]:
    """`with start_worker(data_dir, NAME=value):` a `firstreply worker` process that is at work."""

    @contextmanager
    def start(data_dir: Path, **more: object) -> Iterator[Running]:
        log = tmp_path / f"worker-{time.monotonic_ns()}"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, "worker"], env=environment(data_dir, **more), cwd=tmp_path, stdout=file, stderr=file,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            until = time.monotonic() + START_SECONDS
            while b"works on what was accepted" not in log.read_bytes():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            yield Running(process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=60)

    return start


@pytest.mark.parametrize(("database", "processes"), SHARES)
async def test_a_killed_process_loses_no_accepted_message_and_records_none_twice(
    database: str, processes: int, data_dir: Path, start_server: Any, start_worker: Any, request: pytest.FixtureRequest
) -> None:
    rounds = round(ROUNDS * SHARES[database, processes])
    rng = random.Random(SEED + processes)
    with ExitStack() as stack:
        if database == "sqlite":
            url = f"sqlite+aiosqlite:///{data_dir / DATABASE}"
        else:
            url = Databases(request.getfixturevalue("postgres")).url_of(data_dir / "killed")
        settings = SETTINGS | {"DATABASE_URL": url}
        server = Process(lambda: start_server(data_dir, **settings))
        others = [Process(lambda: start_worker(data_dir, **settings)) for _ in range(processes - 1)]
        for process in (server, *others):
            stack.callback(process.end)
        records = Records(connect(url))
        accepted: dict[str, str] = {}  # by the caller's id: ours
        pending: list[dict[str, Any]] = []  # not known to be accepted: sent again, as a caller would
        crashed = Counter[str]()
        for number in range(rounds):
            pending += [
                {"text": f"Wo ist mein Paket {number}-{n}?", "id": f"{number}-{n}", "conversation_id": f"c{rng.randrange(40)}"}
                for n in range(MESSAGES)
            ]
            rng.shuffle(pending)
            doomed = rng.choice((server, *others))
            before = len(accepted)
            sending = asyncio.create_task(send(server.made.url, pending, accepted))
            while len(accepted) == before and not sending.done():
                await asyncio.sleep(0.01)
            await asyncio.sleep(rng.random() * LONGEST)
            await asyncio.to_thread(doomed.kill)
            await sending
            pending = [one for one in pending if one["id"] not in accepted]
            crashed["server" if doomed is server else "worker"] += 1
            await asyncio.to_thread(doomed.start)
        await send(server.made.url, pending, accepted)
        assert len(accepted) == rounds * MESSAGES
        await all_done(records)
        await check(records, set(accepted.values()))
        shared = await records.all(select(func.sum(inbox.c.crashes), func.count()).select_from(inbox))
        print(f"{database}, {processes}: {dict(crashed)}, {shared[0][1]} messages, taken over {shared[0][0]} times")  # noqa: T201
        assert shared[0][0] or rounds < MANY
        await records.close()


async def send(url: str, messages: list[dict[str, Any]], accepted: dict[str, str]) -> None:
    """Hands messages over a few at a time, and notes those that were accepted, until all are or the server is gone."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for start in range(0, len(messages), 4):
            some = messages[start : start + 4]
            try:
                response = await client.post("/v1/messages", json=some)
            except httpx.TransportError:
                return
            assert response.status_code == 202, response.text
            accepted |= {one["message_id"]: one["id"] for one in response.json()["messages"]}


async def all_done(records: Records) -> None:
    async with asyncio.timeout(DONE_SECONDS):
        while (await records.inbox.backlog()).waiting:
            await asyncio.sleep(0.2)


async def check(records: Records, accepted: set[str]) -> None:
    """Each accepted message has a triage, or stands in the burst of one that has; no triage is there that no message has."""
    rows = {row.id: row for row in await records.all(select(inbox))}
    assert accepted <= set(rows)
    assert {row.state for row in rows.values()} <= {"done", "superseded", "dead"}
    alone = [row for row in rows.values() if row.triage_id is None]
    assert all(row.superseded_by in rows for row in alone)
    assert all(rows[row.superseded_by].triage_id is not None for row in alone)
    recorded = Counter(row.id for row in await records.all(select(triages.c.id)))
    assert recorded == Counter(row.triage_id for row in rows.values() if row.triage_id is not None)
    assert len([row for row in rows.values() if row.state == "dead"]) <= len(rows) // 50  # under way at three kills: a human's
