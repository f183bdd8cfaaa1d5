"""Who has a conversation: taking it and giving it up, from the queue and from a triage's page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from service.conversations import Conversation
from service.desk.login import own_path
from service.desk.pages import page
from service.desk.who import Agent, AgentOf, BrandHere
from service.errors import Conflict, NotFound
from service.http.auth import PartsOf
from service.http.conversations import ConversationId
from service.parts import Parts

KEY = "desk"  # instead of an API key's name in the audit
HELD, TAKEN, NOT_YOURS = "", "claim.taken", "claim.not_yours"
router = APIRouter(prefix="/desk")
Back = Annotated[str, Form(max_length=4_000)]


@router.post("/conversations/{conversation_id:path}/claim")
async def claim(
    request: Request, conversation_id: ConversationId, agent: AgentOf, brand: BrandHere, parts: PartsOf, back: Back = "/desk"
) -> Response:
    """Takes a conversation; where somebody else has it, says who, with 409."""
    try:
        moved = await parts.records.conversations.move(brand, conversation_id, "claim", agent.name, KEY)
    except Conflict:
        return _refused(request, await kept(parts, brand, conversation_id), TAKEN)
    return _done(request, moved, back)


@router.post("/conversations/{conversation_id:path}/release")
async def release(
    request: Request, conversation_id: ConversationId, agent: AgentOf, brand: BrandHere, parts: PartsOf, back: Back = "/desk"
) -> Response:
    """Gives a conversation up; only who has it may, or a lead."""
    before = await kept(parts, brand, conversation_id)
    if not may_release(before, agent):
        return _refused(request, before, NOT_YOURS)
    moved = await parts.records.conversations.move(brand, conversation_id, "reopen", agent.name, KEY, before.version)
    return _done(request, moved, back)


async def kept(parts: Parts, brand: str, conversation_id: str) -> Conversation:
    """The conversation; raises NotFound."""
    found = await parts.records.conversations.one(brand, conversation_id)
    if found is None:
        raise NotFound("no conversation with this id")
    return found


def may_release(conversation: Conversation, agent: Agent) -> bool:
    """Whether this agent may give the conversation up."""
    return conversation.state == "claimed" and (conversation.agent == agent.name or agent.leads)


def _done(request: Request, moved: Conversation, back: str) -> Response:
    if request.headers.get("hx-request") == "true":
        return page(request, "claim.html", conversation=moved, refused=HELD)
    return RedirectResponse(own_path(back), 303)


def _refused(request: Request, held: Conversation, why: str) -> Response:
    if request.headers.get("hx-request") == "true":
        return page(request, "claim.html", 409, conversation=held, refused=why)
    raise Conflict(f"{held.agent or 'nobody'} has the conversation")
