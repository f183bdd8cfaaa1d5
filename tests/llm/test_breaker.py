"""The circuit breaker by its clock."""

from __future__ import annotations

from service.llm.breaker import LEAST_CALLS, PROBE_SECONDS, WINDOW_SECONDS, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def calls(breaker: Breaker, count: int, *, failed: bool | None) -> int:
    """How many of so many calls were let through."""
    through = 0
    for _ in range(count):
        ticket = breaker.enter()
        if ticket is not None:
            breaker.leave(ticket, failed)
            through += 1
    return through


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(now=clock)
    assert calls(breaker, 100, failed=True) == LEAST_CALLS
    return breaker, clock


def test_it_stays_closed_below_the_least_calls() -> None:
    breaker = Breaker()
    assert calls(breaker, LEAST_CALLS - 1, failed=True) == LEAST_CALLS - 1
    assert breaker.closed


def test_it_opens_at_half_and_not_below() -> None:
    breaker = Breaker()
    calls(breaker, 11, failed=False)
    calls(breaker, 10, failed=True)
    assert breaker.closed, "10 of 21"
    calls(breaker, 1, failed=True)
    assert not breaker.closed, "11 of 22"


def test_what_is_older_than_the_window_is_forgotten() -> None:
    clock = Clock()
    breaker = Breaker(now=clock)
    calls(breaker, LEAST_CALLS - 1, failed=True)
    clock.now += WINDOW_SECONDS + 1
    calls(breaker, LEAST_CALLS - 1, failed=True)
    assert breaker.closed


def test_what_says_nothing_counts_for_nothing() -> None:
    breaker = Breaker()
    assert calls(breaker, 500, failed=None) == 500
    calls(breaker, LEAST_CALLS - 1, failed=True)
    assert breaker.closed


def test_open_it_lets_one_call_through_at_a_time() -> None:
    breaker, clock = opened()
    clock.now += PROBE_SECONDS
    probe = breaker.enter()
    assert probe is not None
    assert [breaker.enter() for _ in range(10)] == [None] * 10
    breaker.leave(probe, True)
    assert breaker.refusing
    clock.now += PROBE_SECONDS
    assert not breaker.refusing


def test_a_probe_that_succeeds_closes_it_and_the_past_is_forgotten() -> None:
    breaker, clock = opened()
    clock.now += PROBE_SECONDS
    assert calls(breaker, 1, failed=False) == 1
    assert breaker.closed
    assert calls(breaker, LEAST_CALLS - 1, failed=True) == LEAST_CALLS - 1
    assert breaker.closed


def test_a_probe_whose_caller_leaves_makes_room_for_the_next() -> None:
    breaker, clock = opened()
    clock.now += PROBE_SECONDS
    assert calls(breaker, 1, failed=None) == 1
    assert not breaker.closed
    assert breaker.enter() is not None


def test_calls_from_before_it_opened_do_not_close_it() -> None:
    breaker = Breaker()
    late = [breaker.enter() for _ in range(5)]
    calls(breaker, LEAST_CALLS, failed=True)
    for ticket in late:
        assert ticket is not None
        breaker.leave(ticket, False)
    assert not breaker.closed


def test_a_call_from_before_does_not_speak_for_the_probe() -> None:
    clock = Clock()
    breaker = Breaker(now=clock)
    late = breaker.enter()
    assert late is not None
    calls(breaker, LEAST_CALLS, failed=True)
    clock.now += PROBE_SECONDS
    assert breaker.enter() is not None
    breaker.leave(late, False)
    assert not breaker.closed
    assert breaker.enter() is None
