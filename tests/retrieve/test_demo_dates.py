"""The demo's orders are moved to today, and nothing in them is delivered, due or refunded at a weekend for it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from builders import order

from service.messages import Order
from service.retrieve.ingest import shifted

WRITTEN = date(2026, 11, 22)
STORED = order(
    placed_at="2026-11-12", shipped_at="2026-11-13", promised_at="2026-11-18", due_at="2026-11-24", late=False,
    note="held until 2026-11-25", held_until="2026-11-25",
    timeline=[{"at": "2026-11-12", "event": "placed"}, {"at": "2026-11-13", "event": "shipped"}],
)  # fmt: skip


def days_of(found: Order) -> list[date]:
    days = (found.placed_at, found.shipped_at, found.promised_at, found.due_at, found.held_until)
    return [date.fromisoformat(day) for day in days if day]


@pytest.mark.parametrize("days", range(1, 30))
def test_every_day_is_a_working_day_in_the_same_order_and_on_its_side_of_today(days: int) -> None:
    today = WRITTEN + timedelta(days=days)
    before, after = days_of(STORED), days_of(shifted(STORED, days, today))
    assert after == sorted(after)
    assert all(day.weekday() < 5 for day in after)
    assert [day < today for day in after] == [day < WRITTEN for day in before]
    assert all(abs(late - early - timedelta(days=days)) <= timedelta(days=2) for early, late in zip(before, after, strict=True))


def test_whole_weeks_keep_the_weekdays_and_notes_move_along() -> None:
    moved = shifted(STORED, 14, WRITTEN + timedelta(days=14))
    assert days_of(moved) == [day + timedelta(days=14) for day in days_of(STORED)]
    assert moved.note == "held until 2026-12-09"
    to_saturday = shifted(STORED, 3, WRITTEN + timedelta(days=3))
    assert to_saturday.held_until == "2026-11-30"
    assert to_saturday.note == "held until 2026-11-30"


def test_what_happens_today_stays_today() -> None:
    saturday = date(2026, 11, 28)
    assert shifted(order(due_at="2026-11-22", promised_at=None), 6, saturday).due_at == "2026-11-28"
