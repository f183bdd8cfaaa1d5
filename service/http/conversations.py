"""/v1/conversations/{id}: the state of a conversation, read and changed by agents and other systems."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AfterValidator, Field

from service.conversations import Conversation, Step
from service.errors import NotFound
from service.http.auth import BrandOf, Caller, CallerOf, PartsOf
from service.http.problems import declared
from service.messages import MAX_FIELD, Noun, ShortText, clean
from service.parts import Parts

router = APIRouter(prefix="/v1", tags=["conversations"])
# With ":path" since ids of other systems have slashes.
ConversationId = Annotated[str, Path(max_length=MAX_FIELD, examples=["conv-9"]), AfterValidator(clean)]
ANSWERS = declared(400, 401, 404, 409, 413, 415, 422, 503)


class Moved(Noun):
    """Who does it, by default whoever the API key is named for; `version` refuses it where the conversation has changed since."""

    agent: Annotated[ShortText, Field(min_length=1), AfterValidator(clean)] | None = None
    version: int | None = Field(default=None, ge=1)


@router.get(
    "/conversations/{conversation_id:path}", operation_id="getConversation", summary="Get a conversation's state",
    responses=declared(401, 404, 422, 503),
)  # fmt: skip
async def get_conversation(conversation_id: ConversationId, brand: BrandOf, parts: PartsOf) -> Conversation:
    """The state, who has it, and until when an answer is due. A message without a conversation is one under its triage's id."""
    found = await parts.records.conversations.one(brand, conversation_id)
    if found is None:
        raise NotFound("no conversation with this id")
    return _shown(found, parts)


@router.post(
    "/conversations/{conversation_id:path}/claim", operation_id="claimConversation", summary="Take a conversation",
    responses=ANSWERS,
)  # fmt: skip
async def claim(conversation_id: ConversationId, given: Moved, brand: BrandOf, caller: CallerOf, parts: PartsOf) -> Conversation:
    """Says that an agent has it. Again by the same agent changes nothing; another agent gets 409 with the name of who has it."""
    agent = given.agent or caller.name
    return await _moved("claim", conversation_id, given.model_copy(update={"agent": agent}), brand, caller, parts)


@router.post(
    "/conversations/{conversation_id:path}/answer", operation_id="answerConversation", summary="Say that it was answered",
    responses=ANSWERS,
)  # fmt: skip
async def answer(conversation_id: ConversationId, given: Moved, brand: BrandOf, caller: CallerOf, parts: PartsOf) -> Conversation:
    """Says that the customer was sent a reply, whoever had claimed it. Feedback with a sent reply does the same."""
    return await _moved("answer", conversation_id, given, brand, caller, parts)


@router.post(
    "/conversations/{conversation_id:path}/resolve", operation_id="resolveConversation", summary="Say that all is done",
    responses=ANSWERS,
)  # fmt: skip
async def resolve(
    conversation_id: ConversationId, given: Moved, brand: BrandOf, caller: CallerOf, parts: PartsOf
) -> Conversation:
    """Closes it, and the episode of complaints that it belongs to. A message of the customer opens it again."""
    return await _moved("resolve", conversation_id, given, brand, caller, parts)


@router.post(
    "/conversations/{conversation_id:path}/reopen", operation_id="reopenConversation", summary="Open it again, or give it up",
    responses=ANSWERS,
)  # fmt: skip
async def reopen(conversation_id: ConversationId, given: Moved, brand: BrandOf, caller: CallerOf, parts: PartsOf) -> Conversation:
    """Puts it back among the new ones, for anybody to claim."""
    return await _moved("reopen", conversation_id, given, brand, caller, parts)


async def _moved(step: Step, conversation_id: str, given: Moved, brand: str, caller: Caller, parts: Parts) -> Conversation:
    moved = await parts.records.conversations.move(brand, conversation_id, step, given.agent, caller.name, given.version)
    return _shown(moved, parts)


def _shown(found: Conversation, parts: Parts) -> Conversation:
    days = parts.brands[found.brand].identity.stale_after_days
    return found.read(datetime.now(UTC), timedelta(days=days))
