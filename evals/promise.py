"""The soft threshold chosen on labelled cases, so that a promise about what is caught is true, or at the least expected cost.

A message is escalated at a threshold when a hard reason is there or its score is at least the threshold. Thresholds are the
points of GRID, fixed before any case is seen, and tested from the safest up: each by the exact (Clopper-Pearson) test of "fewer
than the target are caught", and no further once one can't be refused. That is fixed-sequence testing, the form of
Learn-then-Test (Angelopoulos et al., 2021) for an ordered grid: the whole confidence is spent on each test, and the chance that
the chosen threshold breaks the promise stays within 1 - confidence for any number of points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from evals.intervals import LEVEL, Floats, wilson
from service.errors import SettingsNotUsable

GRID = tuple(at / 100 for at in range(1, 101))  # the safest first; policies are written with two digits
ALWAYS = math.inf  # the score of a message that escalates whatever the threshold
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Point:
    """What a threshold does on the labelled cases. Costs are of one message."""

    threshold: float
    caught: int
    must: int
    alarms: int
    calm: int
    cost: float

    @property
    def recall(self) -> float:
        """Share of the messages that need a human that are escalated."""
        return self.caught / max(self.must, 1)

    @property
    def alarm_rate(self) -> float | None:
        """Share of the other messages that are escalated; None where there is none."""
        return self.alarms / self.calm if self.calm else None

    @property
    def escalated(self) -> float:
        """Share of the labelled messages that are escalated."""
        return (self.caught + self.alarms) / max(self.must + self.calm, 1)

    @property
    def recall_interval(self) -> tuple[float, float]:
        """The two-sided 95 % Clopper-Pearson interval of the recall."""
        tail = (1 - LEVEL) / 2
        return lower_bound(self.caught, self.must, 1 - tail), 1 - lower_bound(self.must - self.caught, self.must, 1 - tail)

    @property
    def alarm_interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the false-alarm rate."""
        return wilson(self.alarms, self.calm)

    def surely(self, confidence: float) -> float:
        """The recall that is exceeded with this confidence."""
        return lower_bound(self.caught, self.must, confidence)


@dataclass(frozen=True)
class Costs:
    """What a missed message and a false alarm cost, in one unit; `share` of all messages needs a human."""

    miss: float
    alarm: float
    share: float


@dataclass(frozen=True)
class Choice:
    """The curve, the chosen point (None where no threshold keeps the promise) and what it was chosen for."""

    curve: tuple[Point, ...]
    chosen: Point | None
    target: float
    confidence: float
    costs: Costs | None = None


def choose(must: Bools, scores: Floats, target: float, confidence: float, costs: Costs | None = None) -> Choice:
    """By the promise, or by the costs where there are some; raises SettingsNotUsable where the cases can't bear it."""
    curve = tuple(points(must, scores, costs))
    chosen = promised(curve, target, confidence) if costs is None else cheapest(curve)
    return Choice(curve, chosen, target, confidence, costs)


def points(must: Bools, scores: Floats, costs: Costs | None = None) -> list[Point]:
    """What every threshold of the grid does; `must` [n]: which messages need a human; `scores` [n], ALWAYS with a hard reason."""
    return [_point(threshold, must, scores, costs) for threshold in GRID]


def _point(threshold: float, must: Bools, scores: Floats, costs: Costs | None) -> Point:
    taken = scores >= threshold - 1e-9
    caught, alarms, needed = int((taken & must).sum()), int((taken & ~must).sum()), int(must.sum())
    calm = len(must) - needed
    cost = math.nan
    if costs is not None:
        missed, alarmed = 1 - caught / max(needed, 1), alarms / max(calm, 1)
        cost = costs.share * costs.miss * missed + (1 - costs.share) * costs.alarm * alarmed
    return Point(threshold, caught, needed, alarms, calm, cost)


@lru_cache(maxsize=4_096)
def lower_bound(successes: int, n: int, confidence: float) -> float:
    """The one-sided Clopper-Pearson bound: the true share is above it with at least this confidence."""
    return 0.0 if successes == 0 else float(beta.ppf(1 - confidence, successes, n - successes + 1))


def least_cases(target: float, confidence: float, misses: int = 0) -> int:
    """How many messages that need a human it takes to promise the target when so many of them are missed."""
    n = misses + math.ceil(math.log(1 - confidence) / math.log(target))
    while lower_bound(n - misses, n, confidence) < target:
        n += 1
    while n - 1 > misses and lower_bound(n - 1 - misses, n - 1, confidence) >= target:
        n -= 1
    return n


def promised(curve: Sequence[Point], target: float, confidence: float) -> Point | None:
    """The highest threshold of which the promise is proven, all safer ones before it; None where not even the first is.

    Raises SettingsNotUsable where there are too few cases to prove it by any outcome.
    """
    needed, there = least_cases(target, confidence), curve[0].must
    if there < needed:
        raise SettingsNotUsable(
            f"too few cases to promise anything: to be {confidence:.0%} sure that {target:.0%} are caught takes at least "
            f"{needed} labelled messages that must be escalated, and there are {there}: label {needed - there} more, or ask "
            "for less (--target-recall, --confidence)"
        )
    chosen = None
    for point in curve:
        if point.surely(confidence) < target:
            break
        chosen = point
    return chosen


def cheapest(curve: Sequence[Point]) -> Point:
    """The threshold of least expected cost, the safest of equal ones; raises SettingsNotUsable where one side has no case."""
    first = curve[0]
    if not first.must or not first.calm:
        side = "must" if not first.must else "must not"
        raise SettingsNotUsable(f"no labelled message {side} be escalated: costs are weighed on cases of both sides, label some")
    return min(curve, key=lambda point: (round(point.cost, 12), point.threshold))


def steps(curve: Sequence[Point]) -> list[tuple[float, Point]]:
    """The curve without repetition: the lowest threshold of each stretch on which nothing changes, and its last point."""
    found: list[tuple[float, Point]] = []
    for point in curve:
        if found and (found[-1][1].caught, found[-1][1].alarms) == (point.caught, point.alarms):
            found[-1] = (found[-1][0], point)
        else:
            found.append((point.threshold, point))
    return found
