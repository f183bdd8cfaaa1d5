"""POST /v1/messages and GET /v1/messages/{id}: messages handed over now and triaged soon."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from service.errors import BadRequest, FieldError, InvalidMessage, NotFound, UnknownBrand
from service.http.auth import Caller, CallerOf, PartsOf
from service.http.middleware import JSON
from service.http.problems import declared
from service.intake.acceptance import key_of
from service.messages import Message, Noun, Triage
from service.parts import Parts
from service.records.inbox import Accepted, InboxState, Kept

router = APIRouter(prefix="/v1", tags=["messages"])
MOST = 1_000  # messages of one request
SMALL = 64 * 1024  # bytes that are read on the event loop; more of them would hold up everybody else
API = "api"  # the source of messages that come with a key
MessageId = Annotated[str, Path(max_length=64, examples=["msg_0123456789abcdef01234567"])]
IdempotencyKey = Annotated[
    str | None,
    Header(max_length=255, min_length=1, description="The same key with the same body is the same request, for 24 hours"),
]
EXAMPLE = {"text": "Zum dritten Mal: wo bleibt mein Paket?!", "id": "ext-1", "channel": "instagram", "conversation_id": "conv-9"}


class Receipt(Noun):
    """A message that is kept and will be triaged; `duplicate` where it was there before, under this id."""

    id: str
    message_id: str | None
    duplicate: bool
    location: str


class Receipts(Noun):
    """What became of each message, in the order they came in."""

    messages: tuple[Receipt, ...]


class Progress(Noun):
    """A message's state: accepted, queued, done, superseded (by `superseded_by`, which answers it too) or dead (a human has it).

    `triage` is there once one was made.
    """

    id: str
    message_id: str | None
    brand: str
    state: InboxState
    accepted_at: datetime
    done_at: datetime | None
    superseded_by: str | None
    attempts: int = Field(description="how often it was taken up")
    error: str | None = Field(description="why the last attempt failed")
    triage: Triage | None


def _body_schema() -> dict[str, Any]:
    one = {"$ref": "#/components/schemas/Message"}
    either = {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": MOST}]}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": either, "example": EXAMPLE}}}}


@router.post(
    "/messages", operation_id="acceptMessages", summary="Hand messages over", status_code=202, response_model=None,
    responses={202: {"model": Receipt | Receipts, "description": "Kept; one receipt, or of an array all of them"},
               **declared(400, 401, 409, 413, 415, 422, 503)},
    openapi_extra=_body_schema(),
)  # fmt: skip
async def accept_messages(
    request: Request, response: Response, caller: CallerOf, parts: PartsOf, idempotency_key: IdempotencyKey = None
) -> Receipt | Receipts:
    """Keeps one message, or an array of up to 1,000 of them all or none, and answers before they are triaged.

    A message with an `id` that this brand handed over before is the same message. An `Idempotency-Key` makes the whole request
    safe to send again: the first answer is given again, with `Idempotent-Replayed: true`.
    """
    with parts.turns.coming():
        given = await json_of(request)
        several = isinstance(given, list)
        messages = await _messages_of(given) if several else [await one_message(given)]
        for index, message in enumerate(messages):
            check_brand(message.brand, caller, parts, f"/{index}" if several else "")
        key = key_of(idempotency_key, messages[0].brand, "/v1/messages", given) if idempotency_key is not None else None
        accepted = await parts.acceptance.accept(messages, API, key)
    receipts = answered(accepted, messages, response)
    return Receipts(messages=receipts) if several else receipts[0]


@router.get(
    "/messages/{message_id}", operation_id="getMessage", summary="Get a message's state and triage", response_model=None,
    responses={200: {"model": Progress, "description": "Where it stands"}, **declared(401, 404, 422, 503)},
)  # fmt: skip
async def get_message(message_id: MessageId, caller: CallerOf, parts: PartsOf) -> Response:
    """The message's state and, once it was made, its triage exactly as it was recorded."""
    kept = await parts.records.inbox.one(message_id, caller.brand)
    if kept is None:
        raise NotFound("no message with this id")
    triage = await parts.records.triage(kept.triage_id, kept.brand) if kept.triage_id else None
    return Response(_progress(kept, triage), media_type=JSON)


async def json_of(request: Request) -> Any:
    """The body as JSON; raises BadRequest where it is none."""
    body = await request.body()
    try:
        return await asyncio.to_thread(json.loads, body) if len(body) > SMALL else json.loads(body)
    except RecursionError:
        raise BadRequest("the JSON is nested too deep: a message needs four levels") from None
    except ValueError as error:
        reason = f"{error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "it is not UTF-8"
        raise BadRequest(f"not valid JSON ({reason})") from None


async def one_message(given: Any, at: tuple[str | int, ...] = ()) -> Message:
    """The message; raises RequestValidationError, whose pointers begin with `at`."""
    try:
        return Message.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(_located(error, at)) from None


async def _messages_of(given: list[Any]) -> list[Message]:
    """The messages of an array; what is wrong with any of them refuses all, so that the sender need not sort them."""
    if not 1 <= len(given) <= MOST:
        raise InvalidMessage([FieldError("", f"an array of 1 to {MOST:,} messages; this one has {len(given):,}: send several")])
    return await asyncio.to_thread(_validated, given)


def _validated(given: list[Any]) -> list[Message]:
    wrong: list[Any] = []
    messages = []
    for index, one in enumerate(given):
        try:
            messages.append(Message.model_validate(one))
        except ValidationError as error:
            wrong += _located(error, (index,))
    if wrong:
        raise RequestValidationError(wrong)
    return messages


def _located(error: ValidationError, at: tuple[str | int, ...]) -> list[dict[str, Any]]:
    return [{**item, "loc": (*at, *item["loc"])} for item in error.errors(include_url=False, include_input=False)]


def check_brand(brand: str, caller: Caller, parts: Parts, at: str = "") -> None:
    """Raises UnknownBrand for a brand that is not there and for one that the key may not use alike."""
    if not caller.may(brand) or brand not in parts.brands:
        raise UnknownBrand(brand, list(parts.brands) if caller.brand is None else [caller.brand], at)


def answered(accepted: Accepted, messages: list[Message], response: Response) -> tuple[Receipt, ...]:
    """The receipts with the headers that belong to them."""
    receipts = tuple(
        Receipt(id=one.id, message_id=message.id, duplicate=one.duplicate, location=f"/v1/messages/{one.id}")
        for one, message in zip(accepted.receipts, messages, strict=True)
    )
    response.headers["Location"] = receipts[0].location
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return receipts


def _progress(kept: Kept, triage: str | None) -> str:
    """The answer's JSON; the triage goes in as it is stored."""
    state = Progress(
        id=kept.id, message_id=kept.message.id, brand=kept.brand, state=kept.state, accepted_at=kept.accepted_at,
        done_at=kept.done_at, superseded_by=kept.superseded_by, attempts=kept.attempt, error=kept.error, triage=None,
    )  # fmt: skip
    return f'{state.model_dump_json(exclude={"triage"})[:-1]},"triage":{triage or "null"}}}'
