"""JUnit XML: a test suite a suite, a test case a case, and the gates as a suite of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from evals.gates import Judgement
from evals.results import Result, Run


def write(run: Run, judgements: Sequence[Judgement], path: Path) -> None:
    """Writes the file."""
    xml = JUnitXml("firstreply")
    for name, results in groupby(sorted(run.results, key=lambda result: result.key), key=lambda result: result.suite):
        xml.append(_suite(name, [_case(result) for result in results]))
    if judgements:
        xml.append(_suite("gates", [_gate(judged) for judged in judgements]))
    xml.update_statistics()
    xml.write(str(path), pretty=True)


def _suite(name: str, cases: Sequence[TestCase]) -> TestSuite:
    suite = TestSuite(_plain(name))
    suite.add_testcases(cases)  # at once: one by one, each would count all before it
    return suite


def _gate(judged: Judgement) -> TestCase:
    # With its limits: a measure may have several gates, and a reader of the file keeps one case of a name.
    case = TestCase(_plain(f"{judged.title}: {', '.join(judged.gate.limits)}"), classname="gates")
    if judged.outcome == "failed":
        case.result = [Failure(_plain(judged.reason))]
    elif judged.outcome != "passed":
        case.result = [Skipped(_plain(f"{judged.outcome}: {judged.reason}"))]
    return case


def _case(result: Result) -> TestCase:
    name = result.case if result.repeat == 1 else f"{result.case} #{result.repeat}"
    case = TestCase(_plain(name), classname=_plain(result.suite), time=result.seconds)
    if result.skipped:
        case.result = [Skipped(_plain(result.skipped))]
    elif result.error:
        case.result = [Error(_plain(result.error))]
    elif not result.passed:
        lines = [f"{verdict.name}: {verdict.why}" for verdict in result.failing]
        failure = Failure(_plain("; ".join(verdict.name for verdict in result.failing)))
        failure.text = _plain("\n".join(lines))
        case.result = [failure]
    return case


def _plain(text: str) -> str:
    """Text without the characters that XML can't hold."""
    return "".join(
        c for c in text if c in "\t\n\r" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff")
    )
