"""The end-to-end suite through the real pipeline: the least share of each expectation that must hold.

The other suites are run and gated by `make evals`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from evals.judge import verdicts
from evals.suites import FOLDER, SuiteCase, read_suite
from service import pipeline
from service.parts import Parts

LEAST = {
    "language": 0.95,
    "label": 0.85,
    "level": 0.8,
    "topic": 0.65,
    "addressed": 0.85,
    "escalate": 0.9,
    "reason": 0.9,
    "passage": 0.8,  # every passage of a case counts by itself
    "order": 0.95,
    "no_foreign_order": 1.0,
    "action": 0.85,
    "assert:icontains": 0.8,
    "assert:not-icontains": 1.0,
    "checks": 1.0,
}
LEAST_CASES = 60  # end to end, in six languages
SUITE = read_suite(FOLDER / "end_to_end.yaml")


@dataclass(frozen=True)
class Verdict:
    case: str
    holds: bool
    why: str


def rows_of(name: str, case: SuiteCase) -> list[str]:
    """The rows of LEAST that a verdict counts for."""
    if name.startswith("also:"):
        return []
    if name == "order":
        return ["order", "no_foreign_order"] if case.case.expected_output.order is None else ["order"]
    return [name if name.startswith("assert:") else name.partition(":")[0]]


@pytest.fixture(scope="session")
async def judged(parts: Parts) -> dict[str, list[Verdict]]:
    """Every verdict, by row."""

    async def embed(texts: Sequence[str]) -> Any:
        return parts.heads.centred_passages(await parts.embedding.passages(texts))

    found: dict[str, list[Verdict]] = defaultdict(list)
    for case in SUITE.cases:
        triage = await pipeline.triage(case.message, parts)
        for name, holds, why in await verdicts(triage, case, embed):
            for row in rows_of(name, case):
                found[row].append(Verdict(case.case.name, holds, why))
    return found


@pytest.mark.parametrize("row", LEAST)
def test_enough_cases_hold(judged: dict[str, list[Verdict]], row: str) -> None:
    found = judged[row]
    failing = [f"{verdict.case}: {verdict.why}" for verdict in found if not verdict.holds]
    share = 1 - len(failing) / len(found)
    assert share >= LEAST[row], f"{row}: {share:.3f} of {len(found)}, at least {LEAST[row]}; failing:\n" + "\n".join(failing)


def test_every_kind_of_verdict_has_its_least_share(judged: dict[str, list[Verdict]]) -> None:
    assert set(judged) == set(LEAST)


def test_the_end_to_end_suite_is_large_and_in_six_languages() -> None:
    names = [case.case.name for case in SUITE.cases]
    assert len(names) >= LEAST_CASES
    for language in ("en", "de", "nl", "sv", "fr", "es"):
        assert sum(name.startswith(f"{language}-") for name in names) >= LEAST_CASES / 6, language
