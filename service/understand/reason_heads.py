"""Fits the heads of reasons: on the vector of a message, the signals that rules found in it, and its n-grams.

Nearly every message of an inbox gives no reason, nearly every second labelled one does, so a threshold is what counts: it is
chosen on scores out of fold, each right naming against what the wrong ones cost (docs/decisions/0032-how-words-are-spelt.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.escalate.policy import HARD
from service.understand.classifier import SIGNAL_FEATURES, Head, Vectors, feature_names
from service.understand.embedder import WINDOW
from service.understand.ngrams import SIZE, Counts, Ngrams, counts, idf_of, weighed

PENALTY = 1.0  # inverse strength C; with .5 the mean average precision is .623, with 1 .629
SPELLING = 1.5  # length of the n-grams beside the vector's 1: at 2.5 the mean average precision is .612, at 1.5 .629
FOLDS = 8
CALM = 0.3  # weight of a calm text in the heads
LEAST_OF_A_REASON = 15  # examples below which a reason has rules only
# Reasons that a head may name besides the rules; the others depend on facts that a text does not hold.
LEARNED = frozenset({
    "explicit_human_request", "legal_threat", "regulator_complaint", "safety_risk", "self_harm", "fraud_or_security",
    "data_privacy_request", "press_or_influencer", "discrimination_or_harassment", "vulnerable_customer", "prompt_injection",
    "payment_dispute", "churn_risk", "high_value_loss", "repeat_contact",
})  # fmt: skip
# What naming a reason wrongly costs, where naming it rightly is worth 1. Of labelled messages every third gives a reason and most
# of the others look as if, so one of those costs little; an everyday text costs more than a right one is worth.
LOOKALIKE, EVERYDAY = 0.25, 1.2
CRISIS_LOOKALIKE = 0.5  # self_harm: its holding text must not reach somebody who only wants his money
# Share of the messages that a rule is right about which may be held to mean something else; hard reasons none, with a margin.
UNMEANT, UNMEANT_HARD, MARGIN = 0.05, 0.0, 0.25
# More for a count of contacts ("for the third time"): a message may hold little else, and the words say what is meant.
MARGIN_OF = {"repeat_contact": 2.25}
NEVER = 50.0  # log odds that no message reaches


@dataclass(frozen=True)
class Told:
    """Texts with their inputs [n, inputs], the reasons each gives, how much each counts, and which belong together.

    Texts of one `group`, such as the questions of one FAQ, are never apart in the folds. `everyday` ones give no reason, and are
    what an inbox is full of.
    """

    rows: Vectors
    texts: Sequence[str]
    reasons: Sequence[Sequence[str]]
    weights: Vectors
    groups: Sequence[str]
    everyday: NDArray[np.bool_]


def fit_reasons(told: Told) -> tuple[Head, Head, Ngrams]:
    """Two heads that differ in their biases alone, and the n-grams of both: names a reason, and takes a rule's word for it.

    The biases are such that 0.5 is the chosen threshold. Of the first it is the one of `threshold_of`; a head that is wrong too
    often wherever it lies never fires. Of the second it is the highest that hardly any message that a rule is right about
    falls below (UNMEANT): words are also said of something else.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    given = Counter(code for reasons in told.reasons for code in set(reasons))
    codes = tuple(sorted(code for code, count in given.items() if count >= LEAST_OF_A_REASON and code in LEARNED))
    columns, size = _columns(told.rows.shape[1])
    inputs = csr_matrix(told.rows[:, columns])
    spelt = [counts(text[:WINDOW]) for text in told.texts]
    truth = np.array([[code in reasons for code in codes] for reasons in told.reasons], bool).reshape(len(spelt), len(codes))

    def model_of(at: int, rows: csr_matrix, chosen: NDArray[np.int_]) -> LogisticRegression:
        model = LogisticRegression(C=PENALTY, max_iter=3_000, class_weight="balanced")
        return model.fit(rows[chosen], truth[chosen, at], sample_weight=told.weights[chosen])

    def rows_by(idf: Vectors) -> csr_matrix:
        return hstack([inputs, SPELLING * _matrix(spelt, idf)]).tocsr()

    scores = np.zeros(truth.shape)
    for rest, held in GroupKFold(FOLDS, shuffle=True, random_state=0).split(told.rows, groups=told.groups):
        rows = rows_by(idf_of([spelt[at] for at in rest]))
        for at in range(len(codes)):
            scores[held, at] = model_of(at, rows, rest).decision_function(rows[held])

    idf = idf_of(spelt).astype(np.float16).astype(np.float32)  # as it is stored
    rows, every = rows_by(idf), np.arange(len(spelt))
    weights, added = np.zeros((len(codes), told.rows.shape[1]), np.float32), np.zeros((SIZE, len(codes)), np.float16)
    names_it, means_it = np.zeros(len(codes), np.float32), np.zeros(len(codes), np.float32)
    for at, code in enumerate(codes):
        threshold = threshold_of(code, scores[:, at], truth[:, at], told.everyday)
        signal = columns[size + SIGNAL_FEATURES.index(code)] if code in SIGNAL_FEATURES else None
        right = np.sort(scores[truth[:, at] & (told.rows[:, signal] > 0), at]) if signal is not None else scores[:0, at]
        lost = int(len(right) * (UNMEANT_HARD if code in HARD else UNMEANT))
        meant = min(float(right[lost]), threshold) - MARGIN_OF.get(code, MARGIN) if len(right) >= LEAST_OF_A_REASON else -NEVER
        model = model_of(at, rows, every)
        weights[at, columns] = model.coef_[0, : len(columns)]
        added[:, at] = SPELLING * model.coef_[0, len(columns) :]
        names_it[at] = float(model.intercept_[0]) - threshold
        means_it[at] = float(model.intercept_[0]) - meant
    return Head(codes, weights, names_it), Head(codes, weights, means_it), Ngrams(idf, added.astype(np.float32))


def threshold_of(code: str, scores: NDArray[np.float64], truth: NDArray[np.bool_], everyday: NDArray[np.bool_]) -> float:
    """The score from which naming the reason gains most: the right ones less the cost of wrong ones; NEVER where none gains."""
    lookalike = CRISIS_LOOKALIKE if code == "self_harm" else LOOKALIKE
    order = np.argsort(-scores, kind="stable")
    gains = np.cumsum(np.where(truth, 1.0, np.where(everyday, -EVERYDAY, -lookalike))[order])
    best = int(np.argmax(gains))
    return float(scores[order[best]]) if gains[best] > 0 else NEVER


def _columns(width: int) -> tuple[list[int], int]:
    """Which of the inputs the heads read, the vector and then the signals, and how many of them are the vector's."""
    names = feature_names()
    size = (width - len(names)) // 2
    signals = [2 * size + names.index(name) for name in SIGNAL_FEATURES]
    return [*range(size), *signals], size


def _matrix(spelt: Sequence[Counts], idf: Vectors):  # type: ignore[no-untyped-def]  # scipy has no types
    """The texts' tf-idf, sparse [n, SIZE]."""
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *(len(text.buckets) for text in spelt)])
    values, buckets = np.concatenate([weighed(text, idf) for text in spelt]), np.concatenate([text.buckets for text in spelt])
    return csr_matrix((values, buckets, ends), shape=(len(spelt), SIZE))
