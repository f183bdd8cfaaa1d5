"""Exports of shops and tables of our own become our orders, and their customers come along."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from service.messages import Order
from service.order_files.read import Format, Read, read_orders

EXPORTS = Path(__file__).parent / "exports"
TODAY = date(2026, 11, 22)


def read(name: str, form: Format = "auto", today: date = TODAY) -> Read:
    return read_orders((EXPORTS / name).read_bytes(), name, form, today)


def by_id(found: Read) -> dict[str, Order]:
    return {order.order_id: order for order in found.orders}


@pytest.mark.parametrize(
    ("name", "form", "statuses"),
    [
        (
            "shopify.csv", "shopify",
            {"1001": "in_transit", "1002": "refunded", "1003": "partly_refunded", "1004": "placed", "1005": "cancelled"},
        ),
        ("shopify.json", "shopify", {"2001": "delivered", "2002": "cancelled", "2003": "out_for_delivery"}),
        (
            "woocommerce.json", "woocommerce",
            {"731": "in_transit", "732": "partly_refunded", "733": "placed", "734": "payment_failed", "735": "refunded",
             "737": "out_for_delivery"},
        ),
        ("woocommerce_lines.csv", "woocommerce", {"W-810": "placed", "W-811": "delivered"}),
        ("woocommerce_items.csv", "woocommerce", {"901": "placed", "902": "partly_refunded"}),
        ("ours.csv", "csv", {"X-1": "in_transit", "X-2": "refund_pending"}),
    ],
)  # fmt: skip
def test_a_format_is_recognised_and_its_statuses_become_ours(name: str, form: str, statuses: dict[str, str]) -> None:
    found = read(name)
    assert found.format == form
    assert {order_id: order.status for order_id, order in by_id(found).items()} == statuses
    assert {order.customer_id for order in found.orders} <= set(found.customers)
    assert [order.model_dump() for order in read(name, form).orders] == [order.model_dump() for order in found.orders]  # type: ignore[arg-type]


def test_an_order_of_several_lines_is_one_order_with_its_items() -> None:
    order = by_id(read("shopify.csv"))["1001"]
    assert [(item.name, item.sku, item.quantity, item.price) for item in order.items] == [
        ("Copper Kettle", "CK-1", 1, 59.0), ("Oak Spoon", "OS-2", 2, 11.0),
    ]  # fmt: skip
    assert order.total is not None
    assert (order.total.amount, order.total.currency, order.note) == (85.95, "EUR", "Ring twice,\nplease")
    assert [(step.at, step.event) for step in order.timeline] == [("2026-11-16", "placed"), ("2026-11-18", "shipped")]


def test_customers_come_with_their_orders() -> None:
    people = read("shopify.csv").customers
    mette = people["mette.kvist@mail.example"]
    assert (mette.name, mette.email, mette.country) == ("Mette Kvist", "Mette.Kvist@mail.example", "DK")
    assert people["+4520304050"].name == "Olga Brandt"
    ines = read("shopify.json").customers["7001"]
    assert (ines.name, ines.language, ines.country) == ("Inês Faria", "pt", "PT")
    assert read("woocommerce.json").customers["12"].name == "Elsa Norling"


def test_parcels_refunds_and_what_the_customer_paid_are_taken_over() -> None:
    orders = by_id(read("shopify.json"))
    lantern, vase = orders["2001"], orders["2002"]
    assert (lantern.carrier, lantern.tracking, lantern.delivered_at) == ("Correos", "CO123456789PT", "2026-11-19")
    assert lantern.placed_at == "2026-11-12", "the day where the shop is"
    assert lantern.total is not None
    assert (lantern.total.amount, lantern.total.currency, lantern.items[0].price) == (59.9, "EUR", 59.9)
    assert vase.refund is not None
    assert (vase.refund.amount, vase.refund.at, vase.refund.status, vase.issue) == (40.0, "2026-11-17", "done", "cancelled_by_us")
    assert [item.name for item in vase.items] == ["Vase"], "what was taken back is still what was bought"
    assert orders["2003"].tracking == "RP1", "a cancelled parcel is none"
    blanket = by_id(read("woocommerce.json"))["731"]
    assert (blanket.carrier, blanket.tracking, blanket.shipped_at) == ("postnord-se", "PN1SE", "2026-11-12")
    pillow = by_id(read("woocommerce.json"))["732"].refund
    assert pillow is not None
    assert (pillow.amount, pillow.currency) == (150.0, "SEK")


def test_a_parcel_sent_over_a_month_ago_of_which_nothing_more_was_heard_has_arrived() -> None:
    assert by_id(read("shopify.csv", today=date(2026, 12, 18)))["1001"].status == "in_transit"
    assert by_id(read("shopify.csv", today=date(2026, 12, 19)))["1001"].status == "delivered"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shopify.csv", ["line 9: order #1006: fulfillment status 'fulfild' is not known: did you mean 'fulfilled'?"]),
        (
            "shopify.json",
            ["order 4: order #2004: financial status 'payed' is not known: did you mean 'paid'?", "order 5: is no JSON object"],
        ),
        ("woocommerce.json", ["order 8: order 738: status 'procesing' is not known: did you mean 'processing'?"]),
    ],
)
def test_what_a_shop_calls_by_an_unknown_name_is_refused_with_the_nearest(name: str, said: list[str]) -> None:
    assert read(name).problems == said


def test_a_draft_is_no_order_and_no_problem() -> None:
    assert read("woocommerce.json").notes == ["1 left out: drafts, or in the bin"]


def test_graphql_is_told_apart_from_the_rest_api() -> None:
    found = read_orders(b'[{"name": "#1", "displayFinancialStatus": "PAID"}]', "x", "auto", TODAY)
    assert "REST" in found.problems[0]


def test_amounts_and_words_of_a_table_may_be_written_as_people_write_them() -> None:
    found = read("ours.csv")
    tent, lamp = found.orders
    assert [item.price for item in tent.items] == [1219.0, 5.05]
    assert tent.total is not None
    assert (tent.total.amount, tent.total.currency) == (1269.5, "EUR")
    assert lamp.refund is not None
    assert (lamp.refund.status, lamp.refund.at) == ("pending", "2026-11-28")
    assert found.customers["C-1"].name == "Jörg Groß"
    assert found.notes == ["column 'warehouse' is not read"]
    assert found.problems == []
