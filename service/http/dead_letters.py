"""GET /v1/dead-letters and POST /v1/dead-letters/{id}/replay: accepted messages whose triage failed for good."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from service.errors import Conflict, NotFound
from service.http.auth import CallerOf, PartsOf
from service.http.messages import MessageId
from service.http.problems import declared
from service.messages import Noun
from service.records.inbox import Kept

router = APIRouter(prefix="/v1", tags=["messages"])
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=500)]


class DeadLetter(Noun):
    """A message that a human has because no triage of it succeeded; `triage_id` says so and escalates it."""

    id: str
    message_id: str | None
    brand: str
    conversation_id: str | None
    accepted_at: datetime
    done_at: datetime | None
    attempts: int = Field(description="how often it was taken up")
    error: str | None
    triage_id: str | None


class DeadLetters(Noun):
    """A page of dead letters, the oldest first; `next` is the cursor of the page behind it, null at the end."""

    dead_letters: tuple[DeadLetter, ...]
    next: str | None


class Replay(Noun):
    """That the message will be triaged anew."""

    id: str
    location: str


@router.get(
    "/dead-letters", operation_id="listDeadLetters", summary="List messages whose triage failed for good",
    responses=declared(401, 422, 503),
)  # fmt: skip
async def list_dead_letters(caller: CallerOf, parts: PartsOf, cursor: Cursor = None, limit: Limit = 100) -> DeadLetters:
    """Messages that failed at every attempt, or ended the process that had them; a human has each of them already."""
    found = await parts.records.inbox.dead(caller.brand, int(cursor or 0), limit + 1)
    shown = found[:limit]
    return DeadLetters(
        dead_letters=tuple(_dead_letter(kept) for kept in shown), next=str(shown[-1].number) if len(found) > limit else None
    )


@router.post(
    "/dead-letters/{message_id}/replay", operation_id="replayDeadLetter", summary="Triage a dead letter anew", status_code=202,
    responses=declared(401, 404, 409, 422, 503),
)  # fmt: skip
async def replay(message_id: MessageId, caller: CallerOf, parts: PartsOf) -> Replay:
    """Once what was wrong is mended: the message is triaged like a new one. The triage that escalated it stays recorded."""
    if not await parts.records.inbox.again(message_id, caller.brand, caller.name):
        if await parts.records.inbox.one(message_id, caller.brand) is None:
            raise NotFound("no message with this id")
        raise Conflict("this message is no dead letter: GET /v1/messages/{id} says where it stands")
    parts.acceptance.wake()
    return Replay(id=message_id, location=f"/v1/messages/{message_id}")


def _dead_letter(kept: Kept) -> DeadLetter:
    return DeadLetter(
        id=kept.id, message_id=kept.message.id, brand=kept.brand, conversation_id=kept.conversation_id,
        accepted_at=kept.accepted_at, done_at=kept.done_at, attempts=kept.attempt, error=kept.error, triage_id=kept.triage_id,
    )  # fmt: skip
