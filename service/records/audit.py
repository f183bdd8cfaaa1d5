"""The audit: who did what with a triage or a conversation, and when. Lines are added; triggers refuse all else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.records.database import Database, Writes, aware
from service.records.tables import audit, audit_guard

AuditAction = Literal[
    "recorded", "redrafted", "translated", "feedback", "approved", "removed", "claim", "answer", "resolve", "reopen", "erased",
    "replayed",
]  # fmt: skip


@dataclass(frozen=True)
class Act:
    """One thing that was done. `actor` is the agent who is named, else the API key's name; `detail` holds no text."""

    brand: str
    actor: str
    action: AuditAction
    triage_id: str | None = None
    conversation_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Line(Act):
    """An act as it was written down."""

    number: int = 0
    at: datetime = datetime.min


async def write_down(connection: Writes, acts: Sequence[Act], at: datetime) -> None:
    """Adds lines in the transaction of what they tell, so that neither is there without the other."""
    rows = [
        {
            "at": at, "brand": act.brand, "actor": act.actor, "action": act.action, "triage_id": act.triage_id,
            "conversation_id": act.conversation_id, "detail": dict(act.detail),
        }
        for act in acts
    ]  # fmt: skip
    if rows:
        await connection.execute(insert(audit), rows)


@asynccontextmanager
async def opened(connection: AsyncConnection, reason: str) -> AsyncIterator[None]:
    """Lines of the audit can be deleted in here, by an erasure or a retention; only in this transaction."""
    await connection.execute(insert(audit_guard).values(reason=reason))
    yield
    await connection.execute(delete(audit_guard).where(audit_guard.c.reason == reason))


class Audit:
    """The audit of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, act: Act) -> None:
        """Adds a line about something that is kept nowhere else."""
        async with self._database.writing() as connection:
            await write_down(connection, [act], datetime.now(UTC))

    async def lines(self, brand: str, triage_id: str | None = None, conversation_id: str | None = None) -> list[Line]:
        """What was done with a triage, or with a conversation, in order."""
        asked = {audit.c.triage_id: triage_id, audit.c.conversation_id: conversation_id}
        mine = or_(*(column == value for column, value in asked.items() if value is not None))
        rows = await self._database.all(select(audit).where(audit.c.brand == brand, mine).order_by(audit.c.number))
        return [
            Line(
                row.brand, row.actor, row.action, row.triage_id, row.conversation_id, row.detail, number=row.number,
                at=aware(row.at),
            )
            for row in rows
        ]  # fmt: skip
