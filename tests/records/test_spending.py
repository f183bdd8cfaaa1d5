"""What brands spend on a model is kept for all processes, and no two of them overdraw a day."""

from __future__ import annotations

import asyncio
from datetime import date

from service.records.database import connect
from service.records.queries import Records

DAY = date(2026, 11, 22)


async def test_a_day_takes_what_it_has_room_for_however_many_ask_at_once(records: Records) -> None:
    other = Records(connect(records.engine.url))
    try:
        asked = [each.reserve_spending("b", DAY, 10, 5, 105, None) for _ in range(12) for each in (records, other)]
        taken = await asyncio.gather(*asked)
    finally:
        await other.close()
    assert taken.count(True) == 10
    assert await records.spending("b", DAY) == (100, 50)


async def test_either_limit_ends_it(records: Records) -> None:
    assert await records.reserve_spending("b", DAY, 10, 500, 100, 1_000)
    assert not await records.reserve_spending("b", DAY, 10, 501, 100, 1_000)
    assert not await records.reserve_spending("b", DAY, 91, 0, 100, 1_000)
    assert await records.reserve_spending("b", DAY, 90, 500, 100, 1_000)
    assert await records.spending("b", DAY) == (100, 1_000)


async def test_what_is_too_much_for_an_empty_day_is_refused(records: Records) -> None:
    assert not await records.reserve_spending("b", DAY, 101, 0, 100, None)
    assert await records.spending("b", DAY) == (0, 0)


async def test_without_a_limit_everything_is_counted(records: Records) -> None:
    for _ in range(3):
        assert await records.reserve_spending("b", DAY, 10**12, 10**12, None, None)
    assert await records.spending("b", DAY) == (3 * 10**12, 3 * 10**12)


async def test_days_and_brands_stand_apart(records: Records) -> None:
    assert await records.reserve_spending("b", DAY, 100, 0, 100, None)
    assert await records.reserve_spending("c", DAY, 100, 0, 100, None)
    assert await records.reserve_spending("b", date(2026, 11, 23), 100, 0, 100, None)
    assert not await records.reserve_spending("b", DAY, 1, 0, 100, None)


async def test_what_was_not_used_is_given_back(records: Records) -> None:
    await records.reserve_spending("b", DAY, 100, 1_000, 100, None)
    await records.settle_spending("b", DAY, -70, -900)
    assert await records.spending("b", DAY) == (30, 100)
    assert await records.reserve_spending("b", DAY, 70, 0, 100, None)
