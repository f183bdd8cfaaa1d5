"""Judges a triage by a case: one verdict an expectation, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext

from evals.expectations import Expected
from service.messages import DraftText, Message, Triage


@dataclass
class MeetsExpectations(Evaluator[Message, Triage, dict[str, Any]]):
    """Every expectation of the case as an assertion of its own."""

    def evaluate(self, ctx: EvaluatorContext[Message, Triage, dict[str, Any]]) -> dict[str, EvaluationReason]:
        """The verdicts by name."""
        expected = Expected.model_validate(ctx.expected_output or {})
        return {name: EvaluationReason(value=ok, reason=why) for name, ok, why in verdicts(ctx.output, expected)}


def verdicts(triage: Triage, expected: Expected) -> Iterator[tuple[str, bool, str]]:
    """Name, whether it holds, and what was found instead."""
    found, draft, orders = triage.understanding, triage.draft, triage.context.orders
    if expected.label is not None:
        yield "label", found.label in expected.label, f"{found.label}, expected {expected.label}"
    for label in expected.also:
        yield f"also_{label}", found.has(label), f"{found.scores}"
    if expected.level is not None:
        yield "level", found.frustration_level in expected.level, f"{found.frustration_level}, expected {expected.level}"
    if expected.topic is not None:
        yield "topic", found.topic.label in expected.topic, f"{found.topic.label}, expected {expected.topic}"
    if expected.language is not None:
        yield "language", found.language.code == expected.language, f"{found.language.code}, expected {expected.language}"
    if expected.addressed is not None:
        yield "addressed", found.addressed.label in expected.addressed, f"{found.addressed.label}, expected {expected.addressed}"
    if expected.escalate is not None:
        codes = [reason.code for reason in triage.escalation.reasons]
        yield "escalate", triage.escalation.escalate == expected.escalate, f"{triage.escalation.escalate} for {codes}"
    for code in expected.reasons:
        codes = [reason.code for reason in triage.escalation.reasons]
        yield f"reason_{code}", code in codes, f"reasons are {codes}"
    for entry in expected.passages:
        ids = [passage.id for passage in triage.context.passages]
        yield "passage", any(f"faq-{entry}-" in found_id for found_id in ids), f"{entry} is not among {ids}"
    if "order" in expected.model_fields_set:
        first = orders[0].order_id if orders else None
        yield "order", first == expected.order, f"{first}, expected {expected.order}"
    if expected.action is not None:
        action = draft.action if draft else None
        yield "action", action in expected.action, f"{action}, expected {expected.action}"
    private, public = _text(draft.private if draft else None), _text(draft.public if draft else None)
    for text in expected.private_contains:
        yield "private_contains", _plain(text) in _plain(private), f"{text!r} is not in {private!r}"
    for text in expected.public_not_contains:
        yield "public_not_contains", _plain(text) not in _plain(public), f"{text!r} is in {public!r}"
    for text in expected.private_not_contains:
        yield "private_not_contains", _plain(text) not in _plain(private), f"{text!r} is in {private!r}"
    if draft is not None:
        failed = [check.check for check in draft.checks if not check.passed]
        yield "checks", not failed, f"failed {failed}"


def _text(text: DraftText | None) -> str:
    return text.text if text else ""


def _plain(text: str) -> str:
    """Spaces that do not break are spaces to a reader."""
    return text.replace("\u00a0", " ").replace("\u202f", " ").casefold()
