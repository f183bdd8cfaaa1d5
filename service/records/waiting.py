"""Conversations for people to work on, with the last message of each: what is due first comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import Row, and_, case, func, literal, select, tuple_

from service.conversations import LEADS, Conversation, ConversationState
from service.messages import Action, Channel, Escalation, Label, Message, Understanding
from service.records.conversations import conversation_of_row
from service.records.database import Database, aware
from service.records.tables import WAITING, conversations, triages

States = ConversationState | Literal["open", "all"]
Place = tuple[datetime, str]  # of a conversation in the list: until when an answer is due, and its id


@dataclass(frozen=True)
class Sought:
    """Which conversations of a brand; what is None does not matter. `open` are new and claimed ones that are not stale."""

    brand: str
    stale_before: datetime
    state: States = "open"
    queue: str | None = None
    channel: Channel | None = None
    language: str | None = None
    label: Label | None = None
    escalated: bool | None = None
    agent: str | None = None


class _Drafted(BaseModel):
    action: Action


class _Made(BaseModel):
    """What a list shows of a triage."""

    understanding: Understanding
    escalation: Escalation
    draft: _Drafted | None


@dataclass(frozen=True)
class Waiting:
    """A conversation in the list: its last message, and what was understood and decided of it."""

    conversation: Conversation
    message: Message
    understanding: Understanding
    escalation: Escalation
    action: Action | None


@dataclass(frozen=True)
class Count:
    """How many open conversations have this queue, channel, language and label; how many of them are overdue, and whose."""

    queue: str
    channel: str | None
    language: str | None
    label: str | None
    agent: str | None
    number: int
    overdue: int


class WaitingList:
    """The conversations of all brands as people work on them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first(self, sought: Sought, most: int) -> list[Waiting]:
        """At most so many."""
        query = select(conversations, triages.c.request, triages.c.response).select_from(_JOINED).where(*_wanted(sought))
        rows = await self._database.all(query.order_by(*_ORDER).limit(most))
        return await asyncio.to_thread(_read, rows, sought.stale_before)

    async def place_of(self, brand: str, triage_id: str) -> Place | None:
        """Where the conversation of a triage stands in the list, whatever state it is in."""
        query = select(*_ORDER).join(triages, _SAME)
        rows = await self._database.all(query.where(triages.c.id == triage_id, triages.c.brand == brand))
        return (aware(rows[0].respond_by), rows[0].conversation_id) if rows else None

    async def beside(self, sought: Sought, place: Place, *, before: bool) -> str | None:
        """The last triage of the conversation next to a place, around the ends; None where there is no other."""
        query = select(conversations.c.last_triage_id).select_from(_JOINED).where(*_wanted(sought))
        order = tuple(column.desc() for column in _ORDER) if before else _ORDER
        beyond = _here() < _at(place) if before else _here() > _at(place)
        for beside in (beyond, _here() != _at(place)):
            rows = await self._database.all(query.where(beside).order_by(*order).limit(1))
            if rows:
                return str(rows[0].last_triage_id)
        return None

    async def counts(self, brand: str, stale_before: datetime, now: datetime) -> list[Count]:
        """The open conversations of a brand, counted by what they are narrowed by."""
        kinds = (
            conversations.c.queue, triages.c.channel, triages.c.language, triages.c.label, conversations.c.agent,
        )  # fmt: skip
        overdue = func.count(case((conversations.c.respond_by < now, 1)))
        query = (
            select(*kinds, func.count().label("number"), overdue.label("overdue"))
            .select_from(_JOINED).where(*_wanted(Sought(brand, stale_before))).group_by(*kinds)
        )  # fmt: skip
        return [Count(**row._mapping) for row in await self._database.all(query)]

    async def state(self, brand: str) -> str:
        """Another text whenever a conversation of the brand has come, changed or gone."""
        last = select(func.max(conversations.c.changed_at)).where(conversations.c.brand == brand)
        by_state = [last.where(conversations.c.state == name).scalar_subquery() for name in LEADS["message"]]
        waiting = select(func.count()).select_from(conversations).where(conversations.c.brand == brand, WAITING).scalar_subquery()
        rows = await self._database.all(select(*by_state, waiting))
        return "|".join(str(value) for value in rows[0])


_SAME = and_(triages.c.brand == conversations.c.brand, triages.c.conversation_id == conversations.c.conversation_id)
_JOINED = conversations.join(triages, triages.c.id == conversations.c.last_triage_id)
_ORDER = (conversations.c.respond_by, conversations.c.conversation_id)


def _here() -> Any:
    return tuple_(*_ORDER)


def _at(place: Place) -> Any:
    return tuple_(*(literal(value, column.type) for value, column in zip(place, _ORDER, strict=True)))


def _wanted(sought: Sought) -> list[Any]:
    where: list[Any] = [conversations.c.brand == sought.brand, *_in_state(sought)]
    where += [
        column == value
        for column, value in (
            (conversations.c.queue, sought.queue), (conversations.c.agent, sought.agent),
            (triages.c.channel, sought.channel), (triages.c.language, sought.language), (triages.c.label, sought.label),
        )
        if value is not None
    ]  # fmt: skip
    if sought.escalated is not None:
        where.append(conversations.c.escalate.is_(sought.escalated))
    return where


def _in_state(sought: Sought) -> list[Any]:
    fresh = conversations.c.changed_at > sought.stale_before
    match sought.state:
        case "all":
            return []
        case "open":
            return [WAITING, fresh]
        case "stale":
            return [conversations.c.state != "resolved", conversations.c.changed_at <= sought.stale_before]
        case "resolved":
            return [conversations.c.state == "resolved"]
        case state:
            return [conversations.c.state == state, fresh]


def _read(rows: Sequence[Row[Any]], stale_before: datetime) -> list[Waiting]:
    return [_waiting(row, stale_before) for row in rows]


def _waiting(row: Row[Any], stale_before: datetime) -> Waiting:
    made = _Made.model_validate_json(row.response)
    conversation = conversation_of_row(row)
    if conversation.state != "resolved" and conversation.changed_at <= stale_before:
        conversation = conversation.model_copy(update={"state": "stale"})
    return Waiting(
        conversation=conversation, message=Message.model_validate_json(row.request), understanding=made.understanding,
        escalation=made.escalation, action=made.draft.action if made.draft else None,
    )  # fmt: skip
