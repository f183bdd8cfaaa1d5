"""Which reasons to escalate a message gives, each with the words or facts it rests on."""

from __future__ import annotations

from typing import get_args

from service.draft.answering import answering
from service.escalate.facts import reasons_by_policy, wants_answer
from service.escalate.policy import HARD, Policy
from service.messages import Context, Message, Reason, ReasonCode, Understanding

# Which reason decides the queue and the holding text when there are several; words a rule named go before a head's opinion.
BY_GRAVITY: tuple[ReasonCode, ...] = (
    "self_harm", "safety_risk", "discrimination_or_harassment", "fraud_or_security", "legal_threat",
    "regulator_complaint", "data_privacy_request", "explicit_human_request", "payment_dispute", "processing_error",
)  # fmt: skip
_GRAVITY: dict[str, int] = {code: rank for rank, code in enumerate(BY_GRAVITY)}
# Why nothing answers a question, by the warning of its context.
_UNGROUNDED = {
    "retrieval_unavailable": "the knowledge could not be searched",
    "no_knowledge": "the brand has no FAQ that a customer may be told",
}
_FROM_SIGNALS = frozenset(get_args(ReasonCode)) - {"strong_frustration", "unsupported_language", "low_confidence", "no_grounding"}


def reasons_of(message: Message, understanding: Understanding, context: Context, policy: Policy) -> list[Reason]:
    """Every reason in the message, its context and what is known of the customer; hard ones first."""
    reasons = [
        _reason(signal.code, signal.evidence)
        for signal in understanding.signals
        if signal.code in _FROM_SIGNALS and not _idle(signal.code, understanding)
    ]
    given = (_strong(understanding), _unsupported(understanding), _no_grounding(understanding, context))
    reasons += [reason for reason in given if reason is not None]
    by_policy = reasons_by_policy(message, understanding, context, policy)
    facts = {reason.code: reason.detail for reason in by_policy}  # stand beside the words that say the same
    reasons = [r.model_copy(update={"detail": r.detail or facts[r.code]}) if r.code in facts else r for r in reasons]
    known = {reason.code for reason in reasons}
    return ordered([*reasons, *(reason for reason in by_policy if reason.code not in known)], understanding)


def ordered(reasons: list[Reason], understanding: Understanding) -> list[Reason]:
    """Hard ones first, what a rule named before a head's opinion, and then by gravity."""
    spans = {signal.code for signal in understanding.signals if signal.start is not None}
    return sorted(reasons, key=lambda reason: (reason.kind, reason.code not in spans, _GRAVITY.get(reason.code, len(_GRAVITY))))


def _reason(code: str, evidence: str | None = None, detail: str | None = None) -> Reason:
    return Reason.model_validate(
        {"code": code, "kind": "hard" if code in HARD else "soft", "evidence": evidence, "detail": detail}
    )


def _idle(code: str, understanding: Understanding) -> bool:
    """A soft signal in a message of a happy customer is a turn of phrase ("never going anywhere else again!")."""
    happy = understanding.label == "praise" and not understanding.has("frustration")
    return happy and code not in HARD and code != "prompt_injection"


def _strong(understanding: Understanding) -> Reason | None:
    if understanding.frustration_level != "strong" or understanding.addressed.label in ("not_us", "spam"):
        return None
    return _reason("strong_frustration", detail=f"frustration score {understanding.scores['frustration']:.2f}")


def _unsupported(understanding: Understanding) -> Reason | None:
    language = understanding.language
    if language.supported or language.code == "und" or not wants_answer(understanding):
        return None
    return _reason("unsupported_language", detail=f"written in {language.code}")


def _no_grounding(understanding: Understanding, context: Context) -> Reason | None:
    # An angry question is one, too: anger must not take the reason away.
    asks = understanding.label in ("information_seeking", "frustration") and understanding.has("information_seeking")
    question = asks and understanding.addressed.label == "direct"
    answered = any(answering(understanding, context)) or context.orders
    if (
        not question
        or answered
        or any(understanding.signal(code) for code in ("greeting_only", "order_status", "marked_delivered"))
    ):
        return None
    told = (_UNGROUNDED[warning] for warning in context.warnings if warning in _UNGROUNDED)
    return _reason("no_grounding", detail=next(told, "no passage and no order answers this"))
