"""/v1/triages/{id}/feedback: what an agent did with a draft, and whether the reply is to be shown to others."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter

from service.edits import Edit
from service.feedback import give
from service.http.auth import CallerOf, PartsOf
from service.http.problems import declared
from service.http.triage import TriageId, stored
from service.messages import Feedback, Noun
from service.records.feedback import Given

router = APIRouter(prefix="/v1", tags=["triage"])


class FeedbackReceipt(Noun):
    """That the feedback is kept. `edit` is how the text that was sent differs from the draft it came from.

    `precedent` is the reply as others will see it, personal data masked, where it was approved.
    """

    triage_id: str
    action: str
    at: datetime
    edit: Edit | None = None
    precedent: str | None = None


@router.post(
    "/triages/{triage_id}/feedback", operation_id="giveFeedback", summary="Say what became of a draft", status_code=201,
    responses=declared(400, 401, 404, 413, 415, 422, 503),
)  # fmt: skip
async def give_feedback(triage_id: TriageId, given: Feedback, caller: CallerOf, parts: PartsOf) -> FeedbackReceipt:
    """Keeps whether the draft was accepted, edited (with the text as sent) or rejected; several are kept in order.

    `reasons` say why, `wrong` what the triage should have found. A reply that was sent answers the conversation. `approve`
    makes the reply a precedent, which agents see beside messages that ask the same; a rejection takes it back.
    """
    await stored(triage_id, caller, parts)
    at, edit, approved = await give(parts, triage_id, given, caller.name)
    precedent = approved.content.answer if approved else None
    return FeedbackReceipt(triage_id=triage_id, action=given.action, at=at, edit=edit, precedent=precedent)


@router.get(
    "/triages/{triage_id}/feedback", operation_id="listFeedback", summary="List what was said of a triage's draft",
    responses=declared(401, 404, 422, 503),
)  # fmt: skip
async def list_feedback(triage_id: TriageId, caller: CallerOf, parts: PartsOf) -> list[Given]:
    """All feedback on a triage, oldest first, each with its time and what was changed in which draft."""
    await stored(triage_id, caller, parts)
    return await parts.records.feedback.given(triage_id)
