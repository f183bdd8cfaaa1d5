"""A file of customers, JSON Lines or a table, read and checked; what can't be taken over is told and the rest read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from service.messages import Channel, Customer
from service.order_files import shopify, woocommerce
from service.order_files.given import Fields, Told, given
from service.order_files.rules import customer_of, told
from service.order_files.table import unread
from service.order_files.text import header_of, is_json, json_lines, missing, rows, text_of

# Our word for a field and its columns, those of tables of orders too; the first one that is filled in counts.
NAMES: dict[str, tuple[str, ...]] = {
    "customer_id": woocommerce.NAMES["customer"],
    "name": ("name", "customer_name", *shopify.NAME),
    "email": ("email", *woocommerce.NAMES["email"]),
    "language": ("language", "customer_language"),
    "country": ("country", "customer_country", *woocommerce.NAMES["country"]),
    "vip": ("vip", "customer_vip"),
    "since": ("since", "customer_since"),
}
FIRST, LAST = ("first_name", *woocommerce.NAMES["first"]), ("last_name", *woocommerce.NAMES["last"])
HANDLES = {f"handle_{channel}": channel for channel in get_args(Channel)}
COLUMNS = (*dict.fromkeys(name for names in (*NAMES.values(), FIRST, LAST) for name in names), *HANDLES)


def read_customers(data: bytes, name: str) -> tuple[list[Customer], Told]:
    """The customers of a file, and what is to be said of it; raises KnowledgeNotUsable where it is no text, or too large."""
    told_by = Told()
    text = text_of(data, name, told_by, table=not is_json(data[:65_536].decode("utf-8", errors="replace")))
    if not text.strip() or is_json(text):
        return customer_lines(text.split("\n"), told_by)
    return _checked(_of_table(text, told_by), told_by)


def customer_lines(lines: Iterable[str], told_by: Told | None = None) -> tuple[list[Customer], Told]:
    """The customers of JSON Lines, as a brand's folder holds them too; `told_by` has what was said of the file already."""
    said = told_by or Told()
    return _checked(json_lines(lines, said), said)


def _checked(found: Iterable[tuple[str, Any]], told_by: Told) -> tuple[list[Customer], Told]:
    made: dict[str, Customer] = {}
    for at, value in found:
        one = customer_of(value) if isinstance(value, dict) else None
        if one is None:
            told_by.problems.append(f"{at}: is no JSON object")
        elif isinstance(one, list):
            told_by.problems.append(f"{at}: {told(one)}")
        elif one.customer_id in made:
            told_by.problems.append(f"{at}: {one.customer_id} stands on an earlier line too; the first one was taken")
        else:
            made[one.customer_id] = one
    return list(made.values()), told_by


def _of_table(text: str, told_by: Told) -> Iterator[tuple[str, Fields]]:
    """A customer a row, by where it stands; an empty cell is a field that is not there."""
    delimiter, columns = header_of(text, COLUMNS)
    if problem := missing(columns, [NAMES["customer_id"]]):
        told_by.problems.append(f"{problem}; nothing of this file was read")
        return
    unread(columns, COLUMNS, told_by)
    for row in rows(text, delimiter, columns, told_by):
        if row.problem:
            told_by.problems.append(f"line {row.line}: {row.problem}")
        else:
            yield f"line {row.line}", _fields(row.cells)


def _fields(cells: Mapping[str, str]) -> Fields:
    found: Fields = {field: _first(cells, names) for field, names in NAMES.items()}
    found["name"] = found["name"] or " ".join(filter(None, (_first(cells, FIRST), _first(cells, LAST))))
    found["handles"] = {channel: cells[column] for column, channel in HANDLES.items() if cells.get(column)}
    return given(found)


def _first(cells: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((cells[name] for name in names if cells.get(name)), None)
