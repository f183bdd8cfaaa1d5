"""Every number of a report: what it is of a run's results, how many cases it rests on, and how sure it is.

Three kinds: shares (each case right or wrong, Wilson interval), means (a number a case, bootstrap interval) and statistics
of all cases at once such as F1, AUC and calibration error (bootstrap interval). A case that was repeated counts as one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evals import curves
from evals import readings as of
from evals.curves import Statistic
from evals.intervals import Floats, bootstrap, wilson
from evals.rankings import ranking_values
from evals.results import Result
from service.messages import LABELS

LEAST = 30  # cases below which a slice is too small to gate
PRECISION = 0.85  # at which recall of escalations is told too
RANKINGS = {
    "recall@1": "Relevant passages in first place",
    "recall@3": "Relevant passages among the first three",
    "mrr": "One divided by the place of the first relevant passage",
    "ndcg@3": "Discounted gain of the first three",
}
Kind = Literal["share", "mean", "statistic"]


@dataclass(frozen=True)
class Measure:
    """A number with a name: `value` of each result, or `statistic` of all; None where there is nothing to say."""

    name: str
    what: str
    kind: Kind
    value: of.Value | None = None
    statistic: of.Scorer | None = None
    lower_is_better: bool = False
    weighted: bool = False  # each case counts by its weight

    def of(self, results: Sequence[Result]) -> tuple[Statistic, int] | None:
        """The measure as a function of weights [b, len(results)] to values [b], and how many cases it rests on."""
        if self.statistic is not None:
            return self.statistic(results)
        values = self.values(results)
        if not values:
            return None
        known = np.array([(self.weight(result) if at in values else 0.0) for at, result in enumerate(results)])
        given = known * np.array([values.get(at, 0.0) for at in range(len(results))])

        def mean(rows: Floats) -> Floats:
            found: Floats = (rows @ given) / (rows @ known)
            return found

        return mean, of.cases(results, values)

    def weight(self, result: Result) -> float:
        """How much the result counts."""
        return result.weight if self.weighted else 1.0

    def size(self, results: Sequence[Result], n: int) -> float:
        """As how many cases of equal weight these tell as much (Kish), of a measure that rests on n of them."""
        if not self.weighted:
            return n
        weight = np.array([result.weight for result in results])
        return float(n * weight.sum() ** 2 / (len(weight) * (weight**2).sum()))

    def values(self, results: Sequence[Result]) -> dict[int, float]:
        """The value of each result that it says something about, by its place."""
        assert self.value is not None
        pairs = ((at, self.value(result)) for at, result in enumerate(results))
        return {at: float(value) for at, value in pairs if value is not None}


@dataclass(frozen=True)
class Number:
    """A measure of one slice of a run."""

    measure: str
    slice: str  # "all", or such as "language=de"
    value: float
    low: float
    high: float
    n: int

    @property
    def small(self) -> bool:
        """Too few cases to gate."""
        return self.n < LEAST


def numbers(results: Sequence[Result], seed: int = 0) -> list[Number]:
    """Every measure of every slice that says something; of the slices, all comes first."""
    made = [
        number_of(measure, members, name, seed) for name, members in slices(results).items() for measure in MEASURES
    ]  # fmt: skip
    return [number for number in made if number is not None]


def slices(results: Sequence[Result]) -> dict[str, list[Result]]:
    """All results that were run, then each suite's where there are several, then each slice's."""
    judged = [result for result in results if not result.skipped]
    groups: dict[str, list[Result]] = {"all": judged}
    several = len({result.suite for result in judged}) > 1
    for result in judged:
        names = [f"{key}={value}" for key, value in sorted(result.slices.items())]
        for name in [f"suite={result.suite}", *names] if several else names:
            groups.setdefault(name, []).append(result)
    return {name: groups[name] for name in ("all", *sorted(set(groups) - {"all"}))}


def number_of(measure: Measure, results: Sequence[Result], name: str, seed: int) -> Number | None:
    """The measure of these results, or None where it says nothing."""
    made = measure.of(results)
    if made is None:
        return None
    statistic, n = made
    value = point(statistic, len(results))
    if math.isnan(value):
        return None
    if measure.kind == "share":
        size = measure.size(results, n)
        low, high = wilson(value * size, size)
    else:
        low, high = bootstrap(statistic, len(results), seed, of.units(results))
    return Number(measure.name, name, value, low, high, n)


def point(statistic: Statistic, n: int) -> float:
    """The statistic of the cases as they are."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(statistic(np.ones((1, n)))[0])


def _understanding() -> Iterable[Measure]:
    yield Measure("label.accuracy", "Main label right", "share", of.expecting("label"))
    yield Measure("label.macro_f1", "F1 of each label, averaged", "statistic", statistic=of.macro_f1("label"))
    for label in LABELS:
        name = f"label.{label}"
        yield Measure(f"{name}.precision", f"Of those labelled {label}, how many are", "share", of.precision_of(label))
        yield Measure(f"{name}.recall", f"Of those that are {label}, how many were found", "share", of.recall_of(label))
        yield Measure(f"{name}.auc", f"Area under the ROC curve of the score of {label}", "statistic", None, of.label_auc(label))
    what = "Expected calibration error of the main label, ten bins"
    yield Measure("label.ece", what, "statistic", None, of.calibration_error, lower_is_better=True)
    yield Measure("label.also", "Further labels found", "share", of.expecting("also"))
    for key in ("level", "trajectory", "topic", "urgency", "language", "addressed"):
        yield Measure(f"{key}.accuracy", f"{key.capitalize()} right", "share", of.expecting(key))
    yield Measure("topic.macro_f1", "F1 of each topic, averaged", "statistic", statistic=of.macro_f1("topic"))


def _escalation() -> Iterable[Measure]:
    what = "Escalated where a human must take over, and only there"
    yield Measure("escalation.accuracy", what, "share", of.expecting("escalate"))
    what = "Of messages that need a human, how many were escalated"
    yield Measure("escalation.recall", what, "share", of.escalation(when="expected"))
    what = "Of escalated messages, how many need a human"
    yield Measure("escalation.precision", what, "share", of.escalation(when="found"))
    what = "Area under the ROC curve of the escalation score"
    yield Measure("escalation.auc", what, "statistic", statistic=of.escalation_curve(curves.auc))
    what = f"Most recall at a precision of {PRECISION} or more"
    reached = of.escalation_curve(lambda wanted, scores: curves.recall_at_precision(wanted, scores, PRECISION))
    yield Measure(f"escalation.recall_at_p{PRECISION * 100:.0f}", what, "statistic", statistic=reached)
    what = f"A miss costs {of.MISS_COST:g}, a false alarm {of.ALARM_COST:g}: a message"
    yield Measure("escalation.cost", what, "mean", of.cost, lower_is_better=True)
    yield Measure("escalation.reasons", "Every expected reason named", "share", of.expecting("reasons", "reason"))
    what = "No reason named that must not be"
    yield Measure("escalation.not_reasons", what, "share", of.expecting("not_reasons", "not_reason"))
    for key in ("queue", "priority"):
        yield Measure(f"escalation.{key}", f"{key.capitalize()} right", "share", of.expecting(key))


def _retrieval() -> Iterable[Measure]:
    yield Measure("retrieval.found", "Every expected passage among those shown", "share", of.passages(found=True))
    for name, what in RANKINGS.items():
        yield Measure(f"retrieval.{name}", what, "mean", lambda result, n=name: ranking_values(result).get(n))  # type: ignore[misc]
    yield Measure("retrieval.no_answer", "Nothing quoted where nothing answers", "share", of.passages(found=False))
    yield Measure("order.accuracy", "The right order first, or none", "share", of.order)


def _drafts() -> Iterable[Measure]:
    yield Measure("draft.action", "Reply, ask, hand off or nothing, as expected", "share", of.expecting("action"))
    yield Measure("draft.asserts", "Every assert on the texts holds", "share", of.asserts)
    yield Measure("draft.checks", "Every check of the service on its draft passed", "share", of.verdict("checks"))
    what = "Of a model's bad drafts, how many a check refused"
    yield Measure("draft.defects_caught", what, "share", of.refused(bad=True))
    what = "Of a model's good drafts, how many a check refused all the same"
    yield Measure("draft.false_alarms", what, "share", of.refused(bad=False), lower_is_better=True)
    yield Measure("draft.citations", "Replies to questions that rest on a passage or an order", "share", of.rests_on_a_source)
    what = "Edits to the reply of a human, as a share of its length"
    yield Measure("draft.edit_distance", what, "mean", of.edit_distance, lower_is_better=True)


_WHOLE = (
    Measure("pass_rate", "Cases that pass, by their weight", "share", of.passed, weighted=True),
    Measure("errors", "Cases that raised instead of an answer", "share", of.errors, lower_is_better=True),
)
MEASURES: tuple[Measure, ...] = (*_WHOLE, *_understanding(), *_escalation(), *_retrieval(), *_drafts())
BY_NAME = {measure.name: measure for measure in MEASURES}
