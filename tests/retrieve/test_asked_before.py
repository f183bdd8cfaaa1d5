"""The same question asked again is a fact: of this customer, in another conversation, about the same order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import TODAY
from sqlalchemy import text

from service import pipeline
from service.files import shipped
from service.messages import Feedback, Message, PastTriage, Triage
from service.parts import Parts, build_parts
from service.retrieve.ingest import Report, asked_of, read_contacts

ASKED = "Hi, was kostet der Versand nach Österreich und wie lange dauert das?"
AGAIN = "Was kostet denn der Versand nach Österreich? Und wie lang dauert er?"
OTHER = "Kann ich mit einer Geschenkkarte bezahlen?"
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
LATER = AT + timedelta(days=3)


@pytest.fixture
async def own(settings_in: Any, data_dir: Path) -> AsyncIterator[Parts]:
    async with build_parts(settings_in(data_dir), today=TODAY) as parts:
        yield parts


async def made(parts: Parts, text: str, at: datetime, *, customer: str = "C-1044", **more: Any) -> Triage:
    given = {"text": text, "channel": "webchat", "received_at": at, "author": {"customer_id": customer}} | more
    return await pipeline.triage(Message.model_validate(given), parts)


async def again(parts: Parts, text: str = AGAIN, at: datetime = LATER, **more: Any) -> PastTriage:
    """The latest contact in the history of a message."""
    return (await made(parts, text, at, **more)).context.history[0]


async def test_the_same_question_is_known_again_with_its_likeness(own: Parts) -> None:
    first = await made(own, ASKED, AT)
    assert first.context.history == ()
    triage = await made(own, AGAIN, LATER)
    (past,) = triage.context.history
    assert (past.triage_id, past.same_question) == (first.id, True)
    assert past.likeness is not None
    assert 0.5 <= past.likeness <= 1
    (reason,) = [reason for reason in triage.escalation.reasons if reason.code == "repeat_contact"]
    assert reason.detail == "asked the same on 22 November, no answer recorded"
    stored = await own.records.triage(triage.id)
    assert stored is not None
    assert '"same_question":true' in stored
    assert Triage.model_validate_json(stored).context.history[0].asked == b"", "a vector is no part of an answer"


async def test_another_question_is_not(own: Parts) -> None:
    await made(own, ASKED, AT)
    past = await again(own, OTHER)
    assert (past.same_question, past.likeness) == (False, None)


async def test_a_question_in_another_language_is_the_same(own: Parts) -> None:
    await made(own, ASKED, AT)
    assert (await again(own, "How much is shipping to Austria, and how long does it take?")).same_question


async def test_an_answer_that_was_sent_is_told_and_a_calm_second_question_is_no_reason(own: Parts) -> None:
    first = await made(own, ASKED, AT)
    await own.records.feedback.put(first.id, Feedback(action="accepted"))
    triage = await made(own, AGAIN, LATER)
    assert triage.context.history[0].same_question
    assert "repeat_contact" not in [reason.code for reason in triage.escalation.reasons]


@pytest.mark.parametrize(
    ("first", "second", "hours", "same"),
    [
        ({"conversation_id": "a"}, {"conversation_id": "a"}, 72, False),
        ({"conversation_id": "a"}, {"conversation_id": "b"}, 0.1, True),
        ({"conversation_id": "a"}, {}, 0.9, False),
        ({}, {}, 0.9, False),
        ({}, {}, 1.1, True),
        ({"id": "m-1"}, {"id": "m-1"}, 72, False),
        ({"id": "m-1"}, {"id": "m-2"}, 72, True),
    ],
)
async def test_a_conversation_and_a_message_sent_twice_are_one_contact(
    own: Parts, first: dict[str, str], second: dict[str, str], hours: float, same: bool
) -> None:
    await made(own, ASKED, AT, **first)
    assert (await again(own, at=AT + timedelta(hours=hours), **second)).same_question is same


async def test_the_same_words_about_another_order_are_another_question(own: Parts) -> None:
    asked, same = "Wo bleibt meine Bestellung {}? Wann kommt sie an?", {"customer": "C-1034"}
    first = await made(own, asked.format("A-1005"), AT, **same)
    assert first.context.orders[0].order_id == "A-1005"
    assert not (await again(own, asked.format("A-1018"), **same)).same_question
    both = (await made(own, asked.format("A-1005"), LATER + timedelta(days=1), **same)).context.history
    assert [past.same_question for past in both] == [False, True]


async def test_nobody_elses_question_counts(own: Parts) -> None:
    await made(own, ASKED, AT, customer="C-1043")
    assert (await made(own, AGAIN, LATER)).context.history == ()


async def test_thanks_in_the_same_words_ask_nothing(own: Parts) -> None:
    await made(own, "Danke, ihr seid super!", AT)
    assert not (await again(own, "Danke, ihr seid super!")).same_question


@pytest.mark.parametrize(
    "change",
    ["UPDATE triages SET embedder = 'another'", "UPDATE triages SET asked = NULL, embedder = NULL"],
    ids=["another embedder", "recorded before there were vectors"],
)
async def test_what_another_embedder_saw_is_not_compared(own: Parts, change: str) -> None:
    await made(own, ASKED, AT)
    async with own.records.writing() as connection:
        await connection.exec_driver_sql(change)
    assert not (await again(own)).same_question


async def test_a_message_without_words_is_recorded_without_a_vector(own: Parts) -> None:
    await made(own, "", AT, attachments=[{"kind": "image"}])
    (row,) = await own.records.all(text("SELECT asked, embedder FROM triages"))
    assert tuple(row) == (None, None)
    assert not (await again(own, "", attachments=[{"kind": "image"}])).same_question


async def test_an_imported_contact_is_known_by_any_of_its_turns(own: Parts) -> None:
    text = "Bleibt es beim versprochenen Tag für mein Skarn 2? Laut Mail ist es unterwegs."
    history = (await made(own, text, AT, customer="C-1042")).context.history
    assert {past.triage_id: past.same_question for past in history} == {"K-2001": False, "K-2002": True}


async def test_contacts_of_the_same_words_are_not_embedded_again(own: Parts) -> None:
    lines = (shipped("knowledge/demo") / "contacts.jsonl").read_text(encoding="utf-8").splitlines()
    contacts = read_contacts(lines, Report())
    stored = await own.records.asked("demo")
    assert set(stored) == {contact.contact_id for contact in contacts}
    seen: list[str] = []

    async def queries(texts: Any) -> Any:
        seen.extend(texts)
        return await own.embedding.queries(texts)

    fingerprint = own.embedding.embedder.fingerprint
    assert await asked_of(contacts, stored, queries, fingerprint) == stored
    assert seen == []
    turn = contacts[0].thread[0].model_copy(update={"text": "Something else."})
    changed = [contacts[0].model_copy(update={"thread": (turn,)}), *contacts[1:]]
    assert (await asked_of(changed, stored, queries, fingerprint)).keys() == stored.keys()
    assert seen == ["Something else."]
    assert (await asked_of(contacts[:1], stored, queries, "another"))[contacts[0].contact_id].embedder == "another"
