"""What of an order a message is about: the keys of its states, and whether what it needs is here already."""

from __future__ import annotations

from service.draft import facts
from service.messages import Message, Order, Understanding

_ALSO_MONEY = frozenset({"refund", "payment", "returns"})  # topics in which a refund beside a delivered order is worth a word
_MONEY = frozenset({"refund_due", "refund_pending", "refund_overdue", "refunded"})
_PICTURES = frozenset({"image", "photo", "picture"})  # kinds of attachment


def states_of(order: Order | None, message: Message, understanding: Understanding) -> list[str]:
    """Which phrases tell the order's state to this message, the main one first; none without an order."""
    if order is None:
        return []
    asked = understanding.topic.label in _ALSO_MONEY or understanding.signal("payment_dispute") is not None
    if order.issue == "double_charge" and not asked:
        order = order.model_copy(update={"issue": None})
    keys = facts.state_keys(order, message.received_at.date())
    money = [key for key in keys if key in _MONEY]
    if order.issue == "double_charge":  # wherever the parcel is
        return ["double_charge", *money]
    if order.status != "delivered" or order.issue is not None:
        return keys
    return (money or keys) if asked else keys[:1]


def photo_here(order: Order | None, message: Message) -> bool:
    """Whether the customer has sent a photo: with the message, or earlier as the order's timeline tells."""
    sent = any(attachment.kind in _PICTURES for attachment in message.attachments)
    return sent or (order is not None and any(event.event == "photo_received" for event in order.timeline))
