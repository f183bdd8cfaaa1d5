"""/desk/try: a message is typed in, and what becomes of it appears stage by stage. Nothing of it is recorded."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, get_args

import structlog
from babel import Locale
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel, RootModel

from service import pipeline
from service.desk.marks import by_signals
from service.desk.pages import page, words_of
from service.desk.who import LOCAL, AgentOf, BrandHere
from service.errors import FirstReplyError
from service.http.auth import PartsOf
from service.http.stream import AT_ONCE, event, events_of
from service.messages import MAX_FIELD, MAX_TEXT, PRIVATE_CHANNELS, Author, Channel, Message, Triage, Visibility
from service.parts import Parts
from service.pipeline import Stage
from service.yaml_files import read_yaml

MOST_CUSTOMERS = 100  # in the list
STAGES = ("understanding", "context", "escalation", "draft")
LAPS = {
    "understanding": ("embed", "classify"), "context": ("retrieve",), "escalation": ("decide",), "draft": ("draft",),
}  # fmt: skip
router = APIRouter(prefix="/desk")
log = structlog.get_logger()


class Example(BaseModel):
    """A message to begin with."""

    id: str
    language: str
    channel: Channel
    visibility: Visibility
    customer: str
    text: str


class _Examples(RootModel[list[Example]]):
    """examples.yaml."""


@cache
def examples() -> list[Example]:
    """All of them; raises KnowledgeNotUsable."""
    return read_yaml(Path(__file__).parent / "examples.yaml", _Examples).root


@dataclass(frozen=True)
class Given:
    """What was filled in, as it was."""

    text: str = ""
    channel: str = "instagram"
    visibility: str = "private"
    customer: str = ""


def _given(
    text: Annotated[str, Form()] = "",
    channel: Annotated[str, Form()] = "",
    visibility: Annotated[str, Form()] = "",
    customer: Annotated[str, Form()] = "",
) -> Given:
    # A browser sends line breaks as two characters each.
    return Given(text.replace("\r\n", "\n"), channel, visibility, customer)


FormOf = Annotated[Given, Depends(_given)]


@router.get("/try")
async def form(request: Request, agent: AgentOf, brand: BrandHere, parts: PartsOf, example: str = "") -> Response:
    """The page with nothing in it yet, or with one of the examples."""
    begun = next((one for one in examples() if one.id == example), None)
    given = Given(begun.text, begun.channel, begun.visibility, begun.customer) if begun else Given()
    return await _page(request, parts, brand, given)


@router.post("/try")
async def run(request: Request, agent: AgentOf, brand: BrandHere, parts: PartsOf, form: FormOf) -> Response:
    """The page with everything at once, for a browser without JavaScript."""
    wrong = await _wrong(form, brand, parts)
    if wrong:
        return await _page(request, parts, brand, form, 422, wrong=wrong)
    message = _message(form, brand)
    triage = [stage.triage async for stage in pipeline.stages(message, parts)][-1]
    return await _page(request, parts, brand, form, **_shown(request, message, triage, parts))


@router.post("/try/stream")
async def stream(request: Request, agent: AgentOf, brand: BrandHere, parts: PartsOf, form: FormOf) -> Response:
    """Server-sent events: the stages as HTML, words of a draft that is being written, and at last what developers want."""
    wrong = await _wrong(form, brand, parts)
    if wrong:
        return page(request, "try_wrong.html", 422, wrong=wrong)
    message = _message(form, brand)
    stages = pipeline.stages(message, parts, streamed=True)
    first = await anext(stages)  # what is wrong with the service is an error, not a stream
    return EventSourceResponse(_events(request, message, parts, first, stages), headers=AT_ONCE)


async def _events(
    request: Request, message: Message, parts: Parts, first: Stage, stages: AsyncGenerator[Stage, None]
) -> AsyncGenerator[bytes, None]:
    """Any number of stages may be ahead of what is sent: making HTML of one must not count as time of the next."""
    last = first
    async with aclosing(events_of(partial(_work, first, stages), 0)) as grown:
        async for stage in grown:
            if isinstance(stage, Exception):
                reason = stage.detail if isinstance(stage, FirstReplyError) else type(stage).__name__
                log.warning("playground_failed", reason=reason)
                yield event("failed", "")
                return
            last = stage
            yield _told(request, message, stage, parts)
    yield _part(request, message, last.triage, parts, "developers")


async def _work(first: Stage, stages: AsyncGenerator[Stage, None], grown: asyncio.Queue[Stage | Exception | None]) -> None:
    async with aclosing(stages):
        grown.put_nowait(first)
        try:
            async for stage in stages:
                grown.put_nowait(stage)
        except Exception as error:  # the answer has begun: it ends with an event, whatever happened
            grown.put_nowait(error)
    grown.put_nowait(None)


def _told(request: Request, message: Message, stage: Stage, parts: Parts) -> bytes:
    if stage.delta is not None:
        return event("delta", stage.delta.model_dump_json())
    return _part(request, message, stage.triage, parts, stage.name)


def _part(request: Request, message: Message, triage: Triage, parts: Parts, name: str) -> bytes:
    answer = page(request, "try_part.html", part=name, **_shown(request, message, triage, parts))
    return event(name, bytes(answer.body).decode())


async def _wrong(given: Given, brand: str, parts: Parts) -> dict[str, str]:
    """Keys of words by field, for what is not right."""
    wrong = {}
    if not given.text.strip():
        wrong["text"] = "try.wrong.empty"
    elif len(given.text) > MAX_TEXT:
        wrong["text"] = "try.wrong.long"
    if given.channel not in get_args(Channel):
        wrong["channel"] = "try.wrong.channel"
    if given.visibility not in ("", *get_args(Visibility)):
        wrong["visibility"] = "try.wrong.visibility"
    if given.customer:
        known = len(given.customer) <= MAX_FIELD and await parts.records.customer_ids(brand, [given.customer])
        if not known:
            wrong["customer"] = "try.wrong.customer"
    return wrong


def _message(given: Given, brand: str) -> Message:
    fields: dict[str, Any] = {"text": given.text, "brand": brand, "channel": given.channel}
    if given.visibility:
        fields["visibility"] = given.visibility
    if given.customer:
        fields["author"] = {"customer_id": given.customer}
    return Message.model_validate(fields)


def _shown(request: Request, message: Message, triage: Triage, parts: Parts) -> dict[str, Any]:
    """What the parts of a result need."""
    body = message.model_dump(mode="json", include={"text", "brand", "channel", "visibility"})
    if message.author != Author():
        body["author"] = {"customer_id": message.author.customer_id}
    brand = parts.brands[message.brand]
    names = Locale.parse(words_of(request).language).languages
    laps = triage.timings_ms
    return {
        "triage": triage,
        "message": message,
        "pieces": by_signals(message.content, triage.understanding.signals),
        "topics": {topic.id: topic.label for topic in brand.topics},
        "language_name": names.get(triage.understanding.language.code, triage.understanding.language.code),
        "ms": {stage: sum(laps.get(lap, 0.0) for lap in taken) for stage, taken in LAPS.items()},
        "result": json.dumps(triage.model_dump(mode="json"), ensure_ascii=False, indent=2),
        "curl": _curl(request, body),
    }


def _curl(request: Request, body: dict[str, Any]) -> str:
    key = "" if request.state.agent == LOCAL else ' \\\n  -H "Authorization: Bearer $FIRSTREPLY_KEY"'
    address = f"{request.url.scheme}://{request.url.netloc}/v1/triage"
    sent = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f"curl {shlex.quote(address)} \\\n  -H 'Content-Type: application/json'{key} \\\n  -d {sent}"


async def _page(
    request: Request, parts: Parts, brand: str, given: Given, status: int = 200, wrong: dict[str, str] | None = None, **shown: Any
) -> HTMLResponse:
    shoppers = await parts.records.shoppers.some(brand, MOST_CUSTOMERS)
    ids = {one.customer.customer_id for one in shoppers}
    offered = [one for one in examples() if not one.customer or one.customer in ids]
    return page(
        request, "try.html", status, given=asdict(given), wrong=wrong or {}, shoppers=shoppers, examples=offered,
        channels=get_args(Channel), stages=STAGES, most=MAX_TEXT, private_channels=PRIVATE_CHANNELS,
        ids=ids, triage=shown.pop("triage", None), **shown,
    )  # fmt: skip
