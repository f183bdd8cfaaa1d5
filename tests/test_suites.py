"""The suites of evals/suites through the real pipeline: the least share of each expectation that must hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pytest

from evals.suites import FOLDER, read_suite
from service import pipeline
from service.messages import Message, Triage
from service.parts import Parts

AT = "2026-11-22T09:00:00Z"
LEAST = {
    "language": 0.95,
    "label": 0.85,
    "level": 0.8,
    "topic": 0.65,
    "addressed": 0.85,
    "escalate": 0.9,
    "reasons": 0.9,
    "passage": 0.85,
    "order": 0.95,
    "no_foreign_order": 1.0,
    "action": 0.85,
    "private_contains": 0.8,
    "public_not_contains": 1.0,
    "private_not_contains": 1.0,
    "checks": 1.0,
}
LEAST_CASES = 60  # end to end, in six languages
SUITES = sorted(FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class Verdict:
    case: str
    holds: bool
    why: str


def kind(name: str, expected: dict[str, Any]) -> list[str]:
    """The rows of LEAST that an assertion counts for."""
    if name.startswith("reason_"):
        return ["reasons"]
    if name.startswith("also_"):
        return []
    if name == "order":
        return ["order", "no_foreign_order"] if expected["order"] is None else ["order"]
    return [name.rpartition("_")[0] if name.rpartition("_")[2].isdigit() else name]


@pytest.fixture(scope="session", params=SUITES, ids=lambda path: path.stem)
async def judged(request: pytest.FixtureRequest, parts: Parts) -> dict[str, list[Verdict]]:
    """Every verdict of a suite, by row."""
    suite = read_suite(request.param, received_at=AT)

    async def task(message: Message) -> Triage:
        return await pipeline.triage(message, parts)

    report = await suite.evaluate(task, progress=False, max_concurrency=1)
    assert not report.failures, [(failure.name, failure.error_message) for failure in report.failures]
    assert len(report.cases) == len(suite.cases)
    found: dict[str, list[Verdict]] = defaultdict(list)
    for case in report.cases:
        for name, result in case.assertions.items():
            for row in kind(name, case.expected_output or {}):
                found[row].append(Verdict(case.name, bool(result.value), result.reason or ""))
    return found


@pytest.mark.parametrize("row", LEAST)
def test_enough_cases_hold(judged: dict[str, list[Verdict]], row: str) -> None:
    verdicts = judged.get(row, [])
    if not verdicts:
        pytest.skip(f"no case of this suite says anything of {row}")
    failing = [f"{verdict.case}: {verdict.why}" for verdict in verdicts if not verdict.holds]
    share = 1 - len(failing) / len(verdicts)
    assert share >= LEAST[row], f"{row}: {share:.3f} of {len(verdicts)}, at least {LEAST[row]}; failing:\n" + "\n".join(failing)


def test_every_kind_of_verdict_has_its_least_share(judged: dict[str, list[Verdict]]) -> None:
    assert set(judged) <= set(LEAST)


def test_the_end_to_end_suite_is_large_and_in_six_languages() -> None:
    suite = read_suite(FOLDER / "end_to_end.yaml", received_at=AT)
    names = [case.name or "" for case in suite.cases]
    assert len(set(names)) == len(names) >= LEAST_CASES
    for language in ("en", "de", "nl", "sv", "fr", "es"):
        assert sum(name.startswith(f"{language}-") for name in names) >= LEAST_CASES / 6, language
