"""Until when an answer is due, and what a customer may be promised: 2026-11-22 is a Sunday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, get_args
from zoneinfo import ZoneInfo

import pytest
from builders import DEMO, NOW
from hypothesis import given
from hypothesis import strategies as st

from service.escalate.deadlines import deadline, promise
from service.escalate.hours import Holidays
from service.escalate.policy import Policy
from service.messages import Channel, Urgency

POLICY = DEMO.policy.model_copy(update={"holidays": Holidays()})
AMSTERDAM = "Europe/Amsterdam"
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))


def policy(**more: Any) -> Policy:
    return Policy.model_validate({"weights": {}, "targets_minutes": {"default": 60}} | more)


def respond_by(policy: Policy, at: datetime, channel: Any, *, private: bool, priority: Urgency | None) -> datetime:
    return deadline(policy, at, channel, private=private, priority=priority).respond_by


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


class TestOpenHours:
    """2026-11-27 is a Friday; Amsterdam is an hour ahead of UTC."""

    HOURS: ClassVar[dict[str, Any]] = {
        "opening_hours": {"mon": "9:00-12:00, 13:00-18:00", "thu": "9:00-18:00", "fri": "9:00-18:00"},
        "timezone": AMSTERDAM,
        "count_open_hours_only": True,
        "targets_minutes": {"default": 60},
        "priority_minutes": {"critical": 15, "high": 30},
    }

    @pytest.mark.parametrize(
        ("received", "minutes", "expected"),
        [
            ((27, 9, 0), 60, (27, 10, 0)),
            ((27, 16, 30), 60, (30, 8, 30)),
            ((27, 16, 0), 60, (27, 17, 0)),
            ((28, 3, 0), 60, (30, 9, 0)),
            ((30, 10, 30), 60, (30, 12, 30)),
            ((30, 3, 0), 240, (30, 13, 0)),
            ((26, 8, 0), 600, (27, 9, 0)),
        ],
        ids=["open", "over the weekend", "at the last minute", "closed", "over lunch", "into the afternoon", "into the next day"],
    )
    def test_run_while_people_are_there(self, received: Any, minutes: int, expected: Any) -> None:
        found = policy(**self.HOURS | {"targets_minutes": {"default": minutes}})
        at = datetime(2026, 11, *received, tzinfo=UTC)
        assert respond_by(found, at, "x", private=False, priority=None) == datetime(2026, 11, *expected, tzinfo=UTC)

    def test_critical_ones_run_by_the_clock_unless_the_policy_says_otherwise(self) -> None:
        night = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
        shut = policy(**self.HOURS | {"around_the_clock": []})
        assert respond_by(policy(**self.HOURS), night, "x", private=False, priority="critical") == night + timedelta(minutes=15)
        assert respond_by(shut, night, "x", private=False, priority="critical") == datetime(2026, 11, 30, 8, 15, tzinfo=UTC)
        assert respond_by(policy(**self.HOURS), night, "x", private=False, priority="high").day == 30

    def test_a_holiday_is_no_working_day(self) -> None:
        at = datetime(2026, 12, 24, 17, 30, tzinfo=UTC)  # a Thursday evening before Christmas Day
        dutch = policy(**self.HOURS | {"holidays": {"country": "NL"}})
        working = policy(**self.HOURS | {"holidays": {"country": "NL", "open": ["2026-12-25"]}})
        own = policy(**self.HOURS | {"holidays": ["2026-12-25", "2026-12-28"]})
        days = [respond_by(p, at, "x", private=False, priority=None).day for p in (policy(**self.HOURS), dutch, working, own)]
        assert days == [25, 28, 25, 31]
        assert promise(dutch, at).day == 28

    def test_a_region_has_holidays_of_its_own(self) -> None:
        epiphany = date(2026, 1, 6)
        assert epiphany in Holidays(country="DE", region="BY")
        assert epiphany not in Holidays(country="DE", region="BE")

    def test_the_hour_that_a_change_of_the_clocks_takes_is_not_counted(self) -> None:
        always = policy(opening_hours={"sun": "0:00-24:00"}, timezone=AMSTERDAM, count_open_hours_only=True)
        found = respond_by(always, datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "x", private=False, priority=None)
        assert found == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

    @given(moments, st.sampled_from([1, 60, 1440, 10080]))
    def test_are_never_due_before_the_clock_says_and_always_while_people_are_there(
        self, received: datetime, minutes: int
    ) -> None:
        found = policy(**self.HOURS | {"targets_minutes": {"default": minutes}, "holidays": {"country": "NL"}})
        due = deadline(found, received, "x", private=False, priority=None)
        assert due.respond_by >= received + timedelta(minutes=minutes)
        assert received <= due.warn_at < due.respond_by
        local = due.respond_by.astimezone(ZoneInfo(AMSTERDAM))
        assert local.date() not in found.holidays
        assert local.weekday() in (0, 3, 4)
        assert 9 <= local.hour + local.minute / 60 <= 18

    @given(moments, st.sampled_from([None, "low", "normal", "high", "critical"]))
    def test_a_higher_priority_is_never_due_later(self, received: datetime, priority: Urgency | None) -> None:
        odd = policy(**self.HOURS | {"priority_minutes": {"normal": 20, "critical": 50}})
        order = [None, "low", "normal", "high", "critical"]
        dues = [respond_by(odd, received, "x", private=False, priority=p) for p in order]  # type: ignore[arg-type]
        assert dues == sorted(dues, reverse=True)

    def test_a_calendar_of_holidays_only_does_not_hang(self) -> None:
        first = date(2026, 1, 1)
        never = policy(opening_hours={"mon": "9:00-10:00"}, count_open_hours_only=True,
                       holidays=[first + timedelta(days=n) for n in range(3_800)])  # fmt: skip
        at = datetime(2026, 1, 1, tzinfo=UTC)
        assert respond_by(never, at, "x", private=False, priority=None) == at + timedelta(minutes=60)


class TestWarning:
    def test_comes_at_four_fifths_of_the_target(self) -> None:
        assert deadline(POLICY, NOW, "x", private=False, priority=None).warn_at == NOW + timedelta(minutes=48)

    def test_is_of_the_target_that_counts_and_of_the_share_in_the_policy(self) -> None:
        half = policy(warn_at_share=0.5, priority_minutes={"critical": 10})
        assert deadline(half, NOW, "x", private=False, priority="critical").warn_at == NOW + timedelta(minutes=5)

    def test_runs_in_opening_hours_like_the_target(self) -> None:
        hours = policy(**TestOpenHours.HOURS)
        friday = datetime(2026, 11, 27, 16, 30, tzinfo=UTC)
        assert deadline(hours, friday, "x", private=False, priority=None).warn_at == datetime(2026, 11, 30, 8, 18, tzinfo=UTC)


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
        found = promise(POLICY, due)
        assert (found.day, found.hour, found.minute) == expected

    @given(moments)
    def test_is_never_before_the_target_nor_outside_opening_hours_nor_an_odd_minute(self, due: datetime) -> None:
        found = promise(POLICY, due)
        assert found > due + timedelta(minutes=29)  # seconds are not counted
        assert found <= due + timedelta(days=3)
        assert found.minute in (0, 30)
        assert (found.second, found.microsecond) == (0, 0)
        closes = {0: 18, 1: 18, 2: 18, 3: 18, 4: 18, 5: 16}[found.weekday()]
        opens = 10 if found.weekday() == 5 else 9
        assert opens + 2 <= found.hour + found.minute / 60 <= closes

    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
    def test_without_opening_hours_is_the_next_half_hour_of_the_zone(self, zone: str) -> None:
        found = promise(policy(timezone=zone), datetime(2026, 11, 22, 9, 1, tzinfo=UTC))
        local = datetime(2026, 11, 22, 9, 31, tzinfo=UTC).astimezone(ZoneInfo(zone))
        assert timedelta(0) <= found - local < timedelta(minutes=30)
        assert found.minute in (0, 30)

    @given(moments)
    def test_a_day_without_opening_hours_is_skipped_even_if_only_one_is_open(self, due: datetime) -> None:
        found = promise(policy(opening_hours={"wed": "9:00-12:00"}), due)
        assert found.weekday() == 2
        assert 11 <= found.hour + found.minute / 60 <= 12
        assert due < found <= due + timedelta(days=8)

    @pytest.mark.parametrize("due", [datetime(2026, 3, 29, 0, 45, tzinfo=UTC), datetime(2026, 10, 25, 0, 45, tzinfo=UTC)])
    def test_a_change_of_the_clocks_is_no_error(self, due: datetime) -> None:
        found = promise(policy(timezone=AMSTERDAM), due)
        assert timedelta(minutes=30) <= found.astimezone(UTC) - due <= timedelta(minutes=150)

    def test_is_never_before_the_target_where_the_hours_are_short(self) -> None:
        short = policy(opening_hours={"mon": "9:00-10:00", "tue": "9:00-10:00"})
        found = promise(short, datetime(2026, 11, 23, 10, 10, tzinfo=UTC))
        assert (found.day, found.hour) == (24, 10)

    def test_a_break_at_noon_is_left_alone(self) -> None:
        split = policy(opening_hours={"mon": "8:00-12:00, 13:00-18:00"})
        found = promise(split, datetime(2026, 11, 23, 11, 45, tzinfo=UTC))
        assert (found.day, found.hour, found.minute) == (23, 13, 0)

    def test_short_opening_hours_promise_their_end(self) -> None:
        found = promise(policy(opening_hours={"mon": "9:00-10:00"}), datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
        assert (found.day, found.hour, found.minute) == (23, 10, 0)
