"""What an agent does with a triage: sends the draft as it is or edited, rejects it, says what was wrong, asks for another."""

from __future__ import annotations

from typing import Annotated, Any, cast, get_args

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from service.desk.claims import KEY
from service.desk.pages import page
from service.desk.triage import SIDES, Opened, lines, open_triage, query_of, shown
from service.desk.who import Agent, AgentOf
from service.draft.channels import length, rules_of
from service.errors import Conflict, FieldError, InvalidMessage
from service.feedback import give
from service.http.auth import PartsOf
from service.http.triage import TriageId
from service.messages import MAX_TEXT, Correction, Feedback, FeedbackReason, Label, Tone
from service.parts import Parts
from service.redraft import Wish, redraft

router = APIRouter(prefix="/desk")
Text = Annotated[str, Form(max_length=MAX_TEXT * 4)]
Words = Annotated[str, Form(max_length=2_000)]


@router.post("/triages/{triage_id}/send")
async def send(
    request: Request, triage_id: TriageId, agent: AgentOf, parts: PartsOf,
    text: Text = "", side: Annotated[str, Form()] = "public", number: Annotated[int, Form(ge=0)] = 0,
    anyway: Annotated[bool, Form()] = False, approve: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Keeps that the agent sent this text, unchanged or edited. Nothing is sent by the service.

    Raises Conflict where somebody else has the conversation, and without `anyway` where there is a newer message or draft.
    """
    text = lines(text).strip()
    async with request.state.giving:  # the same twice at once is the same
        opened = await open_triage(request, triage_id, agent, parts)
        done = opened.done
        if done and done.feedback.agent == agent.name and done.feedback.text == text and done.feedback.action != "rejected":
            return await _done(request, opened, parts)
        _check_free(opened, agent)
        if not anyway and (opened.newer or opened.number > number):
            return _newer(request, opened, number)
        _check_text(opened, text, side)
        drafted = {getattr(opened.draft, name).text for name in SIDES if opened.draft and getattr(opened.draft, name)}
        action = "accepted" if text in drafted else "edited"
        given = Feedback.model_validate({"action": action, "text": text, "agent": agent.name, "approve": approve})
        await give(parts, triage_id, given, KEY)
        return await _done(request, await open_triage(request, triage_id, agent, parts), parts)


@router.post("/triages/{triage_id}/reject")
async def reject(
    request: Request, triage_id: TriageId, agent: AgentOf, parts: PartsOf,
    reasons: Annotated[list[str] | None, Form()] = None, reason: Words = "", label: Annotated[str, Form()] = "",
    topic: Annotated[str, Form(max_length=500)] = "",
) -> Response:  # fmt: skip
    """Keeps that the draft was no use and why; `label` and `topic` say what the message is instead."""
    chosen = [one for one in reasons or [] if one in get_args(FeedbackReason)]
    corrected = {"label": label if label in get_args(Label) else None, "topic": topic or None}
    wrong = Correction.model_validate(corrected) if any(corrected.values()) else None
    if not chosen and not reason.strip() and wrong is None:
        raise InvalidMessage([FieldError("/reasons", "say why: choose a reason or write a few words")])
    given = Feedback.model_validate(
        {"action": "rejected", "agent": agent.name, "reason": reason.strip() or None, "reasons": chosen, "wrong": wrong}
    )
    async with request.state.giving:
        opened = await open_triage(request, triage_id, agent, parts)
        if opened.done is None or opened.done.feedback != given:
            _check_free(opened, agent)
            await give(parts, triage_id, given, KEY)
            opened = await open_triage(request, triage_id, agent, parts)
        return await _done(request, opened, parts)


@router.post("/triages/{triage_id}/resolve")
async def resolve(request: Request, triage_id: TriageId, agent: AgentOf, parts: PartsOf) -> Response:
    """Closes the conversation."""
    return await _move(request, triage_id, agent, parts, "resolve")


@router.post("/triages/{triage_id}/reopen")
async def reopen(request: Request, triage_id: TriageId, agent: AgentOf, parts: PartsOf) -> Response:
    """Opens the conversation again."""
    return await _move(request, triage_id, agent, parts, "reopen")


@router.post("/triages/{triage_id}/redraft")
async def ask_redraft(
    request: Request, triage_id: TriageId, agent: AgentOf, parts: PartsOf,
    tone: Annotated[str, Form()] = "", instruction: Annotated[str, Form(max_length=1_000)] = "",
    alternatives: Annotated[int, Form(ge=0, le=3)] = 0,
) -> Response:  # fmt: skip
    """Another draft, in the editor's place, with other wordings of it where they are asked for."""
    await open_triage(request, triage_id, agent, parts)
    asked = cast(Tone, tone) if tone in get_args(Tone) else None
    wish = Wish(tone=asked, instruction=instruction.strip() or None, alternatives=alternatives)
    await redraft(triage_id, wish, parts, agent.name)
    opened = await open_triage(request, triage_id, agent, parts)
    if _inside(request):
        return page(request, "triage_editor.html", **await shown(request, opened, parts))
    return _back(request, triage_id)


async def _move(request: Request, triage_id: str, agent: Agent, parts: Parts, step: Any) -> Response:
    opened = await open_triage(request, triage_id, agent, parts)
    _check_free(opened, agent)
    await parts.records.conversations.move(
        opened.triage.brand, opened.conversation.conversation_id, step, agent.name, KEY, opened.conversation.version
    )
    return await _done(request, await open_triage(request, triage_id, agent, parts), parts)


def _check_free(opened: Opened, agent: Agent) -> None:
    talk = opened.conversation
    if talk.state == "claimed" and talk.agent != agent.name:
        raise Conflict(f"{talk.agent} has this conversation: ask them to release it")


def _check_text(opened: Opened, text: str, side: str) -> None:
    if not text:
        raise InvalidMessage([FieldError("/text", "the reply is empty: write it, or reject the draft")])
    limit = getattr(rules_of(opened.message.channel), side if side in SIDES else "public")
    counted = length(text, limit.unit)
    if counted > limit.limit:
        raise InvalidMessage(
            [FieldError("/text", f"the reply is {counted - limit.limit} over the channel's limit of {limit.limit}")]
        )


def _newer(request: Request, opened: Opened, number: int) -> Response:
    if _inside(request):
        answer = page(request, "triage_newer.html", 409, opened=opened, number=number, query=query_of(request))
        answer.headers.update({"HX-Retarget": "#newer", "HX-Reswap": "innerHTML"})
        return answer
    raise Conflict("there is a newer message or draft: look at it, then send again")


async def _done(request: Request, opened: Opened, parts: Parts) -> Response:
    if _inside(request):
        return page(request, "triage_done.html", **await shown(request, opened, parts))
    return _back(request, opened.triage.id)


def _inside(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def _back(request: Request, triage_id: str) -> Response:
    return RedirectResponse(f"/desk/triages/{triage_id}{query_of(request)}", 303)
