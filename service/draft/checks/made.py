"""A draft as it was made: both texts with everything they were made from. What every check is given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache

from service.brands import Brand
from service.draft.checks.quantities import keys_of
from service.draft.checks.quantity import Key
from service.draft.checks.wording import Words, plain, sentences_of, stands_in, words_of
from service.draft.plan import Plan
from service.messages import Action, Context, DraftText, Escalation, Message, Order, Passage, Understanding
from service.order_numbers import order_numbers

_NO_WORD = re.compile(r"[\W_]+")
WORD = re.compile(r"[^\W\d_][\w]*(?:['-][^\W\d_][\w]*)*")


@dataclass(frozen=True)
class Made:
    """One draft and its sources.

    `passages` are those the texts rest on, `values` other texts and values that are sources: order fields, contacts, words
    that stand approved. `approved` are sentences that may stand as they are, with whatever they promise. `cited` are the ids
    of the sources a writer named; None where nobody names any (the composer, or a text that is still being written).
    `foreign_quotes` are quoted from passages in another language, which a warning tells of.
    """

    public: DraftText | None
    private: DraftText | None
    action: Action
    language: str
    message: Message
    understanding: Understanding
    context: Context
    escalation: Escalation
    brand: Brand
    plan: Plan
    passages: tuple[Passage, ...] = ()
    values: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    cited: tuple[str, ...] | None = None
    foreign_quotes: tuple[str, ...] = ()

    def with_texts(self, public: DraftText | None, private: DraftText | None) -> Made:
        """Other texts made from the same."""
        return replace(self, public=public, private=private)

    @property
    def texts(self) -> list[DraftText]:
        """Both texts, the public one first."""
        return [text for text in (self.public, self.private) if text is not None]

    @cached_property
    def words(self) -> Words:
        """What to look for in the draft's language."""
        return words_of(self.language)

    @cached_property
    def today(self) -> date:
        """The day the message came, where the brand is."""
        return self.message.received_at.astimezone(self.brand.policy.zone).date()

    @cached_property
    def said(self) -> str:
        """What stands in the conversation: words of the customer and of earlier replies."""
        message = self.message
        heard = (attachment.transcript for attachment in message.attachments if attachment.transcript)
        return plain("\n".join([message.content, *(turn.text for turn in message.thread), *heard]))

    @cached_property
    def numbers_said(self) -> tuple[str, ...]:
        """What looks like an order number there."""
        return tuple(order_numbers(self.said))

    @cached_property
    def passage_texts(self) -> tuple[tuple[str, str], ...]:
        """The passages' words, each with its language."""
        return tuple((plain(passage_words(passage)), passage.language) for passage in self.passages)

    @cached_property
    def sources(self) -> str:
        """Every source as one text."""
        return "\n".join([*(text for text, _ in self.passage_texts), *(plain(value) for value in self.values)])

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """Orders that the draft may speak of: the one it is about, those whose fields are sources and those it names."""
        said = "\n".join(plain(text.text) for text in self.texts).casefold()
        return tuple(
            order
            for order in self.context.orders
            if order == self.plan.order
            or order.order_id in self.values
            or any(stands_in(plain(name).casefold(), said) for name in (order.order_id, *(item.name for item in order.items)))
        )

    @cached_property
    def known(self) -> frozenset[Key]:
        """Every number, day and sum of the sources, in whatever form they have it; days of orders with their year."""
        found: set[Key] = set()
        for order in self.orders:
            found |= keys_of(" ; ".join(day.isoformat() for day in days_of(order)), self.language, self.today)
        for text, language in self.passage_texts:
            found |= keys_of(text, language, self.today)
            if language != self.language:
                found |= keys_of(text, self.language, self.today)
        for value in self.values:
            found |= keys_of(plain(value), self.language, self.today)
        return frozenset(found)

    @cached_property
    def heard(self) -> frozenset[Key]:
        """The same of the conversation: it may be said back, and is no source for a promise."""
        spoken = self.understanding.language.code
        return keys_of(self.said, self.language, self.today) | (
            keys_of(self.said, spoken, self.today) if spoken != self.language else frozenset()
        )

    @cached_property
    def told(self) -> frozenset[Key]:
        """Every number, day and sum that the draft itself tells, in either text."""
        said = (sentence for text in self.texts for sentence in sentences_of(plain(text.text)))
        return frozenset(key for sentence in said for key in keys_of(sentence, self.language, self.today))

    @cached_property
    def _naming(self) -> tuple[str, ...]:
        """All that a draft may name somebody or something from, lower case."""
        context, brand = self.context, self.brand
        customer, author = context.customer, self.message.author
        own = [
            brand.identity.display_name, *brand.identity.support_handles.values(),
            *(line.name for line in brand.identity.help_lines),
            brand.voice(self.language).team, *brand.voice(self.language).signoff, brand.voice(self.language).disclosure,
            author.name, author.handle, *re.split(r"[\W\d_]+", f"{author.handle or ''} {author.name or ''}"),
            customer.name if customer else None,
            *(item.name for order in context.orders for item in order.items), *(order.carrier for order in context.orders),
            *(suggestion.title for suggestion in context.suggestions),
        ]  # fmt: skip
        texts = (*(text for text, _ in self.passage_texts), *self.values, self.said, *self.approved)
        return tuple(plain(value).casefold() for value in (*own, *texts) if value)

    @cached_property
    def any_language(self) -> tuple[str, ...]:
        """Names that are the same in any language: of the brand, its team and help lines, of what was ordered and is sold."""
        identity, voice = self.brand.identity, self.brand.voice(self.language)
        names = (
            identity.display_name, *identity.support_handles.values(), voice.team, voice.disclosure,
            *(line.name for line in identity.help_lines), *(item.name for order in self.context.orders for item in order.items),
            *(product.name for product in self.brand.catalogue),
        )  # fmt: skip
        return tuple(plain(name) for name in names if name)

    @cached_property
    def named(self) -> str:
        """The same as one text."""
        return "\n".join(self._naming)

    @cached_property
    def named_words(self) -> frozenset[str]:
        """Its words, one by one."""
        return frozenset[str]().union(*map(_words_in, self._naming))

    @cached_property
    def common_words(self) -> frozenset[str]:
        """Words of the language that anybody may say, with or without a capital."""
        phrases = self.brand.phrases.get(self.language)
        return self.words.capitals | self.words.functions | (phrases.words if phrases is not None else frozenset())

    @cached_property
    def approved_sentences(self) -> frozenset[str]:
        """Sentences that may stand as they are, in the form `bare` gives."""
        return self.quoted_sentences | self._phrases

    @cached_property
    def quoted_sentences(self) -> frozenset[str]:
        """Sentences of the passages, in that form: all that they tell is told by a source."""
        return _bare_sentences(text for text, _ in self.passage_texts)

    def not_quoted(self, text: str) -> list[str]:
        """The text's sentences that no passage has word for word."""
        return [sentence for sentence in sentences_of(plain(text)) if bare(sentence) not in self.quoted_sentences]

    @cached_property
    def sentences_of_language(self) -> frozenset[str]:
        """Approved ones, and those of passages, that are in the draft's language."""
        return self._phrases | _bare_sentences(text for text, language in self.passage_texts if language == self.language)

    @cached_property
    def _phrases(self) -> frozenset[str]:
        return _bare_sentences(plain(text) for text in self.approved)


@lru_cache(maxsize=4_096)
def _words_in(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text))


def _bare_sentences(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(bare(sentence) for text in texts for sentence in sentences_of(text))


def days_of(order: Order) -> list[date]:
    """The days of an order, the earliest first."""
    told = (
        order.placed_at, order.promised_at, order.shipped_at, order.due_at, order.delivered_at, order.replacement_at,
        order.held_until, order.refund.at if order.refund else None, *(event.at for event in order.timeline),
    )  # fmt: skip
    return sorted({day for value in told if (day := day_of(value)) is not None})


def day_of(iso: str | None) -> date | None:
    """The day of a field; None where there is none or it can't be read."""
    try:
        return date.fromisoformat((iso or "")[:10])
    except ValueError:
        return None


def passage_words(passage: Passage) -> str:
    """All that a passage says, in every wording."""
    return "\n".join([passage.title, passage.text, passage.short or "", *passage.wordings])


@lru_cache(maxsize=8192)
def bare(sentence: str) -> str:
    """A sentence by its words alone."""
    return _NO_WORD.sub(" ", sentence.casefold()).strip()
