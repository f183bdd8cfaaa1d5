"""Customers and orders as they are put: what differs is found first and written in one short transaction.

SQLite lets one process write at a time, so a large import must not read and compare while it holds the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.messages import Customer, Order
from service.records.database import Writes
from service.records.tables import customers, handles, orders

CHUNK = 500  # ids of one statement: SQLite and Postgres both limit their parameters
BATCH = 1_000  # rows handed to the driver together; the event loop is free between two batches


@dataclass(frozen=True)
class Counts:
    """What putting does or would do."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


def normal_handle(handle: str) -> str:
    """A handle as it is compared: no "@", lower case."""
    return handle.strip().lstrip("@").casefold()


def completed(person: Customer, stored: dict[str, Any] | None) -> Customer:
    """The stored customer with the fields that `person` was given; what came without a handle must not unlink one."""
    if stored is None:
        return person
    return Customer.model_validate(stored | person.model_dump(mode="json", include=person.model_fields_set))


async def put_customers(connection: AsyncConnection, brand: str, people: Sequence[Customer]) -> None:
    """Inserts customers or replaces those with the same id; a handle goes to whom it was given last."""
    for start in range(0, len(people), CHUNK):
        part = people[start : start + CHUNK]
        ids = [person.customer_id for person in part]
        await connection.execute(delete(handles).where(handles.c.brand == brand, handles.c.customer_id.in_(ids)))
        await _upsert(connection, customers, [_row(brand, "customer_id", person) for person in part])
        linked = {
            (channel, normal_handle(handle)): person.customer_id for person in part for channel, handle in person.handles.items()
        }
        await _upsert(
            connection, handles,
            [{"brand": brand, "channel": channel, "handle": handle, "customer_id": owner}
             for (channel, handle), owner in linked.items()],
        )  # fmt: skip


async def put_orders(connection: AsyncConnection, brand: str, bought: Sequence[Order]) -> None:
    """Inserts orders or replaces those with the same id."""
    for start in range(0, len(bought), BATCH):
        part = bought[start : start + BATCH]
        await _upsert(connection, orders, [_row(brand, "order_id", one) | {"customer_id": one.customer_id} for one in part])


def of_ids(brand: str, table: Table, key: str, ids: Sequence[str]) -> ColumnElement[bool]:
    """Rows of a brand with these ids."""
    return (table.c.brand == brand) & table.c[key].in_(ids)


def _row(brand: str, key: str, value: Customer | Order) -> dict[str, Any]:
    return {"brand": brand, key: getattr(value, key), "data": value.model_dump(mode="json")}


def inserting(connection: Writes, table: Table) -> Any:
    """An insert that can say what happens where the key is there; both databases have it, each by its own name."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


async def _upsert(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    put = inserting(connection, table)
    others = {column.name: put.excluded[column.name] for column in table.columns if not column.primary_key}
    keys = [column.name for column in table.primary_key]
    await connection.execute(
        put.on_conflict_do_update(index_elements=keys, set_=others), sorted(rows, key=lambda row: [row[key] for key in keys])
    )
