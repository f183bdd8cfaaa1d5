"""Facts as a customer reads them: days, amounts, deadlines and orders, written the way the language writes them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency

from service.messages import Order, Refund

_LOCALE = {"en": "en_GB", "de": "de_DE", "nl": "nl_NL", "sv": "sv_SE", "fr": "fr_FR", "es": "es_ES"}
HALF_A_YEAR = timedelta(days=183)  # further off, a day without its year is taken for another one
MOST_ITEMS = 2  # items named beside the order number


def locale_of(language: str) -> str:
    """The Babel locale of a language."""
    return _LOCALE.get(language, language)


@lru_cache(maxsize=4_096)  # a draft names a day in several places; Babel takes 0.1 ms for one
def day(iso: str | None, language: str, today: date | None = None) -> str | None:
    """The day as "24 November", with its year where that is over half a year from `today`; None where it can't be read."""
    try:
        moment = date.fromisoformat((iso or "")[:10])
    except ValueError:
        return None
    far = today is not None and abs(moment - today) > HALF_A_YEAR
    locale = locale_of(language)
    told = str(format_date(moment, "long", locale) if far else format_skeleton("MMMMd", moment, locale=locale))
    # French counts the first of a month; CLDR's pattern does not.
    return re.sub(r"^1(?=\s)", "1er", told) if language == "fr" else told


def clock(moment: datetime, language: str) -> str:
    """The time of day, such as "17:30"."""
    pattern = "H 'h'" if not moment.minute else "H 'h' mm"
    return str(
        format_time(moment, format=pattern if language == "fr" else "HH:mm", locale=locale_of(language), tzinfo=moment.tzinfo)
    )


@lru_cache(maxsize=4_096)
def amount(value: float, currency: str, language: str) -> str:
    """An amount such as "219,00 €"."""
    return str(format_currency(value, currency, locale=locale_of(language))).replace("£GB", "£").replace("$US", "$")


def named(order: Order) -> str:
    """The order as a draft names it: "A-1001 (Skarn 2)"."""
    names = [item.name for item in order.items][:MOST_ITEMS]
    return f"{order.order_id} ({', '.join(names)})" if names else order.order_id


def order_values(order: Order, language: str, today: date | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """Placeholder values of an order, and for each the field it comes from."""
    found: dict[str, tuple[str | None, str]] = {
        "order": (named(order), "order_id"),
        "placed": (day(order.placed_at, language, today), "placed_at"),
        "shipped": (day(order.shipped_at, language, today), "shipped_at"),
        "promised": (day(order.promised_at, language, today), "promised_at"),
        "due": (day(order.due_at, language, today), "due_at"),
        "delivered": (day(order.delivered_at, language, today), "delivered_at"),
        "replacement": (day(order.replacement_at, language, today), "replacement_at"),
        "held": (day(order.held_until, language, today), "held_until"),
    }
    if order.refund is not None:
        found["amount"] = (amount(order.refund.amount, order.refund.currency, language), "refund.amount")
        found["refunded"] = (day(order.refund.at, language, today), "refund.at")
    values = {name: value for name, (value, _) in found.items() if value}
    return values, {name: field for name, (_, field) in found.items()}


def state_keys(order: Order, today: date) -> list[str]:
    """Which phrases tell this order's state, the main one first: its status, that it is late, the money, the replacement."""
    refund = order.refund
    money = None
    if refund is not None:
        money = "refunded" if refund.status == "done" else _pending(refund, today)
    keys = [str(order.issue) if _tells_issue(order) else _main_key(order, today, money)]
    if money and order.status not in ("refunded", "partly_refunded", "refund_pending"):
        keys.append(money)
    if order.replacement_at:
        keys.append("replacement")
    if order.status == "payment_failed" and order.held_until:
        keys.append("held")
    return keys


def _pending(refund: Refund, today: date) -> str:
    if not refund.at:
        return "refund_pending"
    return "refund_overdue" if refund.at[:10] < today.isoformat() else "refund_due"


def _tells_issue(order: Order) -> bool:
    """Whether what went wrong says more than the status, until it is on its way back."""
    return (
        order.issue is not None and order.issue != "damaged" and order.status in ("delivered", "damaged", "cancelled", "placed")
    )


def _main_key(order: Order, today: date, money: str | None) -> str:
    due = order.due_at or order.promised_at
    if order.status == "refund_pending":
        return money or "refund_pending"
    if order.status == "preorder" and any(event.event == "date_moved" for event in order.timeline):
        return "date_moved"
    if order.status in ("in_transit", "placed", "packed", "delayed", "preorder") and due and due[:10] < today.isoformat():
        return "overdue" if order.promised_at else order.status
    moving = order.status == "in_transit" or (order.status == "delayed" and order.shipped_at)
    if moving and order.due_at and order.promised_at and order.due_at > order.promised_at:
        return "in_transit_late"
    return "in_transit" if moving else order.status
