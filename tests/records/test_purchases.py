"""Orders and customers as they are put: compared, written at once, and only what changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from service.messages import Customer, Order
from service.records.purchases import Counts
from service.records.queries import Records

BRAND = "b"
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def order(order_id: str = "A-1", **fields: Any) -> Order:
    return Order.model_validate({"order_id": order_id, "customer_id": "C-1", "status": "placed"} | fields)


async def test_only_what_changed_is_written_and_counted(records: Records) -> None:
    people = [Customer(customer_id="C-1", name="Ada")]
    first = await records.put_purchases(BRAND, [order(), order("A-2")], people)
    assert first == (Counts(added=2), Counts(added=1))
    second = await records.put_purchases(BRAND, [order(), order("A-2", status="lost"), order("A-3")], people)
    assert second == (Counts(added=1, changed=1, unchanged=1), Counts(unchanged=1))
    found = (await records.known(BRAND, "C-1", NOW)).orders
    assert [(one.order_id, one.status) for one in found] == [("A-1", "placed"), ("A-2", "lost"), ("A-3", "placed")]
    assert await records.order("other", "A-1") is None


async def test_a_trial_counts_and_writes_nothing_not_even_the_brand(records: Records) -> None:
    assert (await records.put_purchases(BRAND, [order()], dry_run=True))[0] == Counts(added=1)
    assert await records.order(BRAND, "A-1") is None
    assert await records.brands() == {}


async def test_a_customer_who_comes_along_with_an_order_keeps_what_only_we_know(records: Records) -> None:
    ours = Customer(customer_id="C-1", name="A.", vip=True, language="da", handles={"instagram": "@ada"})
    await records.put_purchases(BRAND, [], [ours])
    along = Customer(customer_id="C-1", name="Ada Kvist", email="ada@mail.example")
    await records.put_purchases(BRAND, [order()], [], [along])
    found = (await records.known(BRAND, ("instagram", "ada"), NOW)).customer
    assert found == Customer(
        customer_id="C-1", name="Ada Kvist", email="ada@mail.example", vip=True, language="da", handles={"instagram": "@ada"}
    )
    await records.put_purchases(BRAND, [], [Customer(customer_id="C-1")])
    assert await records.customer(BRAND, "C-1") == Customer(customer_id="C-1")
    assert (await records.known(BRAND, ("instagram", "ada"), NOW)).customer is None


async def test_more_orders_than_a_statement_has_parameters(records: Records) -> None:
    many = [order(f"A-{number}") for number in range(2_500)]
    assert (await records.put_purchases(BRAND, many))[0] == Counts(added=2_500)
    assert (await records.put_purchases(BRAND, many))[0] == Counts(unchanged=2_500)
    assert await records.customer_ids(BRAND, [f"C-{number}" for number in range(2_500)]) == set()


async def test_an_order_is_removed_once_and_only_from_its_brand(records: Records) -> None:
    await records.put_purchases(BRAND, [order()])
    assert not await records.remove_order("other", "A-1")
    assert await records.remove_order(BRAND, "A-1")
    assert not await records.remove_order(BRAND, "A-1")
    assert (await records.known(BRAND, "C-1", NOW)).orders == ()


async def test_the_same_order_put_by_many_at_once_is_there_once(records: Records) -> None:
    await asyncio.gather(*(records.put_purchases(BRAND, [order(note=str(n))]) for n in range(20)))
    assert len((await records.known(BRAND, "C-1", NOW)).orders) == 1
