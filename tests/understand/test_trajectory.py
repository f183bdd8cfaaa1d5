"""How a mood moves over a conversation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.messages import LEVELS, Level, Signal
from service.understand.trajectory import MOVE, of_thread, trajectory

scores = st.floats(0, 1)
levels = st.sampled_from(LEVELS)


@pytest.mark.parametrize(
    ("earlier", "now", "level", "expected"),
    [
        ([], 0.9, "strong", "steady"),
        ([0.2], 0.7, "moderate", "rising"),
        ([0.2, 0.5], 0.8, "moderate", "rising"),
        ([0.9], 0.3, "mild", "falling"),
        ([0.2, 0.9], 0.4, "mild", "falling"),
        ([0.5], 0.6, "moderate", "steady"),
        ([0.6], 0.5, "moderate", "steady"),
        ([0.95], 0.97, "strong", "rising"),
        ([0.97], 0.95, "strong", "steady"),
        ([0.97, 0.7], 0.95, "strong", "rising"),
    ],
)
def test_the_last_turn_is_what_counts(earlier: list[float], now: float, level: Level, expected: str) -> None:
    assert trajectory(earlier, now, level, resolved=False) == expected


@pytest.mark.parametrize(
    ("level", "expected"), [("none", "resolved"), ("mild", "resolved"), ("moderate", "rising"), ("strong", "rising")]
)
def test_said_to_be_sorted_is_believed_only_of_a_calm_customer(level: Level, expected: str) -> None:
    assert trajectory([0.1], 0.9, level, resolved=True) == expected


def test_sorted_needs_no_earlier_turn() -> None:
    assert trajectory([], 0.0, "none", resolved=True) == "resolved"


@given(st.lists(scores, min_size=1, max_size=3), scores, levels)
def test_an_exchange_of_now_and_before_turns_the_direction(earlier: list[float], now: float, level: Level) -> None:
    if level == "strong":
        return
    there = trajectory(earlier, now, level, resolved=False)
    back = trajectory([now], earlier[-1], level, resolved=False)
    assert (there, back) in {("rising", "falling"), ("falling", "rising"), ("steady", "steady")}


@given(st.lists(scores, max_size=3), scores, levels)
def test_a_small_step_is_no_move_unless_the_anger_is_at_its_height(earlier: list[float], now: float, level: Level) -> None:
    found = trajectory(earlier, now, level, resolved=False)
    if not earlier:
        assert found == "steady"
    elif abs(now - earlier[-1]) <= MOVE:
        assert found == ("rising" if level == "strong" and now >= max(earlier) else "steady")
    else:
        assert found != "steady"


class TestOfThread:
    SAID = Signal(code="repeat_contact", evidence="third time", start=0, end=10)

    def codes(self, heard: list[list[Signal]], past: list[float]) -> list[tuple[str, str, int | None]]:
        texts = [f"turn {number}" for number in range(len(past))]
        return [(signal.code, signal.evidence, signal.start) for signal in of_thread(texts, heard, past)]

    def test_a_repeated_contact_said_before_is_kept_without_offsets(self) -> None:
        assert self.codes([[self.SAID], []], [0.3, 0.2]) == [("repeat_in_thread", "third time", None)]
        assert self.codes([[Signal(code="waiting", evidence="waiting")]], [0.3]) == []

    @pytest.mark.parametrize(("past", "expected"), [([], False), ([0.9], False), ([0.9, 0.4], False), ([0.5, 0.9], True)])
    def test_two_complaints_make_the_next_the_third(self, past: list[float], expected: bool) -> None:
        found = self.codes([[] for _ in past], past)
        assert found == ([("complained_before", "turn 1", None)] if expected else [])
