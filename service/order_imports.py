"""Orders and customers put into the records: read, checked against the customers that are known, and written at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.messages import Customer
from service.order_files.read import Read
from service.records.queries import Records
from service.retrieve.ingest import Report


@dataclass
class Imported:
    """What an import did or, tried only, would do."""

    orders: Report = field(default_factory=Report)
    customers: Report = field(default_factory=Report)
    notes: list[str] = field(default_factory=list)


async def import_orders(
    records: Records, brand: str, read: Read, people: Sequence[Customer] = (), *, dry_run: bool = False
) -> Imported:
    """Puts orders, and customers beside them, into a brand, which is created where it is new; all of it or nothing.

    An order of a customer who is neither there nor among `people` is refused.
    """
    here = {person.customer_id for person in people} | set(read.customers)
    asked = list({order.customer_id for order in read.orders} - here)
    known = here | await records.customer_ids(brand, asked)
    problems = list(read.problems)
    for order in read.orders:
        if order.customer_id not in known:
            problems.append(
                f"{read.at[order.order_id]}: order {order.order_id}: there is no customer {order.customer_id}: "
                "put the customer first"
            )
    bought = [order for order in read.orders if order.customer_id in known]
    # Customers of orders that were refused stay out, too: `read.customers` has those of orders that were taken.
    on_orders, on_people = await records.put_purchases(brand, bought, people, list(read.customers.values()), dry_run=dry_run)
    return Imported(
        Report(on_orders.added, on_orders.changed, on_orders.unchanged, problems=problems),
        Report(on_people.added, on_people.changed, on_people.unchanged),
        read.notes,
    )
