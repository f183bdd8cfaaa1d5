"""What is older than a brand keeps it goes once a day, by one process of all; everything else stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from service import pipeline
from service.brands import Retention
from service.knowledge import Entry, StoredEntry
from service.messages import Contact, Feedback, Message, Triage
from service.parts import Parts, build_parts
from service.records.aged import AgedCounts
from service.records.inbox import Incoming
from service.records.queries import Records
from service.records.tables import conversations, inbox, triages
from service.retention import EVERY, run, run_if_due

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
YEAR = {"demo": Retention(triages_days=365, contacts_days=30)}


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture(scope="session")
async def made(parts: Parts) -> tuple[Message, Triage]:
    """A message and its triage, to be stored under other ids."""
    message = Message(text="Wo bleibt mein Zelt?")
    return message, await pipeline.triage(message, parts)


async def recorded(records: Records, made: tuple[Message, Triage], triage_id: str, at: datetime, brand: str = "demo") -> None:
    """Stores a triage, with feedback and another draft, as if it had been made then."""
    message, triage = made
    await records.put_triages([(message, triage.model_copy(update={"id": triage_id, "brand": brand}))])
    await records.feedback.put(triage_id, Feedback(action="accepted"))
    await records.put_redraft(brand, triage_id, 1, at, {})
    async with records.writing() as connection:
        await connection.execute(update(triages).where(triages.c.id == triage_id).values(created_at=at))
        theirs = conversations.c.conversation_id == triage_id
        await connection.execute(update(conversations).where(theirs).values(changed_at=at))


async def kept(records: Records, message_id: str, at: datetime, state: str) -> None:
    """Puts a message into the inbox as if it had been accepted then."""
    item = Incoming(message_id, "api", message_id, message_id, message_id, Message(text="hi"), at)
    await records.inbox.accept([([item], None)])
    async with records.writing() as connection:
        await connection.execute(update(inbox).where(inbox.c.id == message_id).values(accepted_at=at, state=state))


async def there(records: Records) -> set[str]:
    """Ids of triages and of messages."""
    rows = [*await records.all(triages.select()), *await records.all(inbox.select())]
    return {row.id for row in rows}


async def test_what_is_too_old_goes_with_all_that_hangs_on_it(records: Records, made: tuple[Message, Triage]) -> None:
    await recorded(records, made, "tri_old", ago(365.1))
    await recorded(records, made, "tri_young", ago(364.9))
    await recorded(records, made, "tri_elsewhere", ago(999), brand="other")
    for state in ("done", "superseded", "dead", "accepted", "queued"):
        await kept(records, f"msg_old_{state}", ago(366), state)
    await kept(records, "msg_young", ago(364), "done")
    old, young = (Contact(contact_id=f"c-{days}", customer_id="C-1", at=ago(days), label="praise") for days in (31, 29))
    await records.put_brand("demo", None, earlier=[old, young])

    found = AgedCounts(triages=1, messages=3, contacts=1)
    before = await there(records)
    assert await run(records, YEAR, NOW, dry_run=True) == {"demo": found}
    assert await there(records) == before
    assert await run(records, YEAR, NOW, dry_run=False) == {"demo": found}
    assert await there(records) == {"tri_young", "tri_elsewhere", "msg_old_accepted", "msg_old_queued", "msg_young"}
    assert (len(await records.feedback.of("tri_old")), len(await records.feedback.of("tri_young"))) == (0, 1)
    assert (len(await records.redrafts("tri_old")), len(await records.redrafts("tri_young"))) == (0, 1)
    assert (len(await records.audit.lines("demo", "tri_old")), len(await records.audit.lines("demo", "tri_young"))) == (0, 3)
    assert {row.conversation_id for row in await records.all(conversations.select())} == {"tri_young", "tri_elsewhere"}
    past = (await records.known("demo", "C-1", NOW)).history
    assert [one.triage_id for one in past] == ["c-29"]
    assert await run(records, YEAR, NOW, dry_run=False) == {"demo": AgedCounts()}


async def test_a_precedent_outlives_its_triage(records: Records, made: tuple[Message, Triage]) -> None:
    await recorded(records, made, "tri_old", ago(400))
    entry = Entry(id="tri_old", kind="precedent", entry="tri_old", language="de", topic=None, title="", answer="masked")
    await records.put_precedent(StoredEntry("demo", entry, "d", "e", np.zeros((1, 4), np.float32)))
    await run(records, YEAR, NOW, dry_run=False)
    assert await there(records) == set()
    assert [one.content.answer for _, one in await records.precedents("demo")] == ["masked"]


async def test_a_brand_without_periods_keeps_everything(records: Records, made: tuple[Message, Triage]) -> None:
    await recorded(records, made, "tri_old", ago(10_000))
    assert await run(records, {"demo": Retention()}, NOW, dry_run=False) == {}
    assert await there(records) == {"tri_old"}


async def test_more_than_fits_a_statement_goes(
    records: Records, made: tuple[Message, Triage], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("aged", "erasing"):
        monkeypatch.setattr(f"service.records.{module}.CHUNK", 2)
    for number in range(5):
        await recorded(records, made, f"tri_{number}", ago(400))
    assert (await run(records, YEAR, NOW, dry_run=False))["demo"].triages == 5
    assert await there(records) == set()


async def test_of_many_processes_one_does_it_and_a_day_later_one_again(records: Records) -> None:
    taken = await asyncio.gather(*(records.schedule.take("retention", NOW, EVERY) for _ in range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    assert not await records.schedule.take("retention", NOW + EVERY - timedelta(seconds=1), EVERY)
    assert await records.schedule.take("something else", NOW, EVERY)
    later = await asyncio.gather(*(records.schedule.take("retention", NOW + EVERY, EVERY) for _ in range(8)))
    assert sorted(later) == [False] * 7 + [True]


async def test_a_day_after_a_service_did_it_does_it_again(settings_in: Any, data_dir: Path, made: tuple[Message, Triage]) -> None:
    async with build_parts(settings_in(data_dir)) as own:
        await _twice(own, made)


async def _twice(own: Parts, made: tuple[Message, Triage]) -> None:
    brand = own.brands["demo"]
    identity = brand.identity.model_copy(update={"retention": YEAR["demo"]})
    own.brands["demo"] = brand.model_copy(update={"identity": identity})
    now = datetime.now(UTC)
    await recorded(own.records, made, "tri_old", now - timedelta(days=366))
    await recorded(own.records, made, "tri_young", now)
    assert await run_if_due(own, now)
    assert await there(own.records) == {"tri_young"}
    assert not await run_if_due(own, now + timedelta(hours=23))
    assert await run_if_due(own, now + EVERY)
