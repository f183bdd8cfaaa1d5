"""What a customer has is read by the indexes on customers, however much the brand has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite

from service.messages import Order
from service.records.belongings import OF_CUSTOMER, OF_HANDLE
from service.records.queries import Records
from service.records.tables import metadata

NOW = "2026-11-22 09:00:00"
GIVEN = {"brand": "b", "before": NOW, "customer_id": "C-1", "channel": "x", "handle": "kim"}


@pytest.mark.parametrize("statement", [OF_CUSTOMER, OF_HANDLE])
def test_orders_contacts_and_triages_are_found_by_their_customer(statement: Any) -> None:
    compiled = statement.compile(dialect=sqlite.dialect())
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        given = tuple(GIVEN.get(name, compiled.params[name]) for name in compiled.positiontup)
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", given)]
    engine.dispose()
    for table in ("orders", "contacts", "triages"):
        (read,) = [line for line in plan if line.startswith(f"SEARCH {table} ") or line == f"SCAN {table}"]
        assert f"USING INDEX {table}_of_customer (brand=? AND customer_id=?" in read


async def test_a_customers_orders_come_by_their_ids(records: Records) -> None:
    bought = [Order(order_id=number, customer_id="C-1", status="placed") for number in ("A-3", "A-1", "A-2")]
    for order in bought:
        await records.put_purchases("b", [order], [])
    known = await records.known("b", "C-1", datetime(2026, 11, 22, tzinfo=UTC))
    assert [order.order_id for order in known.orders] == ["A-1", "A-2", "A-3"]
