"""POST /v1/triages/{id}/feedback: what an agent did with a draft, and whether the reply is to be shown to others."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter

from service import precedents
from service.http.auth import CallerOf, PartsOf
from service.http.problems import declared
from service.http.triage import TriageId, stored
from service.messages import Feedback, Noun

router = APIRouter(prefix="/v1", tags=["triage"])


class FeedbackReceipt(Noun):
    """That the feedback is kept; `precedent` is the reply as others will see it, personal data masked, where it was approved."""

    triage_id: str
    action: str
    at: datetime
    precedent: str | None = None


@router.post(
    "/triages/{triage_id}/feedback", operation_id="giveFeedback", summary="Say what became of a draft", status_code=201,
    responses=declared(400, 401, 404, 413, 415, 422, 503),
)  # fmt: skip
async def give_feedback(triage_id: TriageId, given: Feedback, caller: CallerOf, parts: PartsOf) -> FeedbackReceipt:
    """Keeps whether the draft was accepted, edited (with the text as sent) or rejected; several are kept in order.

    `approve` makes the reply a precedent, which agents see beside messages that ask the same; a rejection takes it back.
    """
    await stored(triage_id, caller, parts)
    approved = await precedents.prepared(parts, triage_id, given) if given.approve else None
    at = await parts.records.put_feedback(triage_id, given)
    if approved is not None:
        await parts.records.put_precedent(approved)
    elif given.action == "rejected":
        await parts.records.remove_precedents([triage_id])
    return FeedbackReceipt(
        triage_id=triage_id, action=given.action, at=at, precedent=approved.content.answer if approved else None
    )
