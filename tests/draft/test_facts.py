"""Days, amounts and orders as each language writes them; which state of an order is told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from builders import LANGUAGES, PHRASES, order

from service.draft.facts import amount, clock, day, named, order_values, state_keys
from service.messages import OrderStatus

TODAY = date(2026, 11, 22)


def plain(text: str | None) -> str | None:
    return text.replace("\u00a0", " ").replace("\u202f", " ") if text else text


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "24 November"),
        ("de", "24. November"),
        ("nl", "24 november"),
        ("sv", "24 november"),
        ("fr", "24 novembre"),
        ("es", "24 de noviembre"),
    ],
)
def test_a_day_is_written_as_the_language_does(language: str, expected: str) -> None:
    assert plain(day("2026-11-24", language)) == expected
    assert plain(day("2026-11-24T10:00:00Z", language)) == expected


@pytest.mark.parametrize("iso", [None, "", "soon", "2026-13-01", "24.11.2026"])
def test_a_day_that_can_not_be_read_is_none(iso: str | None) -> None:
    assert day(iso, "de") is None


def test_the_first_of_a_month_in_french() -> None:
    assert day("2026-12-01", "fr") == "1er décembre"
    assert day("2026-12-11", "fr") == "11 décembre"


@pytest.mark.parametrize(
    ("language", "value", "currency", "expected"),
    [
        ("de", 219.0, "EUR", "219,00 €"),
        ("en", 219.0, "EUR", "€219.00"),
        ("nl", 3.95, "EUR", "€ 3,95"),
        ("fr", 1219.5, "EUR", "1 219,50 €"),
        ("es", 79.0, "EUR", "79,00 €"),
        ("sv", 2190.0, "SEK", "2 190,00 kr"),
        ("en", 169.0, "GBP", "£169.00"),
        ("fr", 3.95, "GBP", "3,95 £"),
    ],
)
def test_an_amount_is_written_as_the_language_does(language: str, value: float, currency: str, expected: str) -> None:
    assert plain(amount(value, currency, language)) == expected


@pytest.mark.parametrize(("language", "expected"), [("en", "17:30"), ("de", "17:30"), ("fr", "17 h 30"), ("es", "17:30")])
def test_a_time_of_day_is_written_as_the_language_does(language: str, expected: str) -> None:
    assert plain(clock(datetime(2026, 11, 23, 17, 30, tzinfo=ZoneInfo("Europe/Amsterdam")), language)) == expected


def test_a_full_hour_and_an_early_one() -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    assert clock(datetime(2026, 11, 23, 9, 0, tzinfo=zone), "de") == "09:00"
    assert plain(clock(datetime(2026, 11, 23, 11, 0, tzinfo=zone), "fr")) == "11 h"


def test_an_order_is_named_with_at_most_two_items() -> None:
    assert named(order()) == "A-1001 (Skarn 2)"
    assert named(order(items=[{"name": "Skarn 2"}, {"name": "Drift Mat"}, {"name": "Hearth 4"}])) == "A-1001 (Skarn 2, Drift Mat)"
    assert named(order(items=[])) == "A-1001"


def test_values_say_which_field_they_come_from() -> None:
    values, fields = order_values(order(refund={"amount": 79, "currency": "EUR", "at": "2026-11-18", "status": "done"}), "de")
    assert {name: plain(value) for name, value in values.items()} == {
        "order": "A-1001 (Skarn 2)", "placed": "12. November", "shipped": "15. November", "promised": "18. November",
        "due": "24. November", "amount": "79,00 €", "refunded": "18. November",
    }  # fmt: skip
    assert fields["due"] == "due_at"
    assert fields["amount"] == "refund.amount"
    assert values.keys() <= fields.keys()


REFUND = {"amount": 79, "currency": "EUR", "at": "2026-11-24", "status": "pending"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["in_transit_late"]),
        ({"promised_at": "2026-11-24"}, ["in_transit"]),
        ({"due_at": "2026-11-21"}, ["overdue"]),
        ({"due_at": "2026-11-22"}, ["in_transit_late"]),
        ({"due_at": None}, ["overdue"]),
        ({"due_at": None, "promised_at": None}, ["in_transit"]),
        ({"status": "placed", "due_at": "2026-11-26", "promised_at": "2026-11-26"}, ["placed"]),
        ({"status": "packed", "due_at": "2026-11-20", "promised_at": "2026-11-20"}, ["overdue"]),
        ({"status": "delayed"}, ["in_transit_late"]),
        ({"status": "delayed", "shipped_at": None}, ["delayed"]),
        ({"status": "out_for_delivery"}, ["out_for_delivery"]),
        ({"status": "delivered", "delivered_at": "2026-11-20"}, ["delivered"]),
        ({"status": "lost", "due_at": None}, ["lost"]),
        ({"status": "damaged", "replacement_at": "2026-11-24"}, ["damaged", "replacement"]),
        ({"status": "returned", "refund": REFUND}, ["returned", "refund_due"]),
        ({"status": "refund_pending", "refund": REFUND}, ["refund_due"]),
        ({"status": "refund_pending", "refund": REFUND | {"at": None}}, ["refund_pending"]),
        ({"status": "refund_pending"}, ["refund_pending"]),
        ({"status": "refunded", "refund": REFUND | {"status": "done"}}, ["refunded"]),
        ({"status": "partly_refunded", "refund": REFUND | {"status": "done"}}, ["partly_refunded"]),
        ({"status": "cancelled", "refund": REFUND | {"status": "done"}}, ["cancelled", "refunded"]),
        ({"status": "preorder", "due_at": "2026-12-10", "promised_at": "2026-12-10"}, ["preorder"]),
        ({"status": "payment_failed", "held_until": "2026-11-24", "due_at": None}, ["payment_failed", "held"]),
        ({"status": "delivered", "refund": REFUND | {"at": None}}, ["delivered", "refund_pending"]),
    ],
)
def test_the_state_that_is_told(fields: dict[str, Any], expected: list[str]) -> None:
    assert state_keys(order(**fields), TODAY) == expected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", get_args(OrderStatus))
def test_every_state_has_a_phrase_however_little_is_known(status: str, language: str) -> None:
    bare = order(status=status, placed_at=None, promised_at=None, shipped_at=None, due_at=None)
    values, _ = order_values(bare, language)
    for known in (bare, order(status=status), order(status=status, refund=REFUND)):
        values, _ = order_values(known, language)
        main = state_keys(known, TODAY)[0]
        assert PHRASES[language].options(f"order.{main}", values), main
