"""Taking and finishing on SQLite and Postgres: each burst once, a conversation in order, one triage a message."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from service import pipeline
from service.intake.acceptance import Acceptance
from service.intake.debounce import HOLD
from service.messages import Feedback, Message, Triage
from service.parts import Parts
from service.records.inbox import Kept
from service.records.queries import Records
from service.records.tables import inbox, triages


@pytest.fixture(scope="session")
async def triage(parts: Parts) -> Triage:
    """A triage to be recorded under other ids."""
    return await pipeline.triage(Message(text="Wo ist mein Paket?"), parts)


def made(kept: Kept, triage: Triage, triage_id: str | None = None) -> tuple[Message, Triage]:
    update = {"id": triage_id or f"tri_{kept.id}_{kept.attempt}", "conversation_id": kept.conversation_id, "brand": kept.brand}
    return kept.message, triage.model_copy(update=update)


def message(number: int, conversation: str | None = None, author: str | None = None, **fields: Any) -> Message:
    given = {"text": f"message {number}", "id": str(number), "conversation_id": conversation, "author": {"handle": author}}
    return Message.model_validate(given | fields)


async def accept(records: Records, *messages: Message) -> list[str]:
    accepted = await Acceptance(records.inbox, debounce=False).accept(messages, "api")
    return [receipt.id for receipt in accepted.receipts]


async def take(records: Records, most: int = 10) -> list[Kept]:
    return await records.inbox.take_due(datetime.now(UTC), HOLD, most)


async def state(records: Records, message_id: str) -> Kept:
    kept = await records.inbox.one(message_id)
    assert kept is not None
    return kept


async def test_what_is_due_is_taken_once_and_the_oldest_first(records: Records) -> None:
    ids = await accept(records, *(message(number) for number in range(5)))
    assert [kept.id for kept in await take(records, 3)] == ids[:3]
    assert [kept.id for kept in await take(records)] == ids[3:]
    assert await take(records) == []


async def test_of_a_conversation_one_burst_at_a_time_is_under_way_and_in_order(records: Records, triage: Triage) -> None:
    ids = await accept(records, message(1, "c", "@a"), message(2, "c", "@b"), message(3, "c", "@a"), message(4, "d", "@a"))
    first, elsewhere = await take(records)
    assert (first.id, elsewhere.id) == (ids[2], ids[3])  # the last of @a's burst stands for the first
    assert await take(records) == []
    assert await records.inbox.finish(first, made(first, triage))
    assert [kept.id for kept in await take(records)] == [ids[1]]


async def test_any_number_of_workers_take_each_message_once_and_never_two_of_a_conversation(
    records: Records, triage: Triage
) -> None:
    rng = random.Random(20261122)
    ids = await accept(records, *(message(n, f"c{rng.randrange(12)}", f"@{rng.randrange(3)}") for n in range(120)))
    under_way: set[str] = set()
    order: dict[str, list[int]] = {}

    async def worker() -> None:
        while (await records.inbox.backlog()).waiting:
            for kept in await take(records, rng.randrange(1, 5)):
                assert kept.lane not in under_way
                under_way.add(kept.lane)
                order.setdefault(kept.burst, []).append(kept.number)
                await asyncio.sleep(rng.random() * 0.002)
                under_way.discard(kept.lane)  # before the row says so, or another worker is sooner than this line
                assert await records.inbox.finish(kept, made(kept, triage))

    await asyncio.gather(*(worker() for _ in range(4)))
    assert all(numbers == sorted(numbers) for numbers in order.values())
    assert {(await state(records, one)).state for one in ids} <= {"done", "superseded"}
    taken = sum(len(numbers) for numbers in order.values())
    assert (await records.all(select(func.count()).select_from(triages)))[0][0] == taken


async def test_a_message_is_finished_once(records: Records, triage: Triage) -> None:
    await accept(records, message(1))
    (kept,) = await take(records)
    first, second = await asyncio.gather(
        records.inbox.finish(kept, made(kept, triage, "tri_a")), records.inbox.finish(kept, made(kept, triage, "tri_b"))
    )
    assert {first, second} == {True, False}
    assert not await records.inbox.finish(kept, made(kept, triage, "tri_c"))
    assert len(await records.all(select(triages.c.id))) == 1
    assert (await state(records, kept.id)).triage_id == ("tri_a" if first else "tri_b")


async def test_a_later_message_supersedes_the_draft_of_an_earlier_one(records: Records, triage: Triage) -> None:
    earlier, other = await accept(records, message(1, "c"), message(2, "d"))
    for kept in await take(records):
        await records.inbox.finish(kept, made(kept, triage))
    (later,) = await accept(records, message(3, "c"))
    (kept,) = await take(records)
    await records.inbox.finish(kept, made(kept, triage))
    before = await state(records, earlier)
    assert (before.state, before.superseded_by) == ("superseded", later)
    assert before.triage_id is not None  # its triage stays to be read
    assert (await state(records, other)).state == "done"


async def test_a_dead_letter_is_listed_for_its_brand_and_taken_anew_when_it_is_replayed(records: Records, triage: Triage) -> None:
    ids = await accept(records, *(message(n) for n in range(3)), message(3, brand="other"))
    for kept in await take(records):
        await records.inbox.crashed([kept.id])
        await records.inbox.finish(kept, made(kept, triage), "dead", "RuntimeError in plan.py line 1")
    dead = await records.inbox.dead("demo", most=2)
    assert [kept.id for kept in dead] == ids[:2]
    assert [kept.id for kept in await records.inbox.dead("demo", after=dead[-1].number)] == ids[2:3]
    assert len(await records.inbox.dead(None)) == 4
    assert (dead[0].error, dead[0].crashes) == ("RuntimeError in plan.py line 1", 1)
    assert not await records.inbox.again(ids[0], "other")
    assert await records.inbox.again(ids[0], "demo", "tickets")
    assert not await records.inbox.again(ids[0], "demo")
    (kept,) = await take(records)
    assert (kept.id, kept.attempt, kept.crashes) == (ids[0], 2, 0)
    assert await records.inbox.finish(kept, made(kept, triage))
    assert len(await records.inbox.dead(None)) == 3
    (told,) = [line for line in await records.audit.lines("demo", dead[0].triage_id) if line.action == "replayed"]
    assert (told.actor, told.detail) == ("tickets", {"message": ids[0]})


async def test_what_lost_its_workflow_is_put_back_and_found_by_the_time_it_was_taken(records: Records) -> None:
    await accept(records, message(1))
    (kept,) = await take(records)
    assert await records.inbox.queued_before(datetime.now(UTC) - timedelta(seconds=30), 10) == []
    (found,) = await records.inbox.queued_before(datetime.now(UTC), 10)
    assert found.id == kept.id
    await records.inbox.put_back(found)
    (again,) = await take(records)
    assert (again.id, again.attempt) == (kept.id, 2)
    await records.inbox.put_back(found)  # what was taken anew meanwhile stays taken
    assert (await state(records, kept.id)).state == "queued"


async def test_a_reply_that_was_sent_since_a_message_came_is_known(records: Records, triage: Triage) -> None:
    said = message(1, "c"), triage.model_copy(update={"id": "tri_a", "conversation_id": "c"})
    await records.put_triages([said])
    came = datetime.now(UTC)
    assert not await records.conversations.answered_since("demo", "c", came)
    await records.feedback.put("tri_a", Feedback(action="rejected"))
    assert not await records.conversations.answered_since("demo", "c", came)
    await records.feedback.put("tri_a", Feedback(action="edited", text="Es kommt morgen."), sent=True)
    assert await records.conversations.answered_since("demo", "c", came)
    assert not await records.conversations.answered_since("demo", "d", came)
    assert not await records.conversations.answered_since("other", "c", came)
    assert not await records.conversations.answered_since("demo", "c", datetime.now(UTC))


async def test_a_process_that_says_nothing_is_given_to_one_other(records: Records) -> None:
    now = datetime.now(UTC)
    for name in ("lives", "dies", "leaves", "goes"):
        await records.workers.beat(name, now)
    await records.workers.leave("leaves", work_left=True)
    await records.workers.leave("goes")
    assert await records.workers.known() == {"lives", "dies", "leaves"}
    assert await records.workers.silent(now - timedelta(seconds=60)) == {"leaves": False}
    await records.workers.leave("leaves")
    silent_since = datetime.now(UTC)
    await records.workers.beat("lives", now)
    claims = await asyncio.gather(*(records.workers.silent(silent_since) for _ in range(5)))
    assert sorted((name, died) for claim in claims for name, died in claim.items()) == [("dies", True)]


async def test_rows_of_the_inbox_hold_a_message_and_nothing_that_is_not_its_own(records: Records) -> None:
    await accept(records, message(1, "c", "@a"))
    (row,) = await records.all(select(inbox))
    assert "@a" not in (row.lane, row.burst)
