"""Two runs of the same cases side by side: which numbers moved, how surely, and which cases turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evals.intervals import mcnemar, rows_of, spread
from evals.measures import LEAST, MEASURES, Measure, point, slices
from evals.readings import units
from evals.results import Result, Run


@dataclass(frozen=True)
class Change:
    """A measure of one slice in both runs, over the cases that both have; intervals are of the difference."""

    measure: Measure
    slice: str
    before: float
    after: float
    low: float
    high: float
    p: float
    n: int

    @property
    def difference(self) -> float:
        """After less before."""
        return self.after - self.before

    @property
    def better(self) -> float:
        """By how much it is better; worse where it is below zero."""
        return -self.difference if self.measure.lower_is_better else self.difference

    @property
    def small(self) -> bool:
        """Too few cases to gate."""
        return self.n < LEAST


@dataclass(frozen=True)
class Flip:
    """A case that turned: what of it holds now and did not, and the other way round."""

    before: Result
    after: Result
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs."""

    before: Run
    after: Run
    pairs: tuple[tuple[Result, Result], ...]
    added: tuple[Result, ...]  # cases that only the later run has
    removed: tuple[Result, ...]
    rewritten: tuple[Result, ...]  # cases that say something else than before: not compared
    seed: int

    @cached_property
    def flips(self) -> list[Flip]:
        """Cases of which a verdict turned, those that lost something first."""
        found = [flip for one, other in self.pairs if (flip := _flip(one, other)) is not None]
        return sorted(found, key=lambda flip: (not flip.lost, -len(flip.lost), flip.after.key))

    @cached_property
    def changes(self) -> list[Change]:
        """Every measure of every slice that both runs have, in the order of MEASURES."""
        made = [
            self.change(measure, name, members)
            for name, members in self.slices.items()
            for measure in MEASURES
        ]  # fmt: skip
        return [change for change in made if change is not None]

    @cached_property
    def slices(self) -> dict[str, list[tuple[Result, Result]]]:
        """The pairs by slice."""
        by_key = {after.key: (before, after) for before, after in self.pairs}
        groups = slices([after for _, after in self.pairs])
        return {name: [by_key[result.key] for result in members] for name, members in groups.items()}

    def change(self, measure: Measure, name: str, pairs: Sequence[tuple[Result, Result]]) -> Change | None:
        """The measure over these pairs, or None where one of the runs says nothing of it."""
        before, after = [one for one, _ in pairs], [other for _, other in pairs]
        first, second = measure.of(before), measure.of(after)
        if first is None or second is None:
            return None
        n = len(pairs)
        values = point(first[0], n), point(second[0], n)
        if not all(np.isfinite(values)):
            return None
        same = values[0] == values[1] and not self._moved(measure, before, after)
        if same:
            low, high, p = 0.0, 0.0, 1.0
        else:
            rows = rows_of(units(after), self.seed)
            with np.errstate(invalid="ignore", divide="ignore"):
                low, high, p = spread(second[0](rows) - first[0](rows))
            if measure.kind == "share" and (counted := self._mcnemar(measure, before, after)) is not None:
                p = counted
        return Change(measure, name, *values, low, high, p, min(first[1], second[1]))

    @staticmethod
    def _moved(measure: Measure, before: Sequence[Result], after: Sequence[Result]) -> bool:
        return measure.kind == "statistic" or measure.values(before) != measure.values(after)

    @staticmethod
    def _mcnemar(measure: Measure, before: Sequence[Result], after: Sequence[Result]) -> float | None:
        """The p value where both runs are judged on the same cases, which precision is not, and these count the same.

        A case that was repeated turned once, the way that most of its repeats did.
        """
        first, second = measure.values(before), measure.values(after)
        if first.keys() != second.keys() or len({measure.weight(result) for result in after}) > 1:
            return None
        case, turned = units(after), np.zeros(len(after))
        for at in first:
            turned[case[at]] += second[at] - first[at]
        return mcnemar(int((turned > 0).sum()), int((turned < 0).sum()))


def compare(before: Run, after: Run, seed: int = 0) -> Comparison:
    """The runs paired by suite, case and repeat."""
    one = {result.key: result for result in before.judged}
    other = {result.key: result for result in after.judged}
    both = [key for key in other if key in one]
    pairs = [(one[key], other[key]) for key in both if one[key].digest == other[key].digest]
    return Comparison(
        before, after, tuple(pairs), tuple(other[key] for key in other if key not in one),
        tuple(one[key] for key in one if key not in other),
        tuple(other[key] for key in both if one[key].digest != other[key].digest), seed,
    )  # fmt: skip


def _flip(before: Result, after: Result) -> Flip | None:
    held = {verdict.name: verdict.holds for verdict in before.verdicts}
    holds = {verdict.name: verdict.holds for verdict in after.verdicts}
    if before.error and not after.error:
        held = dict.fromkeys(holds, False)
    if after.error and not before.error:
        holds = dict.fromkeys(held, False)
    gained = tuple(name for name, ok in holds.items() if ok and held.get(name) is False)
    lost = tuple(name for name, ok in holds.items() if not ok and held.get(name) is True)
    if bool(before.error) != bool(after.error) and not gained and not lost:  # of a case that nothing else is expected of
        gained, lost = ((), ("answer",)) if after.error else (("answer",), ())
    return Flip(before, after, gained, lost) if gained or lost else None
