"""Our own CSV: a row an order, or a row an item with the order's columns repeated or left empty."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence

from service.order_files.given import Fields, Given, Told, Unreadable, given, quantity
from service.order_files.text import Row, missing, rows

PLAIN = (
    "order_id", "customer_id", "status", "placed_at", "promised_at", "shipped_at", "due_at", "delivered_at", "carrier",
    "tracking", "replacement_at", "held_until", "issue", "note",
)  # fmt: skip
ITEM = ("item_name", "item_sku", "item_quantity", "item_price")
PERSON = ("customer_name", "customer_email", "customer_language", "customer_country")
COLUMNS = (*PLAIN, "total", "currency", *ITEM, "refund_amount", "refund_status", "refund_at", *PERSON)
NEEDED = (("order_id",), ("customer_id",), ("status",))
LIKE = 0.8  # likeness from which an unknown column is taken for a misspelt one
_AMOUNT = re.compile(r"^[+-]?\d{1,3}(?:([., '’\u00a0\u202f])\d{3})*(?:([.,])\d+)?$|^[+-]?\d+(?:[.,]\d+)?$")


def read_table(text: str, delimiter: str, columns: Sequence[str], told: Told) -> Iterator[Given]:
    """Orders of a table; rows with the same order_id are one order with several items."""
    if problem := missing(columns, NEEDED):
        told.problems.append(f"{problem}; nothing of this file was read")
        return
    unread(columns, COLUMNS, told)
    yield from grouped(rows(text, delimiter, columns, told), "order_id", _given, told, ITEM)


def unread(columns: Sequence[str], known: Sequence[str], told: Told) -> None:
    """Notes the columns that are none of the known ones, each with the one it is like."""
    for column in columns:
        if column and column not in known:
            near = difflib.get_close_matches(column, known, n=1, cutoff=LIKE)
            told.notes.append(f"column {column!r} is not read" + (f": did you mean {near[0]!r}?" if near else ""))


def grouped(
    found: Iterator[Row], key: str, make: Callable[[Sequence[Row]], Given], told: Told, item: Sequence[str], once: str = ""
) -> Iterator[Given]:
    """One `make(rows)` for the rows of each order, which may stand anywhere in the file.

    A row without any of the `item` columns repeats the order, and so does one that fills in `once`, a column that only the
    first row of an order has.
    """
    by_order: dict[str, list[Row]] = {}
    for row in found:
        order_id = row.cells.get(key, "")
        if row.problem:
            told.problems.append(f"line {row.line}: {row.problem}")
        elif not order_id:
            told.problems.append(f"line {row.line}: no {key}")
        elif order_id not in by_order:
            by_order[order_id] = [row]
        elif difference := _differs(by_order[order_id][0], row, item, once):
            told.problems.append(f"line {row.line}: order {order_id} {difference}; the first one was taken")
        else:
            by_order[order_id].append(row)
    for order_id, mine in by_order.items():
        try:
            yield make(mine)
        except Unreadable as error:
            yield Given(f"line {mine[0].line}", {"order_id": order_id}, problem=str(error))


def _differs(first: Row, row: Row, item: Sequence[str], once: str) -> str | None:
    if row.cells.get(once) or not any(row.cells.get(column) for column in item):
        return f"stands on line {first.line} too"
    for column, cell in row.cells.items():
        if column not in item and cell and cell != first.cells.get(column):
            return f"has another {column} on line {first.line}"
    return None


def _given(mine: Sequence[Row]) -> Given:
    cells = mine[0].cells
    order: Fields = {column: cells[column] for column in PLAIN if cells.get(column)}
    for column in ("status", "issue"):
        if column in order:
            order[column] = order[column].lower().replace(" ", "_").replace("-", "_")
    currency = cells.get("currency", "").upper()
    order["items"] = [
        given({
            "name": row.cells.get("item_name"), "sku": row.cells.get("item_sku"),
            "quantity": quantity(row.cells.get("item_quantity"), "item_quantity"),
            "price": _money(row.cells.get("item_price"), "item_price"),
        })
        for row in mine if row.cells.get("item_name")
    ]  # fmt: skip
    total, refund = _money(cells.get("total"), "total"), _money(cells.get("refund_amount"), "refund_amount")
    if not currency and (total is not None or refund is not None):
        raise Unreadable("currency is empty: an amount needs one, such as EUR")
    if total is not None:
        order["total"] = {"amount": total, "currency": currency}
    if refund is not None:
        parts = {"amount": refund, "currency": currency, "at": cells.get("refund_at"), "status": cells.get("refund_status")}
        order["refund"] = given(parts)
    person = given({column.removeprefix("customer_"): cells.get(column) for column in PERSON})
    customer = {"customer_id": cells.get("customer_id")} | person if person else None
    return Given(f"line {mine[0].line}", order, customer)


def _money(value: str | None, column: str) -> float | None:
    """An amount as people write it: 1234.50, 1.234,50 or 1 234,50; a mark before other than three digits is decimal."""
    if not value:
        return None
    if not _AMOUNT.match(value):
        raise Unreadable(f"{column}: {value!r} is no amount: write it like 219.00, without the currency")
    plain = re.sub(r"[ '’\u00a0\u202f]", "", value)
    marks = re.findall(r"[.,]", plain)
    if marks and (len(set(marks)) == 2 or (len(marks) == 1 and len(plain) - plain.rindex(marks[0]) != 4)):
        whole, _, fraction = plain.rpartition(marks[-1])
        return float(f"{re.sub('[.,]', '', whole)}.{fraction}")
    return float(re.sub(r"[.,]", "", plain))
