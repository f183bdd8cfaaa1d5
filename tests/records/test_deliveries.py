"""Deliveries on SQLite and Postgres: with the triage or not at all, taken by one worker, told of at least once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from service import pipeline
from service.errors import NotFound, Unavailable
from service.intake.acceptance import Acceptance
from service.intake.debounce import HOLD
from service.messages import Message, Triage
from service.parts import Parts
from service.records.deliveries import Delivery
from service.records.queries import Records
from service.records.tables import triages

LEASE = timedelta(seconds=60)
URL = "https://crm.example/hook"


@pytest.fixture(scope="session")
async def said(parts: Parts) -> tuple[Message, Triage]:
    """A message with its triage, to be recorded under other ids."""
    message = Message(text="Wo ist mein Paket?")
    return message, await pipeline.triage(message, parts)


def of(said: tuple[Message, Triage], triage_id: str, brand: str = "demo") -> tuple[Message, Triage]:
    return said[0], said[1].model_copy(update={"id": triage_id, "brand": brand})


async def take(records: Records, most: int = 10, later: timedelta = timedelta(), busy: tuple[str, ...] = ()) -> list[Delivery]:
    return await records.deliveries.take(datetime.now(UTC) + later, LEASE, most, busy)


async def test_each_endpoint_of_the_brand_is_told_of_a_triage_once(records: Records, said: tuple[Message, Triage]) -> None:
    first, _ = await records.endpoints.add("demo", URL, ["triage.done"])
    second, _ = await records.endpoints.add("demo", URL, ["triage.done"], with_triage=True)
    await records.endpoints.add("other", URL, ["triage.done"])
    off, _ = await records.endpoints.add("demo", URL, ["triage.done"])
    await records.endpoints.disable(off)
    await records.put_triages([of(said, "tri_a"), of(said, "tri_b")])
    log = await records.deliveries.log("demo")
    assert Counter((one.endpoint_id, one.triage_id) for one in log) == {
        (endpoint, triage): 1 for endpoint in (first, second) for triage in ("tri_a", "tri_b")
    }
    assert await records.deliveries.log("other") == []
    assert len({one.id for one in log}) == 4
    assert await records.deliveries.waiting() == 4
    assert [one.number for one in log] == sorted((one.number for one in log), reverse=True)
    assert await records.deliveries.log("demo", log[1].number, 1) == [log[2]]


async def test_a_triage_that_is_not_recorded_is_told_to_nobody(records: Records, said: tuple[Message, Triage]) -> None:
    await records.endpoints.add("demo", URL, ["triage.done"])
    await records.put_triages([of(said, "tri_a")])
    with pytest.raises(Unavailable):
        await records.put_triages([of(said, "tri_b"), of(said, "tri_a")])
    assert [one.triage_id for one in await records.deliveries.log(None)] == ["tri_a"]
    async with records.writing() as connection:
        await connection.exec_driver_sql("ALTER TABLE deliveries RENAME TO elsewhere")
    with pytest.raises(Unavailable):
        await records.put_triages([of(said, "tri_c")])
    async with records.writing() as connection:
        await connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO deliveries")
    assert [row.id for row in await records.all(select(triages.c.id))] == ["tri_a"]


async def test_the_triage_of_an_accepted_message_names_it_and_its_state(records: Records, said: tuple[Message, Triage]) -> None:
    await records.endpoints.add("demo", URL, ["triage.done"])
    await Acceptance(records.inbox, debounce=False).accept([said[0]], "api")
    (kept,) = await records.inbox.take_due(datetime.now(UTC), HOLD, 1)
    assert await records.inbox.finish(kept, of(said, "tri_a"), "dead", "why")
    assert not await records.inbox.finish(kept, of(said, "tri_b"))
    (one,) = await records.deliveries.log(None)
    assert (one.triage_id, one.message_id, one.state) == ("tri_a", kept.id, "dead")


async def test_a_delivery_is_taken_by_one_worker_and_again_when_nothing_is_heard_of_it(
    records: Records, said: tuple[Message, Triage]
) -> None:
    await records.endpoints.add("demo", URL, ["triage.done"])
    await records.put_triages([of(said, f"tri_{n}") for n in range(6)])
    taken = await asyncio.gather(*(take(records, 2) for _ in range(5)))
    assert Counter(one.triage_id for some in taken for one in some) == {f"tri_{n}": 1 for n in range(6)}
    assert await take(records) == []
    again = await take(records, later=LEASE)
    assert {(one.attempts, one.status) for one in again} == {(2, "sending")}
    first = next(one for some in taken for one in some if one.id == again[0].id)
    await records.deliveries.tell(first, "failed", 500, "late")  # an attempt that was given up says nothing any more
    await records.deliveries.tell(again[0], "delivered", 200, None)
    told = await records.deliveries.one(again[0].id)
    assert told is not None
    assert (told.status, told.last_code, told.last_error) == ("delivered", 200, None)
    assert told.done_at is not None


async def test_a_delivery_that_failed_waits_and_may_be_sent_again_by_its_brand_alone(
    records: Records, said: tuple[Message, Triage]
) -> None:
    endpoint, _ = await records.endpoints.add("demo", URL, ["triage.done"])
    await records.put_triages([of(said, "tri_a")])
    (one,) = await take(records)
    later = timedelta(minutes=5)
    await records.deliveries.tell(one, "waiting", 503, "the endpoint answered 503", datetime.now(UTC) + later)
    assert await take(records) == []
    assert await take(records, later=later, busy=(endpoint,)) == []
    (one,) = await take(records, later=later)
    assert one.attempts == 2
    await records.deliveries.tell(one, "failed", None, "it took too long")
    assert await take(records, later=timedelta(days=2)) == []
    assert not await records.deliveries.again(one.id, "other")
    assert await records.deliveries.again(one.id, "demo")
    (anew,) = await take(records)
    assert (anew.id, anew.attempts) == (one.id, 1)


async def test_a_secret_that_is_changed_signs_until_its_grace_is_over(records: Records) -> None:
    endpoint_id, secret = await records.endpoints.add("demo", URL, ["triage.done"])
    new = await records.endpoints.rotate(endpoint_id, timedelta(hours=1))
    endpoint = await records.endpoints.one(endpoint_id)
    assert endpoint is not None
    assert endpoint.secrets == (new, secret)
    newest = await records.endpoints.rotate(endpoint_id, timedelta(0))
    endpoint = await records.endpoints.one(endpoint_id)
    assert endpoint is not None
    assert endpoint.secrets == (newest,)
    with pytest.raises(NotFound, match="webhooks list"):
        await records.endpoints.rotate("end_nobody", timedelta(0))


async def test_an_endpoint_that_is_removed_takes_its_log_along(records: Records, said: tuple[Message, Triage]) -> None:
    endpoint_id, _ = await records.endpoints.add("demo", URL, ["triage.done"])
    await records.deliveries.test(endpoint_id, "demo")
    await records.put_triages([of(said, "tri_a")])
    assert await records.endpoints.remove(endpoint_id)
    assert not await records.endpoints.remove(endpoint_id)
    assert await records.deliveries.log(None) == []
    assert await records.endpoints.all() == []
