"""One order as it stands in a file, before it is checked, and the few ways in which files write amounts and days."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

Fields: TypeAlias = dict[str, Any]
ARRIVED_AFTER = timedelta(days=30)  # shops seldom hear that a parcel has arrived; one sent earlier than this has
_YEAR_FIRST = re.compile(r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)")
_MONTH_FIRST = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)")


class Unreadable(ValueError):
    """Something in one order of a file can't be taken over; the message says what and what to do."""


@dataclass(frozen=True)
class Given:
    """An order's fields as `Order` names them, where it stands ("line 7"), and the customer who came with it."""

    at: str
    order: Fields
    customer: Fields | None = None
    problem: str | None = None  # why it can't be taken over


@dataclass
class Told:
    """What is to be said about a file beside its orders: `problems` were refused, `notes` were not."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def given(found: Mapping[str, Any]) -> Fields:
    """The fields that have a value."""
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


def amount(value: Any, what: str) -> float | None:
    """A number of a shop's export, which writes a point and no thousands: "1234.50"; None for an empty cell."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Unreadable(f"{what}: {value!r} is no amount: write it like 219.00") from None


def quantity(value: Any, what: str) -> int:
    """A whole number of pieces; an empty cell is one."""
    found = amount(value, what)
    if found is None:
        return 1
    if not found.is_integer():
        raise Unreadable(f"{what}: {value!r} is no whole number")
    return int(found)


def day(value: Any, what: str) -> str | None:
    """The day of a time as the shop wrote it, in its own time zone; None for an empty cell.

    Shopify writes 2026-11-12 10:03:11 +0100 and WooCommerce 2026-11-12T10:03:11, 2026/11/12 or 11/12/2026.
    """
    if value is None or value == "":
        return None
    text = str(value).strip()
    if isinstance(value, int) or (text.isdigit() and len(text) == 10):  # seconds since 1970
        return datetime.fromtimestamp(int(text), UTC).date().isoformat()
    if found := _YEAR_FIRST.match(text):
        year, month, of_month = (int(part) for part in found.groups())
    elif found := _MONTH_FIRST.match(text):
        month, of_month, year = (int(part) for part in found.groups())
    else:
        raise Unreadable(f"{what}: {text!r} is no day: write it like 2026-11-22")
    try:
        return date(year, month, of_month).isoformat()
    except ValueError:
        raise Unreadable(f"{what}: {text!r} is no day of the calendar") from None


def nearest(value: str, known: Iterable[str]) -> str:
    """A hint at the known word that is most like a wrong one, else all of them where they are few."""
    words = sorted(known)
    near = difflib.get_close_matches(value.lower(), words, n=1, cutoff=0.5)
    if not near:
        by_case = {word.lower(): word for word in words}
        near = [by_case[word] for word in difflib.get_close_matches(value.lower(), by_case, n=1, cutoff=0.5)]
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(words)}" if len(words) <= 20 else "check its spelling"


def event(at: str | None, name: str) -> list[Fields]:
    """A step of a timeline, where its day is known."""
    return [{"at": at, "event": name}] if at else []


def guest(email: Any, phone: Any = None) -> str:
    """The id of somebody who has none in the shop: the e-mail address, else the telephone number."""
    if email and str(email).strip():
        return str(email).strip().lower()
    if digits := re.sub(r"[^\d+]", "", str(phone or "")):
        return digits
    raise Unreadable("names no customer: neither a customer's id, nor an e-mail address, nor a telephone number")


def sent(shipped: str | None, today: date) -> str:
    """The status of a parcel of which only the day of sending is known."""
    arrived = shipped is not None and date.fromisoformat(shipped) + ARRIVED_AFTER < today
    return "delivered" if arrived else "in_transit"
