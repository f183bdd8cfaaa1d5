"""DELETE /v1/customers/{id} and DELETE /v1/customers: a person is erased everywhere, with a receipt."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from service.erasure import Erasure, erase
from service.http.auth import BrandOf, Caller, CallerOf, PartsOf
from service.http.orders import CustomerId
from service.http.problems import declared
from service.messages import Channel
from service.parts import Parts
from service.records.traces import Person

router = APIRouter(prefix="/v1", tags=["orders"])
Handle = Annotated[str, Query(min_length=1, max_length=500, examples=["@lena"])]


@router.delete(
    "/customers/{customer_id:path}", operation_id="eraseCustomer", summary="Erase a customer everywhere",
    responses=declared(401, 404, 422, 503),
)  # fmt: skip
async def erase_customer(customer_id: CustomerId, brand: BrandOf, caller: CallerOf, parts: PartsOf) -> Erasure:
    """Deletes the customer with handles, orders, contacts, messages, triages, drafts, feedback and precedents; no way back.

    The receipt has counts and no personal data. Done again, it is 404: nobody is there.
    """
    return await _erase(parts, brand, Person(customer_id=customer_id), caller)


@router.delete(
    "/customers", operation_id="eraseHandle", summary="Erase somebody known by a handle alone",
    responses=declared(401, 404, 409, 422, 503),
)  # fmt: skip
async def erase_handle(
    channel: Annotated[Channel, Query()], handle: Handle, brand: BrandOf, caller: CallerOf, parts: PartsOf
) -> Erasure:
    """The same for the author of messages who is no stored customer. 409 for a customer's handle, which names the customer."""
    return await _erase(parts, brand, Person(channel=channel, handle=handle), caller)


async def _erase(parts: Parts, brand: str, person: Person, caller: Caller) -> Erasure:
    receipt = await erase(parts.records, brand, person, caller.name)
    await parts.follow()  # the vectors of this process, too, are gone before the answer
    return receipt
