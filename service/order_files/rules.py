"""What makes an order one that can be kept: known words, real days, amounts of money; the same for files and HTTP."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any, TypeVar, get_args

from babel.numbers import list_currencies
from pydantic import BaseModel, ValidationError

from service.errors import FieldError
from service.messages import MAX_DEPTH, Customer, Issue, Order, OrderStatus, clean
from service.order_files.given import nearest

Value = TypeVar("Value", bound=BaseModel)
PAST = ("placed_at", "shipped_at", "delivered_at")  # what has happened can't lie ahead
DAYS = (*PAST, "promised_at", "due_at", "replacement_at", "held_until")
AHEAD = timedelta(days=1)  # it may be tomorrow already where the order was placed
_DAY = re.compile(r"^(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}.*)?$")
_WORDS = {"status": get_args(OrderStatus), "issue": get_args(Issue), "refund.status": ("pending", "done")}


def order_of(fields: Mapping[str, Any], today: date) -> Order | list[FieldError]:
    """The order that the fields make, its days without their time, or everything that is wrong with them."""
    made = _made(Order, {key: value for key, value in fields.items() if key not in ("late", "why")})
    if isinstance(made, list):
        return made
    days, faults = _days(made, today)
    faults += _amounts(made)
    return faults or made.model_copy(update=days)


def customer_of(fields: Mapping[str, Any]) -> Customer | list[FieldError]:
    """The customer that the fields make, or everything that is wrong with them."""
    made = _made(Customer, fields)
    if isinstance(made, Customer) and not made.customer_id.strip():
        return [FieldError("/customer_id", "is empty")]
    return made


def told(faults: list[FieldError]) -> str:
    """Faults as one line, each with its field."""
    return "; ".join(f"{fault.pointer[1:].replace('/', '.') or 'it'}: {fault.detail}" for fault in faults)


def _made(kind: type[Value], fields: Mapping[str, Any]) -> Value | list[FieldError]:
    try:
        return kind.model_validate(cleaned(fields))
    except ValidationError as error:
        return [_fault(kind, item) for item in error.errors(include_url=False)]


def cleaned(value: Any, depth: int = 0) -> Any:
    """Every string without what can't be stored, such as NUL; what is nested too deep becomes a word that no field takes."""
    if isinstance(value, str):
        return value if value.isascii() and value.isprintable() else clean(value)  # nearly all are: half the time of an import
    if isinstance(value, list | dict) and depth > MAX_DEPTH:
        return "nested too deep"
    if isinstance(value, list):
        return [cleaned(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {cleaned(key, depth): cleaned(item, depth + 1) for key, item in value.items()}
    return value


def _fault(kind: type[BaseModel], item: Any) -> FieldError:
    place, given = [str(part) for part in item["loc"]], item["input"]
    where = ".".join(place)
    detail = str(item["msg"])
    if item["type"] == "literal_error" and where in _WORDS:
        detail = f"{str(given)[:50]!r} is not known: {nearest(str(given).lower().replace(' ', '_'), _WORDS[where])}"
    elif item["type"] == "greater_than_equal":
        hint = "an amount is not negative, money that goes back neither" if place[-1] in ("amount", "price") else "correct it"
        detail = f"{given} is under {item['ctx']['ge']:g}: {hint}"
    elif item["type"] == "bool_parsing":
        detail = f"{str(given)[:50]!r} is neither yes nor no"
    elif item["type"] == "extra_forbidden":
        known = set(kind.model_fields) - {"late", "why"} if len(place) == 1 else set[str]()
        detail = "unknown key" + (f", {nearest(place[-1], known)}" if known else ": remove it, or check its spelling")
    elif item["type"] == "missing":
        detail = "is missing"
    elif item["type"] == "string_pattern_mismatch" and place[-1] == "currency":
        detail = _unknown_currency(str(given))
    return FieldError("/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in place) if place else "", detail)


def _days(order: Order, today: date) -> tuple[dict[str, Any], list[FieldError]]:
    """The days that stood there with a time, without it; and what is wrong with them."""
    faults: list[FieldError] = []

    def read(pointer: str, value: str | None, past: bool) -> str | None:
        if value is None:
            return None
        found = _DAY.match(value)
        try:
            when = date.fromisoformat(found[1]) if found else None
        except ValueError:
            when = None
        if when is None or not 2000 <= when.year <= 2100:
            faults.append(FieldError(pointer, f"{value[:50]!r} is no day: write it like 2026-11-22, in the years 2000 to 2100"))
            return value
        if past and when > today + AHEAD:
            faults.append(FieldError(pointer, f"{when} lies ahead, and this has happened: correct the day, or leave it out"))
        return when.isoformat()

    changed: dict[str, Any] = {}
    for name in DAYS:
        value = getattr(order, name)
        if (plain := read(f"/{name}", value, name in PAST)) != value:
            changed[name] = plain
    if order.refund is not None:
        plain = read("/refund/at", order.refund.at, order.refund.status == "done")
        if plain != order.refund.at:
            changed["refund"] = order.refund.model_copy(update={"at": plain})
    steps = [read(f"/timeline/{at}/at", step.at, past=False) for at, step in enumerate(order.timeline)]
    if any(plain != step.at for plain, step in zip(steps, order.timeline, strict=True)):
        pairs = zip(steps, order.timeline, strict=True)
        changed["timeline"] = tuple(step.model_copy(update={"at": plain}) for plain, step in pairs)
    return changed, faults


def _amounts(order: Order) -> Iterator[FieldError]:
    if not order.order_id.strip():
        yield FieldError("/order_id", "is empty")
    for name, money in (("total", order.total), ("refund", order.refund)):
        if money is not None:
            if not math.isfinite(money.amount):
                yield FieldError(f"/{name}/amount", "is no number")
            if money.currency not in _currencies():
                yield FieldError(f"/{name}/currency", _unknown_currency(money.currency))
    for at, item in enumerate(order.items):
        if item.price is not None and not math.isfinite(item.price):
            yield FieldError(f"/items/{at}/price", "is no number")


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def _unknown_currency(given: str) -> str:
    hint = nearest(given, _currencies()) if given.isascii() else "check its spelling"
    return f"{given[:20]!r} is no currency of ISO 4217, such as EUR; {hint}"
