"""Who wrote, and what the records hold of theirs: the one place that reads customers, orders and history for a message.

A customer is known by a `customer_id` the caller vouches for, or by a handle that a customer's record links on the
message's channel. Nobody else's order or contact is ever read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from service.messages import Customer, Known, Message

# Takes the brand, a customer id or a channel with a handle, and the time before which history counts.
Lookup = Callable[[str, str | tuple[str, str], datetime], Awaitable[Known]]


async def known_of(message: Message, lookup: Lookup) -> Known:
    """The customer who wrote with their orders and earlier contacts; an id without a record still owns its orders."""
    author = message.author
    if author.customer_id:
        found = await lookup(message.brand, author.customer_id, message.received_at)
        return found if found.customer else found.model_copy(update={"customer": Customer(customer_id=author.customer_id)})
    if author.handle:
        return await lookup(message.brand, (message.channel, author.handle), message.received_at)
    return Known()
