"""Judges a triage by a case: one verdict an expectation and an assert, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext

from evals.asserts import Similarity, cited, judge
from evals.expectations import Expected
from evals.suites import SuiteCase
from service.messages import Triage

# The unit vectors [n, d] of texts, by the embedder in use.
Embed = Callable[[Sequence[str]], Awaitable[Any]]
CHECKS, REJECTED = "checks", "rejected"
LIMIT = "within_limit"  # a text that is too long is refused whatever else is wrong with it


@dataclass(repr=False)
class MeetsExpectations(Evaluator[SuiteCase, Triage, None]):
    """Every expectation and assert of the case as an assertion of its own."""

    embed: Embed

    async def evaluate(self, ctx: EvaluatorContext[SuiteCase, Triage, None]) -> dict[str, EvaluationReason]:
        """The verdicts by name; a name that comes again gets a number."""
        found: dict[str, EvaluationReason] = {}
        for name, holds, why in await verdicts(ctx.output, ctx.inputs, self.embed):
            at, unique = 2, name
            while unique in found:
                unique, at = f"{name}#{at}", at + 1
            found[unique] = EvaluationReason(value=holds, reason=why)
        return found


async def verdicts(triage: Triage, case: SuiteCase, embed: Embed) -> list[tuple[str, bool, str]]:
    """Name, whether it holds, and what was found: for all that the case says."""
    found = list(_expectations(triage, case.case.expected_output))
    similarity = await _similarity(triage, case, embed)
    for wanted in case.case.asserts:
        holds, why = judge(wanted, triage, case.message, similarity)
        said = "" if wanted.value is None else f" {wanted.value!r}"
        where = f" in the {wanted.where} text" if wanted.where else ""
        found.append((f"assert:{wanted.type}", holds, f"{wanted.type}{said}{where}: {why}"))
    rejected = case.case.expected_output.rejected
    if triage.draft is not None and rejected is not None:
        failed = [check.check for check in triage.draft.checks if not check.passed]
        refused = bool(set(failed) - {LIMIT}) and triage.draft.engine == "composer"
        shown = not failed and triage.draft.engine == "writer"
        found.append((REJECTED, refused if rejected else shown, f"failed {failed}" if failed else "all passed"))
    elif triage.draft is not None:
        failed = [f"{check.check}: {check.detail}" for check in triage.draft.checks if not check.passed]
        found.append((CHECKS, not failed, f"failed {failed}" if failed else "all passed"))
    return found


def _expectations(triage: Triage, expected: Expected) -> Iterator[tuple[str, bool, str]]:
    seen, draft, verdict = triage.understanding, triage.draft, triage.escalation
    codes = [reason.code for reason in verdict.reasons]
    given: tuple[tuple[str, list[Any] | None, Any], ...] = (
        ("label", expected.label, seen.label),
        ("level", expected.level, seen.frustration_level),
        ("trajectory", expected.trajectory, seen.trajectory),
        ("topic", expected.topic, seen.topic.label),
        ("urgency", expected.urgency, seen.urgency),
        ("language", [expected.language] if expected.language else None, seen.language.code),
        ("addressed", expected.addressed, seen.addressed.label),
        ("escalate", [expected.escalate] if expected.escalate is not None else None, verdict.escalate),
        ("queue", expected.queue, verdict.queue),
        ("priority", expected.priority, verdict.priority),
        ("action", expected.action, draft.action if draft else None),
    )
    for name, acceptable, got in given:
        if acceptable is not None:
            wanted = " or ".join(str(value) for value in acceptable)
            why = f"{got} for {codes}" if name == "escalate" else f"{got}"
            yield name, got in acceptable, f"{why}, expected {wanted}"
    for label in expected.also:
        yield f"also:{label}", seen.has(label), f"{seen.label} with {list(seen.also)}, score {seen.scores.get(label, 0):.2f}"
    for code in expected.reasons:
        yield f"reason:{code}", code in codes, f"reasons are {codes}"
    for code in expected.not_reasons:
        evidence = next((reason.evidence for reason in verdict.reasons if reason.code == code), None)
        yield f"not_reason:{code}", code not in codes, f"reasons are {codes}" + (f", for {evidence!r}" if evidence else "")
    ids = [passage.id for passage in triage.context.passages]
    for entry in expected.passages or []:
        yield f"passage:{entry}", any(is_entry(found, entry) for found in ids), f"{entry} is not among {ids}"
    if expected.passages == []:
        quoted = sorted(source for source in cited(draft) if source in ids)
        yield "no_passage", not quoted, f"the draft quotes {quoted}" if quoted else "no passage is quoted"
    if "order" in expected.model_fields_set:
        first = triage.context.orders[0].order_id if triage.context.orders else None
        yield "order", first == expected.order, f"{first}, expected {expected.order}"


def is_entry(passage_id: str, entry: str) -> bool:
    """Whether a passage is the entry, in whatever language."""
    return passage_id == entry or re.fullmatch(rf"(?:faq|offer)-{re.escape(entry)}-[a-z]{{2}}", passage_id) is not None


async def _similarity(triage: Triage, case: SuiteCase, embed: Embed) -> Similarity:
    """The cosine of two texts; embedded beforehand, all at once, and only where an assert asks for it."""
    wanted = [str(one.value) for one in case.case.asserts if one.plain == "similar"]
    draft = triage.draft
    texts = [text.text for text in (draft.public, draft.private) if text is not None] if draft and wanted else []
    vectors = dict(zip(texts + wanted, await embed(texts + wanted), strict=True)) if wanted else {}

    def similarity(one: str, other: str) -> float:
        return float(np.dot(vectors[one], vectors[other]))

    return similarity
