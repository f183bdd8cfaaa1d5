"""The records on SQLite, and the same on a real Postgres where one can be started."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from downgrade import TABLES_SINCE_0003, back_to
from sqlalchemy import Connection, inspect

from service import pipeline
from service.errors import RecordsNotUsable, Unavailable
from service.knowledge import Entry, StoredEntry
from service.messages import Contact, Customer, Feedback, Known, Message, Order, Signal, Triage
from service.parts import Parts
from service.records import queries
from service.records.database import connect, migrate
from service.records.ledger import Ledger
from service.records.queries import Records
from service.records.tables import metadata

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TABLES = {
    "contacts", "brands", "faqs", "customers", "handles", "orders", "triages", "feedback", "changes", "api_keys",
}  # fmt: skip


@pytest.fixture(scope="session")
async def made(parts: Parts) -> tuple[Message, Triage]:
    """A message and its triage, to be stored under other ids."""
    message = Message(text="Wo bleibt mein Zelt? \U0001f621 \u0627", author={"customer_id": "C-1042"}, metadata={"a": "ü"})
    return message, await pipeline.triage(message, parts)


def faq(faq_id: str, *, answer: str = "a", brand: str = "b", origin: str = "import") -> StoredEntry:
    vectors = np.arange(3 * 4, dtype=np.float32).reshape(3, 4)
    entry = Entry(id=faq_id, entry=faq_id, language="de", topic=None, title="t", answer=answer, questions=("q",), origin=origin)
    return StoredEntry(brand, entry, "d", "e", vectors)


async def test_the_migrations_make_exactly_the_tables_of_the_code(records: Records) -> None:
    def compared(connection: Connection) -> tuple[set[str], list[Any]]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return set(inspect(connection).get_table_names()), compare_metadata(context, metadata)

    async with records.engine.connect() as connection:
        names, differences = await connection.run_sync(compared)
    assert names == TABLES | TABLES_SINCE_0003 | {"alembic_version"}
    assert differences == []


async def test_a_brand_is_read_in_parts_whole_and_without_another_brands(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PART", 2)
    ids = ["a", "b-1", "b-10", "b-2", "ö"]
    await records.put_brand("b", None, upserts=[faq(faq_id) for faq_id in ids])
    await records.put_brand("other", None, upserts=[faq("b-3", brand="other")])
    parts = [[one.content.id for one in part] async for part in records.entries_in_parts("b")]
    assert [len(part) for part in parts] == [2, 2, 1]
    assert sorted(name for part in parts for name in part) == sorted(ids)


async def test_migrating_twice_changes_nothing(records: Records) -> None:
    await records.put_brand("b", "digest", upserts=[faq("one")])
    await migrate(records.engine)
    assert [found.content.id for found in await records.faqs("b")] == ["one"]


async def test_what_was_recorded_before_there_were_vectors_stays_and_has_none(
    records: Records, made: tuple[Message, Triage]
) -> None:
    await records.put_triages([made])
    async with records.engine.begin() as connection:
        await connection.run_sync(back_to, "0002")
    await migrate(records.engine)
    assert await records.triage(made[1].id) == made[1].model_dump_json()
    (past,) = (await records.known("demo", "C-1042", datetime.now(UTC) + timedelta(days=1))).history
    assert (past.triage_id, past.asked, past.embedder) == (made[1].id, b"", None)
    await records.put_triages([(made[0], made[1].model_copy(update={"id": "tri_new"}))])
    new = (await records.known("demo", "C-1042", datetime.now(UTC) + timedelta(days=1))).history
    assert {one.triage_id: len(one.asked) for one in new} == {made[1].id: 0, "tri_new": 2 * 384}


async def test_a_precedent_is_replaced_and_removed_with_a_line_for_followers(records: Records) -> None:
    def reply(triage_id: str, text: str, brand: str = "b") -> StoredEntry:
        entry = Entry(
            id=triage_id, kind="precedent", entry=triage_id, language="de", topic=None, title="", answer=text, origin="feedback"
        )
        return StoredEntry(brand, entry, entry.digest, "e", np.array([[0.6, 0.8]], np.float32))

    await records.put_precedent(reply("tri_1", "one"), NOW)
    await records.put_precedent(reply("tri_2", "of c", "c"))
    await records.put_precedent(reply("tri_1", "two"), NOW)
    ((at, stored),) = await records.precedents("b")
    assert (at, stored.content, stored.embedder) == (NOW, reply("tri_1", "two").content, "e")
    assert stored.vectors == pytest.approx(np.array([[0.6, 0.8]]), abs=1e-3)
    await records.put_brand("b", None, upserts=[faq("one")])
    assert [one.content.id for one in await records.entries("b")] == ["one", "tri_1"]
    assert [one.content.id for one in await records.entries("b", ["tri_1", "tri_2"])] == ["tri_1"]
    assert [one.content.id for one in await records.faqs("b")] == ["one"]
    assert await records.remove_precedents(["tri_1", "tri_2"], "c") == 1
    assert await records.remove_precedents(["tri_1", "tri_1", "tri_3"]) == 1
    assert [(brand, faq_id) for _, brand, faq_id in await records.changes_after(0)] == [
        ("b", "tri_1"), ("c", "tri_2"), ("b", "tri_1"), ("b", None), ("b", "one"), ("c", "tri_2"), ("b", "tri_1"),
    ]  # fmt: skip
    assert await records.precedents("b") == await records.precedents("c") == []


async def test_replies_that_wait_are_those_sent_last_and_not_approved(records: Records, made: tuple[Message, Triage]) -> None:
    given = {
        "tri_1": ["accepted"],
        "tri_2": ["edited", "rejected"],
        "tri_3": ["rejected", "edited"],
        "tri_4": [],
        "tri_5": ["edited"],
    }
    for triage_id, actions in given.items():
        await records.put_triages([(made[0], made[1].model_copy(update={"id": triage_id}))])
        for action in actions:
            await records.feedback.put(triage_id, Feedback.model_validate({"action": action, "text": "as sent"}))
    entry = Entry(id="tri_5", kind="precedent", entry="tri_5", language="de", topic=None, title="", answer="a")
    await records.put_precedent(StoredEntry("demo", entry, "d", "e", np.zeros((1, 4), np.float32)))
    assert await records.feedback.sent("demo", 10) == ["tri_3", "tri_1"]
    assert await records.feedback.sent("demo", 1) == ["tri_3"]
    assert await records.feedback.sent("other", 10) == []


async def test_a_faq_comes_back_with_its_vectors(records: Records) -> None:
    await records.put_brand("b", None, upserts=[faq("one")])
    (found,) = await records.faqs("b")
    assert (found.content.id, found.content.questions, found.vectors.dtype, found.vectors.shape) == (
        "one",
        ("q",),
        np.float32,
        (3, 4),
    )
    assert np.array_equal(found.vectors, faq("one").vectors)


async def test_each_change_has_a_line_of_its_own_in_order(records: Records) -> None:
    assert await records.last_change() == 0
    await records.put_brand("b", None, upserts=[faq("one"), faq("two")])
    await records.put_brand("b", None, upserts=[faq("two", answer="new")], removed=["one"])
    lines = await records.changes_after(0)
    assert [number for number, _, _ in lines] == [1, 2, 3, 4, 5]
    assert [(brand, faq_id) for _, brand, faq_id in lines] == [
        ("b", None),
        ("b", "one"),
        ("b", "two"),
        ("b", "two"),
        ("b", "one"),
    ]
    assert await records.changes_after(4) == lines[4:]
    assert [(found.content.id, found.content.answer) for found in await records.faqs()] == [("two", "new")]


async def test_brands_do_not_touch_each_other(records: Records) -> None:
    for brand in ("b", "c"):
        order = Order(order_id="A-1", customer_id="C-1", status="lost", note=brand)
        person = Customer(customer_id="C-1", name=brand, handles={"x": "@Lena"})
        await records.put_brand(brand, None, upserts=[faq("one", brand=brand, answer=brand)], bought=[order], people=[person])
    await records.put_brand("b", None, removed=["one"])
    assert [found.brand for found in await records.faqs()] == ["c"]
    for brand in ("b", "c"):
        for who in ("C-1", ("x", "lena")):
            known = await records.known(brand, who, NOW)
            assert [order.note for order in known.orders] == [brand]
            assert known.customer is not None
            assert known.customer.name == brand
    assert await records.known("d", "C-1", NOW) == Known()
    assert await records.known("b", ("instagram", "@lena"), NOW) == Known()


async def test_a_handle_that_moves_to_another_customer_is_theirs_alone(records: Records) -> None:
    await records.put_brand("b", None, people=[Customer(customer_id="C-1", handles={"x": "@lena"})])
    await records.put_brand("b", None, people=[Customer(customer_id="C-2", handles={"x": "Lena"})])
    found = (await records.known("b", ("x", " @LENA"), NOW)).customer
    assert found is not None
    assert found.customer_id == "C-2"


async def test_a_triage_is_read_back_as_it_was_answered(records: Records, made: tuple[Message, Triage]) -> None:
    _, triage = made
    await records.put_triages([made])
    assert await records.triage(triage.id) == triage.model_dump_json()
    assert await records.triage(triage.id, "demo") == triage.model_dump_json()
    assert await records.triage(triage.id, "other") is None
    assert await records.triage("tri_none") is None


async def test_history_is_newest_first_with_what_became_of_it(records: Records, made: tuple[Message, Triage]) -> None:
    message, triage = made
    start = datetime(2026, 11, 1, 9, tzinfo=UTC)
    for day in range(12):
        at = start + timedelta(days=day)
        await records.put_triages([(message, triage.model_copy(update={"id": f"tri_{day}", "received_at": at}))])
    await records.feedback.put("tri_9", Feedback(action="rejected"))
    await records.feedback.put("tri_9", Feedback(action="edited", text="as sent"))
    past = (await records.known("demo", "C-1042", start + timedelta(days=11))).history
    assert [found.triage_id for found in past] == [f"tri_{day}" for day in range(10, 0, -1)]
    assert past[0].at == start + timedelta(days=10)
    assert past[1].outcome == "edited"
    assert past[0].outcome == ("escalated" if triage.escalation.escalate else "drafted")
    assert {one.customer_id for one in past} == {"C-1042"}
    assert (await records.known("demo", "C-1", start + timedelta(days=11))).history == ()
    assert (await records.known("other", "C-1042", start + timedelta(days=11))).history == ()


async def test_history_says_who_took_over_and_when_all_was_well(records: Records, made: tuple[Message, Triage]) -> None:
    message, triage = made
    sly = message.model_copy(update={"text": 'they said "trajectory":"resolved" but it is not'})
    for day, trajectory, escalate in ((1, "steady", True), (2, "resolved", False)):
        one = triage.model_copy(update={
            "id": f"tri_{day}", "received_at": NOW - timedelta(days=3 - day),
            "understanding": triage.understanding.model_copy(update={
                "trajectory": trajectory, "signals": (Signal(code="waiting", evidence=sly.text),),
            }),
            "escalation": triage.escalation.model_copy(update={"escalate": escalate}),
        })  # fmt: skip
        await records.put_triages([(sly, one)])
    await records.feedback.put("tri_1", Feedback(action="accepted"))
    past = (await records.known("demo", "C-1042", NOW)).history
    assert [(one.triage_id, one.escalated, one.resolved) for one in past] == [("tri_2", False, True), ("tri_1", True, False)]


async def test_triages_of_a_time_come_page_by_page(records: Records, made: tuple[Message, Triage]) -> None:
    message, triage = made
    for number in range(5):
        at = NOW - timedelta(days=number)
        await records.put_triages([(message, triage.model_copy(update={"id": f"tri_{number}", "received_at": at}))])
    since = NOW - timedelta(days=3)
    first = await records.triages_since("demo", since, most=3)
    assert [one.id for _, one in first] == ["tri_0", "tri_1", "tri_2"]
    assert [one.id for _, one in await records.triages_since("demo", since, after="tri_2", most=3)] == ["tri_3"]
    assert await records.triages_since("other", since) == []


async def test_imported_contacts_and_triages_are_one_history(records: Records, made: tuple[Message, Triage]) -> None:
    message, triage = made
    contact = Contact(
        contact_id="K-1", customer_id="C-1042", at=NOW - timedelta(days=2), channel="x", label="praise", level="none",
        topic="service", outcome="edited", order_id="A-1",
    )  # fmt: skip
    later = contact.model_copy(update={"contact_id": "K-2", "at": NOW})
    await records.put_brand("demo", None, earlier=[contact, later], people=[Customer(customer_id="C-1042")])
    for days in (3, 1):
        at = NOW - timedelta(days=days)
        await records.put_triages([(message, triage.model_copy(update={"id": f"tri_{days}", "received_at": at}))])
    past = (await records.known("demo", "C-1042", NOW)).history
    assert [(one.triage_id, one.at) for one in past] == [
        ("tri_1", NOW - timedelta(days=1)),
        ("K-1", NOW - timedelta(days=2)),
        ("tri_3", NOW - timedelta(days=3)),
    ]
    assert (past[1].label, past[1].outcome, past[1].order_id, past[1].customer_id) == ("praise", "edited", "A-1", "C-1042")


async def test_triages_that_wait_together_are_all_recorded(records: Records, made: tuple[Message, Triage]) -> None:
    message, triage = made
    ledger = Ledger(records)
    ids = [f"tri_{number}" for number in range(450)]
    await asyncio.gather(*(ledger.put(message, triage.model_copy(update={"id": triage_id})) for triage_id in ids))
    assert None not in [await records.triage(triage_id) for triage_id in ids]


async def test_everyone_who_waits_hears_that_a_triage_was_not_recorded(records: Records, made: tuple[Message, Triage]) -> None:
    message, triage = made
    await records.put_triages([made])
    ledger = Ledger(records)
    answers = await asyncio.gather(*(ledger.put(message, triage) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    await ledger.put(message, triage.model_copy(update={"id": "tri_after"}))
    assert await records.triage("tri_after") is not None


async def test_a_write_that_fails_half_way_leaves_nothing(records: Records) -> None:
    await records.put_brand("b", None, upserts=[faq("one")])
    order = Order(order_id="A-1", customer_id="C-1", status="lost")
    twice = Contact(contact_id="K-1", customer_id="C-1", at=NOW, label="praise")
    with pytest.raises(Unavailable):
        await records.put_brand("b", None, upserts=[faq("two")], removed=["one"], bought=[order], earlier=[twice, twice])
    assert [found.content.id for found in await records.faqs("b")] == ["one"]
    assert await records.known("b", "C-1", NOW) == Known()


async def test_a_key_is_kept_as_a_digest_only(records: Records) -> None:
    key = await records.api_keys.make("desk", None)
    (listed,) = await records.api_keys.all()
    assert (listed.number, listed.name, listed.brand, listed.revoked_at) == (1, "desk", None, None)
    assert key not in str(await records.api_keys.active())
    assert await records.api_keys.revoke(1)
    assert not await records.api_keys.revoke(1)
    assert await records.api_keys.active() == {}


async def test_records_that_can_be_written_say_so(records: Records) -> None:
    assert await records.writable()


async def test_records_that_cant_be_written_say_so(tmp_path: Path, made: tuple[Message, Triage]) -> None:
    path = tmp_path / "records.db"
    records = Records(connect(f"sqlite+aiosqlite:///{path}"))
    try:
        await migrate(records.engine)
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE triages")
            other.execute("DROP TABLE brands")
            other.commit()
        assert not await records.writable()
        with pytest.raises(Unavailable, match="nothing was changed"):
            await records.put_triages([made])
    finally:
        await records.close()


async def test_a_folder_in_the_place_of_the_database_is_refused(tmp_path: Path) -> None:
    records = Records(connect(f"sqlite+aiosqlite:///{tmp_path}"))
    try:
        with pytest.raises(RecordsNotUsable, match="can't be used"):
            await migrate(records.engine)
    finally:
        await records.close()
