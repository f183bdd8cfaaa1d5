"""The composer: a draft from pre-approved phrases, the brand's passages and this customer's order, nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from service.brands import Brand
from service.draft import facts
from service.draft.channels import measured, rules_of
from service.draft.phrases import Phrases, chosen
from service.draft.plan import ORDER_TOPICS, Plan
from service.draft.texts import ESSENTIAL, NICE, USEFUL, Piece, fitted, joined
from service.escalate.deadlines import promise
from service.messages import Citation, Context, DraftText, Escalation, Level, Message, Passage, Understanding
from service.understand.understanding import SURE_TOPIC

_NAME = re.compile(r"^[^\W\d_][^\W\d_]*(?:['’-][^\W\d_]+)*$")
_WITH_NEXT_STEP = frozenset(
    {"lost", "delivered", "overdue", "delayed", "damaged", "payment_failed", "refund_pending", "refund_due", "cancelled"}
)
# What a state says by itself even to somebody who asks calmly: bad news comes with regret.
_SORRY = {
    "lost": "delivery.moderate", "overdue": "delivery.moderate", "in_transit_late": "delivery.mild",
    "delayed": "delivery.mild", "damaged": "warranty.moderate",
}  # fmt: skip
_ALSO_MONEY = frozenset({"refund", "payment", "returns"})  # topics in which a refund beside a delivered order is worth a word
_EMPATHY_KINDS = frozenset({"general", "payment", "human"})  # handoffs in which to speak of a late parcel is not out of place
_PARCEL_STATES = frozenset({"in_transit", "in_transit_late", "out_for_delivery", "overdue"})


@dataclass(frozen=True)
class Composed:
    """Both texts with the pieces they were made of."""

    public: DraftText | None
    private: DraftText
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Composer:
    """Everything one draft is made from; `variant` counts up for alternatives."""

    message: Message
    understanding: Understanding
    context: Context
    escalation: Escalation
    brand: Brand
    phrases: Phrases
    plan: Plan
    variant: int = 0

    def compose(self) -> Composed:
        """The public text where the message is public, and the private text."""
        rules = rules_of(self.message.channel)
        private = fitted(self._private(), rules.private)
        public = fitted(self._public(), rules.public) if self.message.public else []
        return Composed(
            public=measured(joined(public), rules.public) if self.message.public else None,
            private=measured(joined(private), rules.private),
            pieces=tuple(private + public),
        )

    # The private text: complete, with names, orders and answers in full.

    def _private(self) -> list[Piece]:
        if self.plan.action == "handoff" and self.plan.kind == "self_harm":
            return [*self._greeting(), *self._handoff("private"), *self._signoff()]
        step = self._next_step()
        body = [
            *self._earlier_contact(),
            *self._feeling(),
            *self._order(),
            *(step if self.plan.action != "handoff" else []),
            *self._answers(short=False),
            *self._no_order_found(),
            *self._ask(),
            *(self._say("no_answer") if self._ungrounded() else []),
            *(self._handoff("private") if self.plan.action == "handoff" else []),
        ]
        return [*self._greeting(), *_paragraph(body), *self._signoff()]

    def _greeting(self) -> list[Piece]:
        formal = "formal_" if self.message.options.tone == "formal" else ""
        name = self._first_name()
        if name:
            return self._say(f"greeting.{formal}named", rank=USEFUL, facts={"name": name})
        return self._say(f"greeting.{formal}plain", rank=USEFUL)

    def _signoff(self) -> list[Piece]:
        team = self.brand.voice(self.phrases.language).team
        grave = self.plan.action == "handoff" and self.plan.kind not in _EMPATHY_KINDS
        key = "signoff_formal" if grave or self.message.options.tone == "formal" else "signoff"
        return self._say(key, rank=NICE, own_line=True, facts={"team": team})

    def _first_name(self) -> str | None:
        for full in (self.context.customer.name if self.context.customer else None, self.message.author.name):
            first = (full or "").split()[:1]
            if first and len(first[0]) > 1 and _NAME.match(first[0]):
                return first[0] if not (first[0].islower() or first[0].isupper()) else first[0].capitalize()
        return None

    def _earlier_contact(self) -> list[Piece]:
        if not self.understanding.has("frustration") or not self.context.history or self.message.options.tone == "brief":
            return []
        last = self.context.history[0]
        age = self.message.received_at - last.at
        if last.label != "frustration" or not timedelta(days=1) <= age <= timedelta(days=30):
            return []
        when = facts.day(last.at.date().isoformat(), self.phrases.language)
        return self._say("earlier_contact", rank=USEFUL, facts={"date": when or ""})

    def _feeling(self) -> list[Piece]:
        understanding, pieces = self.understanding, list[Piece]()
        if understanding.trajectory == "resolved" and self.plan.action == "reply":
            return self._say("resolved", rank=ESSENTIAL)
        if understanding.has("frustration"):
            pieces += self._empathy(understanding.frustration_level)
        elif self.plan.order is not None and (sorry := _SORRY.get(self._states()[0])):
            pieces += self._say(f"empathy.{sorry}", rank=USEFUL)
        elif self.plan.action == "handoff":
            return []
        elif understanding.label == "praise":
            topic = understanding.topic.label
            kind = {"delivery": "delivery", "product": "product", "service": "service"}.get(topic, "other")
            pieces += self._say(f"praise.{kind}")
        elif understanding.has("praise") and self.plan.action == "reply" and self.plan.passages:
            pieces += self._say("praise_also", rank=NICE)
        return pieces

    def _empathy(self, level: Level) -> list[Piece]:
        if level == "none" or (self.message.options.tone == "brief" and level == "mild"):
            return []
        if self.plan.action == "handoff" and self.plan.kind not in _EMPATHY_KINDS:
            return []
        waiting = bool(self.message.thread) and self.message.thread[-1].role == "customer"
        if self.understanding.signal("greeting_only"):
            return self._say("apology_wait_ping") if waiting else []
        pieces = self._say(f"empathy.{self._trouble()}.{level}", rank=USEFUL)
        if any(reason.code == "repeat_contact" for reason in self.escalation.reasons) and self.plan.kind == "general":
            pieces += self._say("repeat", rank=NICE)
        elif self.understanding.signal("waiting") and level != "mild":
            pieces += self._say("waiting", rank=NICE)
        return pieces

    def _trouble(self) -> str:
        topic = self.understanding.topic
        known = topic.score >= SURE_TOPIC and f"empathy.{topic.label}.mild" in self.phrases.variants
        return topic.label if known else "other"

    def _order(self) -> list[Piece]:
        order = self.plan.order
        if order is None:
            return []
        values, fields = facts.order_values(order, self.phrases.language)
        pieces: list[Piece] = []
        for key in self._states():
            # Named in full once; where several things were bought, only some of them need be damaged or replaced.
            full = not pieces and not (key in ("damaged", "replacement") and len(order.items) > 1)
            values["order"] = facts.named(order) if full else order.order_id
            text = self._pick(f"order.{key}", self.phrases.options(f"order.{key}", values))
            if text is None:
                continue
            used = [f"{order.order_id}.status", *(f"{order.order_id}.{fields[n]}" for n, v in values.items() if v in text)]
            rank = USEFUL if pieces else ESSENTIAL
            filled = tuple(dict.fromkeys(used)), tuple(values.values())
            pieces.append(Piece(text, rank, own_line=not pieces, order_fields=filled[0], facts=filled[1]))
        if (
            _PARCEL_STATES & set(self._states())
            and order.carrier
            and order.tracking
            and self.understanding.topic.label == "delivery"
        ):
            tracked = {"carrier": order.carrier, "tracking": order.tracking}
            said = self._pick("tracking", self.phrases.options("tracking", tracked))
            if said:
                fields_used = (f"{order.order_id}.carrier", f"{order.order_id}.tracking")
                pieces.append(Piece(said, rank=NICE, order_fields=fields_used, facts=tuple(tracked.values())))
        return pieces

    def _states(self) -> list[str]:
        order = self.plan.order
        if order is None:
            return []
        keys = facts.state_keys(order, self.message.received_at.date())
        if order.status == "delivered" and self.understanding.topic.label not in _ALSO_MONEY:
            return keys[:1]
        return keys

    def _answers(self, *, short: bool) -> list[Piece]:
        pieces: list[Piece] = []
        for number, passage in enumerate(self.plan.passages):
            text = (passage.short if short else None) or passage.text
            if not text.strip():
                continue
            lead = self._say("second", rank=USEFUL, own_line=True) if number and not short else []
            answer = Piece(
                text.strip(),
                rank=USEFUL if number else ESSENTIAL,
                own_line=not short and not lead,
                citation=Citation(source=passage.id, quote=text.strip()),
                shorter=(passage.short,) if passage.short else (),
            )
            pieces += [*lead, answer]
        return pieces

    def _no_order_found(self) -> list[Piece]:
        return self._say("no_order_found") if self.plan.unknown_order else []

    def _next_step(self) -> list[Piece]:
        states = self._states()
        if not states or states[0] not in _WITH_NEXT_STEP:
            return []
        answered = bool(self.message.thread) and self.message.thread[-1].role == "brand"
        if states[0] == "lost" and (answered or self.understanding.topic.label == "refund"):
            return []  # the choice was offered or made already
        settled = {"damaged": "replacement", "cancelled": "refunded"}
        if settled.get(states[0]) in states or (states[0] == "delivered" and self.understanding.topic.label != "delivery"):
            return []
        key = "refund_pending" if states[0] == "refund_due" else states[0]
        return self._say(f"next.{key}", rank=USEFUL)

    def _ungrounded(self) -> bool:
        """A question that goes to a colleague because nothing at hand answers it."""
        codes = {reason.code for reason in self.escalation.reasons}
        return self.plan.action == "handoff" and self.plan.kind == "general" and "no_grounding" in codes

    def _ask(self) -> list[Piece]:
        match self.plan.ask:
            case None:
                return []
            case "greeting":
                return self._say("greeting_only")
            case other:
                return self._say(f"ask.{other}")

    # The public text: short, and nothing in it that belongs to this customer.

    def _public(self) -> list[Piece]:
        plan = self.plan
        if plan.action == "handoff" and plan.kind == "self_harm":
            return self._handoff("public")
        pieces = self._feeling()
        if plan.action == "handoff":
            pieces += self._handoff("public")
            if plan.kind in _EMPATHY_KINDS and (plan.order or self.understanding.topic.label in ORDER_TOPICS):
                pieces += self._move_on(known=plan.order is not None)
            return pieces
        if plan.order is not None:
            return [*pieces, *self._answers(short=True), *self._move_on(known=True)]
        if plan.unknown_order or plan.ask == "order":
            return [*pieces, *self._answers(short=True), *self._move_on(known=False)]
        return [*pieces, *self._answers(short=True), *self._ask()]

    def _move_on(self, *, known: bool) -> list[Piece]:
        what = "details" if known else "number"
        handle = self.brand.support_handle(self.message.channel)
        if handle and rules_of(self.message.channel).direct_messages:
            return self._say(f"public.dm_{what}", facts={"handle": handle})
        if self.brand.identity.contact.email:
            return self._say(f"public.contact_{what}", facts={"email": self.brand.identity.contact.email})
        return []

    # Shared by both.

    def _handoff(self, side: str) -> list[Piece]:
        values = {"when": self._when()}
        country = self.context.customer.country if self.context.customer else None
        if line := self.brand.help_line(country, self.phrases.language):
            values["help_line"] = f"{line.name}, {line.phone}"
        key = f"handoff.{self.plan.kind}.{side}"
        if self.plan.kind == "self_harm" and "help_line" not in values:
            key = "handoff.self_harm.public"
        return self._say(key, own_line=side == "private", facts=values)

    def _when(self) -> str:
        zone = ZoneInfo(self.brand.identity.timezone)
        moment = promise(self.brand.policy, self.escalation.respond_by, self.brand.identity.timezone)
        ahead = (moment.date() - self.message.received_at.astimezone(zone).date()).days
        language = self.phrases.language
        if ahead > 1:
            values = {"date": facts.day(moment.date().isoformat(), language) or ""}
            return self.phrases.options("when.day", values)[0]
        values = {"time": facts.clock(moment, language)}
        return self.phrases.options("when.tomorrow" if ahead else "when.today", values)[0]

    def _say(
        self, key: str, *, rank: int = ESSENTIAL, own_line: bool = False, facts: dict[str, str] | None = None
    ) -> list[Piece]:
        values = facts or {}
        options = self.phrases.options(key, values)
        text = self._pick(key, options)
        if text is None:
            return []
        return [Piece(text, rank, own_line, tuple(options), facts=tuple(values.values()))]

    def _pick(self, key: str, options: list[str]) -> str | None:
        first = chosen(options, key, self.message.content, self.message.id or "", self.message.author.handle or "")
        return first if first is None else options[(options.index(first) + self.variant) % len(options)]


def _paragraph(pieces: list[Piece]) -> list[Piece]:
    """The body after the greeting starts a line of its own."""
    if not pieces:
        return pieces
    first = pieces[0]
    opened = Piece(first.text, first.rank, True, first.shorter, first.citation, first.order_fields, first.facts)
    return [opened, *pieces[1:]]


def passage_text(passage: Passage) -> str:
    """All text of a passage that a draft may quote."""
    return f"{passage.title}\n{passage.text}\n{passage.short or ''}"
