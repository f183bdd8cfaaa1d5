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
        suite = TestSuite(name)
        for result in results:
            suite.add_testcase(_case(result))
        xml.add_testsuite(suite)
    if judgements:
        suite = TestSuite("gates")
        for judged in judgements:
            case = TestCase(judged.title, classname="gates")
            if judged.outcome == "failed":
                case.result = [Failure(judged.reason)]
            elif judged.outcome != "passed":
                case.result = [Skipped(f"{judged.outcome}: {judged.reason}")]
            suite.add_testcase(case)
        xml.add_testsuite(suite)
    xml.write(str(path), pretty=True)


def _case(result: Result) -> TestCase:
    name = result.case if result.repeat == 1 else f"{result.case} #{result.repeat}"
    case = TestCase(name, classname=result.suite, time=result.seconds)
    if result.skipped:
        case.result = [Skipped(result.skipped)]
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
