"""Brief transactions: whole or nothing, one after the other, and never in the way of whatever else a process does."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from service.errors import Unavailable
from service.records import database
from service.records.queries import Records
from service.records.tables import workers

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ROW = {"started_at": NOW, "seen_at": NOW}


async def _put(records: Records, *names: str, fails: bool = False) -> None:
    async with records.briefly() as connection:
        for name in names:
            await connection.execute(insert(workers), [ROW | {"executor_id": name}])
        if fails:
            raise ZeroDivisionError


async def _names(records: Records) -> set[str]:
    return {row.executor_id for row in await records.all(select(workers.c.executor_id))}


def _file(records: Records) -> Path:
    assert records.engine.url.database is not None
    return Path(records.engine.url.database)


async def test_what_fails_halfway_leaves_nothing(records: Records) -> None:
    with pytest.raises(ZeroDivisionError):
        await _put(records, "one", fails=True)
    assert await _names(records) == set()
    await _put(records, "one")
    assert await _names(records) == {"one"}


async def test_a_statement_that_is_refused_says_that_nothing_was_changed(records: Records) -> None:
    with pytest.raises(Unavailable, match="nothing was changed"):
        await _put(records, "one", "one")
    assert await _names(records) == set()


async def test_many_at_once_are_all_kept(records: Records) -> None:
    names = {f"w{number}" for number in range(50)}
    await asyncio.gather(*(_put(records, name) for name in names))
    assert await _names(records) == names


@pytest.mark.parametrize("records", ["sqlite"], indirect=True)
async def test_it_waits_for_another_process_and_the_loop_goes_on(records: Records) -> None:
    other = sqlite3.connect(_file(records), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    counting = asyncio.create_task(count())
    start = time.monotonic()
    await _put(records, "one")
    waited = time.monotonic() - start
    counting.cancel()
    other.close()
    assert await _names(records) == {"one"}
    assert waited >= 0.25
    assert turns >= 5, "the loop stood still while the file was locked"


@pytest.mark.parametrize("records", ["sqlite"], indirect=True)
async def test_it_waits_no_longer_than_it_says(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    other = sqlite3.connect(_file(records), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="database is locked"):
        await _put(records, "one")
    other.execute("COMMIT")
    other.close()
    await _put(records, "one")
    assert await _names(records) == {"one"}


async def test_who_leaves_during_the_commit_leaves_nothing_half_done(records: Records) -> None:
    for number in range(20):
        leaving = asyncio.create_task(_put(records, f"w{number}"))
        for _ in range(number % 5):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
    await asyncio.wait_for(_put(records, "last"), 5)
    names = await _names(records)
    assert "last" in names
    assert names <= {"last", *(f"w{number}" for number in range(20))}
