"""POST /v1/webhooks/standard/{connection}: messages from a system that signs what it sends (Standard Webhooks)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from service.errors import FieldError, InvalidMessage, NotFound
from service.http.auth import PartsOf
from service.http.messages import MOST, Receipt, answered, json_of, one_message
from service.http.middleware import JSON
from service.http.problems import declared, pointer
from service.intake.acceptance import key_of
from service.intake.signatures import verify
from service.messages import Message, Noun

router = APIRouter(prefix="/v1/webhooks", tags=["messages"])
CREATED = "message.created"
ConnectionName = Annotated[str, Path(max_length=100, examples=["shop"])]
log = structlog.get_logger()
EXAMPLE = {
    "type": CREATED,
    "timestamp": "2026-11-22T09:00:00Z",
    "data": {"text": "Zum dritten Mal: wo bleibt mein Paket?!", "id": "ext-1", "channel": "instagram"},
}


class Taken(Noun):
    """What became of a webhook: a receipt a message, none where its type means nothing here."""

    type: str
    messages: tuple[Receipt, ...] = Field(description=f"empty for any other type than {CREATED}")


def _body_schema() -> dict[str, Any]:
    one = {"$ref": "#/components/schemas/Message"}
    data = {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": MOST}]}
    properties = {"type": {"type": "string"}, "timestamp": {"type": "string", "format": "date-time"}, "data": data}
    schema = {"type": "object", "required": ["type", "data"], "properties": properties}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema, "example": EXAMPLE}}}}


@router.post(
    "/standard/{connection}", operation_id="acceptWebhook", summary="Hand messages over as a signed webhook", status_code=202,
    responses=declared(400, 401, 404, 409, 413, 415, 422, 503), openapi_extra=_body_schema(),
)  # fmt: skip
async def accept_webhook(connection: ConnectionName, request: Request, response: Response, parts: PartsOf) -> Taken:
    """Keeps the messages of a webhook signed with the connection's secret; they are its brand's, whatever they say.

    `webhook-id` makes it safe to send again. A type that means nothing here is answered with 202, so that nobody sends it again.
    """
    known = await parts.records.connections.one(connection)
    if known is None or known.source != "standard":
        raise NotFound("no connection with this name: firstreply connections add NAME makes one")
    webhook_id = verify(await request.body(), request.headers, known.secrets, datetime.now(UTC))
    given = await json_of(request)
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(kind, str) or "data" not in given:
        raise InvalidMessage([FieldError("", 'must be an object with "type" and "data"')])
    if kind != CREATED:
        log.info("webhook_ignored", connection=known.name)
        return Taken(type=kind[:100], messages=())
    if known.brand not in parts.brands:
        raise NotFound("the connection's brand is not there any more")
    data = given["data"]
    listed = data if isinstance(data, list) else [data]
    if not 1 <= len(listed) <= MOST:
        raise InvalidMessage([FieldError("/data", f"one message, or an array of 1 to {MOST:,}")])
    with parts.turns.coming():
        messages = [
            await _of_brand(one, known.brand, ("data", index) if isinstance(data, list) else ("data",))
            for index, one in enumerate(listed)
        ]
        key = key_of(webhook_id, known.brand, f"/v1/webhooks/standard/{known.name}", given)
        accepted = await parts.acceptance.accept(messages, f"standard:{known.name}", key)
    return Taken(type=kind, messages=answered(accepted, messages, response))


async def _of_brand(given: Any, brand: str, at: tuple[str | int, ...]) -> Message:
    """A message of the connection's brand; one that names another is refused."""
    if isinstance(given, dict):
        if given.get("brand", brand) != brand:
            raise InvalidMessage([FieldError(pointer((*at, "brand")), "is not the connection's brand: leave it out")])
        given = given | {"brand": brand}
    return await one_message(given, at)
