"""The order in a private text: its state with dates, the tracking, and the one next step."""

from __future__ import annotations

from collections.abc import Sequence

from service.draft import facts
from service.draft.plan import Plan
from service.draft.speech import Speech
from service.draft.texts import ESSENTIAL, NICE, USEFUL, Piece
from service.messages import Message, Order, Understanding

_WITH_NEXT_STEP = frozenset({
    "lost", "delivered", "overdue", "delayed", "damaged", "payment_failed", "refund_pending", "refund_due", "cancelled",
    "wrong_item", "missing_item", "not_received", "faulty", "cancelled_by_us",
})  # fmt: skip
_BY_PHOTO = frozenset({"damaged", "wrong_item", "missing_item", "faulty"})  # states settled with a photo
_SETTLED = {"damaged": "replacement", "cancelled": "refunded"}  # what makes a next step needless
_ALSO_MONEY = frozenset({"refund", "payment", "returns"})  # topics in which a refund beside a delivered order is worth a word
_PARCEL_STATES = frozenset({"in_transit", "in_transit_late", "out_for_delivery", "overdue"})
_PICTURES = frozenset({"image", "photo", "picture"})  # kinds of attachment


def states_of(order: Order | None, message: Message, understanding: Understanding) -> list[str]:
    """Which phrases tell the order's state to this message, the main one first; none without an order."""
    if order is None:
        return []
    money = understanding.topic.label in _ALSO_MONEY or understanding.signal("payment_dispute")
    if order.issue == "double_charge" and not money:
        order = order.model_copy(update={"issue": None})
    keys = facts.state_keys(order, message.received_at.date())
    return keys if money or order.status != "delivered" or order.issue is not None else keys[:1]


def order_told(order: Order, states: Sequence[str], speech: Speech, topic: str) -> list[Piece]:
    """The order's states, and for a parcel on its way how to follow it."""
    values, fields = facts.order_values(order, speech.phrases.language)
    pieces: list[Piece] = []
    for key in states:
        # Named in full once; where several things were bought, only some of them need be damaged or replaced.
        full = not pieces and not (key in ("damaged", "replacement") and len(order.items) > 1)
        values["order"] = facts.named(order) if full else order.order_id
        text = speech.pick(f"order.{key}", speech.phrases.options(f"order.{key}", values))
        if text is None:
            continue
        used = [f"{order.order_id}.status", *(f"{order.order_id}.{fields[n]}" for n, v in values.items() if v in text)]
        # Where there is little room: the number alone, and if need be no dates.
        shorter = speech.phrases.options(f"order.{key}", values | {"order": order.order_id})
        bare = speech.phrases.options(f"order.{key}", {"order": order.order_id})
        pieces.append(
            Piece(
                text, USEFUL if pieces else ESSENTIAL, own_line=not pieces, shorter=tuple(shorter), bare=tuple(bare),
                order_fields=tuple(dict.fromkeys(used)), facts=tuple(values.values()),
            )
        )  # fmt: skip
    if topic == "delivery" and _PARCEL_STATES & set(states) and order.carrier and order.tracking:
        tracked = {"carrier": order.carrier, "tracking": order.tracking}
        said = speech.pick("tracking", speech.phrases.options("tracking", tracked))
        if said:
            fields_used = (f"{order.order_id}.carrier", f"{order.order_id}.tracking")
            pieces.append(Piece(said, rank=NICE, order_fields=fields_used, facts=tuple(tracked.values())))
    return pieces


def next_step(plan: Plan, states: Sequence[str], speech: Speech, topic: str) -> list[Piece]:
    """What the customer or we do next, where the state asks for it and neither thread, order nor attachment has it already."""
    if not states or states[0] not in _WITH_NEXT_STEP:
        return []
    state, thread = states[0], speech.message.thread
    answered = bool(thread) and thread[-1].role == "brand"
    if state == "lost" and (answered or topic == "refund"):
        return []  # the choice was offered or made already
    if state in _BY_PHOTO and _photo_here(plan.order, speech.message):
        return speech.say("next.photo_here", rank=USEFUL) if "replacement" not in states else []
    if _SETTLED.get(state) in states or (state == "delivered" and topic != "delivery"):
        return []
    return speech.say(f"next.{'refund_pending' if state == 'refund_due' else state}", rank=USEFUL)


def _photo_here(order: Order | None, message: Message) -> bool:
    """Whether the customer has sent a photo: with the message, or earlier as the order's timeline tells."""
    sent = any(attachment.kind in _PICTURES for attachment in message.attachments)
    return sent or (order is not None and any(event.event == "photo_received" for event in order.timeline))
