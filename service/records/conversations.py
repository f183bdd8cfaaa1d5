"""Conversations with their states: kept up to date with each triage, and changed by agents and other systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.conversations import LEADS, Conversation, Step, after
from service.errors import Conflict, NotFound
from service.messages import URGENCIES, Triage
from service.records.audit import Act, write_down
from service.records.database import Database, Writes, aware
from service.records.tables import conversations

_MOMENTS = ("opened_at", "last_message_at", "changed_at", "answered_at", "resolved_at", "respond_by")
_MOVED = ("state", "agent", "version", "changed_at", "opened_at", "answered_at", "resolved_at")


class Conversations:
    """The conversations of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(self, brand: str, conversation_id: str) -> Conversation | None:
        """A conversation as it is kept; whether it is stale is for the reader to say."""
        rows = await self._database.all(select(conversations).where(_is(brand, conversation_id)))
        return conversation_of_row(rows[0]) if rows else None

    async def answered_since(self, brand: str, conversation_id: str, moment: datetime) -> bool:
        """Whether a person has answered or resolved the conversation since then."""
        done = or_(conversations.c.answered_at >= moment, conversations.c.resolved_at >= moment)
        query = select(conversations.c.version).where(_is(brand, conversation_id), done)
        return bool(await self._database.all(query))

    async def move(
        self,
        brand: str,
        conversation_id: str,
        step: Step,
        agent: str | None,
        key: str,
        version: int | None = None,
        at: datetime | None = None,
    ) -> Conversation:
        """The conversation after a step by an agent, or by whoever has the key; a step that changes nothing is not written down.

        `at` is when, by default now. Raises NotFound, and Conflict where it can't be or where `version` is given and is not the
        present one.
        """
        now = at or datetime.now(UTC)
        async with self._database.briefly() as connection:
            before = await _held(connection, brand, conversation_id)
            if before is None:
                raise NotFound("no conversation with this id")
            if version is not None and version != before.version:
                raise Conflict(f"the conversation has changed since version {version}: read it again, it is {before.version} now")
            return await _moved(connection, before, step, agent, key, now)


async def answered(
    connection: Writes, brand: str, conversation_id: str, triage_id: str, agent: str | None, key: str, at: datetime
) -> None:
    """A reply to this triage's message was sent: its conversation is answered, unless the customer has written again since.

    One that is resolved stays so.
    """
    before = await _held(connection, brand, conversation_id)
    if before is not None and before.last_triage_id == triage_id and before.state != "resolved":
        await _moved(connection, before, "answer", agent, key, at)


async def _held(connection: Writes, brand: str, conversation_id: str) -> Conversation | None:
    """The conversation, held until the transaction ends: an update that changes nothing locks on SQLite and Postgres alike."""
    holding = update(conversations).where(_is(brand, conversation_id)).values(version=conversations.c.version)
    row = (await connection.execute(holding.returning(conversations))).one_or_none()
    return conversation_of_row(row) if row is not None else None


async def _moved(
    connection: Writes, before: Conversation, step: Step, agent: str | None, key: str, now: datetime
) -> Conversation:
    changed = after(step, before, agent, now)
    if changed != before:
        values = changed.model_dump(
            include={"state", "agent", "version", "changed_at", "opened_at", "answered_at", "resolved_at"}
        )
        await connection.execute(update(conversations).where(_is(before.brand, before.conversation_id)).values(values))
        detail = {"from": before.state, "to": changed.state, "key": key}
        act = Act(before.brand, agent or key, step, None, before.conversation_id, detail)
        await write_down(connection, [act], now)
    return changed


async def put_messages(connection: Writes, made: Sequence[Triage], now: datetime) -> None:
    """Each triage's message in its conversation, which is made where it is new, and opened again where it was answered."""
    rows = [
        {
            "brand": triage.brand, "conversation_id": conversation_of(triage), "state": "new", "agent": None, "version": 1,
            "opened_at": triage.received_at, "last_message_at": triage.received_at, "changed_at": now,
            "respond_by": triage.escalation.respond_by, "queue": triage.escalation.queue,
            "priority": triage.escalation.priority, "escalate": triage.escalation.escalate, "last_triage_id": triage.id,
        }
        for triage in made
    ]  # fmt: skip
    # In one order in every transaction, so that no two wait for each other.
    rows.sort(key=lambda row: (row["brand"], row["conversation_id"], row["last_message_at"]))
    await connection.execute(_putting(connection.dialect.name), rows)


@cache
def _putting(dialect: str) -> Any:
    """The one statement that puts a message. Made once: making it takes longer than running it."""
    put = (postgresql if dialect == "postgresql" else sqlite).insert(conversations)
    kept, given = conversations.c, put.excluded
    unanswered = or_(*(kept.state == state for state, leads in LEADS["message"].items() if state == leads))
    later = given.last_message_at >= kept.last_message_at
    ours_first = and_(unanswered, kept.escalate, not_(given.escalate))
    changes: dict[str, Any] = {
        "state": case(dict(LEADS["message"]), value=kept.state),
        "agent": case((unanswered, kept.agent)),
        "version": kept.version + 1,
        "opened_at": case((kept.state == "resolved", given.opened_at), else_=kept.opened_at),
        "last_message_at": case((later, given.last_message_at), else_=kept.last_message_at),
        "last_triage_id": case((later, given.last_triage_id), else_=kept.last_triage_id),
        "changed_at": given.changed_at,
        "respond_by": case((and_(unanswered, kept.respond_by < given.respond_by), kept.respond_by), else_=given.respond_by),
        "queue": case((ours_first, kept.queue), else_=given.queue),
        "priority": case((and_(unanswered, _rank(kept.priority) > _rank(given.priority)), kept.priority), else_=given.priority),
        "escalate": or_(and_(unanswered, kept.escalate), given.escalate),
    }
    return put.on_conflict_do_update(index_elements=[kept.brand, kept.conversation_id], set_=changes)


def conversation_of(triage: Triage) -> str:
    """The id of the conversation of a triage: a message without one is a conversation by itself."""
    return triage.conversation_id or triage.id


def _rank(priority: ColumnElement[str]) -> ColumnElement[int]:
    return case({name: place for place, name in enumerate(URGENCIES)}, value=priority)


def _is(brand: str, conversation_id: str) -> ColumnElement[bool]:
    return and_(conversations.c.brand == brand, conversations.c.conversation_id == conversation_id)


def conversation_of_row(row: Row[Any]) -> Conversation:
    """The conversation in a row that has all its columns, and maybe others."""
    values = {column.name: row._mapping[column.name] for column in conversations.c}
    return Conversation(**{name: aware(value) if name in _MOMENTS and value else value for name, value in values.items()})
