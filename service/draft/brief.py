"""What a model is told about one message: the decision, the sources it may use and the words it reacts to, all masked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from babel import Locale

from service.brands import Brand
from service.draft.channels import Limit, rules_of
from service.draft.disclosure import room
from service.draft.facts import amount, day, named
from service.draft.plan import Plan
from service.draft.pseudonyms import Pseudonyms
from service.messages import Context, Draft, Escalation, Message, Order, Passage, Understanding

MOST_ORDERS = 3  # of this customer, the likeliest first
MOST_TURNS = 8  # of the conversation, the latest
MOST_SIMILAR = 2  # approved replies to similar messages
LONGEST = 2_000  # characters of one passage, turn or note
APPROVED = "approved"  # id of the source that is the composer's draft
_TONES = {
    "warm": "warm and personal", "neutral": "friendly and matter-of-fact", "formal": "formal and courteous",
    "brief": "as short as it can be while polite",
}  # fmt: skip
_UNITS = {
    "chars": "characters",
    "bytes": "bytes",
    "weighted": "characters",
    "utf16": "characters",
    "septets": "characters, no emoji",
}
INPUTS = frozenset({
    "brand", "language", "address", "team", "tone", "emoji", "public_limit", "private_limit", "handle", "email", "decision",
    "action", "order_sources", "passage_sources", "approved", "similar", "thread", "message", "feeling", "fence", "alternatives",
    "instruction", "earlier_draft",
})  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Something a draft may state: a passage, the approved draft, or one field of an order."""

    id: str
    text: str


@dataclass(frozen=True)
class Brief:
    """Everything a model may use for one draft, beside what the composer made of it."""

    message: Message
    understanding: Understanding
    context: Context
    escalation: Escalation
    brand: Brand
    plan: Plan
    composed: Draft
    before: tuple[Draft, ...] = ()  # made for the same message; another one is wanted

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The passages a draft may state: those of the plan, then what else was found."""
        rest = (p for p in self.context.passages if p.id not in {q.id for q in self.plan.passages})
        return (*self.plan.passages, *rest)

    def sources(self) -> list[Source]:
        """All a draft may cite, personal data in it."""
        found = [Source(p.id, f"{p.title}\n{p.text}\n{p.short or ''}".strip()[:LONGEST]) for p in self.passages]
        found += [source for order in self.orders for source in order_sources(order, self.composed.language)]
        return [*found, Source(APPROVED, _texts(self.composed))]

    def values(self, masked: Pseudonyms) -> dict[str, Any]:
        """The inputs of the prompt `reply`, with personal data masked."""
        message, brand, language = self.message, self.brand, self.composed.language
        voice, rules = brand.voice(language), rules_of(message.channel)
        sources = self.sources()
        orders = {source.id for order in self.orders for source in order_sources(order, language)}
        values = {
            "brand": brand.identity.display_name,
            "language": str(Locale.parse(language).get_display_name("en")),
            "address": voice.address,
            "team": voice.team,
            "tone": _TONES[message.options.tone],
            "emoji": "at most one, where it fits" if voice.emoji == "light" else "none",
            "public_limit": _limit(room(rules.public, brand, language)) if message.public else None,
            "private_limit": _limit(room(rules.private, brand, language)),
            "handle": brand.support_handle(message.channel) if rules.direct_messages else None,
            "email": brand.identity.contact.email,
            "decision": self._decision(),
            "action": self.composed.action,
            "feeling": self._feeling(),
            "passage_sources": [{"id": s.id, "text": s.text} for s in sources if s.id not in orders and s.id != APPROVED],
            "order_sources": [{"id": masked.hide(s.id), "text": masked.hide(s.text)} for s in sources if s.id in orders],
            "approved": masked.hide(sources[-1].text),
            "similar": [precedent.text[:LONGEST] for precedent in self.context.precedents[:MOST_SIMILAR]],
            "thread": [{"role": turn.role, "text": masked.hide(turn.text[:LONGEST])} for turn in message.thread[-MOST_TURNS:]],
            "message": masked.hide(message.content),
            "alternatives": message.options.alternatives,
            "instruction": masked.hide(message.options.instruction) if message.options.instruction else None,
            "earlier_draft": masked.hide(_texts(self.before[-1])) if self.before else None,
        }
        return values | {"fence": fence(_strings(values))}

    @property
    def orders(self) -> list[Order]:
        """The customer's orders that a draft may speak of, the likeliest first."""
        first = [self.plan.order] if self.plan.order else []
        return [*first, *(order for order in self.context.orders if order not in first)][:MOST_ORDERS]

    def _decision(self) -> str:
        if not self.escalation.escalate:
            return "no human has to take over"
        why = ", ".join(reason.code.replace("_", " ") for reason in self.escalation.reasons)
        return f"a human takes over ({why}); write a calm holding text that says so and settles nothing"

    def _feeling(self) -> str:
        understanding = self.understanding
        also = f", also {', '.join(understanding.also)}" if understanding.also else ""
        level, topic = understanding.frustration_level, understanding.topic.label
        return f"{understanding.label}{also}; frustration {level}; mood {understanding.trajectory}; topic {topic}"


def order_sources(order: Order, language: str) -> Iterator[Source]:
    """The fields of an order as a draft may state them: days and sums as the language writes them."""
    told: dict[str, str | None] = {
        "order_id": named(order),
        "status": order.status.replace("_", " "),
        "issue": order.issue.replace("_", " ") if order.issue else None,
        "items": ", ".join(f"{item.quantity} x {item.name}" for item in order.items) or None,
        "total": amount(order.total.amount, order.total.currency, language) if order.total else None,
        "carrier": order.carrier,
        "tracking": order.tracking,
        "note": order.note[:LONGEST] if order.note else None,
        "late": "yes, it should be there by now" if order.late else None,
    }
    days = ("placed_at", "promised_at", "shipped_at", "due_at", "delivered_at", "replacement_at", "held_until")
    told |= {name: day(getattr(order, name), language) for name in days}
    if order.refund is not None:
        told["refund.amount"] = amount(order.refund.amount, order.refund.currency, language)
        told["refund.status"] = order.refund.status
        told["refund.at"] = day(order.refund.at, language)
        parts = (told["refund.amount"], told["refund.status"], told["refund.at"])
        told["refund"] = ", ".join(part for part in parts if part)
    steps = ((day(step.at, language), step.event.replace("_", " ")) for step in order.timeline)
    told["timeline"] = "; ".join(f"{when}: {what}" for when, what in steps if when) or None
    for name, value in told.items():
        if value:
            yield Source(f"{order.order_id}.{name}", value)


def _texts(draft: Draft) -> str:
    return "\n\n".join(text.text for text in (draft.public, draft.private) if text is not None)


def _limit(limit: Limit) -> str:
    return f"{limit.limit} {_UNITS[limit.unit]}"


def fence(texts: Iterable[str]) -> str:
    """A mark that none of the texts holds, the same for the same texts."""
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    return f"text-{digest[:10]}"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
