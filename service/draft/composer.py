"""The composer: a draft from pre-approved phrases, the brand's passages and this customer's order, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from service.brands import Brand, Matter
from service.draft import facts
from service.draft.channels import Limit, measured, rules_of, spelt
from service.draft.disclosure import disclosed, room
from service.draft.names import first_name
from service.draft.order_told import next_step, order_told
from service.draft.phrases import Phrases
from service.draft.plan import ORDER_TOPICS, Plan
from service.draft.quoting import quoted
from service.draft.speech import Speech
from service.draft.states import photo_here, states_of
from service.draft.texts import ESSENTIAL, NICE, USEFUL, Piece, fitted, joined
from service.draft.trouble import issue_of
from service.escalate.deadlines import promise
from service.messages import Citation, Context, DraftText, Escalation, Level, Message, Passage, PastTriage, Understanding, Unit
from service.understand.embedder import sentences
from service.understand.understanding import SURE_TOPIC

# How much regret a state asks for even of somebody who asks calmly: bad news comes with it.
_SORRY: dict[str, Level] = {
    "lost": "moderate", "overdue": "moderate", "in_transit_late": "mild", "delayed": "mild", "damaged": "moderate",
    "wrong_item": "moderate", "missing_item": "moderate", "not_received": "mild", "double_charge": "moderate",
    "cancelled_by_us": "moderate", "faulty": "mild", "refund_overdue": "moderate",
}  # fmt: skip
_EMPATHY_KINDS = frozenset({"general", "payment", "human"})  # handoffs in which to speak of a late parcel is not out of place
FEW_SENTENCES = 3  # of substance up to which regret is one sentence; "am 24. November" counts as two
LONGEST_QUOTE = 2_500  # characters of a passage that a reply still quotes whole


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
        private = self._within(self._private(), rules.private)
        public = self._within(self._public(), rules.public) if self.message.public else []
        language = self.phrases.language
        open_text, told = (disclosed(joined(pieces), self.brand, language) for pieces in (public, private))
        return Composed(
            public=measured(open_text, rules.public) if self.message.public else None,
            private=measured(told, rules.private),
            pieces=tuple(private + public),
        )

    def _within(self, pieces: list[Piece], limit: Limit) -> list[Piece]:
        """What fits of the pieces; where no answer does, the way to one."""
        limit = room(limit, self.brand, self.phrases.language)
        kept = fitted([_spelt(piece, limit.unit) for piece in pieces], limit)
        if pieces and not any(piece.rank == ESSENTIAL for piece in kept):
            kept = fitted([_spelt(piece, limit.unit) for piece in self._elsewhere()], limit)
        return kept

    def _elsewhere(self) -> list[Piece]:
        email = self.brand.identity.contact.email
        return self._speech.say("public.contact_details", facts={"email": email}) if email else self._move_on(known=True)

    @cached_property
    def _speech(self) -> Speech:
        return Speech(self.phrases, self.message, self.variant)

    @cached_property
    def _states(self) -> list[str]:
        return states_of(self.plan.order, self.message, self.understanding)

    # The private text: complete, with names, orders and answers in full.

    def _private(self) -> list[Piece]:
        if self.plan.action == "handoff" and self.plan.kind in ("self_harm", "hurt"):
            return [*self._greeting(), *self._handoff("private"), *self._signoff()]
        if self.plan.macro is not None:
            return [*self._greeting(), *_paragraph(self._macro(self.plan.macro.texts)), *self._signoff()]
        topic = self.understanding.topic.label
        told = order_told(self.plan.order, self._states, self._speech, topic) if self.plan.order else []
        rest = [
            *told,
            *(next_step(self.plan, self._states, self._speech, topic) if self.plan.action != "handoff" else []),
            *self._answers(short=False),
            *self._no_order_found(),
            *self._ask(),
            *self._suggestion(public=False),
            *(self._speech.say("no_answer") if self._ungrounded() else []),
            *(self._handoff("private") if self.plan.action == "handoff" else []),
        ]
        # Two sentences of regret beside one or two of substance make drafts read alike.
        brief = sum(len(sentences(piece.text)) for piece in rest) <= FEW_SENTENCES
        body = [*self._earlier_contact(), *self._feeling(briefly=brief), *rest]
        return [*self._greeting(), *_paragraph(body), *self._signoff()]

    def _greeting(self) -> list[Piece]:
        formal = "formal_" if self.message.options.tone == "formal" else ""
        name = self._first_name()
        if name:
            return self._speech.say(f"greeting.{formal}named", rank=USEFUL, facts={"name": name})
        return self._speech.say(f"greeting.{formal}plain", rank=USEFUL)

    def _signoff(self) -> list[Piece]:
        team = self.brand.voice(self.phrases.language).team
        grave = self.plan.action == "handoff" and self.plan.kind not in _EMPATHY_KINDS
        key = "signoff_formal" if grave or self.message.options.tone == "formal" else "signoff"
        return self._speech.say(key, rank=NICE, own_line=True, facts={"team": team})

    def _first_name(self) -> str | None:
        if self.brand.voice(self.phrases.language).names == "none":
            return None
        known = self.context.customer.name if self.context.customer else None
        return first_name(known) or first_name(self.message.author.name, given=True)

    def _earlier_contact(self) -> list[Piece]:
        wants = self.understanding.has("frustration") or self.understanding.has("information_seeking")
        if not wants or not self.context.history or self.message.options.tone == "brief":
            return []
        last = self.context.history[0]
        age = self.message.received_at - last.at
        same = self._same_matter(last)
        if (
            last.label not in ("frustration", "information_seeking")
            or not same
            or not timedelta(days=1) <= age <= timedelta(days=30)
        ):
            return []
        when = facts.day(last.at.date().isoformat(), self.phrases.language, self.message.received_at.date())
        return self._speech.say("earlier_contact", rank=USEFUL, facts={"date": when or ""})

    def _same_matter(self, last: PastTriage) -> bool:
        """By the order, where both are about one, else by the topic."""
        if self.plan.order is not None and last.order_id is not None:
            return last.order_id == self.plan.order.order_id
        return last.topic is None or last.topic == self.understanding.topic.label

    def _feeling(self, *, briefly: bool = False) -> list[Piece]:
        understanding, pieces = self.understanding, list[Piece]()
        if self.plan.action == "handoff" and self.plan.kind not in _EMPATHY_KINDS:
            return []
        before = bool(self.message.thread or self.context.history)
        if understanding.trajectory == "resolved" and before and self.plan.action == "reply":
            return self._speech.say("resolved", rank=ESSENTIAL)
        if understanding.has("frustration"):
            pieces += self._empathy(understanding.frustration_level, briefly)
        elif self.plan.order is not None and (sorry := _SORRY.get(self._states[0])):
            pieces += self._speech.say(self._trouble(sorry), rank=USEFUL, briefly=briefly)
        elif self.plan.action == "handoff":
            return []
        elif understanding.label == "praise":
            topic = understanding.topic.label
            kind = {"delivery": "delivery", "product": "product", "service": "service"}.get(topic, "other")
            pieces += self._speech.say(f"praise.{kind}")
        elif understanding.has("praise") and self.plan.action == "reply" and self.plan.passages:
            pieces += self._speech.say("praise_also", rank=NICE)
        return pieces

    def _empathy(self, level: Level, briefly: bool) -> list[Piece]:
        if level == "none" or (self.message.options.tone == "brief" and level == "mild"):
            return []
        waiting = bool(self.message.thread) and self.message.thread[-1].role == "customer"
        if self.understanding.signal("greeting_only"):
            return self._speech.say("apology_wait_ping") if waiting else []
        pieces = self._speech.say(self._trouble(level), rank=USEFUL, briefly=briefly)
        if self.plan.kind == "general" and self._asked_before():
            pieces += self._speech.say("repeat", rank=NICE)
        elif self.understanding.signal("waiting") and level != "mild":
            pieces += self._speech.say("waiting", rank=NICE)
        return pieces

    def _asked_before(self) -> bool:
        """Whether they wrote before, by the records or the conversation; who phoned once and says so has not."""
        told = any(reason.code == "repeat_contact" for reason in self.escalation.reasons)
        return told and bool(self.context.history or self.message.thread)

    def _trouble(self, level: Level) -> str:
        """The key of a sentence that names what went wrong, or, where it is not known for sure, what it is about."""
        issue = issue_of(self.message, self.understanding, self.plan, self._states)
        if issue is not None and (key := f"empathy.issue.{issue}.{level}") in self.phrases.variants:
            return key
        topic = self.understanding.topic
        known = topic.score >= SURE_TOPIC and f"empathy.{topic.label}.{level}" in self.phrases.variants
        return f"empathy.{topic.label if known else 'other'}.{level}"

    def _answers(self, *, short: bool) -> list[Piece]:
        pieces: list[Piece] = []
        for number, passage in enumerate(self.plan.passages):
            # A passage that says nothing, or far more than a reply can hold, is quoted by its short form.
            brief = short or number > 0 or len(passage.text) > LONGEST_QUOTE or self._told_in_part(passage)
            text = (passage.short if brief else self._worded(passage)) or passage.text
            quotes = quoted(text.strip(), self.phrases.language, known=self.plan.known and not short, photo=self._photo)
            lead = self._speech.say("second", rank=USEFUL, own_line=True) if number and not short and quotes else []
            pieces += lead
            for at, quote in enumerate(quotes):
                pieces.append(
                    Piece(
                        quote,
                        rank=USEFUL if number else ESSENTIAL,
                        own_line=not short and not lead and at == 0,
                        citation=Citation(source=passage.id, quote=quote),
                        shorter=(passage.short,) if passage.short and len(quotes) == 1 else (),
                    )
                )
        return pieces

    @cached_property
    def _photo(self) -> bool:
        return photo_here(self.plan.order, self.message)

    def _told_in_part(self, passage: Passage) -> bool:
        """Whether the order beside it tells its own part of what the passage says."""
        own = passage.topic in ("refund", "payment", "delivery") or passage.issue in (
            "late",
            "lost",
            "not_received",
            "refund_wait",
            "double_charge",
        )
        return self.plan.order is not None and own

    def _worded(self, passage: Passage) -> str | None:
        return self._speech.pick(f"answer.{passage.id}", [passage.text, *passage.wordings])

    def _macro(self, texts: tuple[str, ...]) -> list[Piece]:
        macro = self.plan.macro
        if macro is None:
            return []
        contact = {"handle": self.brand.support_handle(self.message.channel), "email": self.brand.identity.contact.email}
        filled = []
        for text in texts:
            for name, value in contact.items():
                text = text.replace(f"{{{name}}}", value or self.brand.identity.display_name)
            filled.append(text)
        chosen_text = self._speech.pick(f"macro.{macro.id}", filled)
        if chosen_text is None:
            return []
        cited = Citation(source=f"macro-{macro.id}-{macro.language}", quote=chosen_text)
        return [Piece(chosen_text, shorter=tuple(filled), citation=cited, facts=tuple(filled))]

    def _suggestion(self, *, public: bool) -> list[Piece]:
        """A product, to a happy customer who asked about one, and in public never one that rests on what they bought."""
        asked = self.understanding.has("information_seeking") and self.understanding.topic.label in ("product", "offers")
        if not asked or self.understanding.has("frustration") or self.plan.action != "reply" or not self.plan.passages:
            return []
        if self.message.options.tone == "brief":
            return []
        found = next((s for s in self.context.suggestions if s.kind == "product" and not (public and s.personal)), None)
        if found is None:
            return []
        return self._speech.say("suggest", rank=NICE, facts={"title": found.title})

    def _no_order_found(self) -> list[Piece]:
        return self._speech.say("no_order_found") if self.plan.unknown_order else []

    def _ungrounded(self) -> bool:
        """A question that goes to a colleague because nothing at hand answers it."""
        codes = {reason.code for reason in self.escalation.reasons}
        return self.plan.action == "handoff" and self.plan.kind == "general" and "no_grounding" in codes

    def _ask(self) -> list[Piece]:
        match self.plan.ask:
            case None:
                return []
            case "greeting":
                return self._speech.say("greeting_only")
            case other:
                return self._speech.say(f"ask.{other}")

    # The public text: short, and nothing in it that belongs to this customer.

    def _public(self) -> list[Piece]:
        plan = self.plan
        if plan.action == "handoff" and plan.kind in ("self_harm", "hurt"):
            return self._handoff("public")
        if plan.macro is not None:
            return self._macro(plan.macro.publics)
        pieces = self._feeling()
        if plan.action == "handoff":
            pieces += self._handoff("public")
            if plan.kind in _EMPATHY_KINDS and (plan.order or self.understanding.topic.label in ORDER_TOPICS):
                pieces += self._contact(known=plan.order is not None)
            return pieces
        if plan.order is not None:
            return [*pieces, *self._answers(short=True), *self._move_on(known=True)]
        if plan.unknown_order or plan.ask == "order":
            return [*pieces, *self._answers(short=True), *self._move_on(known=False)]
        return [*pieces, *self._answers(short=True), *self._ask(), *self._suggestion(public=True)]

    def _move_on(self, *, known: bool) -> list[Piece]:
        """Where to go on; in a private message where the brand names neither a handle nor an address."""
        return self._contact(known=known) or self._speech.say(f"public.private_{'details' if known else 'number'}")

    def _contact(self, *, known: bool) -> list[Piece]:
        what = "details" if known else "number"
        handle = self.brand.support_handle(self.message.channel)
        if handle and rules_of(self.message.channel).direct_messages:
            return self._speech.say(f"public.dm_{what}", facts={"handle": handle})
        if self.brand.identity.contact.email:
            return self._speech.say(f"public.contact_{what}", facts={"email": self.brand.identity.contact.email})
        return []

    # Shared by both.

    def _handoff(self, side: str) -> list[Piece]:
        values = {"when": self._when()}
        country = self.context.customer.country if self.context.customer else None
        matter: Matter = "self_harm" if self.plan.kind == "self_harm" else "safety"
        if line := self.brand.help_line(country, self.phrases.language, matter):
            values["help_line"] = f"{line.name}, {line.phone}"
        key = f"handoff.{self.plan.kind}.{side}"
        if self.plan.kind == "self_harm" and "help_line" not in values:
            key = "handoff.self_harm.public"
        said = self._speech.say(key, own_line=side == "private", facts=values)
        if side == "private" and self.plan.kind in ("hurt", "safety") and "help_line" in values:
            said += self._speech.say("handoff.help_line", facts={"help_line": values["help_line"]})
        return said

    def _when(self) -> str:
        zone = self.brand.policy.zone
        moment = promise(self.brand.policy, self.escalation.respond_by)
        ahead = (moment.date() - self.message.received_at.astimezone(zone).date()).days
        language = self.phrases.language
        if ahead > 1:
            values = {"date": facts.day(moment.date().isoformat(), language) or ""}
            return self.phrases.options("when.day", values)[0]
        values = {"time": facts.clock(moment, language)}
        return self.phrases.options("when.tomorrow" if ahead else "when.today", values)[0]


def _spelt(piece: Piece, unit: Unit) -> Piece:
    """The piece in letters the channel holds."""
    if unit != "septets":
        return piece
    text, citation = spelt(piece.text, unit), piece.citation
    cited = Citation(source=citation.source, quote=spelt(citation.quote, unit)) if citation else None
    shorter, facts_of, bare = (tuple(spelt(t, unit) for t in texts) for texts in (piece.shorter, piece.facts, piece.bare))
    return replace(piece, text=text, shorter=shorter, citation=cited, facts=facts_of, bare=bare)


def _paragraph(pieces: list[Piece]) -> list[Piece]:
    """The body after the greeting starts a line of its own."""
    if not pieces:
        return pieces
    first = pieces[0]
    return [replace(first, own_line=True), *pieces[1:]]
