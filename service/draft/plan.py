"""What a reply to this message should do, before any words: the action, and what to say or ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from service.draft.answering import ORDER_TOPICS, POINTED_AT, about_state, answering, contradicted, told_by, worth_telling
from service.draft.states import states_of
from service.messages import Action, Context, Escalation, Macro, Message, Order, Passage, Understanding
from service.order_numbers import order_numbers
from service.understand.understanding import SURE_TOPIC

__all__ = ["ORDER_TOPICS", "SURE", "Kind", "Plan", "plan"]

MACRO = 0.8  # likeness to the messages a macro was written for, from which it is the reply
THANKED = 0.45  # the same for praise: a word of thanks rarely misses
SURE = 0.85  # relevance from which a passage is added to a holding text, or names what went wrong
RETURN_STATES = frozenset({"return_in_transit", "returned", "refund_pending", "partly_refunded", "damaged"})
Kind = Literal["self_harm", "hurt", "safety", "fraud", "harassment", "privacy", "legal", "human", "payment", "general"]
_KINDS: dict[str, Kind] = {
    "self_harm": "self_harm",
    "safety_risk": "safety",
    "fraud_or_security": "fraud",
    "discrimination_or_harassment": "harassment",
    "data_privacy_request": "privacy",
    "legal_threat": "legal",
    "regulator_complaint": "legal",
    "explicit_human_request": "human",
    "payment_dispute": "payment",
}
_OF_THINGS = frozenset({"product", "warranty", "delivery", "order", "returns", "refund"})  # topics with an item to put aside
Ask = Literal["order", "photo", "details", "attachment", "greeting"]


@dataclass(frozen=True)
class Plan:
    """The decisions a draft is made from."""

    action: Action
    kind: Kind = "general"
    order: Order | None = None
    unknown_order: bool = False
    passages: tuple[Passage, ...] = ()
    ask: Ask | None = None
    known: bool = False  # whether the order that is meant is known, told or not
    macro: Macro | None = None


def plan(message: Message, understanding: Understanding, context: Context, escalation: Escalation) -> Plan:
    """The plan for one message."""
    if not _wants_reply(message, understanding, escalation):
        return Plan("none")
    order = context.orders[0] if context.orders and _about_order(message, understanding, context) else None
    mine = {o.order_id.upper() for o in context.orders}
    said = order_numbers(message.content, context.codes)
    known = [*said, *(n for t in message.thread for n in order_numbers(t.text))]
    stranger = any(number not in mine for number in said) and order is None
    passages = _answers(message, understanding, context, order)
    states = states_of(order, message, understanding)
    told = order if worth_telling(states, passages, understanding, len(context.answers)) else None
    if escalation.escalate:  # a message that a person takes over never gets a macro
        kind = _kind(escalation, understanding)
        answered = kind == "general" and understanding.has("information_seeking") and passages and passages[0].score >= SURE
        return Plan(
            "handoff", kind, told if kind not in ("self_harm", "hurt", "safety", "fraud") else None,
            passages=passages[:1] if answered else (),
        )  # fmt: skip
    if (macro := _fitting_macro(understanding, context, order, passages)) is not None:
        return Plan("reply", macro=macro)
    if understanding.label == "praise" and not passages:
        return Plan("reply")
    if not message.content.strip():
        return Plan("ask", ask="attachment")
    asks = understanding.has("frustration") or understanding.has("information_seeking")
    if stranger and (asks or understanding.topic.label in ORDER_TOPICS):
        return Plan("ask", unknown_order=True)
    personal = understanding.topic.label in ORDER_TOPICS and not known and order is None
    if understanding.has("frustration") and personal and not _general(understanding, passages):
        return Plan("ask", ask="order", passages=passages)
    if order is None and not passages:
        if understanding.signal("greeting_only") or understanding.label == "other":
            return Plan("ask", ask="greeting")
        return Plan("ask", ask="order" if personal else "details")
    return Plan("reply", order=told, passages=passages, known=order is not None)


def _wants_reply(message: Message, understanding: Understanding, escalation: Escalation) -> bool:
    addressed = understanding.addressed.label
    if escalation.escalate and any(reason.kind == "hard" for reason in escalation.reasons):
        return True
    if addressed in ("not_us", "spam"):
        return False
    asks = understanding.has("frustration") or understanding.has("information_seeking")
    thanked = understanding.label == "praise" and understanding.signal("thanks") is not None
    if addressed == "mention":
        return (asks or thanked) and understanding.signal("friend_tag") is None
    if addressed == "about_us":
        return asks or thanked
    answered = bool(message.thread) and message.thread[-1].role == "brand"
    if understanding.label == "other" and understanding.signal("greeting_only") is None:
        return asks or answered or not message.public or bool(order_numbers(message.content))
    return True


def _about_order(message: Message, understanding: Understanding, context: Context) -> bool:
    """An order is part of the reply when the message points at it, or complains or asks about something orders have."""
    order = context.orders[0]
    topic, asks = understanding.topic, understanding.has("frustration") or understanding.has("information_seeking")
    if order.why in ("number_in_text", "product_in_text"):
        return not (understanding.label == "praise" and not understanding.has("information_seeking"))
    if understanding.signal("greeting_only"):
        return False
    guessed = topic.score < SURE_TOPIC
    if order.why in POINTED_AT and asks and (guessed or topic.label in ORDER_TOPICS):
        return True
    if order.why == "status_fits" and order.status in RETURN_STATES:
        return asks
    topical = guessed or topic.label in ORDER_TOPICS or topic.label in ("service", "other")
    return (understanding.has("frustration") and topical) or (
        topic.label in ("delivery", "order", "refund", "payment") and (understanding.label != "praise")
    )


def _answers(message: Message, understanding: Understanding, context: Context, order: Order | None) -> tuple[Passage, ...]:
    """The best passage for each question, at most two; what the order tells or contradicts is left out."""
    if understanding.label == "praise" and not understanding.has("information_seeking"):
        return ()
    states = states_of(order, message, understanding)
    best: list[Passage] = []
    for found in answering(understanding, context):
        passage = next((p for p in found if order is None or not contradicted(p, order, states, understanding)), None)
        if passage is None or (order is not None and told_by(passage, order, states, message, understanding)):
            continue
        if passage.id not in {p.id for p in best}:
            best.append(passage)
    if not best and order is not None and (passage := about_state(context, order)) is not None:
        if not contradicted(passage, order, states, understanding):
            best.append(passage)
    return tuple(best[:2])


def _general(understanding: Understanding, passages: tuple[Passage, ...]) -> bool:
    """Whether somebody who complains asks what holds for everybody, so that no order is needed for the answer."""
    return understanding.has("information_seeking") and bool(passages) and all(passage.issue is None for passage in passages)


def _fitting_macro(
    understanding: Understanding, context: Context, order: Order | None, passages: tuple[Passage, ...]
) -> Macro | None:
    """The macro for this message, where neither an order nor a nearer passage answers it."""
    macro = context.macro
    praise = understanding.label == "praise"
    if macro is None or macro.score < (THANKED if praise else MACRO) or (order is not None and not praise):
        return None
    if passages and (len(passages) > 1 or passages[0].score > macro.score):
        return None
    return macro


def _kind(escalation: Escalation, understanding: Understanding) -> Kind:
    codes = [reason.code for reason in escalation.reasons]
    if "safety_risk" in codes and "self_harm" not in codes:
        people = understanding.signal("emergency") or understanding.signal("someone_hurt")
        return "hurt" if people or understanding.topic.label not in _OF_THINGS else "safety"
    return next((_KINDS[code] for code in codes if code in _KINDS), "general")
