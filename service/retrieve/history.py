"""Earlier contacts of this customer. The one place that decides who may see them: the customer's own brand and id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from service.messages import Customer, Message, PastTriage

HistoryLookup = Callable[[str, str, datetime], Awaitable[list[PastTriage]]]
MOST = 5  # earlier contacts of a context


async def own_history(message: Message, customer: Customer | None, lookup: HistoryLookup) -> tuple[PastTriage, ...]:
    """Earlier triages of this customer, newest first."""
    if customer is None:
        return ()
    return tuple((await lookup(message.brand, customer.customer_id, message.received_at))[:MOST])
