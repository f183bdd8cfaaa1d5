"""How messages were handled, in numbers a lead looks at: pure.

Feedback counts by the last on a message. Shares are None where there is nothing to share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Handled:
    """A message and what became of it; `action` is the last feedback on its draft, `edited_share` how much was changed, 0..1."""

    received_at: datetime
    channel: str
    language: str
    topic: str
    label: str
    queue: str
    escalated: bool
    respond_by: datetime
    answered_at: datetime | None = None
    action: Literal["accepted", "edited", "rejected"] | None = None
    agent: str | None = None
    edited_share: float | None = None

    @property
    def response(self) -> float | None:
        """Seconds from when it came to the first answer."""
        return None if self.answered_at is None else max((self.answered_at - self.received_at).total_seconds(), 0)


@dataclass(frozen=True)
class Numbers:
    """Numbers of some messages; times in seconds."""

    messages: int
    escalated: float | None
    given: int
    accepted: float | None
    edited: float | None
    rejected: float | None
    edited_share: float | None
    answered: int
    response_median: float | None
    response_p90: float | None
    in_time: float | None


def numbers(handled: Sequence[Handled]) -> Numbers:
    """The numbers of these messages."""
    given = [one for one in handled if one.action is not None]
    answered = [one for one in handled if one.answered_at is not None]
    times = [one.response for one in answered if one.response is not None]
    shares = [one.edited_share for one in handled if one.edited_share is not None]
    return Numbers(
        messages=len(handled), escalated=share(handled, lambda one: one.escalated), given=len(given),
        accepted=share(given, lambda one: one.action == "accepted"), edited=share(given, lambda one: one.action == "edited"),
        rejected=share(given, lambda one: one.action == "rejected"),
        edited_share=sum(shares) / len(shares) if shares else None, answered=len(answered),
        response_median=quantile(times, 0.5), response_p90=quantile(times, 0.9),
        in_time=share(answered, lambda one: one.answered_at is not None and one.answered_at <= one.respond_by),
    )  # fmt: skip


def by(handled: Iterable[Handled], key: Callable[[Handled], str | None]) -> list[tuple[str, Numbers]]:
    """The numbers of each group, the largest first; messages whose key is None are in none."""
    groups: dict[str, list[Handled]] = {}
    for one in handled:
        name = key(one)
        if name is not None:
            groups.setdefault(name, []).append(one)
    return [(name, numbers(group)) for name, group in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))]


def share(some: Sequence[Handled], holds: Callable[[Handled], bool]) -> float | None:
    """The share of which it holds."""
    return sum(map(holds, some)) / len(some) if some else None


def quantile(values: Sequence[float], place: float) -> float | None:
    """The value below which this share lies, between two values where it falls there."""
    return float(np.quantile(values, place)) if values else None
