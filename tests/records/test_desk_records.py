"""Conversations, lists and the audit in the records, on SQLite and on a real Postgres."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from downgrade import back_to
from sqlalchemy import delete, func, insert, select, update

from service import pipeline
from service.conversations import Conversation
from service.errors import Conflict, NotFound, Unavailable
from service.messages import Feedback, Message, Triage
from service.parts import Parts
from service.records.audit import Act, opened
from service.records.database import migrate
from service.records.queries import Records
from service.records.summaries import Summary, Wanted
from service.records.tables import audit, audit_guard, conversations, feedback, triages

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Pair = tuple[Message, Triage]


@pytest.fixture(scope="session")
async def template(parts: Parts) -> Pair:
    """A message and its triage, to be stored in other words."""
    message = Message(text="Wo bleibt mein Zelt?", author={"customer_id": "C-1042"})
    return message, await pipeline.triage(message, parts)


def pair(template: Pair, triage_id: str, conversation: str | None = None, **fields: Any) -> Pair:
    """The template under another id; fields of the escalation and the understanding by their names."""
    message, triage = template
    escalation = {name: fields.pop(name) for name in ("escalate", "queue", "priority", "respond_by") if name in fields}
    understanding: dict[str, Any] = {"label": fields.pop("label")} if "label" in fields else {}
    if "topic" in fields:
        understanding["topic"] = triage.understanding.topic.model_copy(update={"label": fields.pop("topic")})
    if "language" in fields:
        understanding["language"] = triage.understanding.language.model_copy(update={"code": fields.pop("language")})
    changed = {
        "id": triage_id, "conversation_id": conversation, "received_at": fields.pop("at", NOW),
        "escalation": triage.escalation.model_copy(update=escalation),
        "understanding": triage.understanding.model_copy(update=understanding),
    }  # fmt: skip
    return message, triage.model_copy(update=changed | fields)


async def conversation(records: Records, conversation_id: str) -> Conversation:
    found = await records.conversations.one("demo", conversation_id)
    assert found is not None
    return found


class TestConversations:
    async def test_while_nobody_has_answered_the_most_urgent_counts(self, records: Records, template: Pair) -> None:
        hour = timedelta(hours=1)
        urgent = {"escalate": True, "queue": "press", "priority": "high", "respond_by": NOW + hour}
        calm = {"escalate": False, "queue": "general", "priority": "low", "respond_by": NOW + 9 * hour}
        await records.put_triages([pair(template, "tri_1", "c", **urgent)])
        await records.put_triages([pair(template, "tri_2", "c", at=NOW + hour, **calm)])
        open_still = await conversation(records, "c")
        assert (open_still.escalate, open_still.queue, open_still.priority) == (True, "press", "high")
        assert (open_still.respond_by, open_still.last_triage_id, open_still.version) == (NOW + hour, "tri_2", 2)
        assert (open_still.opened_at, open_still.last_message_at) == (NOW, NOW + hour)

        await records.conversations.move("demo", "c", "answer", "mira", "desk")
        await records.put_triages([pair(template, "tri_3", "c", at=NOW + 2 * hour, **calm)])
        anew = await conversation(records, "c")
        assert (anew.state, anew.agent, anew.escalate, anew.queue, anew.priority) == ("new", None, False, "general", "low")
        assert (anew.respond_by, anew.opened_at) == (NOW + 9 * hour, NOW)

    async def test_a_late_older_message_is_not_the_last_and_opens_it_all_the_same(self, records: Records, template: Pair) -> None:
        await records.put_triages([pair(template, "tri_2", "c", at=NOW)])
        await records.conversations.move("demo", "c", "resolve", None, "desk")
        await records.put_triages([pair(template, "tri_1", "c", at=NOW - timedelta(days=1))])
        found = await conversation(records, "c")
        assert (found.state, found.last_triage_id, found.last_message_at) == ("new", "tri_2", NOW)

    async def test_a_group_with_several_messages_of_one_conversation_counts_each(self, records: Records, template: Pair) -> None:
        pairs = [pair(template, f"tri_{n}", f"c{n % 3}", at=NOW + timedelta(minutes=30 - n)) for n in range(30)]
        await records.put_triages(pairs)
        for number in range(3):
            found = await conversation(records, f"c{number}")
            assert (found.version, found.last_triage_id) == (10, f"tri_{number}")

    async def test_two_writers_of_the_same_conversations_lose_nothing(self, records: Records, template: Pair) -> None:
        groups = [[pair(template, f"tri_{g}_{n}", f"c{(n * (g + 1)) % 5}") for n in range(20)] for g in range(4)]
        await asyncio.gather(*(records.put_triages(group) for group in groups))
        rows = await records.all(select(func.sum(conversations.c.version).label("messages")))
        assert rows[0].messages == 80

    async def test_a_message_without_a_conversation_is_one_by_itself(self, records: Records, template: Pair) -> None:
        await records.put_triages([pair(template, "tri_1"), pair(template, "tri_2")])
        assert (await conversation(records, "tri_1")).last_triage_id == "tri_1"
        known = await records.known("demo", "C-1042", NOW + timedelta(days=1))
        assert [past.conversation_id for past in known.history] == [None, None]

    async def test_of_steps_at_the_same_moment_each_sees_the_one_before(self, records: Records, template: Pair) -> None:
        await records.put_triages([pair(template, "tri_1", "c")])
        moves = [records.conversations.move("demo", "c", "claim", f"agent {n}", "desk") for n in range(6)]
        answers = await asyncio.gather(*moves, return_exceptions=True)
        assert sorted(type(answer).__name__ for answer in answers) == ["Conflict"] * 5 + ["Conversation"]
        with pytest.raises(Conflict, match="it is 2 now"):
            await records.conversations.move("demo", "c", "resolve", None, "desk", version=1)
        with pytest.raises(NotFound):
            await records.conversations.move("other", "c", "resolve", None, "desk")

    async def test_history_says_that_a_conversation_was_resolved_after_the_message(
        self, records: Records, template: Pair
    ) -> None:
        await records.put_triages([pair(template, "tri_1", "c", at=NOW), pair(template, "tri_2", "d", at=NOW)])
        await records.conversations.move("demo", "c", "resolve", None, "desk")
        await records.put_triages([pair(template, "tri_3", "c", at=NOW + timedelta(hours=1))])
        history = (await records.known("demo", "C-1042", NOW + timedelta(days=1))).history
        assert {past.triage_id: past.resolved for past in history} == {"tri_1": True, "tri_2": False, "tri_3": False}


class TestLists:
    @pytest.fixture
    async def filled(self, records: Records, template: Pair) -> list[Triage]:
        """Forty triages of two brands in thirteen conversations in every state."""
        rng = random.Random(7)
        pairs = []
        for n in range(40):
            fields = {
                "at": NOW - timedelta(hours=rng.randrange(20)), "respond_by": NOW + timedelta(hours=rng.randrange(5)),
                "escalate": rng.random() < 0.4, "queue": rng.choice(["general", "press"]),
                "priority": rng.choice(["high", "normal"]), "label": rng.choice(["frustration", "praise"]),
                "topic": rng.choice(["delivery", "returns"]), "language": rng.choice(["de", "sv"]),
                "brand": "demo" if n % 4 else "other",
            }  # fmt: skip
            pairs.append(pair(template, f"tri_{n:02}", f"c{n % 13}", **fields))
        await records.put_triages(pairs)
        for number, step in ((0, "claim"), (1, "claim"), (2, "answer"), (3, "resolve"), (4, "resolve")):
            await records.conversations.move("demo", f"c{number}", step, "mira", "desk")
        async with records.writing() as connection:
            old = conversations.c.conversation_id.in_(["c4", "c5"])
            await connection.execute(update(conversations).where(old).values(changed_at=LONG_AGO))
        return [triage for _, triage in pairs]

    async def listed(self, records: Records, most: int = 7, **wanted: Any) -> list[Summary]:
        """All pages of a list."""
        asked = Wanted(**{"brand": "demo", "stale_before": NOW - timedelta(days=365)} | wanted)
        found: list[Summary] = []
        after = None
        while page := await records.summaries.page(asked, after, most):
            assert len(page) <= most
            found += page
            after = getattr(page[-1], asked.sort), page[-1].id
        return found

    @pytest.mark.parametrize(
        "wanted",
        [
            {}, {"sort": "received_at"}, {"queue": "press"}, {"escalate": True}, {"escalate": False, "priority": "high"},
            {"label": "praise", "topic": "returns"}, {"language": "sv", "sort": "received_at"}, {"conversation_id": "c6"},
            {"customer_id": "C-1042"}, {"customer_id": "C-1"}, {"due_before": NOW + timedelta(hours=2)}, {"state": "new"},
            {"state": "claimed"}, {"state": "answered"}, {"state": "resolved", "sort": "received_at"}, {"state": "stale"},
            {"state": "new", "escalate": True, "queue": "press"}, {"brand": "other"}, {"brand": "none"},
        ],
        ids=str,
    )  # fmt: skip
    async def test_a_list_is_what_fits_in_order_and_pages_neither_lose_nor_repeat(
        self, records: Records, filled: list[Triage], wanted: dict[str, Any]
    ) -> None:
        states = dict.fromkeys(range(13), "new") | {0: "claimed", 1: "claimed", 2: "answered", 3: "resolved", 4: "resolved"}
        states |= {5: "stale"}
        sort = wanted.get("sort", "respond_by")

        def fits(triage: Triage) -> bool:
            seen, verdict = triage.understanding, triage.escalation
            is_so = {
                "brand": triage.brand, "queue": verdict.queue, "escalate": verdict.escalate, "priority": verdict.priority,
                "label": seen.label, "topic": seen.topic.label, "language": seen.language.code, "customer_id": "C-1042",
                "conversation_id": triage.conversation_id,
                "state": states[int((triage.conversation_id or "")[1:])],
            }  # fmt: skip
            due = wanted.get("due_before")
            asked = {"brand": "demo"} | {name: value for name, value in wanted.items() if name in is_so}
            return all(is_so[name] == value for name, value in asked.items()) and (due is None or verdict.respond_by < due)

        def place(triage: Triage) -> tuple[datetime, str]:
            return (triage.escalation.respond_by if sort == "respond_by" else triage.received_at), triage.id

        expected = sorted((one for one in filled if fits(one)), key=place, reverse=sort == "received_at")
        assert [one.id for one in await self.listed(records, **wanted)] == [triage.id for triage in expected]

    async def test_a_summary_says_what_a_desk_needs(self, records: Records, template: Pair) -> None:
        message, triage = pair(template, "tri_1", "c")
        await records.put_triages([(message, triage)])
        await records.conversations.move("demo", "c", "claim", "mira", "desk")
        (found,) = await self.listed(records)
        seen, verdict = triage.understanding, triage.escalation
        assert triage.draft is not None
        assert found.model_dump() == {
            "id": "tri_1", "message_id": None, "conversation_id": "c", "received_at": NOW, "label": seen.label,
            "level": seen.frustration_level, "topic": seen.topic.label, "urgency": seen.urgency,
            "language": seen.language.code, "escalate": verdict.escalate,
            "reasons": tuple(reason.code for reason in verdict.reasons), "queue": verdict.queue,
            "priority": verdict.priority, "respond_by": verdict.respond_by, "state": "claimed", "agent": "mira",
            "action": triage.draft.action,
        }  # fmt: skip


class TestAudit:
    async def test_a_line_can_be_neither_changed_nor_removed(self, records: Records) -> None:
        await records.audit.add(Act("demo", "mo", "translated", "tri_1", detail={"language": "sv"}))
        for statement in (update(audit).values(actor="nobody"), delete(audit), delete(audit).where(audit.c.triage_id == "tri_1")):
            with pytest.raises(Unavailable, match="the audit is only added to"):
                async with records.writing() as connection:
                    await connection.execute(statement)
        (line,) = await records.audit.lines("demo", "tri_1")
        assert (line.actor, line.action, line.detail) == ("mo", "translated", {"language": "sv"})

    async def test_an_erasure_opens_it_for_its_own_transaction_alone(self, records: Records) -> None:
        await records.audit.add(Act("demo", "mo", "translated", "tri_1"))
        await records.audit.add(Act("demo", "mo", "translated", "tri_2"))
        async with records.writing() as connection, opened(connection, "erasure"):
            await connection.execute(delete(audit).where(audit.c.triage_id == "tri_1"))
            with pytest.raises(Exception, match="the audit is only added to"):
                async with connection.begin_nested():
                    await connection.execute(update(audit).values(actor="nobody"))
        assert [line.triage_id for line in await records.audit.lines("demo", "tri_2")] == ["tri_2"]
        assert await records.audit.lines("demo", "tri_1") == []
        assert await records.all(select(audit_guard)) == []
        with pytest.raises(Unavailable, match="the audit is only added to"):
            async with records.writing() as connection:
                await connection.execute(delete(audit))

    async def test_it_says_who_did_what_in_order_and_no_word_of_it(self, records: Records, template: Pair) -> None:
        await records.put_triages([pair(template, "tri_1", "c")], ["shop"])
        await records.conversations.move("demo", "c", "claim", "mira", "desk")
        given = Feedback.model_validate(
            {
                "action": "edited",
                "text": "geheim",
                "agent": "mira",
                "reason": "geheim",
                "reasons": ["other"],
                "wrong": {"topic": "a"},
            }
        )
        await records.feedback.put("tri_1", given, sent=True, key="desk")
        await records.conversations.move("demo", "c", "resolve", None, "crm")
        await records.conversations.move("demo", "c", "resolve", None, "crm")
        lines = await records.audit.lines("demo", "tri_1", "c")
        assert [(line.actor, line.action) for line in lines] == [
            ("shop", "recorded"), ("mira", "claim"), ("mira", "feedback"), ("mira", "answer"), ("crm", "resolve"),
        ]  # fmt: skip
        assert lines[2].detail == {"action": "edited", "key": "desk", "reasons": ["other"], "wrong": {"topic": "a"}}
        assert lines[1].detail == {"from": "new", "to": "claimed", "key": "desk"}
        assert not [line for line in lines if "geheim" in str(line)]
        assert await records.audit.lines("other", "tri_1", "c") == []


async def test_feedback_on_nothing_is_not_kept(records: Records) -> None:
    with pytest.raises(NotFound):
        await records.feedback.put("tri_none", Feedback(action="accepted"))
    assert await records.feedback.of("tri_none") == []


async def test_triages_from_before_come_in_as_conversations(records: Records, template: Pair) -> None:
    pairs = [pair(template, "tri_1", "c", at=NOW), pair(template, "tri_2", "c", at=NOW + timedelta(hours=1), language="sv"),
             pair(template, "tri_3"), pair(template, "tri_4")]  # fmt: skip
    await records.put_triages(pairs)
    rows = [("tri_2", "accepted"), ("tri_3", "edited"), ("tri_3", "rejected")]
    async with records.engine.begin() as connection:
        for triage_id, action in rows:
            values = {"triage_id": triage_id, "at": NOW, "action": action, "data": {"action": action}}
            await connection.execute(insert(feedback).values(values))
        await connection.execute(update(triages).where(triages.c.id.in_(["tri_3", "tri_4"])).values(conversation_id=None))
        await connection.run_sync(back_to, "0006")
    await migrate(records.engine)
    found = {
        name: (one.state, one.last_triage_id, one.version, one.opened_at, one.last_message_at)
        for name in ("c", "tri_3", "tri_4")
        for one in [await conversation(records, name)]
    }
    assert found == {
        "c": ("answered", "tri_2", 2, NOW, NOW + timedelta(hours=1)),
        "tri_3": ("new", "tri_3", 1, NOW, NOW),
        "tri_4": ("new", "tri_4", 1, NOW, NOW),
    }
    listed = await records.summaries.page(Wanted(brand="demo", stale_before=LONG_AGO, language="sv"), None, 10)
    assert [(one.id, one.state) for one in listed] == [("tri_2", "answered")]
    await records.put_triages([pair(template, "tri_5", "c", at=NOW + timedelta(hours=2))])
    assert (await conversation(records, "c")).state == "new"
