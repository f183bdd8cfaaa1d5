"""Milliseconds of each step of one triage."""

from __future__ import annotations

import time


class Stopwatch:
    """Starts when it is made; each lap is the time since the one before."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._start = self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Ends a step."""
        now = time.perf_counter()
        self.laps[name] = round((now - self._last) * 1000, 2)
        self._last = now

    def total(self) -> dict[str, float]:
        """Every step and the whole."""
        return self.laps | {"total": round((time.perf_counter() - self._start) * 1000, 2)}
