"""GET /v1/deliveries and POST /v1/deliveries/{id}/retry: which webhooks were sent, and what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from service.errors import NotFound
from service.http.auth import CallerOf, PartsOf
from service.http.dead_letters import Cursor, Limit
from service.http.problems import declared
from service.messages import Noun
from service.records import deliveries as records
from service.records.deliveries import Status

router = APIRouter(prefix="/v1", tags=["deliveries"])
DeliveryId = Annotated[str, Path(max_length=64, examples=["dlv_0123456789abcdef01234567"])]


class Delivery(Noun):
    """One webhook to one endpoint: waiting, sending, delivered, or failed for good."""

    id: str = Field(description="the webhook-id, the same at each attempt")
    endpoint_id: str
    brand: str
    event: str
    triage_id: str | None
    message_id: str | None = Field(description="id of the accepted message; null where somebody waited for the triage")
    created_at: datetime
    status: Status
    attempts: int
    next_at: datetime | None = Field(description="when it is sent again, at the earliest")
    last_code: int | None = Field(description="HTTP status of the last answer")
    last_error: str | None
    done_at: datetime | None


class Deliveries(Noun):
    """A page of the log, the latest first; `next` is the cursor of the page behind it, null at the end."""

    deliveries: tuple[Delivery, ...]
    next: str | None


class Retry(Noun):
    """That the webhook is sent once more."""

    id: str


@router.get(
    "/deliveries", operation_id="listDeliveries", summary="List webhooks that were sent", responses=declared(401, 422, 503)
)
async def list_deliveries(caller: CallerOf, parts: PartsOf, cursor: Cursor = None, limit: Limit = 100) -> Deliveries:
    """What was sent to the endpoints made with `firstreply webhooks add`, and what they answered."""
    found = await parts.records.deliveries.log(caller.brand, int(cursor) if cursor else None, limit + 1)
    shown = found[:limit]
    return Deliveries(deliveries=tuple(_shown(one) for one in shown), next=str(shown[-1].number) if len(found) > limit else None)


@router.post(
    "/deliveries/{delivery_id}/retry", operation_id="retryDelivery", summary="Send a webhook again", status_code=202,
    responses=declared(401, 404, 422, 503),
)  # fmt: skip
async def retry(delivery_id: DeliveryId, caller: CallerOf, parts: PartsOf) -> Retry:
    """Sends it again within a second, delivered or not, under the same webhook-id and with all its attempts."""
    if not await parts.records.deliveries.again(delivery_id, caller.brand):
        raise NotFound("no delivery with this id")
    return Retry(id=delivery_id)


def _shown(one: records.Delivery) -> Delivery:
    return Delivery(
        id=one.id, endpoint_id=one.endpoint_id, brand=one.brand, event=one.event, triage_id=one.triage_id,
        message_id=one.message_id, created_at=one.created_at, status=one.status, attempts=one.attempts,
        next_at=one.next_at if one.done_at is None else None, last_code=one.last_code, last_error=one.last_error,
        done_at=one.done_at,
    )  # fmt: skip
