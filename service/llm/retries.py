"""When a failed call is tried once more, and how many may be."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SHARE = 0.1  # retries to calls: a provider in trouble gets at most a tenth more to do
FIRST = 1.0  # retry that may come before any call has earned one
MOST = 10.0  # retries saved up
JITTER_SECONDS = 0.5  # longest wait where the provider names none; "full jitter": anything from 0 up to it


class RetryBudget:
    """A token bucket: each call adds SHARE, a retry takes one."""

    def __init__(self) -> None:
        self._tokens = FIRST

    def earn(self) -> None:
        """Counts one call."""
        self._tokens = min(MOST, self._tokens + SHARE)

    def take(self) -> bool:
        """Whether one more retry may be made; takes it."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def jitter() -> float:
    """Seconds before a retry that nobody named a time for."""
    return random.uniform(0, JITTER_SECONDS)  # noqa: S311 - spreads load, keeps no secret


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that `retry-after-ms` or `Retry-After` (seconds or an HTTP date) ask for; None for neither, or garbage."""
    found = _seconds(headers.get("retry-after-ms", ""))
    if found is not None:
        return found / 1000
    given = headers.get("retry-after", "")
    found = _seconds(given)
    if found is not None:
        return found
    try:
        moment = parsedate_to_datetime(given)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = (moment - datetime.now(UTC)).total_seconds()
    return wait if wait > 0 else None


def _seconds(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None
