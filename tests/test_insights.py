"""Numbers of handled messages, each computed by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.insights import Handled, by, numbers

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
CAME = Handled(NOW, "email", "de", "delivery", "frustration", "delivery", False, NOW + timedelta(hours=1))


def answered(minutes: float, **fields: object) -> Handled:
    return replace(CAME, answered_at=NOW + timedelta(minutes=minutes), **fields)  # type: ignore[arg-type]


def test_shares_are_of_what_they_say() -> None:
    some = [
        answered(10, action="accepted", agent="maja"), answered(30, action="edited", agent="maja", edited_share=0.2),
        answered(90, action="edited", agent="tom", edited_share=0.4),
        replace(CAME, action="rejected", agent="tom", escalated=True), CAME,
    ]  # fmt: skip
    found = numbers(some)
    assert (found.messages, found.given, found.answered) == (5, 4, 3)
    assert (found.escalated, found.accepted, found.edited, found.rejected) == (0.2, 0.25, 0.5, 0.25)
    assert found.edited_share is not None
    assert round(found.edited_share, 9) == 0.3
    assert (found.response_median, found.response_p90) == (1800, 1800 + 0.8 * 3600)
    assert found.in_time == 2 / 3
    assert [(name, one.messages) for name, one in by(some, lambda one: one.agent)] == [("maja", 2), ("tom", 2)]


def test_nothing_has_no_shares_and_no_times() -> None:
    found = numbers([])
    assert (found.messages, found.escalated, found.accepted, found.response_median, found.in_time) == (0, None, None, None, None)
    assert by([], lambda one: one.channel) == []


def test_an_answer_before_the_message_takes_no_time() -> None:
    assert numbers([answered(-5)]).response_median == 0
