"""The page of one triage: the conversation, why it is as it is, the draft to edit, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, get_args
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from service.conversations import Conversation
from service.desk.claims import kept
from service.desk.marks import Piece, by_evidence
from service.desk.pages import page
from service.desk.queue import FILTERS, language_name
from service.desk.sources import Source, sources_of
from service.desk.who import Agent, AgentOf
from service.draft.channels import length, rules_of
from service.errors import NotFound
from service.http.auth import PartsOf
from service.http.triage import TriageId
from service.knowledge import Entry
from service.messages import LABELS, MAX_TEXT, Draft, DraftText, FeedbackReason, Message, Tone, Triage
from service.parts import Parts
from service.records.conversations import conversation_of
from service.records.feedback import Given
from service.redraft import Redraft, drafts_of

LONG = 1_200  # characters of a message that is shown whole at once
SIDES = ("public", "private")
router = APIRouter(prefix="/desk")


@dataclass(frozen=True)
class Side:
    """A text of the draft with what its sentences rest on, or an empty one that an agent may fill."""

    name: str
    text: DraftText
    sources: list[Source]


@dataclass(frozen=True)
class Opened:
    """A triage with all that its page shows of it. `number` is that of the last redraft, 0 for the triage's own draft."""

    message: Message
    triage: Triage
    draft: Draft | None
    number: int
    wish: Redraft | None
    conversation: Conversation
    given: list[Given]

    @property
    def done(self) -> Given | None:
        """The feedback that counts: the last."""
        return self.given[-1] if self.given else None

    @property
    def newer(self) -> str | None:
        """The triage of a later message of the conversation."""
        last = self.conversation.last_triage_id
        return last if last != self.triage.id else None


@router.get("/triages/{triage_id}")
async def triage_page(request: Request, triage_id: TriageId, agent: AgentOf, parts: PartsOf) -> HTMLResponse:
    """The page."""
    opened = await open_triage(request, triage_id, agent, parts)
    return page(request, "triage.html", **await shown(request, opened, parts))


@router.get("/triages/{triage_id}/newer")
async def newer(
    request: Request, triage_id: TriageId, agent: AgentOf, parts: PartsOf, number: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """What is newer than a page that shows draft `number`, as a note; 204 for nothing."""
    opened = await open_triage(request, triage_id, agent, parts)
    if opened.newer is None and opened.number <= number:
        return Response(status_code=204)
    return page(request, "triage_newer.html", opened=opened, number=number, query=query_of(request))


@router.post("/triages/{triage_id}/count")
async def count(
    request: Request, triage_id: TriageId, agent: AgentOf, parts: PartsOf,
    text: Annotated[str, Form(max_length=MAX_TEXT * 4)] = "", side: Annotated[str, Form()] = "public",
) -> JSONResponse:  # fmt: skip
    """How long a text is as its channel counts."""
    opened = await open_triage(request, triage_id, agent, parts)
    limit = getattr(rules_of(opened.message.channel), side if side in SIDES else "public")
    counted = length(lines(text), limit.unit)
    return JSONResponse({"length": counted, "limit": limit.limit, "over": max(counted - limit.limit, 0)})


async def open_triage(request: Request, triage_id: str, agent: Agent, parts: Parts) -> Opened:
    """The triage as it stands now; raises NotFound for an unknown one and for one of a brand that is not the agent's alike."""
    found = await parts.records.recorded(triage_id)
    if found is None or not agent.may(found[1].brand) or found[1].brand not in parts.brands:
        raise NotFound("no triage with this id")
    message, triage = found
    request.state.brand = triage.brand
    later = await drafts_of(triage_id, parts)
    return Opened(
        message=message, triage=triage, draft=later[-1].draft if later else triage.draft, number=later[-1].number if later else 0,
        wish=later[-1] if later else None, conversation=await kept(parts, triage.brand, conversation_of(triage)),
        given=await parts.records.feedback.given(triage_id),
    )  # fmt: skip


async def shown(request: Request, opened: Opened, parts: Parts) -> dict[str, Any]:
    """What the templates of the page are given."""
    message, triage = opened.message, opened.triage
    brand = parts.brands[triage.brand]
    reasons = [(number, reason) for number, reason in enumerate(triage.escalation.reasons, 1)]
    return {
        "opened": opened, "message": message, "triage": triage, "draft": opened.draft, "talk": opened.conversation,
        "reasons": reasons, "pieces": pieces_of(opened), "sides": sides_of(opened), "long": LONG, "now": datetime.now(UTC),
        "topics": {topic.id: topic.label for topic in brand.topics}, "labels": LABELS, "tones": get_args(Tone),
        "why": get_args(FeedbackReason), "language_name": language_name, "web": web, "query": query_of(request),
        "macros": await macros_of(opened, parts), "do": request.query_params.get("do", ""),
        "writes": parts.provider is not None,
    }  # fmt: skip


def pieces_of(opened: Opened) -> list[Piece[int]]:
    """The message's text with the evidence of its reasons marked by their numbers."""
    reasons = opened.triage.escalation.reasons
    return by_evidence(opened.message.content, [(n, reason.evidence) for n, reason in enumerate(reasons, 1) if reason.evidence])


def sides_of(opened: Opened) -> list[Side]:
    """The texts of the draft, that for where the message was written first; one that is empty where there is none."""
    order = SIDES if opened.message.public else SIDES[::-1]
    rules = rules_of(opened.message.channel)
    found = []
    for name in order:
        text: DraftText | None = getattr(opened.draft, name) if opened.draft else None
        if text is not None:
            found.append(Side(name, text, sources_of(text.text, opened.draft, opened.triage) if opened.draft else []))
    if not found:
        limit = getattr(rules, order[0])
        found.append(Side(order[0], DraftText(text="", length=0, limit=limit.limit, unit=limit.unit), []))
    return found


async def macros_of(opened: Opened, parts: Parts) -> list[Entry]:
    """The brand's approved replies in the draft's language, else in the brand's."""
    entries = [one.content for one in await parts.records.faqs(opened.triage.brand) if one.content.kind == "macro"]
    language = opened.draft.language if opened.draft else opened.triage.understanding.language.code
    mine = [one for one in entries if one.language == language]
    return mine or [one for one in entries if one.language == parts.brands[opened.triage.brand].identity.default_language]


def query_of(request: Request) -> str:
    """The queue's filters in the address, to go on with them; with the ? before them."""
    kept_on = {name: value for name in FILTERS if (value := request.query_params.get(name))}
    return f"?{urlencode(kept_on)}" if kept_on else ""


def web(url: str | None) -> str | None:
    """An address that may be a link: of the web, and of nothing that runs in the page."""
    try:
        return url if url and urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


def lines(text: str) -> str:
    """A form's text with the line ends that everything else has."""
    return text.replace("\r\n", "\n")
