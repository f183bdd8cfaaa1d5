"""F1, ROC, precision and calibration, under many rows of weights at once: what a bootstrap needs.

Each function takes what was true and what was found, and returns a function of weights [b, n] to values [b]. A test compares
them with scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from evals.intervals import Floats

BINS = 10  # of a reliability curve, of equal width
Bools = NDArray[np.bool_]
Statistic = Callable[[Floats], Floats]


def macro_f1(said: Sequence[str], found: Sequence[str], only: Sequence[str] | None = None) -> Statistic:
    """The mean F1 of the classes that are true or found somewhere, or of `only` these.

    An empty text, of a case that raised, is no class.
    """
    classes = list(only) if only is not None else sorted((set(said) | set(found)) - {""})
    true = np.array([[one == name for name in classes] for one in said], np.float64)
    got = np.array([[one == name for name in classes] for one in found], np.float64)

    def statistic(rows: Floats) -> Floats:
        hits, either = rows @ (true * got), rows @ (true + got)
        scores = 2 * hits / np.maximum(either, 1e-12)  # nothing true and nothing found is no class
        mean: Floats = scores.sum(axis=1) / np.maximum((either > 0).sum(axis=1), 1)
        return mean

    return statistic


def auc(positive: Bools, scores: Floats) -> Statistic:
    """Area under the ROC curve; ties count half."""
    _, group = np.unique(scores, return_inverse=True)
    groups = int(group.max()) + 1
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(groups))
    true = positive[order].astype(np.float64)

    def statistic(rows: Floats) -> Floats:
        sorted_rows = rows[:, order]
        good = np.add.reduceat(sorted_rows * true, starts, axis=1)
        bad = np.add.reduceat(sorted_rows * (1 - true), starts, axis=1)
        below = np.cumsum(bad, axis=1) - bad
        pairs = good.sum(axis=1) * bad.sum(axis=1)
        area: Floats = (good * (below + bad / 2)).sum(axis=1) / np.where(pairs > 0, pairs, np.nan)
        return area

    return statistic


def recall_at_precision(positive: Bools, scores: Floats, precision: float) -> Statistic:
    """The most recall that some threshold on the score reaches at this precision or more; 0 where none does."""
    order = np.argsort(-scores, kind="stable")
    true = positive[order].astype(np.float64)
    last = np.append(scores[order][1:] != scores[order][:-1], True)  # a threshold lies between different scores

    def statistic(rows: Floats) -> Floats:
        sorted_rows = rows[:, order]
        hits = np.cumsum(sorted_rows * true, axis=1)
        taken = np.cumsum(sorted_rows, axis=1)
        good = (hits / np.maximum(taken, 1e-12) >= precision) & last
        total = hits[:, -1:]
        best: Floats = np.where(good, hits / np.where(total > 0, total, np.nan), 0.0).max(axis=1)
        return best

    return statistic


def calibration_error(confidence: Floats, right: Bools) -> Statistic:
    """Expected calibration error: how far confidence and share of right answers are apart, averaged over bins."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    member = (bins[:, None] == np.arange(BINS)).astype(np.float64)

    def statistic(rows: Floats) -> Floats:
        gap = np.abs(rows @ (member * (confidence - right)[:, None])).sum(axis=1)
        error: Floats = gap / rows.sum(axis=1)
        return error

    return statistic


def reliability(confidence: Floats, right: Bools) -> list[tuple[float, float, int]]:
    """Of each bin that has cases: mean confidence, share of right answers, number of cases."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        (float(confidence[bins == at].mean()), float(right[bins == at].mean()), int((bins == at).sum()))
        for at in range(BINS)
        if (bins == at).any()
    ]


def thresholds(positive: Bools, scores: Floats) -> list[tuple[float, float, float]]:
    """Of each different score as a threshold: the threshold, precision and recall; the highest first."""
    points = []
    for threshold in sorted(set(scores.tolist()), reverse=True):
        taken = scores >= threshold
        hits = float((taken & positive).sum())
        points.append((float(threshold), hits / float(taken.sum()), hits / max(float(positive.sum()), 1.0)))
    return points
