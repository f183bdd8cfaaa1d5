"""A file of orders, whatever its format, read and checked; what can't be taken over is told with its line and the rest read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from service.messages import Customer, Order
from service.order_files import shopify, table, woocommerce
from service.order_files.given import Given, Told, Unreadable
from service.order_files.rules import customer_of, order_of, told
from service.order_files.text import header_of, is_json, json_lines, objects, text_of

Format = Literal["auto", "jsonl", "csv", "shopify", "woocommerce"]
# What only objects of one shop have; ours have an order_id.
SHOPIFY = ("financial_status", "fulfillment_status", "displayFinancialStatus")
WOOCOMMERCE = ("date_created", "date_created_gmt", "order_key", "billing")


@dataclass
class Read:
    """Orders with the customers who came along; `at` tells where each order stands."""

    format: str
    orders: list[Order] = field(default_factory=list)
    customers: dict[str, Customer] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_orders(data: bytes, name: str, form: Format, today: date) -> Read:
    """The orders of a file. Raises KnowledgeNotUsable for a file that is no text, or too large."""
    notes = Told()
    text = text_of(data, name, notes, table=not is_json(data[:65_536].decode("utf-8", errors="replace")))
    shop, found = _found(text, form, today, notes)
    read = Read(shop, problems=notes.problems, notes=notes.notes)
    for given in found:
        _take(given, read, today)
    return read


def checked(found: Iterable[tuple[str, Any]], told_by: Told, today: date) -> Read:
    """Orders of values that were read already, each with where it stands."""
    read = Read("jsonl", problems=told_by.problems, notes=told_by.notes)
    for given in _of_objects(found, "jsonl", today, told_by):
        _take(given, read, today)
    return read


def order_lines(lines: Iterable[str], today: date) -> Read:
    """Orders of JSON Lines, as a brand's folder and a case of an eval hold them; none at all is no problem."""
    told_by = Told()
    return checked(json_lines(lines, told_by), told_by, today)


def _found(text: str, form: Format, today: date, notes: Told) -> tuple[str, Iterator[Given]]:
    """The format, and its orders as they stand there."""
    if not text.strip():
        notes.problems.append("the file is empty")
        return "jsonl", iter(())
    if form == "jsonl" or (form != "csv" and is_json(text)):
        values = objects(text, notes)
        first = next(values, None)
        if first is None:
            return "jsonl", iter(())
        shop = _shop(first[1]) if form == "auto" else form
        return shop, _of_objects(_with(first, values), shop, today, notes)
    delimiter, columns = header_of(text, (*table.COLUMNS, *shopify.COLUMNS, *woocommerce.COLUMNS))
    if form == "shopify" or (form == "auto" and {"financial_status", "lineitem_name"} & set(columns)):
        return "shopify", shopify.read_csv(text, delimiter, columns, today, notes)
    if form == "woocommerce" or (form == "auto" and _of_woocommerce(columns)):
        return "woocommerce", woocommerce.read_csv(text, delimiter, columns, today, notes)
    return "csv", table.read_table(text, delimiter, columns, notes)


def _of_woocommerce(columns: list[str]) -> bool:
    """Whether a header is one of WooCommerce's: its names for number, state and day, and not our own columns."""
    needed = all(set(names) & set(columns) for names in woocommerce.NEEDED[:3])
    ours = {"order_id", "customer_id", "status", "placed_at"} <= set(columns)
    return needed and not ours


def _with(first: tuple[str, Any], rest: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    yield first
    yield from rest


def _shop(value: Any) -> str:
    if isinstance(value, dict) and "order_id" not in value:
        if any(key in value for key in SHOPIFY):
            return "shopify"
        if any(key in value for key in WOOCOMMERCE):
            return "woocommerce"
    return "jsonl"


def _of_objects(found: Iterable[tuple[str, Any]], shop: str, today: date, notes: Told) -> Iterator[Given]:
    drafts = 0
    for at, value in found:
        if not isinstance(value, dict):
            notes.problems.append(f"{at}: is no JSON object")
            continue
        try:
            if shop == "shopify":
                yield shopify.from_object(at, value, today)
            elif shop == "woocommerce":
                yield woocommerce.from_object(at, value, today)
            else:
                yield Given(at, value)
        except woocommerce.NotPlaced:
            drafts += 1
        except Unreadable as error:
            yield Given(at, {"order_id": value.get("name") or value.get("number")}, problem=str(error))
        except (AttributeError, TypeError, KeyError, ValueError, IndexError, OverflowError, OSError):
            notes.problems.append(f"{at}: is not shaped like an order of {shop.capitalize()}")
    woocommerce.note_drafts(drafts, notes)


def _take(given: Given, read: Read, today: date) -> None:
    order_id = given.order.get("order_id")
    where = f"{given.at}: order {order_id}" if isinstance(order_id, str) and 0 < len(order_id) <= 100 else given.at
    made = order_of(given.order, today) if given.problem is None else given.problem
    if isinstance(made, str):
        read.problems.append(f"{where}: {made}")
    elif isinstance(made, list):
        read.problems.append(f"{where}: {told(made)}")
    elif made.order_id in read.at:
        read.problems.append(f"{where} stands on {read.at[made.order_id]} too; the first one was taken")
    else:
        buyer = customer_of(given.customer) if given.customer else None
        if isinstance(buyer, list):
            read.problems.append(f"{where}: its customer: {told(buyer)}")
            return
        if buyer is not None:
            read.customers[buyer.customer_id] = _newer(read.customers.get(buyer.customer_id), buyer)
        read.orders.append(made)
        read.at[made.order_id] = given.at


def _newer(before: Customer | None, buyer: Customer) -> Customer:
    """A customer's fields of several of their orders; the last order that has one counts."""
    if before is None:
        return buyer
    return Customer.model_validate(before.model_dump(exclude_unset=True) | buyer.model_dump(exclude_unset=True))
