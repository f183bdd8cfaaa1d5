"""Two runs of the same cases: which numbers moved, how surely, which cases turned, and which can't be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from test_measures import found, made, outcomes, result

from evals.compare import Change, Comparison, compare
from evals.measures import BY_NAME
from evals.results import HEAD, LINES, Head, Result, Run, Text, read_run, write_baseline

HEADER = Head(made_at="2026-11-22T09:00:00+00:00", suites={"mine": "0"}, target="in process")


def run_of(results: Iterable[Result], name: str = "run") -> Run:
    return Run(folder=Path(name), head=HEADER, results=sorted(results, key=lambda one: one.key))


def stored(results: Iterable[Result], folder: Path) -> Run:
    """A run as it lies in its folder."""
    folder.mkdir()
    (folder / HEAD).write_text(HEADER.model_dump_json(), encoding="utf-8")
    (folder / LINES).write_text("".join(one.model_dump_json(exclude_defaults=True) + "\n" for one in results), encoding="utf-8")
    return read_run(folder)


def pair(before: Iterable[Result], after: Iterable[Result]) -> Comparison:
    return compare(run_of(before), run_of(after))


def change(comparison: Comparison, measure: str = "label.accuracy", name: str = "all") -> Change:
    return next(one for one in comparison.changes if (one.measure.name, one.slice) == (measure, name))


def turned(lost: int, gained: int, kept: int, **more: Any) -> Comparison:
    """Cases whose label turned wrong, turned right, and stayed right."""
    before = [True] * lost + [False] * gained + [True] * kept
    after = [False] * lost + [True] * gained + [True] * kept
    return pair(outcomes(before, **more), outcomes(after, **more))


class TestShares:
    @pytest.mark.parametrize(("lost", "gained", "p"), [(2, 0, 0.5), (8, 1, 20 / 512), (6, 0, 2 / 64), (5, 5, 1.0), (20, 4, None)])
    @pytest.mark.parametrize("measure", ["label.accuracy", "pass_rate"])
    def test_mcnemar_counts_the_cases_that_turned(self, measure: str, lost: int, gained: int, p: float | None) -> None:
        moved = change(turned(lost, gained, 80), measure)
        n = lost + gained + 80
        assert (moved.before, moved.after, moved.n) == (pytest.approx((n - gained) / n), pytest.approx((n - lost) / n), n)
        assert moved.difference == pytest.approx((gained - lost) / n)
        assert moved.p == pytest.approx(binomtest(gained, gained + lost).pvalue if p is None else p)

    def test_the_interval_is_of_the_difference(self) -> None:
        moved = change(turned(20, 4, 176))
        # 16 of 200 worse; the standard error of the mean of paired differences is sqrt((24/200 - 0.08²) / 200) = 0.0238.
        assert moved.difference == pytest.approx(-0.08)
        assert (moved.low, moved.high) == pytest.approx((-0.08 - 1.96 * 0.0238, -0.08 + 1.96 * 0.0238), abs=0.012)

    def test_precision_is_of_other_cases_in_each_run_so_that_a_bootstrap_judges_it(self) -> None:
        said = ["praise"] * 60 + ["frustration"] * 60
        expected = [{"label": [name]} for name in said]
        before = [result(f"c{at:03}", one, found=found(label=one["label"][0])) for at, one in enumerate(expected)]
        after = [
            result(f"c{at:03}", one, found=found(label="praise" if at < 90 else "frustration")) for at, one in enumerate(expected)
        ]
        moved = change(pair(before, after), "label.praise.precision")
        assert (moved.before, moved.after, moved.n) == (1.0, pytest.approx(60 / 90), 60)
        assert moved.low < moved.difference < moved.high < 0
        assert moved.p < 0.05

    def test_weights_count_in_the_difference(self) -> None:
        before = [one.model_copy(update={"weight": 4.0 if one.case < "c010" else 1.0}) for one in outcomes([True] * 60)]
        after = [
            one.model_copy(update={"weight": 4.0 if one.case < "c010" else 1.0}) for one in outcomes([False] * 5 + [True] * 55)
        ]
        moved = change(pair(before, after), "pass_rate")
        assert moved.difference == pytest.approx(-20 / 90)
        assert moved.low < moved.difference < moved.high
        assert change(pair(before, after)).difference == pytest.approx(-5 / 60)

    def test_as_many_light_cases_lost_as_heavy_ones_won_is_a_gain(self) -> None:
        def weighed(right: list[bool]) -> list[Result]:
            return [one.model_copy(update={"weight": 9.0 if one.case < "c010" else 1.0}) for one in outcomes(right)]

        before, after = [False] * 10 + [True] * 50, [True] * 10 + [False] * 10 + [True] * 40
        moved = pair(weighed(before), weighed(after))
        assert change(moved, "pass_rate").low > 0
        assert change(moved, "pass_rate").p < 0.05
        assert change(moved).p == 1  # which counts each case once


class TestMeans:
    def test_the_bootstrap_of_a_difference_covers_what_is_true(self) -> None:
        measure, covered, alarms = BY_NAME["escalation.cost"], 0, 0
        for seed in range(120):
            rng = np.random.default_rng(seed)
            right = rng.random((2, 80)) < np.array([[0.8], [0.7]])
            same = rng.random((2, 80)) < 0.8
            before, after, calm, still = (
                [result(f"c{at:03}", {"escalate": False}, found=found(escalate=not ok)) for at, ok in enumerate(row)]
                for row in (*right, *same)
            )
            moved = pair(before, after)
            found_change = moved.change(measure, "all", moved.pairs)
            assert found_change is not None
            covered += found_change.low <= 0.1 <= found_change.high
            chance = pair(calm, still)
            alarms += chance.change(measure, "all", chance.pairs).p < 0.05  # type: ignore[union-attr]
        assert 0.88 <= covered / 120 <= 0.99
        assert alarms / 120 <= 0.11  # where nothing changed, about one in twenty is taken for a change

    def test_less_is_better_of_a_cost(self) -> None:
        before = [result(f"c{at:03}", {"escalate": True}, found=found(escalate=True)) for at in range(40)]
        after = [result(f"c{at:03}", {"escalate": True}, found=found(escalate=at >= 10)) for at in range(40)]
        moved = change(pair(before, after), "escalation.cost")
        assert (moved.difference, moved.better) == (2.5, -2.5)
        assert change(pair(before, after), "escalation.recall").better == -0.25

    def test_more_errors_are_worse(self) -> None:
        broke = [one.model_copy(update={"error": "RuntimeError", "found": None}) for one in outcomes([True] * 5)]
        moved = change(pair(outcomes([True] * 40), [*broke, *outcomes([True] * 35, start=5)]), "errors")
        assert moved.better == pytest.approx(-5 / 40)


class TestTheSame:
    def test_two_runs_of_one_version_differ_in_nothing(self) -> None:
        results = made(3, n=60)[1]
        comparison = pair(results, [one.model_copy(update={"seconds": 9.0}) for one in results])
        assert comparison.changes
        assert {(one.difference, one.low, one.high, one.p) for one in comparison.changes} == {(0.0, 0.0, 0.0, 1.0)}
        assert not comparison.flips
        assert comparison.added == comparison.removed == comparison.rewritten == ()

    def test_one_seed_gives_one_answer(self) -> None:
        before, after = run_of(made(3, n=60)[1]), run_of(made(3, n=60, raised=0.3)[1])
        assert compare(before, after, seed=4).changes == compare(before, after, seed=4).changes

    def test_as_many_turned_right_as_wrong_is_told(self) -> None:
        moved = turned(3, 3, 40)
        assert change(moved).difference == 0
        assert change(moved).p == 1
        assert len(moved.flips) == 6


class TestSlices:
    def test_a_change_is_told_of_the_slice_that_moved(self) -> None:
        def cases(dutch: Sequence[bool]) -> list[Result]:
            german = outcomes([True] * 40, slices={"language": "de"})
            return [*german, *outcomes(dutch, start=40, slices={"language": "nl"})]

        moved = pair(cases([True] * 40), cases([False] * 12 + [True] * 28))
        assert change(moved, name="language=nl").difference == pytest.approx(-0.3)
        assert change(moved, name="language=de").difference == 0
        assert change(moved).difference == pytest.approx(-0.15)
        assert change(moved, name="language=nl").p == pytest.approx(2 / 2**12)

    def test_a_slice_under_thirty_pairs_is_marked(self) -> None:
        assert change(turned(2, 0, 27)).small
        assert not change(turned(2, 0, 28)).small

    def test_a_case_that_was_repeated_turns_once(self) -> None:
        def thrice(right: Sequence[bool]) -> list[Result]:
            return [one.model_copy(update={"repeat": number}) for one in outcomes(right) for number in (1, 2, 3)]

        moved = pair(thrice([True] * 40), thrice([False] * 2 + [True] * 38))
        assert (change(moved).p, change(moved).n) == (0.5, 40)
        once = change(turned(2, 0, 38))
        assert (change(moved).low, change(moved).high) == pytest.approx((once.low, once.high))

    def test_repeats_that_go_both_ways_turn_nothing(self) -> None:
        right = outcomes([True] * 40)
        wrong = outcomes([False] * 40)
        before = [*right, *(one.model_copy(update={"repeat": 2}) for one in wrong)]
        after = [*wrong, *(one.model_copy(update={"repeat": 2}) for one in right)]
        assert change(pair(before, after)).p == 1


class TestFlips:
    def test_a_case_tells_what_it_gained_and_lost(self) -> None:
        before = [result("a", {}, {"label": True, "topic": False, "level": True})]
        after = [result("a", {}, {"label": False, "topic": True, "level": True})]
        [flip] = pair(before, after).flips
        assert (flip.after.case, flip.gained, flip.lost) == ("a", ("topic",), ("label",))

    def test_those_that_lost_most_come_first(self) -> None:
        holds = {"label": True, "topic": True}
        before = [result("a", {}, {"label": False}), result("b", {}, holds), result("c", {}, holds), result("d", {}, holds)]
        after = [
            result("a", {}, {"label": True}), result("b", {}, holds | {"label": False}),
            result("c", {}, {"label": False, "topic": False}), result("d", {}, holds),
        ]  # fmt: skip
        assert [flip.after.case for flip in pair(before, after).flips] == ["c", "b", "a"]

    def test_a_case_that_raises_now_lost_all_that_held(self) -> None:
        fine, broke = result("a", {}, {"label": True, "topic": False}), result("a", error="RuntimeError: broke")
        assert [(flip.gained, flip.lost) for flip in pair([fine], [broke]).flips] == [((), ("label",))]
        assert [(flip.gained, flip.lost) for flip in pair([broke], [fine]).flips] == [(("label",), ())]

    def test_a_case_that_expects_nothing_turns_where_it_raises(self) -> None:
        fine, broke = result("a"), result("a", error="RuntimeError: broke")
        assert [(flip.gained, flip.lost) for flip in pair([fine], [broke]).flips] == [((), ("answer",))]
        assert [(flip.gained, flip.lost) for flip in pair([broke], [fine]).flips] == [(("answer",), ())]
        assert not pair([broke], [broke]).flips


class TestOnlyWhatCanBeCompared:
    def test_a_rewritten_case_is_not_compared(self) -> None:
        before, after = outcomes([True] * 40), outcomes([True] * 39 + [False])
        after[-1] = after[-1].model_copy(update={"digest": "other"})
        comparison = pair(before, after)
        assert [one.case for one in comparison.rewritten] == ["c039"]
        assert not comparison.flips
        moved = change(comparison)
        assert (moved.n, moved.difference) == (39, 0)

    def test_cases_of_one_run_only_are_named_and_not_compared(self) -> None:
        comparison = pair(outcomes([True] * 40), outcomes([False] * 5 + [True] * 35, start=5))
        assert [one.case for one in comparison.removed] == [f"c00{at}" for at in range(5)]
        assert [one.case for one in comparison.added] == [f"c0{at}" for at in range(40, 45)]
        assert change(comparison).n == 35

    def test_cases_of_one_name_in_two_suites_are_two_cases(self) -> None:
        before = [result("a", {}, {"label": True}), result("a", {}, {"label": True}, suite="other")]
        after = [result("a", {}, {"label": True}), result("a", {}, {"label": False}, suite="other")]
        assert [(flip.after.suite, flip.lost) for flip in pair(before, after).flips] == [("other", ("label",))]

    def test_a_skipped_case_is_not_compared(self) -> None:
        comparison = pair(outcomes([True] * 2), [*outcomes([True]), result("c001", skipped="later")])
        assert len(comparison.pairs) == 1
        assert [one.case for one in comparison.removed] == ["c001"]

    def test_runs_without_a_common_case_have_no_changes(self) -> None:
        comparison = pair(outcomes([True]), outcomes([True], start=5))
        assert comparison.changes == []
        assert comparison.flips == []


class TestBaseline:
    """One file instead of the run's folder: nothing that is compared may be lost with the texts."""

    def runs(self, tmp_path: Path) -> tuple[Run, Run]:
        before, after = made(21, n=70)[1], made(22, n=70)[1]
        expected = {one.case: one for one in before}
        after = [one.model_copy(update={"expected": expected[one.case].expected}) for one in after]
        for results, written in ((before, "Guten Tag, Ihr Paket kommt morgen."), (after, "Guten Tag, Ihr Paket kommt.")):
            for at in range(0, 70, 2):
                reply = Text(text=written, length=len(written), limit=None)
                one = results[at]
                answer = one.found and one.found.model_copy(update={"private": reply, "evidence": ["the words of a customer"]})
                results[at] = one.model_copy(
                    update={
                        "reference": "Guten Tag, Ihr Paket ist da.",
                        "found": answer,
                        "weight": 2.0,
                        "slices": {"language": "de"},
                    }
                )
        before[1] = before[1].model_copy(update={"found": None, "verdicts": [], "error": "RuntimeError: broke", "asserts": 2})
        before.append(result("skipped", skipped="later"))
        return stored(before, tmp_path / "before"), stored(after, tmp_path / "after")

    @pytest.mark.parametrize("name", ["baseline.jsonl", "baseline.jsonl.gz"])
    def test_gives_the_same_comparison_as_the_folder(self, tmp_path: Path, name: str) -> None:
        before, after = self.runs(tmp_path)
        write_baseline(before, tmp_path / name)
        whole, kept = compare(before, after), compare(read_run(tmp_path / name), after)
        assert {one.measure.name for one in whole.changes} >= {"draft.edit_distance", "retrieval.mrr", "label.ece", "errors"}
        assert kept.changes == whole.changes
        assert [(one.after.key, one.gained, one.lost) for one in kept.flips] == [
            (one.after.key, one.gained, one.lost) for one in whole.flips
        ]
        assert len(kept.pairs) == len(whole.pairs) == 70

    def test_of_a_baseline_gives_the_same_again(self, tmp_path: Path) -> None:
        before, _ = self.runs(tmp_path)
        write_baseline(before, tmp_path / "one.jsonl")
        write_baseline(read_run(tmp_path / "one.jsonl"), tmp_path / "two.jsonl")
        assert read_run(tmp_path / "one.jsonl").results == read_run(tmp_path / "two.jsonl").results

    def test_holds_no_words_of_customers_or_replies(self, tmp_path: Path) -> None:
        before, _ = self.runs(tmp_path)
        write_baseline(before, tmp_path / "one.jsonl")
        written = (tmp_path / "one.jsonl").read_text(encoding="utf-8")
        assert "words of a customer" in (tmp_path / "before" / LINES).read_text(encoding="utf-8")
        assert not [said for said in ("Hallo", "Guten Tag", "words of a customer", "Paket") if said in written]
