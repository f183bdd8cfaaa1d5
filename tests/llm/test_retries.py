"""What a server may say about when to come back, and how many come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.llm.retries import FIRST, MOST, SHARE, RetryBudget, asked_wait

GARBAGE = ("", "soon", "nan", "inf", "-1", "0", "1e999", "2 minutes", "\x00", "Mon, 99")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "121"}, 121.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({}, None),
        *(
            ({"retry-after": text}, None)
            for text in ("", "soon", "nan", "inf", "-1", "0", "1e999", "2 minutes", "\x00", "Mon, 99")
        ),
    ],
)
def test_waits_that_are_asked_for(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers) == seconds


def test_a_date_is_a_wait_until_then() -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    wait = asked_wait({"retry-after": ahead})
    assert wait is not None
    assert 80 < wait <= 90
    assert asked_wait({"retry-after": format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)}) is None


@given(st.text(max_size=40))
def test_no_header_breaks_it(text: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        wait = asked_wait({name: text})
        assert wait is None or wait > 0


def test_retries_are_earned_by_calls() -> None:
    budget = RetryBudget()
    assert [budget.take() for _ in range(3)] == [True, False, False]
    for _ in range(1000):
        budget.earn()
    taken = sum(budget.take() for _ in range(1000))
    assert taken == MOST
    calls = retries = 0
    for _ in range(1000):
        budget.earn()
        calls += 1
        retries += budget.take()
    assert retries <= FIRST + calls * SHARE
