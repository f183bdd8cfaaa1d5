"""This customer's orders, and which of them the message is about. The one place that decides who may see an order."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

from service.messages import Known, Message, Order, PastTriage, Understanding
from service.order_numbers import order_numbers
from service.retrieve.named_products import names_product, of_the_kind

_PREFIXED = re.compile(r"^[A-Z]+-\d+$")
MOST = 3  # orders of a context
RECENT = timedelta(days=14)  # how long an earlier contact tells which order is meant
OPEN = frozenset({
    "placed", "packed", "in_transit", "out_for_delivery", "delayed", "lost", "damaged", "return_in_transit",
    "returned", "refund_pending", "preorder", "payment_failed",
})  # fmt: skip
STATES_OF_TOPIC: dict[str, frozenset[str]] = {
    "delivery": frozenset({"in_transit", "out_for_delivery", "delayed", "lost", "packed", "placed"}),
    "payment": frozenset({"payment_failed"}),
    "refund": frozenset({"refund_pending", "returned", "refunded", "partly_refunded", "return_in_transit"}),
    "returns": frozenset({"return_in_transit", "returned", "delivered"}),
    "warranty": frozenset({"damaged"}),
    "order": frozenset({"placed", "packed", "preorder", "cancelled"}),
}
# What may have gone wrong with an order that a message of a topic is about.
ISSUES_OF_TOPIC: dict[str, frozenset[str]] = {
    "delivery": frozenset({"not_received", "missing_item", "wrong_item", "damaged"}),
    "returns": frozenset({"damaged", "wrong_item", "missing_item"}),
    "warranty": frozenset({"faulty", "damaged"}),
    "product": frozenset({"faulty", "damaged", "wrong_item"}),
    "payment": frozenset({"double_charge"}),
    "refund": frozenset({"double_charge", "cancelled_by_us", "damaged"}),
    "order": frozenset({"cancelled_by_us", "wrong_item", "missing_item"}),
    "service": frozenset({"damaged", "not_received", "double_charge"}),
}
LEAST_AMOUNT = 15  # smaller numbers are days and pieces
_AMOUNT = re.compile(r"(?<![\w.,-])\d{2,5}(?:[.,]\d{1,2})?(?![\w-])")
ARRIVED = frozenset(
    {"delivered", "damaged", "return_in_transit", "returned", "refund_pending", "refunded", "partly_refunded", "cancelled"}
)
# What customers say of an order in a state, in the six languages: that it is so already, not that they would like it.
_STATES_SAID = {
    "cancelled": re.compile(
        r"\b(?:cancell?ed|stornierte?[nrs]?|geannuleerde?|avbeställ(?:d|t|de|da)|annullera(?:d|t|de)|annulée?s?|(?:cancel|anul)(?:ad[oa]s?"
        r"|é|asteis))\b",
        re.IGNORECASE,
    ),
    "lost": re.compile(
        r"\b(?:lost|verloren|verschollen|kwijt|borttappa(?:d|t)|förlora(?:d|t)|försvunn(?:en|et)|perdue?s?|égarée?s?"
        r"|(?:perdid|extraviad)[oa]s?)\b",
        re.IGNORECASE,
    ),
}
_TODAY = re.compile(
    r"\b(?:today|tonight|heute|vandaag|vanavond|i ?dag|i ?kväll|aujourd['’]hui|ce soir|hoy|esta tarde)\b", re.IGNORECASE
)  # of an order that is out for delivery
NO_KINDS: Mapping[str, frozenset[str]] = {}


def own_orders(
    message: Message,
    understanding: Understanding,
    known: Known,
    history: Sequence[PastTriage] = (),
    kinds: Mapping[str, frozenset[str]] = NO_KINDS,
    codes: Collection[str] = (),
) -> tuple[Order, ...]:
    """This customer's orders, the one the message is about first, with `why` and `late` filled in.

    `kinds` holds by sku what customers call such a thing, `codes` what of the message names a model, a part or a fault.

    A message that names an order number of somebody else shows no order at all: the draft asks instead.
    """
    customer = known.customer
    if customer is None:
        return ()
    found = [order for order in known.orders if order.customer_id == customer.customer_id]
    today = message.received_at.date()
    said = set(order_numbers(message.content))
    before = {number for turn in message.thread for number in order_numbers(turn.text)}
    named = said & {order.order_id.upper() for order in found}
    others = order_numbers(message.content, codes)
    if found and not named and any(_same_form(number, found[0].order_id) or _PREFIXED.match(number) for number in others):
        return ()
    text = message.content + "\n" + "\n".join(turn.text for turn in message.thread)
    told = _told_of(message, history)
    issues = ISSUES_OF_TOPIC.get(understanding.topic.label, frozenset())
    of_kind = of_the_kind(found, message.content, kinds)
    judged = [
        _judged(order, named, before, told, of_kind, message.content, text, _states(understanding), issues, today)
        for order in found
    ]
    ranked = sorted(judged, key=lambda pair: (pair[0], _newest_first(pair[1])))
    return tuple(order for _, order in ranked[:MOST])


def every_order(known: Known) -> tuple[Order, ...]:
    """All of this customer's orders, for what must not show any of them."""
    customer = known.customer
    return tuple(order for order in known.orders if customer and order.customer_id == customer.customer_id)


def is_late(order: Order, today: date) -> bool:
    """Whether the order should have been with the customer by now."""
    promised = order.promised_at or order.due_at
    return bool(promised and promised[:10] < today.isoformat() and order.status not in ARRIVED)


def _judged(
    order: Order,
    said: set[str],
    before: set[str],
    told: set[str],
    of_kind: frozenset[str],
    text: str,
    all_text: str,
    states: frozenset[str],
    issues: frozenset[str],
    today: date,
) -> tuple[tuple[bool, ...], Order]:
    late = is_late(order, today)
    said_state = _STATES_SAID.get(order.status)
    reasons = (
        ("number_in_text", order.order_id.upper() in said),
        ("product_in_text", names_product(order, text)),
        ("amount_in_text", _names_amount(order, text)),
        ("kind_in_text", order.order_id in of_kind),
        ("number_in_thread", order.order_id.upper() in before),
        ("product_in_thread", names_product(order, all_text)),
        ("state_in_text", said_state is not None and said_state.search(text) is not None),
        ("due_today", order.status == "out_for_delivery" and _TODAY.search(text) is not None),
        ("issue_fits", order.issue is not None and order.issue in issues),
        ("earlier_contact", order.order_id in told and order.status in states),
        ("status_fits", order.status in states),
        ("late", late or order.status == "lost"),
        ("latest_open", order.status in OPEN),
        ("latest", True),
    )
    why = next(why for why, holds in reasons if holds)
    rank = tuple(not holds for _, holds in reasons)  # of two that the same speaks for, what else speaks for one decides
    return rank, order.model_copy(update={"late": late, "why": why})


def _told_of(message: Message, history: Sequence[PastTriage]) -> set[str]:
    """Orders of the customer's latest contact, where it is no longer ago than a fortnight."""
    recent = [past for past in history[:1] if message.received_at - past.at <= RECENT and past.order_id]
    return {str(past.order_id) for past in recent}


def _states(understanding: Understanding) -> frozenset[str]:
    """The states that an order is likely in when a message like this is about it."""
    if understanding.signal("marked_delivered"):
        return frozenset({"delivered"})
    return STATES_OF_TOPIC.get(understanding.topic.label, frozenset())


def _names_amount(order: Order, text: str) -> bool:
    """Whether a sum in the text is the order's total, its refund or the price of one of its items."""
    sums = {order.total.amount if order.total else None, order.refund.amount if order.refund else None}
    sums |= {item.price for item in order.items}
    said = {float(found.replace(",", ".")) for found in _AMOUNT.findall(text)}
    return any(amount is not None and amount >= LEAST_AMOUNT and amount in said for amount in sums)


def _same_form(number: str, order_id: str) -> bool:
    return re.sub(r"\d", "#", number) == re.sub(r"\d", "#", order_id.upper())


def _newest_first(order: Order) -> str:
    placed = order.placed_at or ""
    return "".join(chr(0x10FFFF - ord(c)) for c in placed)
