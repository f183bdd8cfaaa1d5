"""Orders and customers over HTTP, for other systems with the brand's key; a message's customer sees orders by another way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response
from pydantic import AfterValidator

from service.errors import FieldError, InvalidMessage, NotFound
from service.http.auth import BrandOf, BrandToBe, PartsOf
from service.http.bulk import DryRun, Outcome, many_of, one_of, outcome, values_of, with_id
from service.http.problems import declared
from service.messages import Customer, Order, clean
from service.order_files.read import checked
from service.order_files.rules import customer_of, order_of
from service.order_imports import import_orders

router = APIRouter(prefix="/v1", tags=["orders"])
# With ":path" since numbers such as 2026/117 are in use.
OrderId = Annotated[str, Path(max_length=500, examples=["A-1001"]), AfterValidator(clean)]
CustomerId = Annotated[str, Path(max_length=500, examples=["C-1042"]), AfterValidator(clean)]
Given = Annotated[dict[str, Any], Body()]
EXAMPLE: dict[str, Any] = {
    "customer_id": "C-1042", "status": "in_transit", "placed_at": "2026-11-12", "promised_at": "2026-11-18",
    "shipped_at": "2026-11-15", "due_at": "2026-11-24", "items": [{"name": "Skarn 2", "quantity": 1, "price": 219.0}],
    "total": {"amount": 219.0, "currency": "EUR"}, "carrier": "Rappid", "tracking": "RP48210077DE",
}  # fmt: skip
PERSON = {
    "name": "Lena Brandt",
    "email": "lena@mail.example",
    "language": "de",
    "country": "DE",
    "handles": {"instagram": "@lena"},
}
OURS = {"late", "why"}  # found for each message, not kept


@router.put(
    "/orders/{order_id:path}", operation_id="putOrder", summary="Put an order", response_model=None,
    responses={200: {"model": Order, "description": "Replaced"}, 201: {"model": Order, "description": "New"},
               **declared(400, 401, 413, 415, 422, 503)},
    openapi_extra=one_of("Order", EXAMPLE),
)  # fmt: skip
async def put_order(order_id: OrderId, given: Given, brand: BrandOf, parts: PartsOf) -> Response:
    """Puts one order in place of what is there under its id; the next triage sees it. Its customer must be there.

    The fields are those of a line of an import; `order_id` may be left out.
    """
    made = order_of(with_id(given, "order_id", order_id), datetime.now(UTC).date())
    if isinstance(made, list):
        raise InvalidMessage(made)
    if not await parts.records.customer_ids(brand, [made.customer_id]):
        raise InvalidMessage([FieldError("/customer_id", "there is no such customer: PUT /v1/customers/{id} first")])
    counts, _ = await parts.records.put_purchases(brand, [made])
    return _json(made.model_dump_json(exclude=OURS), 201 if counts.added else 200)


@router.get(
    "/orders/{order_id:path}", operation_id="getOrder", summary="Get an order", response_model=None,
    responses={200: {"model": Order, "description": "The order"}, **declared(401, 404, 422, 503)},
)  # fmt: skip
async def get_order(order_id: OrderId, brand: BrandOf, parts: PartsOf) -> Response:
    """The order as it was put, without `late` and `why`, which only a triage has."""
    found = await parts.records.order(brand, order_id)
    if found is None:
        raise NotFound("no order with this id")
    return _json(found.model_dump_json(exclude=OURS), 200)


@router.delete(
    "/orders/{order_id:path}", operation_id="deleteOrder", summary="Delete an order", status_code=204,
    responses=declared(401, 404, 422, 503),
)  # fmt: skip
async def delete_order(order_id: OrderId, brand: BrandOf, parts: PartsOf) -> None:
    """Removes the order; no triage shows it from now on. One of the brand's folder comes back when its file changes."""
    if not await parts.records.remove_order(brand, order_id):
        raise NotFound("no order with this id")


@router.post(
    "/orders/import", operation_id="importOrders", summary="Put many orders", responses=declared(400, 401, 413, 415, 422, 503),
    openapi_extra=many_of("Order", {"order_id": "A-1001"} | EXAMPLE),
)  # fmt: skip
async def import_many(request: Request, brand: BrandToBe, parts: PartsOf, dry_run: DryRun = False) -> Outcome:
    """Puts orders of an array or of JSON Lines (`application/x-ndjson`) in one transaction; a new brand is made.

    What is wrong is named under `problems` and the rest goes in: the answer is 200 then, too.
    """
    values, told = await values_of(request)
    read = await asyncio.to_thread(checked, values, told, datetime.now(UTC).date())
    done = await import_orders(parts.records, brand, read, dry_run=dry_run)
    if brand not in parts.brands and not dry_run:
        await parts.follow()
    return outcome(done.orders, dry_run)


@router.put(
    "/customers/{customer_id:path}", operation_id="putCustomer", summary="Put a customer", response_model=None,
    responses={200: {"model": Customer, "description": "Replaced"}, 201: {"model": Customer, "description": "New"},
               **declared(400, 401, 413, 415, 422, 503)},
    openapi_extra=one_of("Customer", PERSON),
)  # fmt: skip
async def put_customer(customer_id: CustomerId, given: Given, brand: BrandOf, parts: PartsOf) -> Response:
    """Puts one customer in place of what is there under the id; a handle goes to whom it was given last."""
    made = customer_of(with_id(given, "customer_id", customer_id))
    if isinstance(made, list):
        raise InvalidMessage(made)
    _, counts = await parts.records.put_purchases(brand, people=[made])
    return _json(made.model_dump_json(), 201 if counts.added else 200)


@router.get(
    "/customers/{customer_id:path}", operation_id="getCustomer", summary="Get a customer", response_model=None,
    responses={200: {"model": Customer, "description": "The customer"}, **declared(401, 404, 422, 503)},
)  # fmt: skip
async def get_customer(customer_id: CustomerId, brand: BrandOf, parts: PartsOf) -> Response:
    """The customer as it was put."""
    found = await parts.records.customer(brand, customer_id)
    if found is None:
        raise NotFound("no customer with this id")
    return _json(found.model_dump_json(), 200)


def _json(content: str, status: int) -> Response:
    return Response(content, status_code=status, media_type="application/json")
