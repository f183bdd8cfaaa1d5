"""Until when an answer is due, and what a customer may be promised: 2026-11-22 is a Sunday."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from builders import DEMO, NOW
from hypothesis import given
from hypothesis import strategies as st

from service.escalate.deadlines import promise, respond_by
from service.escalate.policy import Policy
from service.messages import Channel, Urgency

POLICY = DEMO.policy
AMSTERDAM = "Europe/Amsterdam"
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))


def policy(**more: Any) -> Policy:
    return Policy.model_validate({"weights": {}, "targets_minutes": {"default": 60}} | more)


class TestRespondBy:
    @pytest.mark.parametrize(
        ("channel", "private", "priority", "minutes"),
        [
            ("instagram", False, None, 1440),
            ("instagram", True, None, 60),
            ("whatsapp", True, None, 60),
            ("x", False, None, 60),
            ("trustpilot", False, None, 10080),
            ("instagram", False, "normal", 1440),
            ("instagram", False, "high", 30),
            ("trustpilot", False, "high", 30),
            ("trustpilot", False, "critical", 15),
            ("x", True, "critical", 15),
        ],
    )
    def test_the_shortest_target_that_applies_counts(
        self, channel: str, private: bool, priority: Urgency | None, minutes: int
    ) -> None:
        assert respond_by(POLICY, NOW, channel, private=private, priority=priority) == NOW + timedelta(minutes=minutes)

    def test_a_long_priority_target_never_lengthens_the_channels(self) -> None:
        slow = policy(priority_minutes={"low": 9_999})
        assert respond_by(slow, NOW, "x", private=False, priority="low") == NOW + timedelta(minutes=60)

    @given(
        moments, st.sampled_from(get_args(Channel)), st.booleans(), st.sampled_from([None, "low", "normal", "high", "critical"])
    )
    def test_an_escalated_message_is_never_due_later_than_the_same_one_without(
        self, received: datetime, channel: str, private: bool, priority: Urgency | None
    ) -> None:
        calm = respond_by(POLICY, received, channel, private=private, priority=None)
        assert received < respond_by(POLICY, received, channel, private=private, priority=priority) <= calm


class TestPromise:
    @pytest.mark.parametrize(
        ("due", "expected"),
        [
            # Monday in opening hours: half an hour later, on the next half hour. Amsterdam is UTC+1 in November.
            (datetime(2026, 11, 23, 10, 7, tzinfo=UTC), (23, 12, 0)),
            (datetime(2026, 11, 23, 11, 0, tzinfo=UTC), (23, 12, 30)),
            (datetime(2026, 11, 23, 16, 30, tzinfo=UTC), (23, 18, 0)),
            # Too late for Monday: Tuesday, two hours after opening.
            (datetime(2026, 11, 23, 16, 31, tzinfo=UTC), (24, 11, 0)),
            (datetime(2026, 11, 23, 23, 30, tzinfo=UTC), (24, 11, 0)),
            # Before opening, and just after it.
            (datetime(2026, 11, 23, 3, 0, tzinfo=UTC), (23, 11, 0)),
            (datetime(2026, 11, 23, 8, 30, tzinfo=UTC), (23, 11, 0)),
            (datetime(2026, 11, 23, 9, 45, tzinfo=UTC), (23, 11, 30)),
            # Sunday is closed: Monday. Saturday has shorter hours.
            (datetime(2026, 11, 22, 9, 30, tzinfo=UTC), (23, 11, 0)),
            (datetime(2026, 11, 21, 8, 0, tzinfo=UTC), (21, 12, 0)),
            (datetime(2026, 11, 21, 14, 45, tzinfo=UTC), (23, 11, 0)),
        ],
    )
    def test_lies_in_opening_hours_after_the_target(self, due: datetime, expected: tuple[int, int, int]) -> None:
        found = promise(POLICY, due, AMSTERDAM)
        assert (found.day, found.hour, found.minute) == expected

    @given(moments)
    def test_is_never_before_the_target_nor_outside_opening_hours_nor_an_odd_minute(self, due: datetime) -> None:
        found = promise(POLICY, due, AMSTERDAM)
        assert found > due + timedelta(minutes=29)  # seconds are not counted
        assert found <= due + timedelta(days=3)
        assert found.minute in (0, 30)
        assert (found.second, found.microsecond) == (0, 0)
        closes = {0: 18, 1: 18, 2: 18, 3: 18, 4: 18, 5: 16}[found.weekday()]
        opens = 10 if found.weekday() == 5 else 9
        assert opens + 2 <= found.hour + found.minute / 60 <= closes

    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
    def test_without_opening_hours_is_the_next_half_hour_of_the_zone(self, zone: str) -> None:
        found = promise(policy(), datetime(2026, 11, 22, 9, 1, tzinfo=UTC), zone)
        local = datetime(2026, 11, 22, 9, 31, tzinfo=UTC).astimezone(ZoneInfo(zone))
        assert timedelta(0) <= found - local < timedelta(minutes=30)
        assert found.minute in (0, 30)

    @given(moments)
    def test_a_day_without_opening_hours_is_skipped_even_if_only_one_is_open(self, due: datetime) -> None:
        found = promise(policy(opening_hours={"wed": "9:00-12:00"}), due, "UTC")
        assert found.weekday() == 2
        assert 11 <= found.hour + found.minute / 60 <= 12
        assert due < found <= due + timedelta(days=8)

    @pytest.mark.parametrize("due", [datetime(2026, 3, 29, 0, 45, tzinfo=UTC), datetime(2026, 10, 25, 0, 45, tzinfo=UTC)])
    def test_a_change_of_the_clocks_is_no_error(self, due: datetime) -> None:
        found = promise(policy(), due, AMSTERDAM)
        assert timedelta(minutes=30) <= found.astimezone(UTC) - due <= timedelta(minutes=150)

    def test_short_opening_hours_promise_their_end(self) -> None:
        found = promise(policy(opening_hours={"mon": "9:00-10:00"}), datetime(2026, 11, 23, 3, 0, tzinfo=UTC), "UTC")
        assert (found.day, found.hour, found.minute) == (23, 10, 0)
