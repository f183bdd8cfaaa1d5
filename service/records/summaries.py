"""Lists of triages for a desk: narrowed down, sorted, a page at a time, and without a word of any message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, select, tuple_

from service.conversations import ConversationState
from service.messages import Action, Instant, Label, Level, Noun, ReasonCode, Urgency
from service.records.database import Database, aware
from service.records.tables import conversations, triages

Sort = Literal["respond_by", "received_at"]


class Summary(Noun):
    """A triage in a list; `reasons` are codes. `state` and `agent` are those of its conversation."""

    id: str
    message_id: str | None
    conversation_id: str
    received_at: Instant
    label: Label
    level: Level
    topic: str | None
    urgency: Urgency
    language: str | None
    escalate: bool
    reasons: tuple[ReasonCode, ...]
    queue: str
    priority: Urgency
    respond_by: Instant
    state: ConversationState
    agent: str | None
    action: Action | None


@dataclass(frozen=True)
class Wanted:
    """What is listed of a brand; what is left out does not matter. `stale_before`: open and unchanged since then is stale."""

    brand: str
    stale_before: datetime
    queue: str | None = None
    escalate: bool | None = None
    state: ConversationState | None = None
    priority: Urgency | None = None
    label: Label | None = None
    topic: str | None = None
    language: str | None = None
    due_before: datetime | None = None
    customer_id: str | None = None
    conversation_id: str | None = None
    sort: Sort = "respond_by"


_EQUAL = ("queue", "escalate", "priority", "label", "topic", "language", "customer_id", "conversation_id")
_COLUMNS = ("id", "message_id", "conversation_id", "received_at", "label", "topic", "language", "escalate", "queue", "priority",
            "respond_by", "response")  # fmt: skip


class Summaries:
    """The lists of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: Wanted, after: tuple[datetime, str] | None, most: int) -> list[Summary]:
        """At most so many summaries: the first due first, or sorted by `received_at` the last first; `after` goes on behind one.

        `after` is the sorted time and the id of a triage.
        """
        rows = await self._database.all(_query(wanted, after).limit(most))
        return await asyncio.to_thread(_summaries, rows, wanted.stale_before)


def _query(wanted: Wanted, after: tuple[datetime, str] | None) -> Select[Any]:
    newest_first = wanted.sort == "received_at"
    at = triages.c[wanted.sort]
    where: list[ColumnElement[bool]] = [triages.c.brand == wanted.brand]
    where += [triages.c[name] == getattr(wanted, name) for name in _EQUAL if getattr(wanted, name) is not None]
    if wanted.due_before is not None:
        where.append(triages.c.respond_by < wanted.due_before)
    if wanted.state is not None:
        where.append(triages.c.conversation_id.in_(_in_state(wanted)))
    if after is not None:
        place = tuple_(literal(after[0], at.type), literal(after[1], triages.c.id.type))
        here = tuple_(at, triages.c.id)
        where.append(here < place if newest_first else here > place)
    query = select(
        *(triages.c[name] for name in _COLUMNS), conversations.c.state, conversations.c.agent, conversations.c.changed_at
    ).outerjoin(
        conversations,
        and_(conversations.c.brand == triages.c.brand, conversations.c.conversation_id == triages.c.conversation_id),
    )  # fmt: skip
    # Few triages are one customer's or one conversation's. SQLite would go through all of them for the sake of their order,
    # unless the order is an expression, which no index has.
    few = wanted.customer_id is not None or wanted.conversation_id is not None
    first = func.coalesce(at, at) if few else at
    order = (first.desc(), triages.c.id.desc()) if newest_first else (first, triages.c.id)
    return query.where(*where).order_by(*order)


def _in_state(wanted: Wanted) -> Select[Any]:
    ids = select(conversations.c.conversation_id).where(conversations.c.brand == wanted.brand)
    if wanted.state == "stale":
        return ids.where(
            conversations.c.state.in_(("new", "claimed", "answered")), conversations.c.changed_at <= wanted.stale_before
        )
    ids = ids.where(conversations.c.state == wanted.state)
    return ids if wanted.state == "resolved" else ids.where(conversations.c.changed_at > wanted.stale_before)


def _summaries(rows: Sequence[Row[Any]], stale_before: datetime) -> list[Summary]:
    return [_summary(row, stale_before) for row in rows]


def _summary(row: Row[Any], stale_before: datetime) -> Summary:
    triage = json.loads(row.response)
    stale = row.state != "resolved" and aware(row.changed_at) <= stale_before
    return Summary(
        id=row.id, message_id=row.message_id, conversation_id=row.conversation_id, received_at=aware(row.received_at),
        label=row.label, level=triage["understanding"]["frustration_level"], topic=row.topic,
        urgency=triage["understanding"]["urgency"], language=row.language, escalate=row.escalate,
        reasons=[reason["code"] for reason in triage["escalation"]["reasons"]], queue=row.queue, priority=row.priority,
        respond_by=aware(row.respond_by), state="stale" if stale else row.state, agent=row.agent,
        action=triage["draft"]["action"] if triage["draft"] else None,
    )  # fmt: skip
