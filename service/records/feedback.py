"""What agents did with drafts, and what they say was wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select

from service.edits import Edit
from service.errors import NotFound
from service.messages import Feedback, Instant, Noun
from service.records.audit import Act, write_down
from service.records.conversations import answered
from service.records.database import Database, aware
from service.records.tables import feedback, precedents, triages


class Given(Noun):
    """Feedback as it was given, when, and what was changed in which draft."""

    at: Instant
    feedback: Feedback
    edit: Edit | None = None


class FeedbackGiven:
    """The feedback on triages of all brands; earlier feedback stays."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self,
        triage_id: str,
        given: Feedback,
        edit: Edit | None = None,
        *,
        sent: bool = False,
        key: str = "local",
        at: datetime | None = None,
    ) -> datetime:
        """What an agent did with a draft is kept as of `at`, by default now; `sent` answers the conversation. Raises NotFound."""
        now = at or datetime.now(UTC)
        async with self._database.briefly() as connection:
            values = {
                "triage_id": triage_id, "at": now, "action": given.action, "data": given.model_dump(mode="json"),
                "edit": edit.model_dump(mode="json") if edit is not None else None,
            }  # fmt: skip
            await connection.execute(insert(feedback).values(values))
            query = select(triages.c.brand, triages.c.conversation_id).where(triages.c.id == triage_id)
            found = (await connection.execute(query)).one_or_none()
            if found is None:
                raise NotFound("no triage with this id")
            act = Act(found.brand, given.agent or key, "feedback", triage_id, found.conversation_id, _told(given, edit, key))
            await write_down(connection, [act], now)
            if sent:
                await answered(connection, found.brand, found.conversation_id, triage_id, given.agent, key, now)
        return now

    async def of(self, triage_id: str) -> list[Feedback]:
        """All feedback on one triage, oldest first."""
        return [one.feedback for one in await self.given(triage_id)]

    async def given(self, triage_id: str) -> list[Given]:
        """All feedback on one triage with its times and edits, oldest first."""
        query = select(feedback).where(feedback.c.triage_id == triage_id).order_by(feedback.c.number)
        return [
            Given(at=aware(row.at), feedback=Feedback.model_validate(row.data), edit=row.edit)
            for row in await self._database.all(query)
        ]

    async def sent(self, brand: str, limit: int) -> list[str]:
        """Ids of triages whose last feedback says that a reply was sent and that are no precedents, the latest first."""
        last = select(func.max(feedback.c.number)).group_by(feedback.c.triage_id)
        query = (
            select(triages.c.id)
            .join(feedback, feedback.c.triage_id == triages.c.id)
            .where(
                triages.c.brand == brand, feedback.c.number.in_(last), feedback.c.action.in_(("accepted", "edited")),
                triages.c.id.not_in(select(precedents.c.triage_id)),
            )
            .order_by(feedback.c.number.desc())
            .limit(limit)
        )  # fmt: skip
        return [row.id for row in await self._database.all(query)]

    async def triages(self, brand: str, since: datetime | None = None) -> list[str]:
        """Ids of a brand's triages that were given feedback since then, in the order of their ids."""
        query = select(triages.c.id).join(feedback, feedback.c.triage_id == triages.c.id).where(triages.c.brand == brand)
        if since is not None:
            query = query.where(feedback.c.at >= since)
        return [row.id for row in await self._database.all(query.distinct().order_by(triages.c.id))]


def _told(given: Feedback, edit: Edit | None, key: str) -> dict[str, Any]:
    """Codes and numbers of the feedback; its texts are in the table of feedback alone."""
    told: dict[str, Any] = {"action": given.action, "key": key}
    if given.reasons:
        told["reasons"] = list(given.reasons)
    if given.wrong is not None:
        told["wrong"] = given.wrong.said
    if edit is not None:
        told |= {"draft": edit.draft, "characters": edit.characters, "words": edit.words}
    return told
