"""Whose rows are whose, and that no table is forgotten: on SQLite and on Postgres."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from service import pipeline
from service.errors import NotFound
from service.knowledge import Entry, StoredEntry
from service.messages import Contact, Customer, Feedback, Message, Order, Triage
from service.parts import Parts
from service.records.erasing import HELD, NOT_HELD
from service.records.inbox import Incoming, Key
from service.records.queries import Records
from service.records.tables import metadata
from service.records.traces import Person, Traces

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BRAND, ELSEWHERE = "demo", "other"
WHO, OTHER = "C-7", "C-8"


@pytest.fixture(scope="session")
async def made(parts: Parts) -> Triage:
    """A triage, to be stored under other ids with other messages."""
    return await pipeline.triage(Message(text="Wo bleibt mein Zelt?"), parts)


def test_every_table_is_declared_to_hold_something_of_customers_or_nothing() -> None:
    held = {each.table.name for each in HELD}
    assert held & set(NOT_HELD) == set()
    assert held | set(NOT_HELD) == set(metadata.tables), "say in service/records/erasing.py what of a customer is in it"
    assert all(NOT_HELD.values())


def test_what_is_held_is_found_by_traces_there_are() -> None:
    assert {each.by for each in HELD} <= set(Traces.__dataclass_fields__)
    assert all(each.column.table is each.table for each in HELD)


async def wrote(
    records: Records, made: Triage, triage_id: str, *, known: str | None = None, brand: str = BRAND, **fields: Any
) -> None:
    """Stores a triage of a message with these fields; `known` is whom it was taken for."""
    message = Message.model_validate({"text": "hi", "brand": brand, "channel": "x"} | fields)
    customer = Customer(customer_id=known) if known else None
    context = made.context.model_copy(update={"customer": customer})
    given = {"id": triage_id, "brand": brand, "context": context, "conversation_id": message.conversation_id}
    await records.put_triages([(message, made.model_copy(update=given))])


async def accepted(records: Records, message_id: str, key: str | None = None, brand: str = BRAND, **fields: Any) -> None:
    """Puts a message into the inbox, as a request with this key brought it."""
    message = Message.model_validate({"text": "hi", "brand": brand, "channel": "x"} | fields)
    item = Incoming(message_id, "api", message_id, message_id, message_id, message, NOW)
    request = Key(brand, "/v1/messages", key, "d", NOW + timedelta(days=9_999)) if key else None
    await records.inbox.accept([([item], request)])


async def rows(records: Records) -> dict[str, int]:
    counts = {}
    for name, table in metadata.tables.items():
        counts[name] = (await records.all(select(func.count().label("rows")).select_from(table)))[0].rows
    return counts


async def test_messages_are_theirs_by_id_by_linked_handle_and_by_a_handle_that_came_with_the_id(
    records: Records, made: Triage
) -> None:
    people = [
        Customer(customer_id=WHO, handles={"x": "@Seven", "instagram": "@seven.ig"}),
        Customer(customer_id=OTHER, handles={"x": "@eight"}),
    ]
    await records.put_purchases(BRAND, people=people)
    await wrote(records, made, "tri_by_id", known=WHO, author={"customer_id": WHO})
    await wrote(records, made, "tri_by_link", known=WHO, author={"handle": "@seven"})
    await wrote(records, made, "tri_before_the_link", author={"handle": "SEVEN"})
    await wrote(records, made, "tri_vouched", known=WHO, author={"customer_id": WHO, "handle": "@alias"}, channel="instagram")
    await wrote(records, made, "tri_alias", author={"handle": "Alias"}, channel="instagram")
    await accepted(records, "msg_by_id", author={"customer_id": WHO})
    await accepted(records, "msg_alias", key="k-1", author={"handle": "@ALIAS"}, channel="instagram")

    await wrote(records, made, "tri_alias_elsewhere", author={"handle": "alias"}, channel="x")
    await wrote(records, made, "tri_other", known=OTHER, author={"customer_id": OTHER})
    await wrote(records, made, "tri_handle_of_other", known=WHO, author={"customer_id": WHO, "handle": "@eight"})
    await wrote(records, made, "tri_eight", author={"handle": "@eight"})
    await wrote(records, made, "tri_nobody")
    await wrote(records, made, "tri_brand", brand=ELSEWHERE, known=WHO, author={"customer_id": WHO})
    await accepted(records, "msg_other", key="k-2", author={"customer_id": OTHER, "handle": "@seven"})
    await accepted(records, "msg_brand", key="k-1", brand=ELSEWHERE, author={"customer_id": WHO})

    found = await records.erasures.find(BRAND, Person(customer_id=WHO))
    assert set(found.triages) == {
        "tri_by_id", "tri_by_link", "tri_before_the_link", "tri_vouched", "tri_alias", "tri_handle_of_other",
    }  # fmt: skip
    assert set(found.messages) == {"msg_by_id", "msg_alias"}
    assert found.requests == ("k-1",)
    assert found.customers == (WHO,)


async def test_messages_that_name_nobody_are_theirs_where_nobody_else_is_named(records: Records, made: Triage) -> None:
    alone, together, theirs = "conv-1", "conv-2", {"author": {"customer_id": WHO}, "known": WHO}
    for number, conversation in enumerate((alone, together)):
        await wrote(records, made, f"tri_{number}", conversation_id=conversation, **theirs)
        await wrote(records, made, f"tri_nameless_{number}", conversation_id=conversation)
        await accepted(records, f"msg_nameless_{number}", conversation_id=conversation)
    await wrote(records, made, "tri_other", conversation_id=together, author={"handle": "@someone"})
    await wrote(records, made, "tri_no_conversation")
    found = await records.erasures.find(BRAND, Person(customer_id=WHO))
    assert set(found.triages) == {"tri_0", "tri_1", "tri_nameless_0"}
    assert found.messages == ("msg_nameless_0",)
    assert found.conversations == (alone,)


async def test_somebody_known_by_a_handle_alone_is_found_by_it_in_any_spelling(records: Records, made: Triage) -> None:
    await wrote(records, made, "tri_1", author={"handle": "@Åsa"})
    await wrote(records, made, "tri_2", author={"handle": "åsa"})
    await wrote(records, made, "tri_elsewhere", author={"handle": "@Åsa"}, channel="instagram")
    await wrote(records, made, "tri_known", known=OTHER, author={"handle": "@Åsa", "customer_id": OTHER})
    found = await records.erasures.find(BRAND, Person(channel="x", handle="@ÅSA"))
    assert (set(found.triages), found.customers) == ({"tri_1", "tri_2"}, ())


async def test_more_messages_than_fit_a_page_or_a_statement_go(
    records: Records, made: Triage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("traces.PAGE", "traces.CHUNK", "erasing.CHUNK"):
        monkeypatch.setattr(f"service.records.{module}", 2)
    for number in range(7):
        await wrote(records, made, f"tri_{number}", known=WHO, author={"customer_id": WHO}, conversation_id=f"conv-{number}")
        await wrote(records, made, f"tri_other_{number}", known=OTHER, author={"customer_id": OTHER})
    found = await records.erasures.find(BRAND, Person(customer_id=WHO))
    receipt = await records.erasures.erase(BRAND, Person(customer_id=WHO), found)
    assert receipt.erased["triages"] == 7
    assert (await rows(records))["triages"] == 7


async def test_everything_of_one_customer_goes_and_nothing_of_another(records: Records, made: Triage) -> None:
    async def put(brand: str, who: str) -> None:
        handle, order = f"@{brand}-{who}", Order(order_id=f"A-{who}", customer_id=who, status="placed", placed_at="2026-11-12")
        await records.put_purchases(brand, [order], [Customer(customer_id=who, handles={"x": handle})])
        contact = Contact(contact_id=f"c-{who}", customer_id=who, at=NOW, label="praise")
        await records.put_brand(brand, None, earlier=[contact])
        triage_id = f"tri_{brand}_{who}"
        await wrote(records, made, triage_id, known=who, brand=brand, author={"customer_id": who}, conversation_id=f"conv-{who}")
        await accepted(records, f"msg_{brand}_{who}", key=f"k-{who}", brand=brand, author={"customer_id": who})
        await records.feedback.put(triage_id, Feedback(action="accepted"))
        await records.put_redraft(brand, triage_id, 1, NOW, {"text": "shorter"})
        entry = Entry(id=triage_id, kind="precedent", entry=triage_id, language="de", topic=None, title="", answer="a")
        await records.put_precedent(StoredEntry(brand, entry, "d", "e", np.zeros((1, 4), np.float32)))

    for brand in (BRAND, ELSEWHERE):
        await records.endpoints.add(brand, "https://told.example/", ["triage.done"])
    for brand, who in ((BRAND, WHO), (BRAND, OTHER), (ELSEWHERE, WHO)):
        await put(brand, who)
    before = await rows(records)
    last = await records.last_change()
    traces = await records.erasures.find(BRAND, Person(customer_id=WHO))
    receipt = await records.erasures.erase(BRAND, Person(customer_id=WHO), traces)
    after = await rows(records)
    held = {each.table.name for each in HELD}
    assert receipt.erased == dict.fromkeys(held, 1) | {"audit": 3}
    after["audit"] -= 1  # that somebody had a customer erased is a line of its own
    assert {name: before[name] - after[name] for name in held} == receipt.erased
    assert receipt.customer == hashlib.sha256(WHO.encode()).hexdigest()
    told = [(brand, faq_id) for _, brand, faq_id in await records.changes_after(last)]
    assert told == [(BRAND, f"tri_{BRAND}_{WHO}"), (BRAND, receipt.id)]
    assert await records.erasures.digests(BRAND) == {receipt.customer}
    assert await records.erasures.digests(ELSEWHERE) == set()
    assert {name: after[name] - before[name] for name in NOT_HELD} == dict.fromkeys(NOT_HELD, 0) | {"erasures": 1, "changes": 2}


async def test_only_a_database_of_our_own_is_compacted(records: Records) -> None:
    assert await records.compact() == (records.engine.dialect.name == "sqlite")


async def test_nobody_is_erased_twice_and_an_unknown_one_leaves_no_receipt(records: Records, made: Triage) -> None:
    await wrote(records, made, "tri_1", known=WHO, author={"customer_id": WHO})
    person = Person(customer_id=WHO)
    await records.erasures.erase(BRAND, person, await records.erasures.find(BRAND, person))
    with pytest.raises(NotFound):
        await records.erasures.erase(BRAND, person, await records.erasures.find(BRAND, person))
    with pytest.raises(NotFound):
        await records.erasures.erase(ELSEWHERE, person, await records.erasures.find(ELSEWHERE, person))
    assert (await rows(records))["erasures"] == 1
