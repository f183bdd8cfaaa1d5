"""Acceptance on SQLite and Postgres: what is answered is committed, the same is the same, and a key stands for one request."""

from __future__ import annotations

import asyncio
import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from service.errors import InFlight, KeyReused, Unavailable
from service.intake.acceptance import Acceptance, key_of
from service.intake.debounce import HOLD, seconds_of
from service.messages import Message
from service.records.queries import Records
from service.records.tables import idempotency, inbox

INTERLEAVINGS = 10_000 if os.environ.get("TEST_LONG") else 600


def message(text: str = "Wo ist mein Paket?", **fields: Any) -> Message:
    return Message.model_validate({"text": text} | fields)


def key(name: str, body: Any = "body", brand: str = "demo", route: str = "/v1/messages") -> Any:
    return key_of(name, brand, route, body)


async def rows(records: Records) -> int:
    return int((await records.all(select(func.count()).select_from(inbox)))[0][0])


async def test_what_is_accepted_is_kept_as_it_came(records: Records) -> None:
    came = message(id="ext-1", conversation_id="conv-1", channel="email", metadata={"ä": "😡"}, author={"handle": "@lena"})
    accepted = await Acceptance(records.inbox).accept([came], "api")
    (receipt,) = accepted.receipts
    kept = await records.inbox.one(receipt.id)
    assert kept is not None
    assert (kept.message, kept.state, kept.external_id, kept.source) == (came, "accepted", "ext-1", "api")
    assert not receipt.duplicate
    assert not accepted.replayed
    assert await records.inbox.one(receipt.id, "demo") == kept
    assert await records.inbox.one(receipt.id, "other") is None


async def test_the_same_message_is_accepted_once_for_a_brand_and_a_source(records: Records) -> None:
    acceptance = Acceptance(records.inbox)
    first = await acceptance.accept([message(id="1"), message(id="2"), message(id="1", text="again")], "api")
    assert [receipt.duplicate for receipt in first.receipts] == [False, False, True]
    assert first.receipts[0].id == first.receipts[2].id
    again = await acceptance.accept([message(id="2")], "api")
    assert (again.receipts[0].id, again.receipts[0].duplicate) == (first.receipts[1].id, True)
    for other in ((message(id="1", brand="other"), "api"), (message(id="1"), "standard:shop")):
        (receipt,) = (await acceptance.accept([other[0]], other[1])).receipts
        assert not receipt.duplicate
    assert await rows(records) == 4
    kept = await records.inbox.one(first.receipts[0].id)
    assert kept is not None
    assert kept.message.text == "Wo ist mein Paket?"


async def test_messages_without_an_id_are_all_accepted(records: Records) -> None:
    accepted = await Acceptance(records.inbox).accept([message(), message()], "api")
    assert len({receipt.id for receipt in accepted.receipts}) == await rows(records) == 2


async def test_a_key_is_answered_again_even_by_another_process(records: Records) -> None:
    first = await Acceptance(records.inbox).accept([message(), message()], "api", key("k"))
    again = await Acceptance(records.inbox).accept([message(), message()], "api", key("k"))
    assert again.receipts == first.receipts
    assert (first.replayed, again.replayed) == (False, True)
    assert await rows(records) == 2


async def test_what_was_a_duplicate_is_one_when_it_is_answered_again(records: Records) -> None:
    acceptance = Acceptance(records.inbox)
    (known,) = (await acceptance.accept([message(id="1")], "api")).receipts
    first = await acceptance.accept([message(id="1")], "api", key("k"))
    again = await acceptance.accept([message(id="1")], "api", key("k"))
    assert first.receipts == again.receipts
    assert (again.receipts[0].id, again.receipts[0].duplicate) == (known.id, True)


async def test_a_key_with_another_body_is_refused_and_one_of_another_brand_or_route_is_another(records: Records) -> None:
    acceptance = Acceptance(records.inbox)
    await acceptance.accept([message()], "api", key("k", {"a": 1, "b": 2}))
    with pytest.raises(KeyReused, match="use a new key"):
        await acceptance.accept([message()], "api", key("k", {"a": 1, "b": 3}))
    assert (await acceptance.accept([message()], "api", key("k", {"b": 2, "a": 1}))).replayed
    assert await rows(records) == 1
    for other in (key("k", brand="other"), key("k", route="/v1/webhooks/standard/shop")):
        assert not (await acceptance.accept([message()], "api", other)).replayed
    assert await rows(records) == 3


async def test_a_second_request_with_a_key_under_way_is_told_to_wait(records: Records) -> None:
    acceptance = Acceptance(records.inbox)
    answers = await asyncio.gather(*(acceptance.accept([message()], "api", key("k")) for _ in range(32)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Accepted"] + ["InFlight"] * 31
    assert (await acceptance.accept([message()], "api", key("k"))).replayed
    assert await rows(records) == 1


async def test_a_caller_that_left_does_not_let_its_key_through_twice(records: Records) -> None:
    acceptance = Acceptance(records.inbox)
    leaving = asyncio.create_task(acceptance.accept([message()], "api", key("k")))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    while True:
        try:
            assert (await acceptance.accept([message()], "api", key("k"))).replayed
            break
        except InFlight:
            await asyncio.sleep(0.01)
    assert await rows(records) == 1


async def test_a_key_is_forgotten_after_a_day(records: Records) -> None:
    acceptance = Acceptance(records.inbox)
    await acceptance.accept([message()], "api", key("k"))
    async with records.writing() as connection:
        await connection.execute(update(idempotency).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert not (await acceptance.accept([message()], "api", key("k", "another body"))).replayed
    assert await rows(records) == 2
    await records.inbox.forget_keys(datetime.now(UTC) + timedelta(hours=25))
    assert await records.all(select(idempotency)) == []


async def test_requests_that_wait_together_are_each_answered_by_themselves(records: Records) -> None:
    acceptance = Acceptance(records.inbox)
    await acceptance.accept([message()], "api", key("taken", "a"))
    wakes: list[int] = []
    acceptance.wake = lambda: wakes.append(1)
    answers = await asyncio.gather(
        *(acceptance.accept([message(id=str(n))], "api", key(f"k{n}")) for n in range(150)),
        acceptance.accept([message()], "api", key("taken", "b")),
        return_exceptions=True,
    )
    assert isinstance(answers[-1], KeyReused)
    assert [answer.receipts[0].external_id for answer in answers[:-1]] == [str(n) for n in range(150)]  # type: ignore[union-attr]
    assert await rows(records) == 151
    assert len(wakes) < 20  # few commits, not 151


async def test_what_cant_be_written_is_refused_and_nothing_of_it_is_kept(records: Records) -> None:
    acceptance = Acceptance(records.inbox)
    async with records.writing() as connection:
        await connection.exec_driver_sql("ALTER TABLE inbox RENAME TO elsewhere")
    answers = await asyncio.gather(
        *(acceptance.accept([message()], "api", key(f"k{n}")) for n in range(3)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {Unavailable}
    async with records.writing() as connection:
        await connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO inbox")
    assert await rows(records) == 0
    assert not (await acceptance.accept([message()], "api", key("k0"))).replayed


async def test_any_interleaving_of_requests_records_each_key_once(records: Records) -> None:
    """Two processes, two bodies a key, callers that leave: a key's rows are those of one request, whoever was first."""
    rng = random.Random(20261122)
    processes = [Acceptance(records.inbox), Acceptance(records.inbox)]
    answered: dict[str, set[tuple[str, ...]]] = {}
    bodies: dict[str, set[int]] = {}
    seen: dict[str, int] = {"accepted": 0, "replayed": 0, "reused": 0, "in flight": 0, "left": 0}

    async def one() -> None:
        name, body = f"k{rng.randrange(INTERLEAVINGS // 12)}", rng.randrange(2)
        items = [message(text=f"{name} {body} {number}") for number in range(body + 1)]
        asked = asyncio.create_task(rng.choice(processes).accept(items, "api", key(name, body)))
        if rng.random() < 0.1:
            await asyncio.sleep(rng.random() * 0.003)
            asked.cancel()
        try:
            done = await asked
        except InFlight:
            seen["in flight"] += 1
        except KeyReused:
            seen["reused"] += 1
        except asyncio.CancelledError:
            seen["left"] += 1
        else:
            seen["replayed" if done.replayed else "accepted"] += 1
            answered.setdefault(name, set()).add(tuple(receipt.id for receipt in done.receipts))
            bodies.setdefault(name, set()).add(body)

    for start in range(0, INTERLEAVINGS, 32):
        await asyncio.gather(*(one() for _ in range(start, min(start + 32, INTERLEAVINGS))))
    assert all(seen.values()), seen
    assert all(len(ids) == 1 for ids in answered.values())
    assert all(len(given) == 1 for given in bodies.values())
    kept: dict[str, list[str]] = {}
    for row in await records.all(select(inbox.c.id, inbox.c.message)):
        kept.setdefault(Message.model_validate_json(row.message).text.rpartition(" ")[0].partition(" ")[0], []).append(row.id)
    for name, ids in answered.items():
        assert sorted(next(iter(ids))) == sorted(kept[name]), name


async def test_a_burst_waits_for_its_channel_and_never_longer_than_the_hold(records: Records) -> None:
    acceptance = Acceptance(records.inbox)
    chat = {"channel": "whatsapp", "conversation_id": "c", "author": {"handle": "@lena"}}
    (first,) = (await acceptance.accept([message("Hallo", **chat)], "api")).receipts
    (last,) = (await acceptance.accept([message("Wo ist mein Paket?", **chat)], "api")).receipts
    (alone,) = (await acceptance.accept([message("Where is it?", channel="whatsapp")], "api")).receipts
    now = datetime.now(UTC)
    assert [kept.id for kept in await records.inbox.take_due(now, HOLD, 10)] == [alone.id]
    later = now + timedelta(seconds=seconds_of("whatsapp"))
    (taken,) = await records.inbox.take_due(later, HOLD, 10)
    assert (taken.id, taken.state, taken.attempt) == (last.id, "queued", 1)
    assert [kept.id for kept in await records.inbox.burst_of(taken)] == [first.id]
    behind = await records.inbox.one(first.id)
    assert behind is not None
    assert (behind.state, behind.superseded_by) == ("superseded", last.id)
    assert await records.inbox.take_due(later + HOLD, HOLD, 10) == []


async def test_without_debounce_each_message_is_due_at_once(records: Records) -> None:
    chat = {"channel": "whatsapp", "conversation_id": "c"}
    await Acceptance(records.inbox, debounce=False).accept([message(**chat)], "api")
    assert len(await records.inbox.take_due(datetime.now(UTC), HOLD, 10)) == 1


async def test_the_backlog_says_how_much_waits_and_since_when(records: Records) -> None:
    assert (await records.inbox.backlog()).oldest is None
    before = datetime.now(UTC)
    await Acceptance(records.inbox).accept([message(), message()], "api")
    backlog = await records.inbox.backlog()
    assert (backlog.waiting, backlog.dead) == (2, 0)
    assert backlog.oldest is not None
    assert before <= backlog.oldest <= datetime.now(UTC)
