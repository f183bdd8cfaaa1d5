"""A promise about what is caught: that it holds as often as it says, and what it takes to make one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evals.promise import (
    ALWAYS,
    GRID,
    Choice,
    Costs,
    Point,
    cheapest,
    choose,
    least_cases,
    lower_bound,
    points,
    promised,
    steps,
)
from evals.report.threshold import told, write_report
from service.errors import SettingsNotUsable

TARGET, CONFIDENCE, DRAWS, N = 0.95, 0.9, 2_000, 200
# Messages that need a human: how often each score is. Up to 0.50 at least the target is caught; from 0.51 on a hair less.
SCORES = np.array([ALWAYS, 0.85, 0.7075, 0.55, 0.5, 0.35, 0.0])
SHARES = np.array([0.60, 0.15, 0.12, 0.079, 0.021, 0.02, 0.01])
Chooser = Callable[[Sequence[Point]], Point | None]


def by_promise(curve: Sequence[Point]) -> Point | None:
    return promised(curve, TARGET, CONFIDENCE)


def by_empirical_recall(curve: Sequence[Point]) -> Point | None:
    """What one would do first: the highest threshold that catches the target of the cases at hand."""
    return max((point for point in curve if point.recall >= TARGET), key=lambda point: point.threshold, default=None)


def by_a_bound_of_the_wrong_tail(curve: Sequence[Point]) -> Point | None:
    """The upper bound in the place of the lower one."""
    kept = [point for point in curve if 1 - lower_bound(point.must - point.caught, point.must, CONFIDENCE) >= TARGET]
    return kept[-1] if kept else None


def true_recall(threshold: float) -> float:
    return float(SHARES[threshold <= SCORES].sum())


def broken(chooser: Chooser, n: int = N, draws: int = DRAWS) -> float:
    """In which share of draws the chosen threshold catches less than the target of all messages."""
    rng = np.random.default_rng(0)
    worse = 0
    for _ in range(draws):
        scores = rng.choice(SCORES, size=n, p=SHARES)
        chosen = chooser(points(np.ones(n, bool), scores))
        worse += chosen is not None and true_recall(chosen.threshold) < TARGET
    return worse / draws


def cases(must: Sequence[float], calm: Sequence[float] = ()) -> dict[str, Any]:
    return {
        "must": np.array([True] * len(must) + [False] * len(calm)),
        "scores": np.array([*must, *calm], np.float64),
    }


class TestPromise:
    def test_it_is_broken_no_more_often_than_it_says(self) -> None:
        assert true_recall(0.5) > TARGET > true_recall(0.51) > TARGET - 0.002
        share = broken(by_promise)
        noise = 3 * math.sqrt(CONFIDENCE * (1 - CONFIDENCE) / DRAWS)
        assert 0.01 < share <= 1 - CONFIDENCE + noise  # and not because it never chooses anything

    @pytest.mark.parametrize("wrong", [by_empirical_recall, by_a_bound_of_the_wrong_tail])
    def test_what_only_looks_right_would_be_found_out(self, wrong: Chooser) -> None:
        assert broken(wrong, draws=300) > 0.3

    def test_with_many_cases_it_is_not_needlessly_cautious(self) -> None:
        rng = np.random.default_rng(1)
        for _ in range(20):
            chosen = by_promise(points(np.ones(5_000, bool), rng.choice(SCORES, size=5_000, p=SHARES)))
            assert chosen is not None
            assert chosen.threshold in (0.5, 0.55)

    def test_it_stops_at_the_first_threshold_that_is_not_proven(self) -> None:
        sure, unsure = Point(0.1, 100, 100, 0, 0, 0), Point(0.2, 90, 100, 0, 0, 0)
        later = Point(0.3, 100, 100, 0, 0, 0)
        assert promised([sure, unsure, later], TARGET, CONFIDENCE) == sure

    def test_none_where_not_even_the_safest_is_proven(self) -> None:
        choice = choose(**cases([0.0] * 10 + [0.9] * 90), target=TARGET, confidence=CONFIDENCE)
        assert choice.chosen is None
        assert "10 of 100 are missed, which give no reason at all" in told(choice, 0.5)[0]

    def test_too_few_cases_are_refused_with_how_many_are_missing(self) -> None:
        with pytest.raises(SettingsNotUsable, match=r"at least 45 labelled messages .* there are 44: label 1 more"):
            choose(**cases([0.9] * 44), target=TARGET, confidence=CONFIDENCE)
        assert choose(**cases([0.9] * 45), target=TARGET, confidence=CONFIDENCE).chosen is not None

    @given(
        st.lists(st.sampled_from(SCORES.tolist()), min_size=45, max_size=120),
        st.lists(st.sampled_from(SCORES.tolist()), max_size=30),
    )
    def test_the_chosen_threshold_and_every_safer_one_are_proven(self, must: list[float], calm: list[float]) -> None:
        choice = choose(**cases(must, calm), target=TARGET, confidence=CONFIDENCE)
        if choice.chosen is None:
            assert choice.curve[0].surely(CONFIDENCE) < TARGET
            return
        for point in choice.curve:
            if point.threshold <= choice.chosen.threshold:
                assert point.surely(CONFIDENCE) >= TARGET
        assert (
            choice.chosen == choice.curve[-1] or choice.curve[GRID.index(choice.chosen.threshold) + 1].surely(CONFIDENCE) < TARGET
        )

    @pytest.mark.parametrize(
        ("target", "confidence", "misses", "n"),
        [(0.95, 0.9, 0, 45), (0.95, 0.9, 1, 77), (0.95, 0.9, 2, 105), (0.99, 0.95, 0, 299), (0.9, 0.9, 0, 22), (0.5, 0.5, 0, 1)],
    )
    def test_how_many_cases_a_target_takes(self, target: float, confidence: float, misses: int, n: int) -> None:
        assert least_cases(target, confidence, misses) == n
        assert lower_bound(n - misses, n, confidence) >= target > lower_bound(n - 1 - misses, n - 1, confidence)


class TestCurve:
    @given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
    def test_the_bound_is_that_of_clopper_and_pearson(self, counted: tuple[int, int], confidence: float) -> None:
        found = binomtest(*counted, alternative="greater").proportion_ci(confidence, method="exact").low
        assert lower_bound(*counted, confidence) == pytest.approx(found, abs=1e-9)

    def test_the_interval_is_two_sided(self) -> None:
        low, high = Point(0.5, 95, 100, 0, 0, 0).recall_interval
        expected = binomtest(95, 100).proportion_ci(0.95, method="exact")
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)

    def test_a_score_at_the_threshold_escalates_and_a_hard_reason_always_does(self) -> None:
        curve = {point.threshold: point for point in points(**cases([0.55, ALWAYS], [0.35, 0.2]))}
        assert [curve[t].caught for t in (0.01, 0.55, 0.56, 1.0)] == [2, 2, 1, 1]
        assert [curve[t].alarms for t in (0.2, 0.21, 0.35, 0.36)] == [2, 1, 1, 0]
        assert curve[0.3].escalated == 0.75

    def test_stretches_on_which_nothing_changes_are_one_step(self) -> None:
        found = steps(points(**cases([0.55, ALWAYS], [0.2])))
        assert [(lowest, point.threshold) for lowest, point in found] == [(0.01, 0.2), (0.21, 0.55), (0.56, 1.0)]


class TestCosts:
    def test_the_least_expected_cost_of_a_message_is_chosen(self) -> None:
        given = cases([ALWAYS, 0.55, 0.35, 0.35], [0.55, 0.35, 0.35, 0.35, 0.0, 0.0, 0.0, 0.0])
        dear = choose(**given, target=TARGET, confidence=CONFIDENCE, costs=Costs(miss=20, alarm=1, share=1 / 3)).chosen
        assert dear is not None
        assert (dear.threshold, dear.cost) == (0.01, pytest.approx(2 / 3 * 0.5))
        rare = choose(**given, target=TARGET, confidence=CONFIDENCE, costs=Costs(miss=20, alarm=1, share=0.01)).chosen
        assert rare is not None
        assert (rare.threshold, rare.cost) == (0.56, pytest.approx(0.01 * 20 * 0.75))  # no alarm is worth it

    @pytest.mark.parametrize(("must", "calm", "side"), [([0.5], [], "must not"), ([], [0.5], "must")])
    def test_cases_of_one_side_are_refused(self, must: list[float], calm: list[float], side: str) -> None:
        with pytest.raises(SettingsNotUsable, match=f"no labelled message {side} be escalated"):
            cheapest(points(**cases(must, calm), costs=Costs(20, 1, 0.5)))


class TestReport:
    def choice(self, **more: Any) -> Choice:
        return choose(**cases([ALWAYS] * 50 + [0.55] * 28, [0.35] * 8 + [0.0] * 12), target=TARGET, confidence=CONFIDENCE, **more)

    def test_it_says_what_is_promised_and_what_to_write(self) -> None:
        lines = told(self.choice(), 0.5)
        assert lines[0] == "at 0.55 at least 95.0% of what must be escalated is caught, with 90% confidence"
        assert "caught 78 of 78: 1.000 (95 % interval 0.954 to 1.000)" in lines
        assert "the promise takes at least 45 with none missed, 77 with 1 missed, 105 with 2 missed" in "\n".join(lines)
        assert lines[-1] == "for escalation.yaml, instead of 0.5: threshold: 0.55"
        assert told(self.choice(), 0.55)[-1] == "escalation.yaml has it already: threshold: 0.55"

    def test_a_choice_by_cost_promises_nothing_that_it_did_not_test(self) -> None:
        lines = told(self.choice(costs=Costs(20, 1, 0.05)), 0.5)
        assert lines[0].startswith("at 0.36 the expected cost is least: 0.000 a message")
        assert "had it been fixed before" in lines[1]

    @pytest.mark.parametrize("costs", [None, Costs(20, 1, 0.05)])
    def test_the_page_stands_alone_and_shows_the_curve(self, costs: Costs | None, tmp_path: Any) -> None:
        write_report(tmp_path / "new" / "t.html", self.choice(costs=costs), 0.5, "<acme>", ["mine.yaml"])
        html = (tmp_path / "new" / "t.html").read_text(encoding="utf-8")
        assert "&lt;acme&gt;" in html
        assert "<svg" in html
        assert "chosen:" in html
        assert "now: 0.5" in html
        assert not {"http://", "https://", "<script"} & {word for word in ("http://", "https://", "<script") if word in html}
        assert ("Cost a message" in html) == (costs is not None)

    def test_without_a_choice_the_page_says_so(self, tmp_path: Any) -> None:
        none = choose(**cases([0.0] * 60), target=TARGET, confidence=CONFIDENCE)
        write_report(tmp_path / "t.html", none, 0.5, "demo", ["mine.yaml"])
        html = (tmp_path / "t.html").read_text(encoding="utf-8")
        assert "no threshold keeps the promise" in html
        assert "no case" in html  # nothing is known of false alarms

    def test_a_page_that_cannot_be_written_is_refused(self, tmp_path: Any) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(SettingsNotUsable, match="give another --output"):
            write_report(tmp_path / "file" / "t.html", self.choice(), 0.5, "demo", [])
