"""What stops a release, and with what reason: limits, drops that are no chance, and files of gates that are wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from test_compare import pair, run_of, stored
from test_measures import found, made, outcomes, result

from evals.compare import compare
from evals.gates import Gates, Judgement, judge, read_gates
from evals.measures import BY_NAME
from evals.results import Result, read_run, write_baseline
from service.errors import SettingsNotUsable

SHIPPED = Path(__file__).parent.parent.parent / "evals" / "gates.toml"


def gates(*limits: dict[str, Any], **more: Any) -> Gates:
    return Gates.model_validate({"gate": [{"measure": "label.accuracy"} | limit for limit in limits], **more})


def judged(limits: Gates, after: Iterable[Result], before: Iterable[Result] | None = None) -> list[Judgement]:
    after = list(after)
    return judge(limits, run_of(after), None if before is None else pair(before, after))


def verdict(limit: dict[str, Any], after: Iterable[Result], before: Iterable[Result] | None = None) -> Judgement:
    [found] = judged(gates(limit), after, before)
    return found


def wrong_first(n: int, of: int = 100, **more: Any) -> list[Result]:
    return outcomes([False] * n + [True] * (of - n), **more)


class TestLimits:
    @pytest.mark.parametrize(("wrong", "outcome"), [(9, "passed"), (10, "passed"), (11, "failed")])
    def test_a_minimum_is_the_least_that_passes(self, wrong: int, outcome: str) -> None:
        assert verdict({"minimum": 0.9}, wrong_first(wrong)).outcome == outcome

    @pytest.mark.parametrize(("broke", "outcome"), [(0, "passed"), (5, "passed"), (6, "failed")])
    def test_a_maximum_is_the_most_where_less_is_better(self, broke: int, outcome: str) -> None:
        errors = [result(f"x{at}", error="RuntimeError: broke") for at in range(broke)]
        limit = {"measure": "errors", "maximum": 0.05}
        assert verdict(limit, [*errors, *outcomes([True] * (100 - broke))]).outcome == outcome

    def test_a_number_at_its_limit_passes_however_it_was_added_up(self) -> None:
        weighed = [result(f"c{at:02}", {}, {"label": at >= 6}, weight=0.1) for at in range(60)]
        assert verdict({"measure": "pass_rate", "minimum": 0.9}, weighed).outcome == "passed"

    def test_the_reason_has_the_number_its_interval_the_limit_and_the_first_cases(self) -> None:
        found = verdict({"minimum": 0.95}, wrong_first(7))
        assert found.reason == (
            "0.930 (0.863 to 0.966, n = 100) is below the minimum of 0.95: c000, c001, c002, c003, c004 and 2 more"
        )
        assert found.title == "label.accuracy of every suite, all"

    @pytest.mark.parametrize(
        ("limit", "reason"),
        [
            ({"measure": "pass_rate", "minimum": 0.99}, "is below the minimum of 0.99: broke-a, broke-b, c000, c001"),
            ({"measure": "errors", "maximum": 0.0}, "is above the maximum of 0: broke-a, broke-b"),
        ],
    )
    def test_the_cases_are_named_whichever_way_is_worse(self, limit: dict[str, Any], reason: str) -> None:
        broke = [result(name, error="RuntimeError: broke") for name in ("broke-a", "broke-b")]
        assert reason in verdict(limit, [*wrong_first(2), *broke]).reason

    def test_a_case_that_was_repeated_is_named_once(self) -> None:
        thrice = [one.model_copy(update={"repeat": number}) for one in wrong_first(2) for number in (1, 2, 3)]
        assert verdict({"minimum": 0.99}, thrice).reason.endswith(": c000, c001")

    def test_a_statistic_of_all_cases_names_none(self) -> None:
        swapped = [result(f"c{at}", {"label": ["praise"]}, found=found(label="other")) for at in range(40)]
        assert verdict({"measure": "label.macro_f1", "minimum": 0.5}, swapped).reason.endswith("is below the minimum of 0.5")

    def test_two_limits_are_told_together(self) -> None:
        found = verdict({"minimum": 0.95, "largest_drop": 0.02}, wrong_first(20), wrong_first(0))
        assert found.outcome == "failed"
        assert "below the minimum" in found.reason
        assert "worse than the baseline" in found.reason

    def test_only_cases_of_the_suite_count(self) -> None:
        both = [*wrong_first(50), *outcomes([True] * 50, suite="safety")]
        assert verdict({"suite": "safety", "minimum": 1.0}, both).outcome == "passed"
        assert verdict({"suite": "mine", "minimum": 1.0}, both).outcome == "failed"

    def test_a_skipped_case_is_not_judged(self) -> None:
        skipped = [result(f"s{at}", {"label": ["praise"]}, skipped="later") for at in range(50)]
        assert verdict({"minimum": 1.0}, [*outcomes([True] * 40), *skipped]).outcome == "passed"

    def test_a_version_that_breaks_every_draft_does_not_pass_a_gate_of_drafts(self) -> None:
        broke = [result(f"c{at}", error="RuntimeError: broke", asserts=1) for at in range(40)]
        assert verdict({"measure": "draft.asserts", "minimum": 0.9}, broke).outcome == "failed"


class TestDrop:
    limit: dict[str, Any] = {"largest_drop": 0.01}  # noqa: RUF012 - pytest makes no instance state

    @pytest.mark.parametrize("measure", ["label.accuracy", "pass_rate", "label.praise.recall"])
    def test_two_cases_by_chance_pass(self, measure: str) -> None:
        before, after = ([moved(one) for one in wrong_first(n)] for n in (0, 2))
        found = verdict(self.limit | {"measure": measure}, after, before)
        assert found.outcome == "passed"
        assert found.reason.endswith(", was 1.000 (p = 0.5)")

    @pytest.mark.parametrize("measure", ["label.accuracy", "pass_rate", "label.praise.recall"])
    def test_a_large_one_fails_with_the_reason_and_the_cases(self, measure: str) -> None:
        before, after = ([moved(one) for one in wrong_first(n)] for n in (0, 12))
        found = verdict(self.limit | {"measure": measure}, after, before)
        assert found.outcome == "failed"
        assert found.reason == (
            "1.000 became 0.880, 0.120 worse than the baseline where 0.01 is allowed, and that is no chance "
            "(p = 0.000488, n = 100): c000, c001, c002, c003, c004 and 7 more"
        )

    def test_only_cases_that_got_worse_are_named(self) -> None:
        before = outcomes([False] * 5 + [True] * 95)
        after = outcomes([False] * 5 + [True] * 85 + [False] * 10)
        assert verdict(self.limit, after, before).reason.endswith(": c090, c091, c092, c093, c094 and 5 more")

    def test_a_gain_is_no_drop(self) -> None:
        assert verdict(self.limit, wrong_first(0), wrong_first(30)).outcome == "passed"

    def test_the_same_version_passes_everything_that_the_shipped_gates_compare(self) -> None:
        results = [*made(8, n=80)[1], *(one.model_copy(update={"suite": "safety"}) for one in made(9, n=80)[1])]
        found = judged(read_gates(SHIPPED), results, results)
        assert found
        assert not [
            one.title for one in found if one.outcome == "failed" and one.gate.minimum is None and one.gate.maximum is None
        ]

    def test_exactly_what_is_allowed_passes_however_sure(self) -> None:
        before, after = wrong_first(0, of=500), wrong_first(10, of=500)
        assert verdict({"largest_drop": 0.02}, after, before).outcome == "passed"
        assert verdict({"largest_drop": 0.0199}, after, before).outcome == "failed"

    def test_a_sure_drop_within_the_allowance_passes(self) -> None:
        assert verdict({"largest_drop": 0.2}, wrong_first(12), wrong_first(0)).outcome == "passed"

    def test_the_file_says_how_sure_a_drop_must_be(self) -> None:
        before, after = wrong_first(0), wrong_first(6)  # p = 2 / 64 = 0.031
        [strict] = judged(gates(self.limit, significance=0.01), after, before)
        [usual] = judged(gates(self.limit), after, before)
        assert (strict.outcome, usual.outcome) == ("passed", "failed")

    def test_a_cost_that_rises_is_a_drop(self) -> None:
        before = [result(f"c{at:03}", {"escalate": True}, found=found(escalate=True)) for at in range(60)]
        after = [result(f"c{at:03}", {"escalate": True}, found=found(escalate=at >= 10)) for at in range(60)]
        limit = {"measure": "escalation.cost", "largest_drop": 0.05}
        failed = verdict(limit, after, before)
        assert failed.outcome == "failed"
        assert failed.reason.startswith("0.000 became 1.667, 1.667 worse than the baseline where 0.05 is allowed")
        assert failed.reason.endswith(": c000, c001, c002, c003, c004 and 5 more")
        assert verdict(limit, before, after).outcome == "passed"

    def test_a_statistic_of_all_cases_names_those_that_no_longer_pass(self) -> None:
        before = [labelled(at, "praise" if at % 2 else "frustration") for at in range(80)]
        after = [labelled(at, "praise") if at < 40 else one for at, one in enumerate(before)]
        failed = verdict({"measure": "label.macro_f1", "largest_drop": 0.05}, after, before)
        assert failed.outcome == "failed"
        assert failed.reason.endswith(": c000, c002, c004, c006, c008 and 15 more")

    def test_repeats_make_chance_no_surer(self) -> None:
        def thrice(wrong: int) -> list[Result]:
            return [one.model_copy(update={"repeat": number}) for one in wrong_first(wrong) for number in (1, 2, 3)]

        assert verdict(self.limit, thrice(2), thrice(0)).outcome == "passed"
        assert verdict(self.limit, thrice(12), thrice(0)).outcome == "failed"

    def test_a_rewritten_case_is_not_held_against_the_release(self) -> None:
        after = [one.model_copy(update={"digest": f"new-{one.case}"}) if one.case < "c020" else one for one in wrong_first(20)]
        found = verdict(self.limit, after, wrong_first(0))
        assert found.outcome == "passed"
        assert found.reason.startswith("0.800 ")

    @pytest.mark.parametrize("more", [{}, {"minimum": 0.5}])
    def test_without_a_baseline_a_drop_is_not_judged_and_that_is_said(self, more: dict[str, float]) -> None:
        found = verdict(self.limit | more, wrong_first(3))
        assert found.outcome == ("passed" if more else "nothing to judge")
        assert found.reason.endswith("n = 100), not compared: no baseline")

    def test_a_baseline_of_other_cases_is_no_pass(self) -> None:
        found = verdict(self.limit, wrong_first(3), outcomes([True] * 100, start=500))
        assert found.outcome == "nothing to judge"
        assert found.reason.endswith("not compared: the baseline says nothing of these cases")

    def test_a_drop_over_under_thirty_common_cases_is_not_gated(self) -> None:
        found = verdict(self.limit, wrong_first(20), outcomes([True] * 29))
        assert found.outcome == "too small"
        assert found.reason.endswith("not compared: the baseline has 29 of these cases, under 30")
        assert verdict(self.limit, wrong_first(20), outcomes([True] * 30)).outcome == "failed"


def labelled(at: int, label: str) -> Result:
    said = "praise" if at % 2 else "frustration"
    return result(f"c{at:03}", {"label": [said]}, {"label": said == label}, found=found(label=label))


def moved(one: Result) -> Result:
    """The result with an answer that fits its verdict."""
    [said] = one.verdicts
    return one.model_copy(update={"found": found(label="praise" if said.holds else "other")})


class TestSlices:
    def sliced(self, **wrong: int) -> list[Result]:
        """Forty cases of each language, so many of them wrong; those of xx are only ten."""
        rows = [wrong_first(n, 10 if name == "xx" else 40, slices={"language": name}) for name, n in wrong.items()]
        return [one.model_copy(update={"case": f"{one.slices['language']}-{one.case}"}) for row in rows for one in row]

    def test_a_star_is_every_slice(self) -> None:
        found = judged(gates({"minimum": 0.9, "slices": ["language=*"]}), self.sliced(de=0, nl=8, fr=2))
        assert [(one.slice, one.outcome) for one in found] == [
            ("language=de", "passed"), ("language=fr", "passed"), ("language=nl", "failed"),
        ]  # fmt: skip
        assert "nl-c000, nl-c001" in found[2].reason

    def test_a_drop_in_one_language_is_found_where_the_whole_hides_it(self) -> None:
        before = self.sliced(de=0, en=0, es=0, fr=0, nl=0, sv=0)
        after = self.sliced(de=0, en=0, es=0, fr=0, nl=8, sv=0)
        found = judged(gates({"largest_drop": 0.05, "slices": ["all", "language=*"]}), after, before)
        assert [one.slice for one in found if one.outcome == "failed"] == ["language=nl"]
        assert len(found) == 7

    def test_a_slice_under_thirty_cases_is_shown_and_not_gated(self) -> None:
        found = judged(gates({"minimum": 1.0, "slices": ["language=*"]}), self.sliced(de=0, xx=10))
        assert [(one.slice, one.outcome) for one in found] == [("language=de", "passed"), ("language=xx", "too small")]
        assert found[1].reason == "0.000 (0.000 to 0.278, n = 10): under 30 cases, too small to gate"
        assert found[1].number is not None
        assert found[1].number.small

    def test_thirty_cases_are_enough(self) -> None:
        assert verdict({"minimum": 1.0}, wrong_first(1, of=29)).outcome == "too small"
        assert verdict({"minimum": 1.0}, wrong_first(1, of=30)).outcome == "failed"

    def test_a_suite_is_a_slice_also_where_it_is_alone(self) -> None:
        found = verdict({"minimum": 1.0, "slices": ["suite=mine"]}, wrong_first(1))
        assert (found.slice, found.outcome) == ("suite=mine", "failed")

    @pytest.mark.parametrize(
        ("limit", "hint"),
        [
            ({"slices": ["langauge=de"]}, "; did you mean 'language=de'?"),
            ({"suite": "mime"}, "; did you mean 'mine'?"),
            ({"slices": ["industry=*"]}, ""),
            ({"suite": "retrieval"}, ""),
        ],
    )
    def test_what_the_run_does_not_have_is_told_with_what_is_nearest(self, limit: dict[str, Any], hint: str) -> None:
        found = verdict({"minimum": 1.0} | limit, self.sliced(de=0))
        assert (found.outcome, found.reason) == ("nothing to judge", f"the run has no such cases{hint}")

    def test_a_measure_that_no_case_speaks_of_is_nothing_to_judge(self) -> None:
        assert verdict({"measure": "order.accuracy", "minimum": 1.0}, wrong_first(0)).outcome == "nothing to judge"

    def test_an_empty_run_is_nothing_to_judge(self) -> None:
        assert verdict({"minimum": 1.0}, []).outcome == "nothing to judge"


class TestBaseline:
    @pytest.mark.parametrize("name", ["baseline.jsonl", "baseline.jsonl.gz"])
    def test_a_baseline_file_judges_as_the_folder_does(self, tmp_path: Path, name: str) -> None:
        before = stored(wrong_first(0), tmp_path / "before")
        after = stored(wrong_first(12), tmp_path / "after")
        write_baseline(before, tmp_path / name)
        limits = gates({"largest_drop": 0.01}, {"measure": "pass_rate", "largest_drop": 0.01})
        whole = judge(limits, after, compare(before, after))
        assert judge(limits, after, compare(read_run(tmp_path / name), after)) == whole
        assert [one.outcome for one in whole] == ["failed", "failed"]


class TestFile:
    def refused(self, tmp_path: Path, text: str) -> str:
        path = tmp_path / "gates.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsNotUsable) as caught:
            read_gates(path)
        said = caught.value.detail
        assert said.startswith(str(path))
        assert "\n" not in said
        return said.removeprefix(str(path))

    FINE = '[[gate]]\nmeasure = "errors"\nmaximum = 0.0\n\n'

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                FINE + '[[gate]]\nsuite = "safety"\n# accuracy\nmeasure = "label.acuracy"\nminimum = 0.9\n',
                ":8: gate.1.measure: unknown measure 'label.acuracy'; did you mean 'label.accuracy'?",
            ),
            (
                FINE + '[[gate]]\nmeasure = "label.accuracy"\nminimun = 0.9\n',
                ":7: unknown key 'gate.1.minimun'; did you mean 'minimum'?",
            ),
            (
                FINE + '[[gate]]\nmeasur = "label.accuracy"\nminimum = 0.9\n' + FINE,
                ":6: unknown key 'gate.1.measur'; did you mean 'measure'?",
            ),
            (
                "# significanse is a word\nsignificanse = 0.05\n" + FINE,
                ":2: unknown key 'significanse'; did you mean 'significance'?",
            ),
            ("significance = 5\n" + FINE, ":1: significance: Input should be less than 1"),
            (FINE + "[[gate]]\nminimum = 0.9\n\n" + FINE, ":5: gate.1.measure: Field required"),
            (
                FINE + '[[gate]]\nmeasure = "pass_rate"\nslices = "all"\nminimum = 1\n',
                ":7: gate.1.slices: Input should be a valid list",
            ),
            (
                FINE + '[[gate]]\nmeasure = "pass_rate"\nslices = []\nminimum = 1\n',
                ":7: gate.1.slices: List should have at least 1 item after validation, not 0",
            ),
            (
                FINE + '[[gate]]\nmeasure = "pass_rate"\nlargest_drop = -0.1\n',
                ":7: gate.1.largest_drop: Input should be greater than or equal to 0",
            ),
            (FINE + '[[gate]]\nmeasure = "pass_rate"\nminimum = nan\n', ":7: gate.1.minimum: Input should be a finite number"),
            (
                FINE + '[[gate]]\nmeasure = "pass_rate"\n',
                ":5: gate.1: the gate of pass_rate sets no limit: give minimum, maximum or largest_drop",
            ),
            (
                FINE + '[[gate]]\nmeasure = "label.ece"\nminimum = 0.1\n',
                ":5: gate.1: of label.ece less is better, so that a minimum holds nothing back: give maximum",
            ),
        ],
    )
    def test_what_is_wrong_is_told_with_line_key_and_the_nearest_valid_one(
        self, tmp_path: Path, text: str, expected: str
    ) -> None:
        assert self.refused(tmp_path, text) == expected

    def test_a_measure_like_no_other_is_told_with_all_there_are(self, tmp_path: Path) -> None:
        said = self.refused(tmp_path, '[[gate]]\nmeasure = "zzzz"\nminimum = 1\n')
        assert said.startswith(":2: gate.0.measure: unknown measure 'zzzz'; there are: pass_rate, errors, ")
        assert all(name in said for name in BY_NAME)

    def test_what_is_no_toml_is_told_with_its_line(self, tmp_path: Path) -> None:
        assert "line 3" in self.refused(tmp_path, '[[gate]]\nmeasure = "errors"\nmaximum 0\n')

    def test_a_file_without_gates_judges_nothing_and_is_refused(self, tmp_path: Path) -> None:
        assert "gate: Field required" in self.refused(tmp_path, "")

    def test_what_is_missing_or_no_text_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsNotUsable, match="can't be read"):
            read_gates(tmp_path / "none.toml")
        (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(SettingsNotUsable, match="can't be read"):
            read_gates(tmp_path / "bytes.toml")

    def test_a_file_that_windows_saved_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "gates.toml").write_bytes(b"\xef\xbb\xbf" + self.FINE.replace("\n", "\r\n").encode())
        assert [one.measure for one in read_gates(tmp_path / "gates.toml").gate] == ["errors"]

    def test_the_shipped_gates_are_valid_and_gate_suites_that_are_shipped(self) -> None:
        found = read_gates(SHIPPED)
        named = {gate.suite for gate in found.gate if gate.suite}
        assert found.gate
        assert all((SHIPPED.parent / "suites" / name).is_dir() for name in named)


class TestCommand:
    """`firstreply eval gate`: the exit code is what a pipeline sees."""

    def gate(self, run: Callable[..., subprocess.CompletedProcess[str]], folder: Path, limits: str, **options: Path) -> Any:
        (folder / "gates.toml").write_text(limits, encoding="utf-8")
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return run("eval", "gate", folder / "after", "--gates", folder / "gates.toml", *words)

    @pytest.mark.parametrize(("wrong", "code"), [(2, 0), (12, 1)])
    def test_a_worse_version_ends_with_1_and_a_harmless_one_with_0(
        self, run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, wrong: int, code: int
    ) -> None:
        write_baseline(stored(wrong_first(0), tmp_path / "before"), tmp_path / "baseline.jsonl")
        stored(wrong_first(wrong), tmp_path / "after")
        limits = '[[gate]]\nmeasure = "label.accuracy"\nlargest_drop = 0.01\n'
        done = self.gate(run, tmp_path, limits, baseline=tmp_path / "baseline.jsonl")
        assert done.returncode == code, done.stdout + done.stderr
        said = next(line for line in done.stdout.splitlines() if "label.accuracy of every suite, all" in line)
        assert said.startswith("FAILED" if code else "passed")
        assert ("c000, c001, c002, c003, c004 and 7 more" in said) is bool(code)

    def test_a_typo_ends_with_2_and_one_line(self, run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
        stored(wrong_first(0), tmp_path / "after")
        done = self.gate(run, tmp_path, '[[gate]]\nmeasure = "pass_rat"\nminimum = 1.0\n')
        assert done.returncode == 2
        assert (
            f"{tmp_path / 'gates.toml'}:2: gate.0.measure: unknown measure 'pass_rat'; did you mean 'pass_rate'?" in done.stderr
        )
        assert "Traceback" not in done.stderr
