"""How sure a number is: intervals of shares and of anything else, and whether two runs differ."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
RESAMPLES = 400  # of a bootstrap; the ends of an interval move by about a tenth of its width from seed to seed
FEW_RESAMPLES = 200  # where there are many cases, and the interval is narrow
MANY = 3_000  # cases from which there are many
LEVEL = 0.95
Z = 1.959963984540054  # of a normal distribution, LEVEL lies between -Z and Z


def wilson(successes: float, n: float) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share, also of a part of a case; (0, 1) of nothing."""
    if n == 0:
        return 0.0, 1.0
    share, more = successes / n, Z**2 / n
    middle, half = share + more / 2, math.sqrt(max(0.0, share * (1 - share)) * more + more**2 / 4)
    return max(0.0, (middle - half) / (1 + more)), min(1.0, (middle + half) / (1 + more))


@lru_cache(maxsize=2)  # every measure of a slice draws the same ones
def weights(n: int, seed: int) -> Floats:
    """[resamples, n]: how often each of `n` cases stands in each bootstrap sample; not to be written to."""
    rng = np.random.default_rng(seed)
    count = RESAMPLES if n < MANY else FEW_RESAMPLES
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=count).astype(np.float64)
    drawn.flags.writeable = False
    return drawn


def rows_of(units: Ints, seed: int) -> Floats:
    """[resamples, results]: how often each result stands in each sample, drawn by the case [results] it belongs to."""
    return weights(int(units.max()) + 1, seed)[:, units]


def bootstrap(statistic: Callable[[Floats], Floats], n: int, seed: int, units: Ints | None = None) -> tuple[float, float]:
    """The 95 % percentile interval of a statistic that takes weights [b, n] and returns [b]; nan where it is undefined.

    `units` [n] says which case each of the n belongs to, where they are repeats: these are drawn together.
    """
    if n == 0:
        return math.nan, math.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        found = statistic(weights(n, seed) if units is None else rows_of(units, seed))
    found = found[np.isfinite(found)]
    if not found.size:
        return math.nan, math.nan
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p value of McNemar's test: as many cases that turned right as cases that turned wrong?"""
    return 1.0 if gained + lost == 0 else float(binomtest(gained, gained + lost).pvalue)


def spread(means: Floats) -> tuple[float, float, float]:
    """Of bootstrapped differences: the 95 % interval, and the two-sided p value of none."""
    means = means[np.isfinite(means)]
    if not means.size or not np.any(means):
        return 0.0, 0.0, 1.0
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    below, above = float((means <= 0).mean()), float((means >= 0).mean())
    return float(low), float(high), min(1.0, 2 * max(min(below, above), 1 / len(means)))
