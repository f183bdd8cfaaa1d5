"""The order in a private text: its state with dates, the tracking, and the one next step."""

from __future__ import annotations

from collections.abc import Sequence

from service.draft import facts
from service.draft.plan import Plan
from service.draft.speech import Speech
from service.draft.states import photo_here
from service.draft.texts import ESSENTIAL, NICE, USEFUL, Piece
from service.messages import Order

_WITH_NEXT_STEP = frozenset({
    "lost", "delivered", "overdue", "delayed", "damaged", "payment_failed", "refund_pending", "refund_due", "cancelled",
    "wrong_item", "missing_item", "not_received", "faulty", "cancelled_by_us", "refunded", "refund_overdue",
})  # fmt: skip
_BY_PHOTO = frozenset({"damaged", "wrong_item", "missing_item", "faulty"})  # states settled with a photo
_MONEY = frozenset({"refund_due", "refund_pending", "refund_overdue", "refunded"})
_SETTLED = {"damaged": _MONEY | {"replacement"}, "cancelled": _MONEY}  # what makes a next step needless
_PARCEL_STATES = frozenset({"in_transit", "in_transit_late", "out_for_delivery", "overdue"})


def order_told(order: Order, states: Sequence[str], speech: Speech, topic: str) -> list[Piece]:
    """The order's states, and for a parcel on its way how to follow it."""
    values, fields = facts.order_values(order, speech.phrases.language, speech.message.received_at.date())
    pieces: list[Piece] = []
    for key in states:
        # The order is named once: what follows has wordings of its own, where the language has them.
        also = f"order_also.{key}"
        wording = also if pieces and also in speech.phrases.variants else f"order.{key}"
        # Where several things were bought, only some of them need be damaged or replaced.
        full = not pieces and not (key in ("damaged", "replacement") and len(order.items) > 1)
        values["order"] = facts.named(order) if full else order.order_id
        text = speech.pick(wording, speech.phrases.options(wording, values))
        if text is None:
            continue
        used = [f"{order.order_id}.status", *(f"{order.order_id}.{fields[n]}" for n, v in values.items() if v in text)]
        # Where there is little room: the number alone, and if need be no dates.
        shorter = speech.phrases.options(wording, values | {"order": order.order_id})
        bare = speech.phrases.options(wording, {"order": order.order_id})
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
    if state in _BY_PHOTO and photo_here(plan.order, speech.message):
        return speech.say("next.photo_here", rank=USEFUL) if "replacement" not in states else []
    if state in _BY_PHOTO and plan.passages and plan.passages[0].topic in ("returns", "warranty"):
        return []  # the passage says what to send
    if state == "cancelled" and "refunded" in states:
        return speech.say("next.refunded", rank=USEFUL)
    if _SETTLED.get(state, frozenset()) & set(states) or (state == "delivered" and topic != "delivery"):
        return []
    key = "refund_pending" if state == "refund_due" else state
    if key == "refund_pending" and any(passage.topic == "refund" for passage in plan.passages):
        return []  # the passage says when and where the money comes
    return speech.say(f"next.{key}", rank=USEFUL)
