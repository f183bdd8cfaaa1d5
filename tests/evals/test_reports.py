"""The files of a report, without a browser: they say the same, parse, and can't be broken by what customers write."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from evals.compare import Comparison, compare
from evals.gates import Gate, Gates, Judgement, judge
from evals.report.write import write_reports
from evals.results import Found, Head, Result, Run, Text, Verdict, read_run, write_baseline
from service.errors import SettingsNotUsable

GATES = Gates(
    gate=[
        Gate(measure="errors", maximum=0.0),
        Gate(measure="label.accuracy", minimum=0.5, slices=["all", "language=*"]),
        Gate(measure="order.accuracy", minimum=1.0),
        Gate(measure="pass_rate", suite="safety", minimum=1.0),
        Gate(measure="label.accuracy", largest_drop=0.02),
    ]
)
HOSTILE = {
    "markup": '<img src="https://evil.example/x.png" onerror="alert(1)"><b>bold</b>',
    "script": "</script><script>document.title = 'taken'</script><!--<script>",
    "template": "{{ 7 * 7 }} {% raw %} &lt;b&gt; \"' `|`",
    "line separators": "one\u2028two\u2029three\r\nfour\x85five",
    "control characters": "nul \0 bell \x07 escape \x1b[31m and \ufffe\uffff",
    "right to left": "\u202egnp.exe\u202c \u2066isolate",
}


def found(**fields: Any) -> Found:
    given = {
        "label": "information_seeking", "also": [], "scores": {"frustration": 0.1, "information_seeking": 0.9}, "level": "none",
        "trajectory": "steady", "topic": "delivery", "urgency": "normal", "addressed": "direct", "language": "de",
        "confidence": 0.9, "signals": [], "escalate": False, "score": 0.1, "reasons": [], "evidence": [], "queue": "general",
        "priority": "normal", "passages": {"late-parcel": 0.91}, "orders": [], "action": "reply", "public": None,
        "private": Text(text="Dein Paket ist unterwegs.", length=25, limit=None), "sources": [], "failed_checks": [],
    }  # fmt: skip
    return Found.model_validate(given | fields)


def result(case: str, fails: Sequence[str] = (), **fields: Any) -> Result:
    """A case that expects information_seeking; `fails` names the verdicts that do not hold."""
    label = "praise" if "label" in fails else "information_seeking"
    names = dict.fromkeys(("label", *fails, "checks"))
    given = {
        "suite": "care", "case": case, "digest": "d", "text": f"Wo ist mein Paket? ({case})", "channel": "x",
        "expected": {"label": ["information_seeking"], "escalate": False}, "slices": {"language": "de"},
        "found": found(label=label), "seconds": 0.25,
        "verdicts": [Verdict(name=name, holds=name not in fails, why=f"why {name}") for name in names],
    }  # fmt: skip
    return Result.model_validate(given | fields)


def raised(case: str, error: str = "TimeoutError: no answer within 60 s", **fields: Any) -> Result:
    return result(case, found=None, verdicts=[], error=error, **fields)


def run(folder: Path, results: Sequence[Result], **head: Any) -> Run:
    given = {"made_at": "2026-11-22T09:00:00+00:00", "suites": {"care": "d"}, "target": "in process"} | head
    return Run(folder=folder, head=Head.model_validate(given), results=sorted(results, key=lambda one: one.key))


def results() -> list[Result]:
    """44 that were judged: 2 raised, 5 fail, 37 pass; 2 skipped. Two suites, one case twice."""
    return [
        *(result(f"calm-{at:02}") for at in range(30)),
        *(result(f"mistaken-{at}", ["label"]) for at in range(4)),
        result("twofold", ["label", "assert:contains#2"]),
        *(raised(f"broken-{at}") for at in range(2)),
        result("again"), result("again", repeat=2),
        *(result(f"safe-{at}", suite="safety", slices={"language": "en"}) for at in range(5)),
        *(result(f"later-{at}", found=None, verdicts=[], skipped="waits for the carrier") for at in range(2)),
    ]  # fmt: skip


def pair(tmp_path: Path) -> tuple[Run, Comparison, list[Judgement]]:
    """The run, its comparison with one in which all was well but "calm-00", and its gates."""
    before = [result("calm-00", ["label"]), *(result(one.case, suite=one.suite, repeat=one.repeat) for one in results()[1:])]
    after = run(tmp_path / "after", results())
    comparison = compare(run(tmp_path / "before", before), after)
    return after, comparison, judge(GATES, after, comparison)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The folder of a report with gates and a comparison."""
    done, comparison, judged = pair(tmp_path)
    write_reports(done, judgements=judged, comparison=comparison)
    return done.folder


class Page(HTMLParser):
    """What a browser would see: tags with attributes, the text of scripts and styles, tables as lists of rows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.seen = ""
        self._table: list[list[str]] = []
        self._within = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._within = tag if tag in ("script", "style") else self._within
        if tag == "div" and dict(attrs).get("role") == "region":
            self._table = self.tables.setdefault(str(dict(attrs)["aria-label"]), [])
        elif tag == "tr":
            self._table.append([])
        elif tag in ("th", "td"):
            self._table[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._within = ""
        elif tag == "table":
            self._table = []

    def handle_data(self, data: str) -> None:
        if self._within:
            (self.scripts if self._within == "script" else self.styles).append(data)
            return
        self.seen += data
        if self._table and self._table[-1]:
            self._table[-1][-1] += data.strip("\n")

    @property
    def cases(self) -> list[dict[str, Any]]:
        """The cases that the page lists, in order."""
        rows: list[dict[str, Any]] = json.loads(self.scripts[0])
        return rows


def page_of(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return content


def table(markdown: str, first: str) -> list[list[str]]:
    """The cells of the Markdown table whose first heading is `first`, without its heading."""
    lines = markdown.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {first} |")) + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def test_junit_counts_every_case_and_every_gate_once(written: Path) -> None:
    xml = JUnitXml.fromfile(str(written / "junit.xml"))
    suites = {suite.name: suite for suite in xml}

    def counts(one: Any) -> tuple[int, int, int, int]:
        return one.tests, one.failures, one.errors, one.skipped

    assert list(suites) == ["care", "safety", "gates"]
    assert counts(suites["care"]) == (41, 5, 2, 2)
    assert counts(suites["safety"]) == (5, 0, 0, 0)
    assert suites["care"].time == pytest.approx(41 * 0.25)
    root = ElementTree.parse(written / "junit.xml").getroot()
    told = [int(root.attrib[name]) for name in ("tests", "failures", "errors", "skipped")]
    assert told == [sum(counts(suite)[at] for suite in suites.values()) for at in range(4)]
    for name, suite in suites.items():
        cases = [(case.classname, case.name) for case in suite]
        assert len(cases) == len(set(cases)) == suite.tests, name


def test_junit_gives_each_outcome_with_its_reason(written: Path) -> None:
    xml = JUnitXml.fromfile(str(written / "junit.xml"))
    cases = {case.name: case for suite in xml for case in suite}

    assert cases["calm-01"].result == []
    [failure] = cases["twofold"].result
    assert isinstance(failure, Failure)
    assert failure.message == "label; assert:contains#2"
    assert failure.text == "label: why label\nassert:contains#2: why assert:contains#2"
    [error] = cases["broken-0"].result
    assert (type(error), error.message) == (Error, "TimeoutError: no answer within 60 s")
    [skipped] = cases["later-1"].result
    assert (type(skipped), skipped.message) == (Skipped, "waits for the carrier")
    assert {"again", "again #2"} <= set(cases)


def test_junit_has_the_gates_as_a_suite_that_fails_where_a_gate_fails(tmp_path: Path) -> None:
    done, comparison, judged = pair(tmp_path)
    write_reports(done, judgements=judged, comparison=comparison)
    gates = {case.name: case for suite in JUnitXml.fromfile(str(done.folder / "junit.xml")) for case in suite
             if suite.name == "gates"}  # fmt: skip
    outcomes = {f"{one.title}: {', '.join(one.gate.limits)}": (one.outcome, one.reason) for one in judged}

    assert Counter(outcome for outcome, _ in outcomes.values()) == {
        "failed": 1, "passed": 3, "too small": 2, "nothing to judge": 1,
    }  # fmt: skip
    for title, (outcome, reason) in outcomes.items():
        kinds = [(type(one), one.message) for one in gates[title].result]
        if outcome == "passed":
            assert kinds == []
        elif outcome == "failed":
            assert kinds == [(Failure, reason)]
        else:
            assert kinds == [(Skipped, f"{outcome}: {reason}")]
    assert "broken-0, broken-1" in outcomes["errors of every suite, all: at most 0"][1]


def test_a_run_without_gates_has_no_suite_of_gates(tmp_path: Path) -> None:
    done = run(tmp_path / "plain", results())
    write_reports(done)

    assert [suite.name for suite in JUnitXml.fromfile(str(done.folder / "junit.xml"))] == ["care", "safety"]
    assert "Gates" not in page_of(done.folder).tables
    assert metrics(done.folder)["gates"] == []
    assert (done.folder / "summary.md").read_text().startswith("## Evals\n")


def test_a_suite_of_thousands_is_written_in_seconds(tmp_path: Path) -> None:
    from evals.report import junit

    done = run(tmp_path, [result(f"c{at}", ["label"] if at % 2 else []) for at in range(5000)])
    began = time.monotonic()
    junit.write(done, [], tmp_path / "junit.xml")

    assert time.monotonic() - began < 8
    assert JUnitXml.fromfile(str(tmp_path / "junit.xml")).failures == 2500


def test_json_and_markdown_say_the_same_numbers(written: Path) -> None:
    content, markdown = metrics(written), (written / "summary.md").read_text(encoding="utf-8")
    changes = {one["measure"]: one for one in content["changes"] if one["slice"] == "all"}
    expected = []
    for one in content["measures"]:
        if one["slice"] == "all":
            change = changes.get(one["measure"])  # none of a measure that one of the runs says nothing of
            moved = [f"{change['before']:.3f}", f"{change['p']:.2g}"] if change else ["", ""]
            row = [one["measure"], f"{one['value']:.3f}", f"{one['low']:.3f} to {one['high']:.3f}", str(one["n"]), *moved]
            expected.append(row)

    assert table(markdown, "measure") == expected
    assert len(changes) > 5
    assert content["cases"] == {"judged": 44, "passed": 37, "errors": 2, "skipped": 2}
    assert "37 of 44 cases pass, 2 raised, 2 skipped." in markdown
    values = {one["measure"]: one["value"] for one in content["measures"] if one["slice"] == "all"}
    assert values["pass_rate"] == pytest.approx(37 / 44, abs=1e-6)
    assert values["errors"] == pytest.approx(2 / 44, abs=1e-6)
    failed = [gate for gate in content["gates"] if gate["outcome"] == "failed"]
    assert table(markdown, "gate") == [[gate["measure"], gate["slice"], "❌ failed", gate["reason"]] for gate in failed]


def test_html_says_the_numbers_of_the_json(written: Path) -> None:
    content, page = metrics(written), page_of(written)
    told = {row[0]: [cell.removesuffix(" small") for cell in row[1:4]] for row in page.tables["Numbers of all cases"][1:]}

    assert told == {
        one["measure"]: [f"{one['value']:.3f}", f"{one['low']:.3f} – {one['high']:.3f}", str(one["n"])]
        for one in content["measures"] if one["slice"] == "all"
    }  # fmt: skip
    assert "84.1\xa0% of 44 cases pass" in page.seen
    gates = sorted((row[0], row[2], row[4], row[5]) for row in page.tables["Gates"][1:])
    assert gates == sorted((one["measure"], one["slice"], one["outcome"], one["reason"]) for one in content["gates"])
    heading, *rows = page.tables["Slices"]
    de = next(row for row in rows if row[0] == "language=de")
    rate = next(one for one in content["measures"] if (one["measure"], one["slice"]) == ("pass_rate", "language=de"))
    assert de[heading.index("pass_rate")].startswith(f"{rate['value']:.3f} ({rate['n']})")


def test_what_failed_comes_first_among_the_gates_with_what_it_asks_for(written: Path) -> None:
    page = page_of(written)
    rows = page.tables["Gates"][1:]

    outcomes = [row[4] for row in rows]
    assert outcomes == ["failed", "passed", "passed", "passed", "too small", "too small", "nothing to judge"]
    assert rows[0][3] == "at most 0"
    assert "drop at most 0.02" in [row[3] for row in rows]
    assert "1 gate failed" in page.seen


def test_a_slice_under_thirty_cases_is_marked(written: Path) -> None:
    heading, *rows = page_of(written).tables["Slices"]
    at = heading.index("pass_rate")
    cells = {row[0]: row[at] for row in rows}

    assert "*" in cells["language=en"]
    assert "*" not in cells["language=de"]
    small = {one["slice"]: one["too_small_to_gate"] for one in metrics(written)["measures"] if one["measure"] == "pass_rate"}
    assert small == {"all": False, "language=de": False, "language=en": True, "suite=care": False, "suite=safety": True}


def test_a_matrix_counts_expected_against_found_and_those_that_raised(written: Path) -> None:
    rows = page_of(written).tables["Confusion matrix of label"]

    assert rows == [["expected \\ found", "information_seeking", "praise", "raised"], ["information_seeking", "37", "5", "2"]]


def test_a_matrix_of_levels_is_in_their_own_order(tmp_path: Path) -> None:
    levels = ["strong", "none", "moderate", "mild"]
    done = run(tmp_path, [result(level, expected={"level": [level]}, found=found(level=level)) for level in levels])
    write_reports(done)

    rows = page_of(tmp_path).tables["Confusion matrix of level"]
    assert rows[0][1:] == [row[0] for row in rows[1:]] == ["none", "mild", "moderate", "strong"]


def test_cases_come_worst_first(written: Path) -> None:
    cases = page_of(written).cases
    names = [row["case"] for row in cases]

    assert names[:7] == ["broken-0", "broken-1", "twofold", "mistaken-0", "mistaken-1", "mistaken-2", "mistaken-3"]
    assert [row["state"] for row in cases] == ["raised"] * 2 + ["failed"] * 5 + ["passed"] * 37 + ["skipped"] * 2


def test_a_turned_case_carries_both_texts_and_what_turned(tmp_path: Path) -> None:
    before = run(tmp_path / "a", [result("turned"), result("same")])
    after = run(tmp_path / "b", [result("turned", ["label"], found=found(private=Text(text="Neu.", length=4, limit=None))),
                                 result("same")])  # fmt: skip
    write_reports(after, comparison=compare(before, after))

    first, second = page_of(after.folder).cases
    assert (first["case"], first["lost"], first["gained"]) == ("turned", ["label"], [])
    assert (first["before"]["private"], first["found"]["private"]) == ("Dein Paket ist unterwegs.", "Neu.")
    assert "before" not in second
    assert metrics(after.folder)["flips"] == [{"suite": "care", "case": "turned", "repeat": 1, "gained": [], "lost": ["label"]}]


def test_a_comparison_with_a_baseline_file_says_that_it_has_no_texts(tmp_path: Path) -> None:
    write_baseline(run(tmp_path / "a", [result("turned")]), tmp_path / "all.jsonl")
    after = run(tmp_path / "b", [result("turned", ["label"])])
    write_reports(after, comparison=compare(read_run(tmp_path / "all.jsonl"), after))

    [row] = page_of(after.folder).cases
    assert (row["before"]["private"], row["told"]) == (None, "A baseline file keeps no texts.")


@pytest.mark.parametrize(
    ("gates", "title"),
    [
        ([], "## Evals"),
        ([Gate(measure="errors", maximum=0.5)], "## Evals: gates passed"),
        ([Gate(measure="errors", maximum=0.0)], "## Evals: 1 gate failed"),
        ([Gate(measure="errors", maximum=0.0), Gate(measure="pass_rate", minimum=1.0)], "## Evals: 2 gates failed"),
        ([Gate(measure="order.accuracy", minimum=1.0)], "## Evals: no gate could judge anything"),
    ],
)
def test_the_first_line_of_the_summary_is_the_verdict(gates: list[Gate], title: str, tmp_path: Path) -> None:
    done = run(tmp_path, results())
    write_reports(done, judgements=judge(Gates(gate=gates), done, None) if gates else [])

    assert (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()[0] == title


def test_the_summary_names_what_turned_and_what_fails(written: Path, tmp_path: Path) -> None:
    lines = (written / "summary.md").read_text(encoding="utf-8").splitlines()

    turned, fail = lines.index("8 cases turned:"), lines.index("7 cases fail:")
    assert "- `calm-00` gained label" in lines[turned:fail]
    assert "- `twofold` lost label" in lines[turned:fail]
    assert lines[fail + 2] == "- `broken-0` TimeoutError: no answer within 60 s"
    assert "- `twofold` label, assert:contains#2" in lines[fail:]

    many = run(tmp_path / "many", [result(f"c{at:02}", ["label"]) for at in range(40)])
    write_reports(many)
    assert (many.folder / "summary.md").read_text(encoding="utf-8").endswith("- `c14` label\n- … and 25 more\n")


def test_the_page_is_one_file_that_names_nothing_to_fetch(written: Path) -> None:
    page = page_of(written)
    attributes = [(tag, name, value or "") for tag, given in page.tags for name, value in given.items()]

    assert [found for found in attributes if found[1] in ("src", "srcset", "data", "action", "background", "poster")] == []
    assert {value[:1] for _, name, value in attributes if name in ("href", "xlink:href")} == {"#"}
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "img", "iframe", "object", "embed", "base", "audio", "video"})
    assert [value for _, name, value in attributes if name == "style" and "url" in value] == []
    assert not re.search(r"url\(|@import", "".join(page.styles))
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|import\(|sendBeacon|EventSource|https?:", page.scripts[1])
    policy = next(given["content"] for tag, given in page.tags if given.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; ")
    assert "connect-src" not in str(policy)
    targets = {str(given["href"])[1:] for tag, given in page.tags if tag == "a"}
    assert targets <= {given.get("id") for _, given in page.tags}


def hostile_run(folder: Path, text: str) -> tuple[Run, list[Judgement]]:
    """A run in which everything that can be free text is this one."""
    one = result(
        "case", ["label"], text=text, thread=[text], tags=[text], slices={"industry": text}, reference=text,
        found=found(label="praise", private=Text(text=text, length=1, limit=None), orders=[text], passages={text: 0.5},
                    sources=[text], reasons=[text], topic=text, level=text),
        expected={"label": ["information_seeking"], "topic": [text], "level": [text]},
        verdicts=[Verdict(name="label", holds=False, why=text)],
    )  # fmt: skip
    done = run(folder, [one, raised("error", text), result("later", verdicts=[], skipped=text or "later")],
               versions={"service": text}, filters=[text], target=text, suites={text: "d"})  # fmt: skip
    gate = Gate(measure="errors", maximum=0.0)
    return done, [Judgement(gate, text, "failed", text), Judgement(gate, text, "too small", text)]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_a_customer_writes_never_becomes_markup(text: str, tmp_path: Path) -> None:
    for name, said in (("plain", "Hallo"), ("hostile", text)):
        done, judged = hostile_run(tmp_path / name, said)
        write_reports(done, judgements=judged, comparison=compare(run(tmp_path / "before", [result("case")]), done))
    plain, hostile = page_of(tmp_path / "plain"), page_of(tmp_path / "hostile")

    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert [list(given) for _, given in hostile.tags] == [list(given) for _, given in plain.tags]
    assert hostile.scripts[1] == plain.scripts[1]
    row = next(row for row in hostile.cases if row["case"] == "case")
    assert (row["text"], row["thread"], row["tags"], row["reference"]) == (text, [text], [text], text)
    assert (row["found"]["private"], row["verdicts"]) == (text, [["label", False, text]])
    raw = (tmp_path / "hostile" / "report.html").read_text(encoding="utf-8")
    assert "\0" not in raw
    assert not re.search("[<\u2028\u2029]", hostile.scripts[0])

    cases = {case.name for suite in JUnitXml.fromfile(str(tmp_path / "hostile" / "junit.xml")) for case in suite}
    assert {"case", "error", "later"} <= cases
    assert metrics(tmp_path / "hostile")["run"]["target"] == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_cell_of_the_summary_stays_a_cell(text: str, tmp_path: Path) -> None:
    done, judged = hostile_run(tmp_path, text)
    write_reports(done, judgements=judged)
    markdown = (tmp_path / "summary.md").read_text(encoding="utf-8")

    [row] = table(markdown, "gate")
    assert len(row) == 4
    assert "<" not in markdown


def test_half_a_surrogate_pair_costs_a_character_not_the_report(tmp_path: Path) -> None:
    done, judged = hostile_run(tmp_path, "plain")
    done.results[0] = done.results[0].model_copy(update={"text": "cut \ud83d off", "error": "ValueError: \udc80"})
    write_reports(done, judgements=[*judged, Judgement(judged[0].gate, "all", "failed", "cut \ud83d off")])

    assert page_of(tmp_path).cases[0]["text"] == "cut ? off"
    assert "cut ? off" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert metrics(tmp_path)["gates"][-1]["reason"] == "cut ? off"
    gates = [case for suite in JUnitXml.fromfile(str(tmp_path / "junit.xml")) for case in suite if suite.name == "gates"]
    assert gates[-1].result[0].message == "cut  off"


@pytest.mark.parametrize(
    "some", [[], [result("later", found=None, verdicts=[], skipped="not yet")]], ids=["empty", "all skipped"]
)
def test_a_run_in_which_nothing_was_judged_has_a_report_too(some: list[Result], tmp_path: Path) -> None:
    done = run(tmp_path, some)
    write_reports(done, judgements=judge(GATES, done, None))

    assert metrics(tmp_path)["cases"] == {"judged": 0, "passed": 0, "errors": 0, "skipped": len(some)}
    assert "0 of 0 cases pass" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    page = page_of(tmp_path)
    assert "of 0 cases pass" in page.seen
    assert {row[4] for row in page.tables["Gates"][1:]} == {"nothing to judge"}


def test_a_report_written_twice_is_the_same(written: Path, tmp_path: Path) -> None:
    names = ("report.html", "junit.xml", "metrics.json", "summary.md")
    first = {name: (written / name).read_bytes() for name in names}
    done, comparison, judged = pair(tmp_path)
    write_reports(done, judgements=judged, comparison=comparison)

    assert {name: (written / name).read_bytes() for name in names} == first


def test_a_run_is_called_by_the_whole_name_of_its_folder(tmp_path: Path) -> None:
    before, after = run(tmp_path / "release-1.2", [result("one")]), run(tmp_path / "release-1.3", [result("one")])
    write_reports(after, comparison=compare(before, after))

    assert "Evals: release-1.3" in page_of(after.folder).seen
    assert "Compared with release-1.2: 1 cases in both" in page_of(after.folder).seen
    assert run(tmp_path / "all.jsonl.gz", []).name == run(tmp_path / "all.jsonl", []).name == "all"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SettingsNotUsable, match=r"file.*can't be written.*give another --output"):
        write_reports(run(tmp_path / "run", results()), folder=tmp_path / "file")
