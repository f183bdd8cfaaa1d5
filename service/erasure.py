"""Erasing a person everywhere: rows, vectors, and what is left of them in the database's files."""

from __future__ import annotations

from datetime import datetime

import structlog

from service.errors import Conflict
from service.messages import Noun
from service.records.queries import Records
from service.records.traces import Person, Traces

log = structlog.get_logger()


class Erasure(Noun):
    """That a person was erased, without anything that says who it was: `customer` is the SHA-256 of the id.

    `erased`: rows by table. `compacted`: whether the database's files were rewritten, so that no deleted byte is left in them.
    """

    id: str
    brand: str
    customer: str
    at: datetime
    erased: dict[str, int]
    compacted: bool


async def erase(records: Records, brand: str, person: Person, actor: str = "local") -> Erasure:
    """Erases a customer, or somebody known by a handle alone, as `actor` asks, and compacts the database.

    Raises NotFound where nothing is there of them, Conflict for a handle that is a customer's.
    """
    if person.channel is not None and person.handle is not None:
        owner = await records.erasures.linked_customer(brand, person.channel, person.handle)
        if owner is not None:
            raise Conflict(f"this handle is linked to the customer {owner}: erase the customer by that id")
    return await erase_traces(records, brand, person, await records.erasures.find(brand, person), actor)


async def erase_traces(records: Records, brand: str, person: Person, traces: Traces, actor: str = "local") -> Erasure:
    """Erases the rows of these traces, which the receipt says are of `person`; raises NotFound where there are none."""
    receipt = await records.erasures.erase(brand, person, traces, actor)
    compacted = await records.compact()
    log.info("customer_erased", erasure=receipt.id, rows=sum(receipt.erased.values()), compacted=compacted)
    return Erasure(
        id=receipt.id, brand=receipt.brand, customer=receipt.customer, at=receipt.at, erased=receipt.erased,
        compacted=compacted,
    )  # fmt: skip
