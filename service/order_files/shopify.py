"""Orders as Shopify gives them: the orders export (CSV) and the Admin REST API's orders (JSON).

Field names and their values as in Shopify's documentation of the Order resource and of the export's columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from service.order_files.given import Fields, Given, Told, Unreadable, amount, day, event, given, guest, nearest, quantity, sent
from service.order_files.table import grouped
from service.order_files.text import Row, missing, rows

COLUMNS = (
    "name", "email", "financial_status", "fulfillment_status", "fulfilled_at", "currency", "total", "created_at",
    "lineitem_quantity", "lineitem_name", "lineitem_price", "lineitem_sku", "billing_name", "billing_country", "shipping_name",
    "shipping_country", "notes", "cancelled_at", "refunded_amount", "phone", "billing_phone", "paid_at", "id",
)  # fmt: skip
NEEDED = (("name",), ("email", "phone"), ("financial_status",), ("fulfillment_status",), ("created_at",))
NAME = ("shipping_name", "billing_name")  # of the customer, the first one that is filled in counts
# On an order's further rows only its name, its e-mail address, its day and the item are filled in.
ITEM = (
    "lineitem_quantity", "lineitem_name", "lineitem_price", "lineitem_sku", "lineitem_compare_at_price",
    "lineitem_requires_shipping", "lineitem_taxable", "lineitem_fulfillment_status", "lineitem_discount", "vendor",
)  # fmt: skip
FINANCIAL = ("pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided", "expired")
# What has been sent of an order, as our status; "sent" is told apart by its day.
FULFILMENT = {
    "": "placed", "unfulfilled": "placed", "open": "placed", "on_hold": "placed", "request_declined": "placed",
    "scheduled": "preorder", "in_progress": "packed", "pending_fulfillment": "packed", "partial": "in_transit",
    "partially_fulfilled": "in_transit", "fulfilled": "sent", "restocked": "returned",
}  # fmt: skip
SHIPMENT = {
    "label_printed": "packed", "label_purchased": "packed", "ready_for_pickup": "in_transit", "confirmed": "in_transit",
    "in_transit": "in_transit", "out_for_delivery": "out_for_delivery", "attempted_delivery": "in_transit",
    "delivered": "delivered", "picked_up": "delivered", "failure": "delayed",
}  # fmt: skip
NOTE = 2_000  # characters of an order's note


def read_csv(text: str, delimiter: str, columns: Sequence[str], today: date, told: Told) -> Iterator[Given]:
    """Orders of an orders export: a row an item, what belongs to the order on its first row only."""
    if problem := missing(columns, NEEDED):
        told.problems.append(f"{problem}; nothing of this file was read")
        return
    yield from grouped(
        rows(text, delimiter, columns, told), "name", partial(_of_rows, today=today), told, ITEM, "financial_status"
    )


def _of_rows(mine: Sequence[Row], today: date) -> Given:
    cells = mine[0].cells
    currency = cells.get("currency", "")
    cancelled = day(cells.get("cancelled_at"), "Cancelled at")
    shipped = day(cells.get("fulfilled_at"), "Fulfilled at")
    placed = day(cells.get("created_at"), "Created at")
    financial = _financial(cells.get("financial_status", ""))
    status = _status(financial, cells.get("fulfillment_status", ""), "", shipped or placed, cancelled, today)
    total = amount(cells.get("total"), "Total")
    refunded = amount(cells.get("refunded_amount"), "Refunded Amount") or (total if financial == "refunded" else None)
    email = cells.get("email")
    items = [
        {"name": row.cells.get("lineitem_name"), "sku": row.cells.get("lineitem_sku"),
         "quantity": quantity(row.cells.get("lineitem_quantity"), "Lineitem quantity"),
         "price": amount(row.cells.get("lineitem_price"), "Lineitem price")}
        for row in mine
    ]  # fmt: skip
    customer = guest(email, cells.get("phone") or cells.get("billing_phone") or cells.get("shipping_phone"))
    order = {
        "order_id": number(cells["name"]), "customer_id": customer, "status": status, "placed_at": placed, "shipped_at": shipped,
        "items": _items(items), "total": _money(total, currency), "note": cells.get("notes", "")[:NOTE],
        "refund": _money(refunded, currency) and {"amount": refunded, "currency": currency, "status": "done"},
        "timeline": [*event(placed, "placed"), *event(shipped, "shipped"), *event(cancelled, "cancelled")],
    }  # fmt: skip
    person = {
        "customer_id": customer, "email": email, "name": next((cells[column] for column in NAME if cells.get(column)), None),
        "country": cells.get("shipping_country") or cells.get("billing_country"),
    }  # fmt: skip
    return Given(f"line {mine[0].line}", given(order), given(person))


def from_object(at: str, found: Mapping[str, Any], today: date) -> Given:
    """One order of the Admin REST API."""
    if "displayFinancialStatus" in found or "displayFulfillmentStatus" in found:
        raise Unreadable("is of the GraphQL API: take orders.json of the REST API, or the orders export (CSV)")
    fulfilments = [one for one in found.get("fulfillments") or [] if one.get("status") not in ("cancelled", "error", "failure")]
    last: Mapping[str, Any] = fulfilments[-1] if fulfilments else {}
    shipped = day(fulfilments[0].get("created_at"), "fulfillments.created_at") if fulfilments else None
    shipment = str(last.get("shipment_status") or "")
    placed = day(found.get("created_at"), "created_at")
    cancelled = day(found.get("cancelled_at"), "cancelled_at")
    financial = _financial(str(found.get("financial_status") or ""))
    status = _status(financial, str(found.get("fulfillment_status") or ""), shipment, shipped or placed, cancelled, today)
    arrived = day(last.get("updated_at"), "fulfillments.updated_at") if SHIPMENT.get(shipment) == "delivered" else None
    total, currency = _set(found, "total_price", str(found.get("currency") or ""))
    refund = _refund(found, financial, total, currency)
    buyer: Mapping[str, Any] = found.get("customer") or {}
    address: Mapping[str, Any] = found.get("shipping_address") or found.get("billing_address") or {}
    email = buyer.get("email") or found.get("email") or found.get("contact_email")
    customer = str(buyer["id"]) if buyer.get("id") else guest(email, found.get("phone"))
    lines = found.get("line_items") or []
    items = [
        {"name": line.get("title") or line.get("name"), "sku": line.get("sku"),
         "quantity": quantity(line.get("current_quantity", line.get("quantity")), "line_items.quantity"),
         "price": _set(line, "price", currency)[0]}
        for line in lines
    ]  # fmt: skip
    if not any(item["quantity"] for item in items):  # all of it was taken back: what was bought is still worth knowing
        for item, line in zip(items, lines, strict=True):
            item["quantity"] = quantity(line.get("quantity"), "line_items.quantity")
    order = {
        "order_id": number(str(found.get("name") or found.get("order_number") or found.get("id") or "")), "customer_id": customer,
        "status": status, "placed_at": placed, "shipped_at": shipped, "delivered_at": arrived,
        "items": _items(items), "total": _money(total, currency),
        "carrier": last.get("tracking_company"), "tracking": last.get("tracking_number"), "refund": refund,
        "issue": "cancelled_by_us" if cancelled and found.get("cancel_reason") == "inventory" else None,
        "note": str(found.get("note") or "")[:NOTE],
        "timeline": [
            *event(placed, "placed"), *event(shipped, "shipped"), *event(arrived, "delivered"), *event(cancelled, "cancelled"),
            *event(refund.get("at") if refund and refund["status"] == "done" else None, "refunded"),
        ],
    }  # fmt: skip
    name = " ".join(str(buyer[key]) for key in ("first_name", "last_name") if buyer.get(key)) or address.get("name")
    person = {
        "customer_id": customer, "email": email, "name": name,
        "country": address.get("country_code") or (buyer.get("default_address") or {}).get("country_code"),
        "language": str(found.get("customer_locale") or "").split("-")[0].lower(),
    }  # fmt: skip
    return Given(at, given(order), given(person))


def number(name: str) -> str:
    """An order's number as customers write it, without the shop's "#"."""
    return name.strip().removeprefix("#")


def _financial(value: str) -> str:
    found = value.strip().lower().replace(" ", "_")
    if found and found not in FINANCIAL:
        raise Unreadable(f"financial status {value!r} is not known: {nearest(found, FINANCIAL)}")
    return found


def _status(financial: str, fulfilment: str, shipment: str, shipped: str | None, cancelled: str | None, today: date) -> str:
    """Our status: cancelled, then the money that is back, then where the parcel is."""
    key = fulfilment.strip().lower().replace(" ", "_")
    if key not in FULFILMENT:
        raise Unreadable(f"fulfillment status {fulfilment!r} is not known: {nearest(key, filter(None, FULFILMENT))}")
    if cancelled or financial in ("voided", "expired"):
        return "cancelled"
    if financial == "refunded":
        return "refunded"
    status = SHIPMENT.get(shipment) or FULFILMENT[key]
    if status == "sent":
        status = sent(shipped, today)
    return "partly_refunded" if financial == "partially_refunded" and status == "delivered" else status


def _set(found: Mapping[str, Any], key: str, currency: str) -> tuple[float | None, str]:
    """An amount in the currency that the customer saw, where the shop sells in several."""
    seen = (found.get(f"{key}_set") or {}).get("presentment_money") or {}
    if seen.get("amount") is not None:
        return amount(seen["amount"], key), str(seen.get("currency_code") or currency)
    return amount(found.get(key), key), currency


def _refund(found: Mapping[str, Any], financial: str, total: float | None, currency: str) -> Fields | None:
    paid = [
        transaction
        for refund in found.get("refunds") or []
        for transaction in refund.get("transactions") or []
        if transaction.get("kind") == "refund" and transaction.get("status") in ("success", "pending")
    ]
    if not paid:
        if financial != "refunded" or total is None or not currency:
            return None
        return {"amount": total, "currency": currency, "status": "done"}
    pending = any(transaction.get("status") == "pending" for transaction in paid)
    last = paid[-1]
    fields = {
        "amount": round(sum(amount(one.get("amount"), "refunds.transactions.amount") or 0.0 for one in paid), 2),
        "currency": last.get("currency") or currency, "status": "pending" if pending else "done",
        "at": None if pending else day(last.get("processed_at") or last.get("created_at"), "refunds.transactions.processed_at"),
    }  # fmt: skip
    return given(fields)


def _money(value: float | None, currency: str) -> Fields | None:
    return {"amount": value, "currency": currency} if value is not None and currency else None


def _items(found: Sequence[Mapping[str, Any]]) -> list[Fields]:
    return [given(item) for item in found if item.get("name") and item["quantity"]]
