"""POST /v1/triage/stream: the same triage as it grows, in server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

import anyio
from fastapi import APIRouter, Request, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from service import pipeline, telemetry
from service.errors import UnknownBrand
from service.http.auth import CallerOf, PartsOf
from service.http.problems import declared, told
from service.messages import Message, Triage
from service.parts import Parts
from service.pipeline import Stage

router = APIRouter(prefix="/v1", tags=["triage"])
Event = TypeVar("Event")
AT_ONCE = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # no proxy waits for more before it passes an event on
DESCRIPTION = (
    "Server-sent events, in this order: `understanding`, `context`, `escalation`; `draft.delta` for each sentence of the draft "
    "written (`side`: public or private; `reset`: forget what came); `draft.done` with the whole triage. `error` with a problem "
    "instead, where something goes wrong on the way."
)


@router.post(
    "/triage/stream", operation_id="streamTriage", summary="Triage one message, step by step", response_model=None,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": DESCRIPTION},
        **declared(400, 401, 413, 415, 422, 503),
    },
)  # fmt: skip
async def stream_triage(message: Message, request: Request, caller: CallerOf, parts: PartsOf) -> Response:
    """What is understood, found and decided at once; then the draft a sentence at a time, each checked before it is sent.

    The triage is recorded before `draft.done`. A client that leaves ends the work, and nothing is recorded.
    """
    if not caller.may(message.brand):
        raise UnknownBrand(message.brand, [caller.brand or ""])
    stages = pipeline.stages(message, parts, streamed=True)
    first = await anext(stages)  # what is wrong with a request is answered as an error, not in a stream
    work = partial(_work, first, stages, message, parts, request, caller.name)
    return EventSourceResponse(events_of(work), headers=AT_ONCE)


async def events_of(
    work: Callable[[asyncio.Queue[Event | None]], Coroutine[Any, Any, None]], ahead: int = 1
) -> AsyncGenerator[Event, None]:
    """The events that `work` puts into a queue, as they come, until it puts None; a client that leaves ends the work.

    `ahead` is how many may wait to be sent, 0 for any number.

    That is a task of its own: the server cancels an answer again and again until it is over, which would keep the
    connection to the model from being closed in good order.
    """
    events: asyncio.Queue[Event | None] = asyncio.Queue(ahead)
    task = asyncio.create_task(work(events))
    try:
        while (event := await events.get()) is not None:
            yield event
    finally:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.gather(task, return_exceptions=True)


async def _work(
    first: Stage,
    stages: AsyncGenerator[Stage, None],
    message: Message,
    parts: Parts,
    request: Request,
    actor: str,
    events: asyncio.Queue[bytes | None],
) -> None:
    async with aclosing(stages):
        try:
            await events.put(_told(first))
            async for stage in stages:
                if stage.name != "draft":
                    await events.put(_told(stage))
                    continue
                await parts.ledger.put(message, stage.triage, actor)
                telemetry.count(stage.triage)
                await events.put(event("draft.done", stage.triage.model_dump_json()))
        except Exception as error:  # the answer has begun: it ends with an event, whatever happened
            await events.put(event("error", json.dumps(told(request, error))))
    await events.put(None)


def _told(stage: Stage) -> bytes:
    if stage.delta is not None:
        return event(stage.name, stage.delta.model_dump_json())
    fields = {"id", "message_id", "brand", "metadata", stage.name} if stage.name == "understanding" else {stage.name}
    return event(stage.name, _part(stage.triage, fields))


def _part(triage: Triage, fields: set[str]) -> str:
    return triage.model_dump_json(include=fields)


def event(name: str, data: str) -> bytes:
    """A server-sent event."""
    made: Any = format_sse_event(data_str=data, event=name)
    return bytes(made)
