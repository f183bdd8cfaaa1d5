"""Requests of a key in any minute, counted in this process, and the headers that tell a caller how many are left."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from service.errors import TooManyRequests

WINDOW = 60  # seconds
MOST_KEPT = 10_000  # keys before those with an empty window are forgotten: anybody can try to log in under any name


@dataclass(frozen=True)
class Standing:
    """Where a key stands: most requests of a minute, how many are left, and the seconds until the first of them comes back."""

    most: int
    left: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """Header fields as in draft-ietf-httpapi-ratelimit-headers-10."""
        return {
            "RateLimit-Policy": f'"minute";q={self.most};w={WINDOW}',
            "RateLimit": f'"minute";r={self.left};t={self.seconds}',
        }


class RateLimits:
    """Moving windows by key: no 60 seconds hold more requests than a key has a minute, wherever they begin."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken: dict[Hashable, deque[float]] = {}

    def take(self, key: Hashable, most: int) -> tuple[Standing, bool]:
        """Counts one request of a key unless its minute is full; where it stands after it, and whether it was counted."""
        now = self._clock()
        if len(self._taken) > MOST_KEPT:
            self._taken = {kept: taken for kept, taken in self._taken.items() if taken and taken[-1] > now - WINDOW}
        taken = self._taken.setdefault(key, deque())
        while taken and taken[0] <= now - WINDOW:
            taken.popleft()
        fits = len(taken) < most
        if fits:
            taken.append(now)
        first_back = math.ceil(WINDOW - (now - taken[0]))
        return Standing(most, max(most - len(taken), 0), max(first_back, 1)), fits

    def forget(self, key: Hashable) -> None:
        """Counts from nothing again."""
        self._taken.pop(key, None)


def refused(standing: Standing) -> TooManyRequests:
    """The error for a key whose minute is full."""
    return TooManyRequests(f"this key has {standing.most} requests a minute: wait {standing.seconds} s", standing.seconds)
