"""The numbers of a report against scikit-learn, ir-measures and values worked out by hand, from the raw answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR, R, nDCG
from scipy.stats import binomtest, norm
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
)

from evals import curves
from evals.intervals import bootstrap, mcnemar, wilson
from evals.measures import BY_NAME, MEASURES, Number, number_of, numbers, slices
from evals.results import Found, Result, Text, Verdict
from service.messages import LABELS

TOPICS = ("delivery", "returns", "payment")
ENTRIES = tuple(f"entry-{at}" for at in range(8))
LANGUAGE = "de"

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=25, deadline=None)


def found(**fields: Any) -> Found:
    given = {
        "label": "praise", "also": [], "scores": {name: 0.0 for name in LABELS}, "level": "none", "trajectory": "steady",
        "topic": "delivery", "urgency": "normal", "addressed": "direct", "language": LANGUAGE, "confidence": 0.9, "signals": [],
        "escalate": False, "score": 0.0, "reasons": [], "evidence": [], "queue": "general", "priority": "normal", "passages": {},
        "orders": [], "action": None, "public": None, "private": None, "sources": [], "failed_checks": [],
    }  # fmt: skip
    return Found.model_validate(given | fields)


def result(
    case: str = "one", expected: dict[str, Any] | None = None, holds: dict[str, bool] | None = None, **more: Any
) -> Result:
    """A case's result; `holds` are its verdicts, and a case that did not raise has found something."""
    given: dict[str, Any] = {"suite": "mine", "case": case, "digest": case, "text": "Hallo", "channel": "email"}
    given |= {"expected": expected or {}, "found": None if more.get("error") or more.get("skipped") else found()}
    given["verdicts"] = [Verdict(name=name, holds=ok, why="") for name, ok in (holds or {}).items()]
    return Result.model_validate(given | more)


def outcomes(right: Iterable[bool], name: str = "label", start: int = 0, **more: Any) -> list[Result]:
    """Cases c000, c001 … of which this verdict holds or not."""
    said = {name: ["praise"]}
    return [result(f"c{at:03}", said, {name: ok}, **more) for at, ok in enumerate(right, start)]


def one(name: str, results: Sequence[Result]) -> Number | None:
    return number_of(BY_NAME[name], results, "all", 0)


def value_of(name: str, results: Sequence[Result]) -> float:
    number = one(name, results)
    assert number is not None, name
    return number.value


@dataclass
class Raw:
    """What was expected and answered, as plain values; a result is made of it, and a library judges it apart."""

    acceptable: list[str]
    also: list[str]
    topics: list[str]
    escalate: bool
    wanted: list[str]
    raised: bool
    label: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    topic: str = ""
    escalated: bool = False
    score: float = 0.0
    shown: list[str] = field(default_factory=list)

    def truth(self) -> str:
        return self.label if self.label in self.acceptable else self.acceptable[0]

    def result(self, at: int) -> Result:
        expected = {
            "label": self.acceptable, "also": self.also, "topic": self.topics, "escalate": self.escalate, "passages": self.wanted,
        }  # fmt: skip
        if self.raised:
            return result(f"case-{at}", expected, error="RuntimeError: broke")
        holds = {
            "label": self.label in self.acceptable, "topic": self.topic in self.topics,
            "escalate": self.escalated == self.escalate,
        }  # fmt: skip
        answer = found(
            label=self.label, scores=self.scores, topic=self.topic, escalate=self.escalated, score=self.score,
            passages={f"faq-{entry}-{LANGUAGE}": 0.9 - at / 20 for at, entry in enumerate(self.shown)},
        )  # fmt: skip
        return result(f"case-{at}", expected, holds, found=answer)


def made(seed: int, n: int | None = None, raised: float = 0.05) -> tuple[list[Raw], list[Result]]:
    """Random answers, right more often than not; scores are coarse, so that many are alike."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n or int(rng.integers(20, 90))):
        acceptable = [str(name) for name in rng.choice(LABELS, 2 if rng.random() < 0.2 else 1, replace=False)]
        also = [name for name in LABELS if name not in acceptable and rng.random() < 0.15]
        topics = [str(name) for name in rng.choice(TOPICS, 2 if rng.random() < 0.2 else 1, replace=False)]
        escalate = bool(rng.random() < 0.4)
        wanted = [str(name) for name in rng.choice(ENTRIES, int(rng.integers(1, 4)), replace=False)]
        row = Raw(acceptable, also, topics, escalate, wanted, bool(rng.random() < raised))
        if not row.raised:
            row.label = acceptable[0] if rng.random() < 0.6 else str(rng.choice(LABELS))
            row.scores = {
                name: float(np.round(np.clip(rng.normal(0.6 if name in acceptable else 0.4, 0.2), 0, 1), 1)) for name in LABELS
            }
            row.topic = topics[-1] if rng.random() < 0.6 else str(rng.choice(TOPICS))
            row.escalated = escalate if rng.random() < 0.8 else not escalate
            row.score = float(np.round(np.clip(rng.normal(0.6 if escalate else 0.4, 0.2), 0, 1), 1))
            row.shown = [str(name) for name in rng.choice(ENTRIES, int(rng.integers(0, 6)), replace=False)]
        rows.append(row)
    return rows, [row.result(at) for at, row in enumerate(rows)]


class TestAgainstScikitLearn:
    @quick
    @given(seeds)
    def test_accuracy_precision_recall_and_f1_of_labels(self, seed: int) -> None:
        rows, results = made(seed)
        said, got = [row.truth() for row in rows], [row.label for row in rows]
        assert value_of("label.accuracy", results) == pytest.approx(accuracy_score(said, got))
        classes = sorted((set(said) | set(got)) - {""})
        assert value_of("label.macro_f1", results) == pytest.approx(f1_score(said, got, labels=classes, average="macro"))
        for label in LABELS:
            if label in got:
                [precision] = precision_score(said, got, labels=[label], average=None)
                assert value_of(f"label.{label}.precision", results) == pytest.approx(precision)
                assert one(f"label.{label}.precision", results).n == got.count(label)  # type: ignore[union-attr]
            else:
                assert one(f"label.{label}.precision", results) is None
            if label in said:
                [recall] = recall_score(said, got, labels=[label], average=None)
                assert value_of(f"label.{label}.recall", results) == pytest.approx(recall)
                assert one(f"label.{label}.recall", results).n == said.count(label)  # type: ignore[union-attr]
            else:
                assert one(f"label.{label}.recall", results) is None

    @quick
    @given(seeds)
    def test_f1_of_topics(self, seed: int) -> None:
        rows, results = made(seed, raised=0)
        said = [row.topic if row.topic in row.topics else row.topics[0] for row in rows]
        assert value_of("topic.macro_f1", results) == pytest.approx(f1_score(said, [row.topic for row in rows], average="macro"))

    @quick
    @given(seeds)
    def test_area_under_the_roc_curve_of_each_label(self, seed: int) -> None:
        rows, results = made(seed, n=60)
        sure = [row for row in rows if len(row.acceptable) == 1 and not row.raised]
        for label in LABELS:
            positive = [label in row.acceptable + row.also for row in sure]
            area = roc_auc_score(positive, [row.scores[label] for row in sure])
            number = one(f"label.{label}.auc", results)
            assert number is not None
            assert number.value == pytest.approx(area)
            assert number.n == len(sure)

    @quick
    @given(seeds)
    def test_escalation(self, seed: int) -> None:
        rows, results = made(seed, n=60)
        wanted, got = [row.escalate for row in rows], [row.escalated for row in rows]
        wrong = [row.raised or row.escalate != row.escalated for row in rows]
        assert value_of("escalation.accuracy", results) == pytest.approx(1 - np.mean(wrong))
        assert value_of("escalation.precision", results) == pytest.approx(precision_score(wanted, got))
        assert value_of("escalation.recall", results) == pytest.approx(recall_score(wanted, got))
        costs = [(10 if row.escalate else 1) * bad for row, bad in zip(rows, wrong, strict=True)]
        assert value_of("escalation.cost", results) == pytest.approx(np.mean(costs))
        sure = [row for row in rows if not row.raised]
        said, scores = [row.escalate for row in sure], [row.score for row in sure]
        assert value_of("escalation.auc", results) == pytest.approx(roc_auc_score(said, scores))
        precision, recall, _ = precision_recall_curve(said, scores)
        assert value_of("escalation.recall_at_p85", results) == pytest.approx(recall[precision >= 0.85].max())

    @quick
    @given(seeds)
    def test_every_row_of_a_bootstrap_is_weighted_as_scikit_learn_weighs(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        positive, scores = rng.random(50) < 0.4, np.round(rng.random(50), 1)
        said, got = rng.choice(list("abc"), 50), rng.choice(list("abc"), 50)
        weights = rng.multinomial(50, np.full(50, 0.02), size=3).astype(float)
        areas = curves.auc(positive, scores)(weights)
        f1 = curves.macro_f1(said.tolist(), got.tolist())(weights)
        reached = curves.recall_at_precision(positive, scores, 0.5)(weights)
        for at, weight in enumerate(weights):
            drawn = weight > 0
            given = {"sample_weight": weight[drawn]}
            assert areas[at] == pytest.approx(roc_auc_score(positive[drawn], scores[drawn], **given))
            assert f1[at] == pytest.approx(f1_score(said[drawn], got[drawn], average="macro", **given))
            precision, recall, _ = precision_recall_curve(positive[drawn], scores[drawn], **given)
            assert reached[at] == pytest.approx(recall[precision >= 0.5].max())

    def test_the_threshold_curve(self) -> None:
        rng = np.random.default_rng(3)
        positive, scores = rng.random(200) < 0.3, np.round(rng.random(200), 2)
        precision, recall, at = precision_recall_curve(positive, scores)
        expected = sorted(zip(at, precision[:-1], recall[:-1], strict=True), reverse=True)
        assert np.array(curves.thresholds(positive, scores)) == pytest.approx(np.array(expected))

    def test_the_reliability_curve(self) -> None:
        rng = np.random.default_rng(4)
        confidence = rng.random(300)
        right = rng.random(300) < confidence**2
        share, mean = calibration_curve(right, confidence, n_bins=10)
        points = curves.reliability(confidence, right)
        assert np.array([point[:2] for point in points]) == pytest.approx(np.column_stack([mean, share]))
        assert sum(point[2] for point in points) == 300

    def test_no_threshold_reaches_the_precision(self) -> None:
        wanted = [True, False, False]
        results = [
            result(f"c{at}", {"escalate": said}, found=found(score=score))
            for at, (said, score) in enumerate(zip(wanted, (0.1, 0.9, 0.5), strict=True))
        ]
        assert value_of("escalation.recall_at_p85", results) == 0

    @pytest.mark.parametrize("name", ["escalation.auc", "escalation.recall_at_p85"])
    def test_a_curve_of_one_side_only_says_nothing(self, name: str) -> None:
        assert one(name, [result(f"c{at}", {"escalate": True}) for at in range(40)]) is None


class TestAgainstIrMeasures:
    @quick
    @given(seeds)
    def test_rankings(self, seed: int) -> None:
        rows, results = made(seed)
        qrels = {str(at): {entry: 1 for entry in row.wanted} for at, row in enumerate(rows)}
        run = {str(at): {e: 1 - place / 20 for place, e in enumerate(row.shown)} for at, row in enumerate(rows) if row.shown}
        expected = {"recall@1": R @ 1, "recall@3": R @ 3, "mrr": RR, "ndcg@3": nDCG @ 3}
        apart = ir_measures.calc_aggregate(expected.values(), qrels, run) if run else dict.fromkeys(expected.values(), 0.0)
        for name, measure in expected.items():
            number = one(f"retrieval.{name}", results)
            assert number is not None
            assert number.value == pytest.approx(apart[measure])
            assert number.n == len(rows)

    def test_the_order_shown_counts_not_the_score(self) -> None:
        shown = {"faq-a-de": 0.2, "faq-b-de": 0.9}
        results = [result("c", {"passages": ["b"]}, found=found(passages=shown))]
        assert value_of("retrieval.mrr", results) == 0.5

    def test_an_entry_counts_in_whatever_language_and_once(self) -> None:
        shown = {"faq-a-de": 0.9, "faq-a-en": 0.8, "faq-b-de": 0.7}
        results = [result("c", {"passages": ["a", "b"]}, found=found(passages=shown))]
        assert value_of("retrieval.ndcg@3", results) == pytest.approx(1.0)

    def test_a_case_that_nothing_answers_is_no_ranking(self) -> None:
        assert one("retrieval.mrr", [result("c", {"passages": []})]) is None


class TestIntervals:
    @given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    def test_wilson_is_that_of_scipy(self, given: tuple[int, int]) -> None:
        expected = binomtest(*given).proportion_ci(0.95, "wilson")
        assert wilson(*given) == pytest.approx((expected.low, expected.high), abs=1e-9)

    def test_wilson_by_hand(self) -> None:
        assert wilson(45, 50) == pytest.approx((0.7864, 0.9565), abs=5e-5)
        assert wilson(40, 40) == pytest.approx((0.9124, 1.0), abs=5e-5)
        assert wilson(0, 0) == (0.0, 1.0)

    @pytest.mark.parametrize(
        ("gained", "lost", "p"), [(0, 0, 1.0), (0, 2, 0.5), (3, 3, 1.0), (1, 8, 20 / 512), (8, 1, 20 / 512), (0, 6, 2 / 64)]
    )
    def test_mcnemar_by_hand(self, gained: int, lost: int, p: float) -> None:
        assert mcnemar(gained, lost) == pytest.approx(p)

    def test_a_share_has_the_interval_of_wilson(self) -> None:
        number = one("label.accuracy", outcomes([True] * 45 + [False] * 5))
        assert number is not None
        assert (number.value, number.n) == (0.9, 50)
        assert (number.low, number.high) == pytest.approx(wilson(45, 50))

    def test_the_bootstrap_of_a_mean_covers_what_is_true(self) -> None:
        covered = 0
        for seed in range(300):
            drawn = np.random.default_rng(seed).exponential(size=80)
            low, high = bootstrap(lambda rows, drawn=drawn: rows @ drawn / rows.sum(axis=1), 80, seed)  # type: ignore[misc]
            covered += low <= 1.0 <= high
        assert 0.89 <= covered / 300 <= 0.98

    def test_the_bootstrap_of_an_area_under_the_curve_covers_what_is_true(self) -> None:
        true, covered = float(norm.cdf(1 / math.sqrt(2))), 0
        for seed in range(300):
            rng = np.random.default_rng(seed)
            positive = np.arange(100) < 40
            low, high = bootstrap(curves.auc(positive, rng.normal(size=100) + positive), 100, seed)
            covered += low <= true <= high
        assert 0.89 <= covered / 300 <= 0.98

    def test_repeats_of_a_case_are_drawn_together(self) -> None:
        values = np.random.default_rng(0).random(40)

        def mean(of: np.ndarray) -> Any:
            return lambda rows: rows @ of / rows.sum(axis=1)

        once = bootstrap(mean(values), 40, 7)
        assert bootstrap(mean(np.repeat(values, 3)), 120, 7, np.repeat(np.arange(40), 3)) == pytest.approx(once)

    def test_the_bootstrap_of_nothing_is_nothing(self) -> None:
        assert all(math.isnan(end) for end in bootstrap(lambda rows: rows.sum(axis=1), 0, 0))
        assert all(math.isnan(end) for end in bootstrap(lambda rows: np.full(len(rows), np.nan), 5, 0))

    @quick
    @given(seeds)
    def test_every_number_lies_in_its_interval_or_near_it(self, seed: int) -> None:
        for number in numbers(made(seed)[1]):
            assert number.n > 0
            assert number.low <= number.high, number
            if number.measure.endswith((".ece", ".macro_f1", "p85")):  # a resample of these is biased: more error, fewer classes
                continue
            assert number.low - 1e-9 <= number.value <= number.high + 1e-9, number

    def test_the_same_seed_gives_the_same_numbers_and_another_other_intervals(self) -> None:
        results = made(5, n=60)[1]
        assert numbers(results, seed=1) == numbers(results, seed=1)
        other = [(a, b) for a, b in zip(numbers(results, seed=1), numbers(results, seed=2), strict=True) if a != b]
        assert other
        assert all(a.value == b.value for a, b in other)


class TestCalibration:
    def test_expected_calibration_error_by_hand(self) -> None:
        rows = [("praise", 0.95, True), ("praise", 0.95, False), ("praise", 1.0, True), ("praise", 0.35, True)]
        results = [
            result(f"c{at}", {"label": ["praise" if right else "frustration"]}, found=found(label=label, scores={label: score}))
            for at, (label, score, right) in enumerate(rows)
        ]
        # Bin 0.9 to 1: confidence 0.9667, two of three right. Bin 0.3 to 0.4: confidence 0.35, one of one right.
        assert value_of("label.ece", results) == pytest.approx(3 / 4 * 0.3 + 1 / 4 * 0.65)

    def test_confidence_that_is_right_as_often_as_it_says_has_no_error(self) -> None:
        confidence, right = np.full(10, 0.8), np.arange(10) < 8
        assert curves.calibration_error(confidence, right)(np.ones((1, 10)))[0] == pytest.approx(0, abs=1e-12)


class TestWeights:
    def weighed(self, weights: Sequence[float], passed: Sequence[bool]) -> list[Result]:
        return [result(f"c{at}", {}, {"label": ok}, weight=w) for at, (w, ok) in enumerate(zip(weights, passed, strict=True))]

    def test_a_case_counts_by_its_weight_in_the_pass_rate(self) -> None:
        results = self.weighed([5, 1, 1, 3], [True, False, False, True])
        assert value_of("pass_rate", results) == pytest.approx(8 / 10)

    def test_weights_count_in_no_other_number(self) -> None:
        results = outcomes([True] * 30 + [False] * 10)
        heavy = [one.model_copy(update={"weight": 9.0}) if at < 30 else one for at, one in enumerate(results)]
        assert value_of("pass_rate", heavy) == pytest.approx(270 / 280)
        assert one("label.accuracy", heavy) == one("label.accuracy", results)

    def test_equal_weights_are_no_weights(self) -> None:
        passed = [True] * 38 + [False] * 2
        first, second = one("pass_rate", self.weighed([1] * 40, passed)), one("pass_rate", self.weighed([2.5] * 40, passed))
        assert first is not None
        assert second is not None
        assert (first.low, first.high) == pytest.approx(wilson(38, 40))
        assert (second.value, second.low, second.high) == pytest.approx((first.value, first.low, first.high))

    def test_unequal_weights_tell_less(self) -> None:
        number = one("pass_rate", self.weighed([3.0] * 20 + [1.0] * 20, [True] * 20 + [False] * 20))
        assert number is not None
        assert (number.value, number.n) == (0.75, 40)
        assert (number.low, number.high) == pytest.approx(wilson(0.75 * 32, 32))  # (60 + 20)² / (20 · 9 + 20 · 1) = 32

    def test_a_run_that_passes_whole_is_not_told_as_certain(self) -> None:
        number = one("pass_rate", outcomes([True] * 40))
        assert number is not None
        assert number.value == 1
        assert number.low == pytest.approx(0.9124, abs=5e-5)

    def test_part_of_the_verdicts_is_enough_where_the_case_says_so(self) -> None:
        holds = {"label": True, "topic": True, "level": False}
        assert value_of("pass_rate", [result("c", {}, holds, threshold=0.6)]) == 1
        assert value_of("pass_rate", [result("c", {}, holds, threshold=0.7)]) == 0


class TestSeveralAcceptable:
    either = ("information_seeking", "frustration")

    def given(self, got: str, **more: Any) -> Result:
        return result(got, {"label": list(self.either)}, {"label": got in self.either}, found=found(label=got, **more))

    @pytest.mark.parametrize("got", either)
    def test_any_of_them_is_right_and_is_the_true_one(self, got: str) -> None:
        results, other = [self.given(got)], next(name for name in self.either if name != got)
        assert value_of("label.accuracy", results) == 1
        assert value_of(f"label.{got}.precision", results) == 1
        assert value_of(f"label.{got}.recall", results) == 1
        assert one(f"label.{other}.recall", results) is None
        assert value_of("label.macro_f1", results) == 1

    def test_where_none_was_found_the_first_was_missed(self) -> None:
        results = [self.given("praise")]
        assert value_of("label.accuracy", results) == 0
        assert value_of("label.praise.precision", results) == 0
        assert value_of("label.information_seeking.recall", results) == 0
        assert one("label.frustration.recall", results) is None

    def test_the_curve_of_a_label_leaves_out_a_case_that_may_be_either(self) -> None:
        sure = [
            result(f"c{at}", {"label": [said]}, found=found(label=said, scores={"frustration": score}))
            for at, (said, score) in enumerate([("frustration", 0.9), ("praise", 0.1)])
        ]
        number = one("label.frustration.auc", [*sure, self.given("praise", scores={"frustration": 1.0})])
        assert number is not None
        assert (number.value, number.n) == (1.0, 2)

    def test_a_further_label_counts_as_true_on_its_curve(self) -> None:
        results = [
            result("a", {"label": ["praise"], "also": ["frustration"]}, found=found(scores={"frustration": 0.9})),
            result("b", {"label": ["praise"]}, found=found(scores={"frustration": 0.1})),
        ]
        assert value_of("label.frustration.auc", results) == 1


class TestRaised:
    """A case that raised got wrong all that it expects: a version that breaks must not look better than one that errs."""

    @pytest.mark.parametrize(
        ("measure", "expected"),
        [
            ("label.accuracy", {"label": ["praise"]}),
            ("label.praise.recall", {"label": ["praise"]}),
            ("label.also", {"label": ["praise"], "also": ["frustration"]}),
            ("level.accuracy", {"level": ["none"]}),
            ("trajectory.accuracy", {"trajectory": ["steady"]}),
            ("topic.accuracy", {"topic": ["delivery"]}),
            ("urgency.accuracy", {"urgency": ["normal"]}),
            ("language.accuracy", {"language": "de"}),
            ("addressed.accuracy", {"addressed": ["direct"]}),
            ("escalation.accuracy", {"escalate": True}),
            ("escalation.accuracy", {"escalate": False}),
            ("escalation.recall", {"escalate": True}),
            ("escalation.reasons", {"reasons": ["legal_threat"]}),
            ("escalation.not_reasons", {"not_reasons": ["legal_threat"]}),
            ("escalation.queue", {"queue": ["general"]}),
            ("escalation.priority", {"priority": ["normal"]}),
            ("retrieval.found", {"passages": ["return-item"]}),
            ("retrieval.recall@1", {"passages": ["return-item"]}),
            ("retrieval.recall@3", {"passages": ["return-item"]}),
            ("retrieval.mrr", {"passages": ["return-item"]}),
            ("retrieval.ndcg@3", {"passages": ["return-item"]}),
            ("retrieval.no_answer", {"passages": []}),
            ("order.accuracy", {"order": "A-1001"}),
            ("order.accuracy", {"order": None}),
            ("draft.action", {"action": ["reply"]}),
            ("pass_rate", {}),
        ],
    )
    def test_what_a_case_expects_is_wrong_where_it_raised(self, measure: str, expected: dict[str, Any]) -> None:
        assert value_of(measure, [result("c", expected, error="RuntimeError: broke")]) == 0

    @pytest.mark.parametrize(("escalate", "cost"), [(True, 10.0), (False, 1.0)])
    def test_it_costs_what_the_wrong_decision_does(self, escalate: bool, cost: float) -> None:
        assert value_of("escalation.cost", [result("c", {"escalate": escalate}, error="RuntimeError: broke")]) == cost

    def test_its_asserts_do_not_hold(self) -> None:
        assert value_of("draft.asserts", [result("c", error="RuntimeError: broke", asserts=2)]) == 0
        assert one("draft.asserts", [result("c", error="RuntimeError: broke")]) is None

    def test_its_reply_is_all_to_be_written(self) -> None:
        assert value_of("draft.edit_distance", [result("c", error="RuntimeError: broke", reference="Guten Tag")]) == 1

    def test_it_is_an_error(self) -> None:
        assert value_of("errors", [result("a"), result("b", error="RuntimeError: broke")]) == 0.5

    def test_it_adds_no_class_to_the_average_of_f1(self) -> None:
        right = [
            result(f"c{at}", {"label": [name]}, found=found(label=name)) for at, name in enumerate(["praise", "frustration"])
        ]
        broke = result("x", {"label": ["praise"]}, error="RuntimeError: broke")
        assert value_of("label.macro_f1", [*right, broke]) == pytest.approx((2 / 3 + 1) / 2)  # praise: one of two found

    def test_of_what_it_does_not_expect_it_says_nothing(self) -> None:
        said = {number.measure for number in numbers([result("c", error="RuntimeError: broke")])}
        assert said == {"pass_rate", "errors"}


class TestVerdicts:
    def test_every_one_of_a_kind_must_hold(self) -> None:
        holds = {"reason:legal_threat": True, "reason:churn_risk": False, "assert:contains": True, "assert:contains#2": False}
        results = [result("c", {"reasons": ["legal_threat", "churn_risk"]}, holds)]
        assert value_of("escalation.reasons", results) == 0
        assert value_of("draft.asserts", results) == 0
        assert one("escalation.not_reasons", results) is None

    def test_a_reply_to_a_question_rests_on_a_source(self) -> None:
        replies = [
            result(f"c{at}", {"passages": ["a"]}, found=found(action=action, sources=sources))
            for at, (action, sources) in enumerate([("reply", ["faq-a-de"]), ("reply", []), ("handoff", []), (None, [])])
        ]
        number = one("draft.citations", replies)
        assert number is not None
        assert (number.value, number.n) == (0.5, 2)

    def test_edits_are_counted_to_the_nearer_text(self) -> None:
        texts = {name: Text(text=text, length=4, limit=None) for name, text in (("public", "abcd"), ("private", "abxx"))}
        assert value_of("draft.edit_distance", [result("c", reference="abcx", found=found(**texts))]) == pytest.approx(0.25)
        assert value_of("draft.edit_distance", [result("c", reference="abcx")]) == 1
        assert one("draft.edit_distance", [result("c", found=found(**texts))]) is None


class TestSlices:
    def test_a_slice_under_thirty_cases_is_marked(self) -> None:
        few, enough = outcomes([True] * 29, slices={"language": "nl"}), outcomes([True] * 30, start=29, slices={"language": "de"})
        marked = {number.slice: number.small for number in numbers([*few, *enough]) if number.measure == "label.accuracy"}
        assert marked == {"all": False, "language=de": False, "language=nl": True}

    def test_what_a_number_rests_on_is_counted_not_the_slice(self) -> None:
        asked, others = outcomes([True] * 10), [result(f"x{at}") for at in range(50)]
        number = one("label.accuracy", [*asked, *others])
        assert number is not None
        assert number.n == 10
        assert number.small

    def test_repeats_of_a_case_are_one_case(self) -> None:
        once = outcomes([True] * 18 + [False] * 2)
        thrice = [one.model_copy(update={"repeat": number}) for one in once for number in (1, 2, 3)]
        for name in ("pass_rate", "label.accuracy", "label.macro_f1"):
            first, second = one(name, once), one(name, thrice)
            assert first is not None
            assert second is not None
            assert (second.n, second.small) == (20, True)
            assert (second.value, second.low, second.high) == pytest.approx((first.value, first.low, first.high))

    def test_a_skipped_case_counts_nowhere(self) -> None:
        results = [*outcomes([True] * 3), result("s", {"label": ["praise"]}, skipped="not yet")]
        assert {number.n for number in numbers(results)} == {3}

    def test_each_number_of_a_slice_is_that_of_its_cases(self) -> None:
        results = [*outcomes([True] * 4, slices={"language": "de"}), *outcomes([False], start=4, slices={"language": "nl"})]
        found = {number.slice: number.value for number in numbers(results) if number.measure == "label.accuracy"}
        assert found == {"all": 0.8, "language=de": 1.0, "language=nl": 0.0}

    def test_suites_are_slices_where_there_are_several(self) -> None:
        both = [result("a", slices={"channel": "email"}), result("a", suite="other", slices={"channel": "x"})]
        assert list(slices(both)) == ["all", "channel=email", "channel=x", "suite=mine", "suite=other"]
        assert list(slices(both[:1])) == ["all", "channel=email"]

    def test_no_results_are_no_numbers(self) -> None:
        assert numbers([]) == []
        assert numbers([result("s", skipped="not yet")]) == []


def test_every_measure_has_a_name_of_its_own_and_says_what_it_is() -> None:
    assert len(BY_NAME) == len(MEASURES)
    assert all(measure.what for measure in MEASURES)
    assert {measure.name for measure in MEASURES if measure.lower_is_better} == {
        "errors", "label.ece", "escalation.cost", "draft.edit_distance", "draft.false_alarms",
    }  # fmt: skip


def test_a_random_run_says_something_of_every_measure_it_can() -> None:
    said = {number.measure for number in numbers(made(11, n=80)[1]) if number.slice == "all"}
    expected = {f"label.{name}.{kind}" for name, kind in itertools.product(LABELS, ("precision", "recall", "auc"))}
    expected |= {"label.ece", "label.macro_f1", "topic.macro_f1", "escalation.recall_at_p85", "retrieval.ndcg@3", "pass_rate"}
    assert expected <= said
