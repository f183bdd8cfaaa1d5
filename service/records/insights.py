"""What became of the messages of a time: when each came and was answered, and what agents did with its draft."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select

from service.insights import Handled
from service.records.database import Database, aware
from service.records.tables import audit, conversations, feedback, triages

_SENT = ("accepted", "edited")
_COLUMNS = ("conversation_id", "received_at", "channel", "language", "topic", "label", "queue", "escalate", "respond_by")


class Insights:
    """The messages of all brands as they were handled."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def handled(self, brand: str, since: datetime, until: datetime) -> list[Handled]:
        """Every message of a brand received since then and before `until`, without its text.

        It was answered by the first reply to it that was sent, or by the first time after it came that somebody said so of its
        conversation, whichever was sooner.
        """
        came = and_(triages.c.brand == brand, triages.c.received_at >= since, triages.c.received_at < until)
        on_them = feedback.join(triages, triages.c.id == feedback.c.triage_id)
        sent = select(feedback.c.triage_id, func.min(feedback.c.at).label("at")).select_from(on_them)
        sent = sent.where(came, feedback.c.action.in_(_SENT)).group_by(feedback.c.triage_id)
        replied = {row.triage_id: aware(row.at) for row in await self._database.all(sent)}
        last = select(func.max(feedback.c.number)).select_from(on_them).where(came).group_by(feedback.c.triage_id)
        judged = await self._database.all(select(feedback).where(feedback.c.number.in_(last)))
        given = {row.triage_id: row for row in judged}
        said = select(audit.c.conversation_id, audit.c.at).where(
            audit.c.brand == brand, audit.c.action == "answer", audit.c.at >= since
        )
        steps: dict[str, list[datetime]] = {}
        for row in await self._database.all(said.order_by(audit.c.at)):
            steps.setdefault(row.conversation_id, []).append(aware(row.at))
        rows = await self._database.all(select(triages.c.id, *(triages.c[name] for name in _COLUMNS)).where(came))

        def read() -> list[Handled]:
            return [_handled(row, replied.get(row.id), steps.get(row.conversation_id, ()), given.get(row.id)) for row in rows]

        return await asyncio.to_thread(read)  # of a hundred thousand it takes a second, in which others want answers

    async def resolutions(self, brand: str, since: datetime, until: datetime) -> list[float]:
        """Seconds from the opening of each conversation to when it was last resolved, of those resolved in this time."""
        resolved = conversations.c.resolved_at
        query = select(conversations.c.opened_at, resolved).where(
            conversations.c.brand == brand, conversations.c.state == "resolved", resolved >= since, resolved < until
        )
        return [
            max((aware(row.resolved_at) - aware(row.opened_at)).total_seconds(), 0) for row in await self._database.all(query)
        ]


def _handled(row: Any, replied: datetime | None, steps: Iterable[datetime], given: Any) -> Handled:
    received = aware(row.received_at)
    said = next((step for step in steps if step >= received), None)
    edited = given.edit if given and given.action == "edited" else None
    return Handled(
        received_at=received, channel=row.channel or "other", language=row.language or "und", topic=row.topic or "",
        label=row.label, queue=row.queue, escalated=row.escalate, respond_by=aware(row.respond_by),
        answered_at=min((moment for moment in (replied, said) if moment is not None), default=None),
        action=given.action if given else None, agent=given.data.get("agent") if given else None,
        edited_share=edited["character_share"] if edited else None,
    )  # fmt: skip
