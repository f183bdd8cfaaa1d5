"""Erasures of persons, and the receipts of them: nothing personal stays in one."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import insert, select

from service.errors import NotFound
from service.records.audit import Act, write_down
from service.records.database import Database
from service.records.erasing import delete_traces
from service.records.purchases import normal_handle
from service.records.tables import changes, erasures
from service.records.traces import Person, Traces, linked_customer, traces_of

ERASURE_PREFIX = "era_"


@dataclass(frozen=True)
class Receipt:
    """That a person was erased: `customer` is the SHA-256 of the id, or of channel and handle; `erased` has rows by table."""

    id: str
    brand: str
    customer: str
    at: datetime
    erased: dict[str, int]


class Erasures:
    """The erasures of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def linked_customer(self, brand: str, channel: str, handle: str) -> str | None:
        """The customer that a handle is linked to."""
        return await linked_customer(self._database, brand, channel, handle)

    async def find(self, brand: str, person: Person) -> Traces:
        """By which ids a person's rows are found; nothing is changed."""
        return await traces_of(self._database, brand, person)

    async def erase(self, brand: str, person: Person, traces: Traces, actor: str = "local") -> Receipt:
        """Deletes all rows of these traces, with a line for followers, one in the audit and a receipt, in one transaction.

        Raises NotFound where there was nothing, and keeps no receipt then.
        """
        made = Receipt(f"{ERASURE_PREFIX}{secrets.token_hex(12)}", brand, digest_of_person(person), datetime.now(UTC), {})
        async with self._database.writing() as connection:
            made.erased.update(await delete_traces(connection, brand, traces))
            if not any(made.erased.values()):
                raise NotFound("no such customer")
            row = {"id": made.id, "brand": brand, "customer": made.customer, "at": made.at, "erased": made.erased}
            await connection.execute(insert(erasures).values(row))
            await connection.execute(insert(changes).values(brand=brand, faq_id=made.id))
            act = Act(brand, actor, "erased", detail={"erasure": made.id, "rows": sum(made.erased.values())})
            await write_down(connection, [act], made.at)
        return made

    async def digests(self, brand: str) -> set[str]:
        """The SHA-256 of every customer that was erased of a brand."""
        return {row.customer for row in await self._database.all(select(erasures.c.customer).where(erasures.c.brand == brand))}


def digest_of_person(person: Person) -> str:
    """The SHA-256 that a receipt has in the place of who it was."""
    if person.customer_id is not None:
        return digest_of_customer(person.customer_id)
    return digest_of_customer(f"{person.channel} {normal_handle(person.handle or '')}")


def digest_of_customer(customer_id: str) -> str:
    """The same of a customer's id."""
    return hashlib.sha256(customer_id.encode()).hexdigest()
