"""A circuit breaker: a provider that fails most calls is left alone, and asked again by one call at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 30.0  # how far back outcomes count
LEAST_CALLS = 20  # outcomes below which nothing is said about the provider
FAILING_SHARE = 0.5
PROBE_SECONDS = 5.0  # between two probes of a provider that is down


class Breaker:
    """`ticket = enter()` before a call (None: refused), `leave(ticket, failed)` after it.

    Closed it lets every call through. It opens when at least FAILING_SHARE of at least LEAST_CALLS calls of the last
    WINDOW_SECONDS failed. Open it lets one call through every `probe_seconds`; one that succeeds closes it.
    """

    def __init__(self, probe_seconds: float = PROBE_SECONDS, now: Callable[[], float] = time.monotonic) -> None:
        self._probe_seconds = probe_seconds
        self._now = now
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._failures = 0
        self._next_probe: float | None = None  # None: closed
        self._probing = False
        self._era = 0  # a call that began before the last change of state says nothing about it

    @property
    def closed(self) -> bool:
        """Whether the provider is thought to work."""
        return self._next_probe is None

    @property
    def refusing(self) -> bool:
        """Whether a call would be refused now."""
        return self._next_probe is not None and (self._probing or self._now() < self._next_probe)

    def enter(self) -> int | None:
        """The ticket of a call that may go out, None where it may not."""
        if self.refusing:
            return None
        if not self.closed:
            self._probing = True
            self._era += 1
        return self._era

    def leave(self, ticket: int, failed: bool | None) -> None:
        """Ends a call; `failed` is None where it says nothing about the provider: the caller left, or its own fault."""
        if ticket != self._era:
            return
        if self._probing:
            self._probing = False
            if failed:
                self._next_probe = self._now() + self._probe_seconds
            elif failed is False:
                self._next_probe = None
                self._era += 1
            return
        if failed is None:
            return
        self._outcomes.append((self._now(), failed))
        self._failures += failed
        self._forget()
        if len(self._outcomes) >= LEAST_CALLS and self._failures >= FAILING_SHARE * len(self._outcomes):
            self._next_probe = self._now() + self._probe_seconds
            self._outcomes.clear()
            self._failures = 0
            self._era += 1

    def _forget(self) -> None:
        oldest = self._now() - WINDOW_SECONDS
        while self._outcomes and self._outcomes[0][0] < oldest:
            self._failures -= self._outcomes.popleft()[1]
