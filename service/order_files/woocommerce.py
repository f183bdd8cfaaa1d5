"""Orders as WooCommerce gives them: the REST API's orders (JSON) and the columns of its usual CSV exports.

Names as in the REST API's reference (v3) and in the exports of the extensions Customer/Order/Coupon Export, Order Import
Export and Advanced Order Export.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, get_args

from service.messages import OrderStatus
from service.order_files.given import Fields, Given, Told, Unreadable, amount, day, event, given, guest, nearest, quantity, sent
from service.order_files.table import grouped
from service.order_files.text import Row, missing, rows

# Our word for a column and what the exports call it, the first one found counts.
NAMES: dict[str, tuple[str, ...]] = {
    "number": ("order_number", "order_number_formatted", "order_#", "order_id"),
    "status": ("status", "order_status"),
    "placed": ("date_created", "order_date", "date"),
    "completed": ("date_completed", "completed_date", "completed_at"),
    "total": ("order_total", "order_total_amount", "total"),
    "currency": ("order_currency", "currency"),
    "refunded": ("refunded_total", "order_refund_amount", "total_refunded", "refund_total"),
    "customer": ("customer_id", "customer_user_id", "user_id", "customer_user"),
    "email": ("billing_email", "customer_email", "email_billing", "email"),
    "phone": ("billing_phone", "phone_billing"),
    "first": ("billing_first_name", "first_name_billing", "shipping_first_name", "first_name_shipping"),
    "last": ("billing_last_name", "last_name_billing", "shipping_last_name", "last_name_shipping"),
    "country": ("shipping_country", "country_code_shipping", "billing_country", "country_code_billing"),
    "note": ("customer_note", "order_comments"),
    "carrier": ("tracking_provider", "shipment_tracking_provider", "shipping_provider"),
    "tracking": ("tracking_number", "shipment_tracking_number"),
    "item_name": ("item_name", "product_name"),
    "item_sku": ("item_sku", "sku", "product_sku"),
    "item_quantity": ("item_quantity", "quantity", "quantity_refund", "qty"),
    "item_price": ("item_cost", "item_price", "product_price"),
    "item_total": ("item_total", "order_line_total"),
    "lines": ("line_items", "products", "product_s"),
}
NEEDED = (NAMES["number"], NAMES["status"], NAMES["placed"], (*NAMES["email"][:3], "customer_id"))
ITEM = (
    *(name for key in ("item_name", "item_sku", "item_quantity", "item_price", "item_total") for name in NAMES[key]),
    "item_#", "item_id", "item_product_id", "item_total_tax", "item_subtotal", "item_subtotal_tax", "item_refunded",
    "item_refunded_qty", "item_meta",
)  # fmt: skip
COLUMNS = (*dict.fromkeys(name for names in NAMES.values() for name in names), "line_item_1", "line_item_2")
_LINE = re.compile(r"^line_item_\d+$")
STATUS = {
    "pending": "placed", "on_hold": "placed", "processing": "placed", "completed": "sent", "cancelled": "cancelled",
    "refunded": "refunded", "failed": "payment_failed", "partial_shipped": "in_transit", "shipped": "in_transit",
    "partially_refunded": "partly_refunded",
}  # fmt: skip
OURS = frozenset(get_args(OrderStatus))  # extensions add statuses of their own, many of which are called as ours are
NEVER_PLACED = frozenset({"trash", "checkout_draft", "auto_draft", "draft"})
TRACKING = "_wc_shipment_tracking_items"  # where the extensions for shipment tracking keep it
NOTE = 2_000


class NotPlaced(Exception):
    """A draft or something in the bin: no order."""


def read_csv(text: str, delimiter: str, columns: Sequence[str], today: date, told: Told) -> Iterator[Given]:
    """Orders of an export, a row an order or a row an item."""
    if problem := missing(columns, NEEDED):
        told.problems.append(f"{problem}; nothing of this file was read")
        return
    drafts = 0
    key = next(name for name in NAMES["number"] if name in columns)
    for found in grouped(rows(text, delimiter, columns, told), key, partial(_of_rows, today=today), told, ITEM):
        if found.problem == _DRAFT:
            drafts += 1
        else:
            yield found
    note_drafts(drafts, told)


_DRAFT = "is a draft or in the bin"


def note_drafts(count: int, told: Told) -> None:
    """Says that orders in the bin were left out."""
    if count:
        told.notes.append(f"{count} left out: drafts, or in the bin")


def _of_rows(mine: Sequence[Row], today: date) -> Given:
    cells = mine[0].cells
    placed, completed = day(_of(cells, "placed"), "order date"), day(_of(cells, "completed"), "completed date")
    total, currency = amount(_of(cells, "total"), "order total"), _of(cells, "currency")
    try:
        status = _status(_of(cells, "status"), completed or placed, today)
    except NotPlaced:
        raise Unreadable(_DRAFT) from None
    person: Mapping[str, Any] = {"email": _of(cells, "email"), "first_name": _of(cells, "first"), "last_name": _of(cells, "last")}
    items = [_item(row.cells) for row in mine if _of(row.cells, "item_name")]
    for column in [_of(cells, "lines"), *(cell for name, cell in cells.items() if _LINE.match(name))]:
        items += [_packed(line) for line in re.split(r";(?=\s*(?:id|name):)", column) if "name:" in line]
    found = {
        "number": _of(cells, "number"), "status": status, "placed": placed, "completed": completed, "total": total,
        "currency": currency, "refunded": amount(_of(cells, "refunded"), "refunded total"), "items": items,
        "customer_id": _of(cells, "customer"), "phone": _of(cells, "phone"), "country": _of(cells, "country"),
        "note": _of(cells, "note"), "carrier": _of(cells, "carrier"), "tracking": _of(cells, "tracking"),
    }  # fmt: skip
    return _given(f"line {mine[0].line}", found, person)


def from_object(at: str, order: Mapping[str, Any], today: date) -> Given:
    """One order of the REST API; raises NotPlaced for a draft."""
    placed = day(order.get("date_created") or order.get("date_created_gmt"), "date_created")
    completed = day(order.get("date_completed") or order.get("date_completed_gmt"), "date_completed")
    parcels = next((m.get("value") for m in order.get("meta_data") or [] if m.get("key") == TRACKING), None)
    parcel = parcels[-1] if isinstance(parcels, list) and parcels and isinstance(parcels[-1], dict) else {}
    shipped = day(parcel.get("date_shipped"), "date_shipped") or completed
    billing: Mapping[str, Any] = order.get("billing") or {}
    refunds = [amount(one.get("total"), "refunds.total") or 0.0 for one in order.get("refunds") or []]
    found = {
        "number": order.get("number") or order.get("id"),
        "status": _status(str(order.get("status") or ""), shipped or placed, today),
        "placed": placed, "completed": shipped, "total": amount(order.get("total"), "total"), "currency": order.get("currency"),
        "refunded": abs(sum(refunds)), "customer_id": order.get("customer_id"), "phone": billing.get("phone"),
        "country": (order.get("shipping") or {}).get("country") or billing.get("country"), "note": order.get("customer_note"),
        "carrier": parcel.get("custom_tracking_provider") or parcel.get("tracking_provider"),
        "tracking": parcel.get("tracking_number"),
        "items": [
            {"name": line.get("name"), "sku": line.get("sku"), "quantity": quantity(line.get("quantity"), "line_items.quantity"),
             "price": _price(line.get("price"))}
            for line in order.get("line_items") or []
        ],
    }  # fmt: skip
    return _given(at, found, billing)


def _given(at: str, found: Mapping[str, Any], person: Mapping[str, Any]) -> Given:
    status, total, currency = found["status"], found["total"], found["currency"]
    refunded = found["refunded"] or (total if status == "refunded" else None)
    if refunded and total and status in ("delivered", "in_transit"):
        if refunded >= total:
            status = "refunded"
        elif status == "delivered":
            status = "partly_refunded"
    known = str(found["customer_id"] or "0")
    email = person.get("email")
    customer = known if known not in ("0", "") else guest(email, found["phone"])
    shipped = found["completed"] if status not in ("placed", "payment_failed", "cancelled") else None
    order = {
        "order_id": str(found["number"] or "").removeprefix("#"), "customer_id": customer, "status": status,
        "placed_at": found["placed"], "shipped_at": shipped, "carrier": found["carrier"], "tracking": found["tracking"],
        "items": [given(item) for item in found["items"] if item.get("name") and item["quantity"] > 0],
        "total": {"amount": total, "currency": currency} if total is not None and currency else None,
        "refund": {"amount": refunded, "currency": currency, "status": "done"} if refunded and currency else None,
        "note": str(found["note"] or "")[:NOTE],
        "timeline": [*event(found["placed"], "placed"), *event(shipped, "shipped")],
    }  # fmt: skip
    name = " ".join(str(person[key]) for key in ("first_name", "last_name") if person.get(key))
    return Given(
        at, given(order), given({"customer_id": customer, "email": email, "name": name, "country": found["country"]}),
    )  # fmt: skip


def _status(value: str, shipped: str | None, today: date) -> str:
    key = value.strip().lower().removeprefix("wc-").replace("-", "_").replace(" ", "_")
    if key in NEVER_PLACED:
        raise NotPlaced
    status = STATUS.get(key) or (key if key in OURS else None)
    if status is None:
        raise Unreadable(f"status {value!r} is not known: {nearest(key, STATUS)}")
    return sent(shipped, today) if status == "sent" else status


def _of(cells: Mapping[str, str], key: str) -> str:
    return next((cells[name] for name in NAMES[key] if cells.get(name)), "")


def _item(cells: Mapping[str, str]) -> Fields:
    pieces = quantity(_of(cells, "item_quantity"), "quantity")
    price = amount(_of(cells, "item_price"), "item cost")
    total = amount(_of(cells, "item_total"), "item total")
    if price is None and total is not None and pieces > 0:
        price = round(total / pieces, 2)
    return {"name": _of(cells, "item_name"), "sku": _of(cells, "item_sku"), "quantity": pieces, "price": price}


def _packed(line: str) -> Fields:
    """An item as the exports pack it into one cell: name:Kettle|sku:K-1|quantity:2|total:59.80."""
    parts = dict(part.split(":", 1) for part in line.split("|") if ":" in part)
    cells = {key.strip(): value.strip() for key, value in parts.items()}
    return _item({
        "item_name": cells.get("name", ""), "item_sku": cells.get("sku", ""), "item_total": cells.get("total", ""),
        "item_quantity": cells.get("quantity", ""),
    })  # fmt: skip


def _price(value: Any) -> float | None:
    found = amount(value, "line_items.price")
    return None if found is None else round(found, 2)
