"""Who goes first in a process that computes on the same thread as it answers: pure of what is computed.

A piece of a triage computes for milliseconds, and a request has several steps. Eight pieces between any two of its steps would
make it wait for half a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_WAIT = 0.05  # seconds that work waits for requests that hand messages over, so that it goes on however many come
LOOK_SECONDS = 0.001
BUSY = 0.5


class Turns:
    """The turns of one process: one piece of work at a time, and between any two whatever else is ready."""

    def __init__(self) -> None:
        self._coming = 0  # requests that hand messages over at this moment
        self._came_at = float("-inf")
        self._turn = asyncio.Lock()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """A request hands messages over: work that can wait lets it through."""
        self._coming += 1
        self._came_at = time.monotonic()
        try:
            yield
        finally:
            self._coming -= 1

    @property
    def busy(self) -> bool:
        """Whether messages are being handed over, or were within the last BUSY seconds."""
        return time.monotonic() - self._came_at < BUSY

    async def mine(self, *, can_wait: bool) -> None:
        """Returns when a piece of work may begin; one that `can_wait` lets requests that hand messages over go first."""
        async with self._turn:
            end = time.monotonic() + LONGEST_WAIT
            await asyncio.sleep(0)
            while can_wait and self._coming and time.monotonic() < end:
                await asyncio.sleep(LOOK_SECONDS)
