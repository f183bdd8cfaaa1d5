"""A few customers of a brand with an order each, for whoever tries the service out."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from service.messages import Customer, Order
from service.records.database import Database
from service.records.tables import customers, orders


@dataclass(frozen=True)
class Shopper:
    """A customer, and the order of theirs that one would ask about."""

    customer: Customer
    order: Order | None


class Shoppers:
    """Customers of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def some(self, brand: str, most: int) -> list[Shopper]:
        """The first customers of a brand in the order of their ids."""
        query = select(customers.c.customer_id, customers.c.data).where(customers.c.brand == brand)
        people = await self._database.all(query.order_by(customers.c.customer_id).limit(most))
        theirs = select(orders.c.customer_id, orders.c.data).where(
            orders.c.brand == brand, orders.c.customer_id.in_([row.customer_id for row in people])
        )
        bought: dict[str, list[Order]] = {}
        for row in await self._database.all(theirs):
            bought.setdefault(row.customer_id, []).append(Order.model_validate(row.data))
        return [Shopper(Customer.model_validate(row.data), _asked_about(bought.get(row.customer_id, []))) for row in people]


def _asked_about(bought: list[Order]) -> Order | None:
    """The latest order in which something went wrong, else the latest."""
    return max(bought, key=lambda order: (order.issue is not None, order.placed_at or "", order.order_id), default=None)
