"""What a result says of a measure: a number a case, or a statistic of all cases at once.

A case that allows several labels counts as the one that was found where it is among them, else as the first. A case that
raised got all that it expects wrong; what rests on a score (AUC, calibration) leaves it out, since it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evals import curves
from evals.curves import Statistic
from evals.intervals import Floats, Ints
from evals.results import Found, Result

MISS_COST, ALARM_COST = 10.0, 1.0  # of a message that needed a human and got none, and of one that got one for nothing
Value = Callable[[Result], float | None]
# A statistic of weights [b, len(results)], and how many cases it rests on; None where it rests on none.
Scorer = Callable[[Sequence[Result]], tuple[Statistic, int] | None]


def verdict(kind: str) -> Value:
    """Whether every verdict of this kind holds: of "reason" those named "reason:legal_threat" and the like."""

    def value(result: Result) -> float | None:
        said = [one.holds for one in result.verdicts if one.name.partition("#")[0].partition(":")[0] == kind]
        return float(all(said)) if said else None

    return value


def refused(*, bad: bool) -> Value:
    """Whether a check refused what a model wrote: of bad drafts, or of good ones."""
    right = verdict("rejected")

    def value(result: Result) -> float | None:
        if result.expected.get("rejected") is not bad:
            return None
        if result.error:
            return 0.0 if bad else 1.0
        holds = right(result)
        return holds if bad or holds is None else 1.0 - holds

    return value


def expecting(key: str, kind: str | None = None) -> Value:
    """Like `verdict`; a case that expects something of `key` and raised got it wrong."""
    holds = verdict(kind or key)

    def value(result: Result) -> float | None:
        if result.error and result.expected.get(key) not in (None, []):
            return 0.0
        return holds(result)

    return value


def passages(found: bool) -> Value:
    """Whether every expected passage is there, or, where none answers, none is quoted."""
    holds = verdict("passage" if found else "no_passage")

    def value(result: Result) -> float | None:
        wanted = result.expected.get("passages")
        if result.error and wanted is not None and bool(wanted) is found:
            return 0.0
        return holds(result)

    return value


def order(result: Result) -> float | None:
    """Whether the expected order is shown first, or none where none may be."""
    return 0.0 if result.error and "order" in result.expected else verdict("order")(result)


def asserts(result: Result) -> float | None:
    """Whether every assert of the case holds."""
    return 0.0 if result.error and result.asserts else verdict("assert")(result)


def passed(result: Result) -> float:
    """Whether the case passes."""
    return float(result.passed)


def errors(result: Result) -> float:
    """Whether the case raised."""
    return float(bool(result.error))


def truth(result: Result, key: str, got: str) -> str | None:
    """The expected value of `key`: what was found where that is acceptable; None where the case says nothing of it."""
    acceptable = result.expected.get(key)
    if not acceptable:
        return None
    several = acceptable if isinstance(acceptable, list) else [acceptable]
    return got if got in several else str(several[0])


def found_of(result: Result, key: str) -> str:
    """What was found of `key`; nothing where the case raised."""
    return str(getattr(result.found, key)) if result.found else ""


def precision_of(label: str) -> Value:
    """Of a result that was given this label: whether it is one."""

    def value(result: Result) -> float | None:
        if found_of(result, "label") != label:
            return None
        said = truth(result, "label", label)
        return None if said is None else float(said == label)

    return value


def recall_of(label: str) -> Value:
    """Of a result that is this label: whether it was given it."""

    def value(result: Result) -> float | None:
        got = found_of(result, "label")
        return float(got == label) if truth(result, "label", got) == label else None

    return value


def escalation(when: Literal["expected", "found"]) -> Value:
    """Of a message that must be escalated whether it was, or of one that was whether it must be."""

    def value(result: Result) -> float | None:
        expected = result.expected.get("escalate")
        found = bool(result.found and result.found.escalate)
        if expected is None or not (expected if when == "expected" else found):
            return None
        return float(found and expected)

    return value


def cost(result: Result) -> float | None:
    """What the decision costs; a case that raised cost what the wrong decision does."""
    expected = result.expected.get("escalate")
    if expected is None:
        return None
    found = result.found.escalate if result.found else not expected
    return MISS_COST * (expected and not found) + ALARM_COST * (found and not expected)


def rests_on_a_source(result: Result) -> float | None:
    """Of a reply to a message that a passage answers: whether it cites anything."""
    if result.found is None or result.found.action != "reply" or not result.expected.get("passages"):
        return None
    return float(bool(result.found.sources))


def edit_distance(result: Result) -> float | None:
    """Normalised Levenshtein distance (0 to 1) of the nearer text to the reference reply; 1 where there is no text."""
    return result.distance


def units(results: Sequence[Result]) -> Ints:
    """[results]: which case each result is of, counted from 0; repeats of a case share theirs."""
    known: dict[tuple[str, str], int] = {}
    return np.array([known.setdefault((result.suite, result.case), len(known)) for result in results], np.intp)


def cases(results: Sequence[Result], chosen: Iterable[int]) -> int:
    """How many different cases the chosen results are of: repeats of one add nothing to what is known."""
    return len({(results[at].suite, results[at].case) for at in chosen})


def macro_f1(key: str) -> Scorer:
    """Mean F1 of the values of `key`."""

    def scorer(results: Sequence[Result]) -> tuple[Statistic, int] | None:
        chosen = _where(results, lambda result: bool(result.expected.get(key)))
        got = [found_of(results[at], key) for at in chosen]
        said = [truth(results[at], key, one) or "" for at, one in zip(chosen, got, strict=True)]
        return _among(results, chosen, curves.macro_f1(said, got)) if chosen else None

    return scorer


def label_auc(label: str) -> Scorer:
    """Area under the ROC curve of a label's score, over cases that allow one label only."""

    def sure(result: Result) -> bool:
        said = result.expected.get("label") or []
        return result.found is not None and len([said] if isinstance(said, str) else said) == 1

    def scorer(results: Sequence[Result]) -> tuple[Statistic, int] | None:
        chosen = _where(results, sure)
        positive = np.array(
            [truth(results[at], "label", "") == label or label in results[at].expected.get("also", []) for at in chosen], bool
        )
        scores = np.array([_found(results[at]).scores.get(label, 0.0) for at in chosen])
        both = positive.any() and not positive.all()
        return _among(results, chosen, curves.auc(positive, scores)) if both else None

    return scorer


def confidences(results: Sequence[Result]) -> tuple[list[int], Floats, NDArray[np.bool_]]:
    """Of results that expect a label: their places, the score of the label they were given, whether it is right."""
    chosen = _where(results, lambda result: bool(result.expected.get("label")) and result.found is not None)
    found = [_found(results[at]) for at in chosen]
    right = [truth(results[at], "label", one.label) == one.label for at, one in zip(chosen, found, strict=True)]
    return chosen, np.array([one.scores.get(one.label, 0.0) for one in found]), np.array(right, bool)


def calibration_error(results: Sequence[Result]) -> tuple[Statistic, int] | None:
    """Expected calibration error of the main label."""
    chosen, confidence, right = confidences(results)
    return _among(results, chosen, curves.calibration_error(confidence, right)) if chosen else None


def escalations(results: Sequence[Result]) -> tuple[list[int], NDArray[np.bool_], Floats]:
    """Of results that expect an escalation or none: their places, whether they do, the score they were given."""
    chosen = _where(results, lambda result: result.expected.get("escalate") is not None and result.found is not None)
    wanted = np.array([bool(results[at].expected["escalate"]) for at in chosen], bool)
    return chosen, wanted, np.array([_found(results[at]).score for at in chosen])


def escalation_curve(make: Callable[[NDArray[np.bool_], Floats], Statistic]) -> Scorer:
    """A statistic of the escalation score, where there are messages of both sides."""

    def scorer(results: Sequence[Result]) -> tuple[Statistic, int] | None:
        chosen, wanted, scores = escalations(results)
        return _among(results, chosen, make(wanted, scores)) if wanted.any() and not wanted.all() else None

    return scorer


def _found(result: Result) -> Found:
    assert result.found is not None
    return result.found


def _where(results: Sequence[Result], holds: Callable[[Result], bool]) -> list[int]:
    return [at for at, result in enumerate(results) if holds(result)]


def _among(results: Sequence[Result], chosen: list[int], inner: Statistic) -> tuple[Statistic, int]:
    """A statistic of the chosen results, as one of weights of all."""
    return (lambda rows: inner(rows[:, chosen])), cases(results, chosen)
