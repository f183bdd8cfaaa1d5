"""Deliveries: a row is the promise that an endpoint is told of a triage, and the log of how that went."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, func, select, update

from service.messages import Triage
from service.records.database import Database, Writes, aware
from service.records.purchases import inserting
from service.records.tables import deliveries, endpoints

Event = Literal["triage.done"]
Status = Literal["waiting", "sending", "delivered", "failed"]
TEST = "webhook.test"  # the event of a delivery that no triage is behind


@dataclass(frozen=True)
class Delivery:
    """One webhook to one endpoint."""

    number: int
    id: str
    endpoint_id: str
    brand: str
    event: str
    triage_id: str | None
    message_id: str | None
    state: str
    created_at: datetime
    status: Status
    attempts: int
    next_at: datetime
    last_code: int | None
    last_error: str | None
    done_at: datetime | None


class Deliveries:
    """The deliveries of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, now: datetime, lease: timedelta, most: int, busy: Collection[str] = ()) -> list[Delivery]:
        """Takes what is due and to none of the `busy` endpoints; what is not told of within `lease` is taken again."""
        due = select(deliveries.c.id).where(
            deliveries.c.status.in_(("waiting", "sending")), deliveries.c.next_at <= now, deliveries.c.endpoint_id.not_in(busy)
        )
        due = due.order_by(deliveries.c.next_at).limit(most)
        if not await self._database.all(due.limit(1)):  # an idle worker must not ask for the right to write
            return []
        async with self._database.briefly() as connection:
            mine = update(deliveries).where(
                deliveries.c.id.in_(due.with_for_update(skip_locked=True)), deliveries.c.next_at <= now
            )
            values = {"status": "sending", "attempts": deliveries.c.attempts + 1, "next_at": now + lease}
            rows = (await connection.execute(mine.values(values).returning(deliveries))).all()
        return sorted((_delivery(row) for row in rows), key=lambda taken: taken.number)

    async def tell(
        self, taken: Delivery, status: Status, code: int | None, error: str | None, next_at: datetime | None = None
    ) -> None:
        """Writes down how an attempt went, unless another one was made meanwhile."""
        now = datetime.now(UTC)
        own = update(deliveries).where(
            deliveries.c.id == taken.id, deliveries.c.status == "sending", deliveries.c.attempts == taken.attempts
        )
        done_at = now if status in ("delivered", "failed") else None
        told = {"status": status, "last_code": code, "last_error": error, "next_at": next_at or now, "done_at": done_at}
        async with self._database.briefly() as connection:
            await connection.execute(own.values(told))

    async def again(self, delivery_id: str, brand: str | None = None) -> bool:
        """Sends one again at once, whatever became of it before, with all its attempts; False where there is none such."""
        query = update(deliveries).where(deliveries.c.id == delivery_id)
        if brand is not None:
            query = query.where(deliveries.c.brand == brand)
        anew = {"status": "waiting", "attempts": 0, "next_at": datetime.now(UTC), "done_at": None}
        async with self._database.writing() as connection:
            return (await connection.execute(query.values(anew))).rowcount > 0

    async def test(self, endpoint_id: str, brand: str) -> str:
        """A delivery that says nothing but that it came; its id."""
        row = _row(endpoint_id, brand, TEST, datetime.now(UTC))
        async with self._database.writing() as connection:
            await connection.execute(inserting(connection, deliveries).values(row))
        return str(row["id"])

    async def one(self, delivery_id: str) -> Delivery | None:
        """A delivery by its id."""
        rows = await self._database.all(select(deliveries).where(deliveries.c.id == delivery_id))
        return _delivery(rows[0]) if rows else None

    async def log(self, brand: str | None, before: int | None = None, most: int = 100) -> list[Delivery]:
        """Deliveries of a brand or of all, the latest first; `before` goes on behind a number."""
        query = select(deliveries).order_by(deliveries.c.number.desc()).limit(most)
        if brand is not None:
            query = query.where(deliveries.c.brand == brand)
        if before is not None:
            query = query.where(deliveries.c.number < before)
        return [_delivery(row) for row in await self._database.all(query)]

    async def waiting(self) -> int:
        """How many are still to be told."""
        query = select(func.count()).where(deliveries.c.status.in_(("waiting", "sending")))
        return int((await self._database.all(query))[0][0])


async def insert_deliveries(
    connection: Writes, triages: Sequence[Triage], now: datetime, *, message_id: str | None = None, state: str = "done"
) -> None:
    """In the transaction that records triages: a row for each endpoint that wants to be told. Twice is once."""
    query = select(endpoints.c.id, endpoints.c.brand, endpoints.c.events).where(
        endpoints.c.enabled, endpoints.c.brand.in_({triage.brand for triage in triages})
    )
    wanting = (await connection.execute(query)).all()
    rows = [
        _row(endpoint.id, triage.brand, event, now, triage.id, message_id, state)
        for triage in triages for endpoint in wanting if endpoint.brand == triage.brand
        for event in endpoint.events
    ]  # fmt: skip
    if rows:
        await connection.execute(inserting(connection, deliveries).on_conflict_do_nothing(), rows)


def _row(
    endpoint_id: str, brand: str, event: str, now: datetime, triage_id: str | None = None, message_id: str | None = None,
    state: str = "done",
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": f"dlv_{secrets.token_hex(12)}", "endpoint_id": endpoint_id, "brand": brand, "event": event, "triage_id": triage_id,
        "message_id": message_id, "state": state, "created_at": now, "status": "waiting", "attempts": 0, "next_at": now,
    }  # fmt: skip


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.number, row.id, row.endpoint_id, row.brand, row.event, row.triage_id, row.message_id, row.state,
        aware(row.created_at), row.status, row.attempts, aware(row.next_at), row.last_code, row.last_error,
        aware(row.done_at) if row.done_at else None,
    )  # fmt: skip
