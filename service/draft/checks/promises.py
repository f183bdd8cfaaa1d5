"""no_invented_promise: a text promises nothing that the terms, a passage or the order does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from service.draft.checks.beyond import beyond
from service.draft.checks.derived import PAST, binds_nobody, follows, starts
from service.draft.checks.made import Made, bare
from service.draft.checks.quantities import keys_of, quantities
from service.draft.checks.quantity import Key, Quantity
from service.draft.checks.terms import looser
from service.draft.checks.wording import APART, clauses_of, languages, plain, sentences_of, without_labels, words_of
from service.messages import Order

# Groups of prompts/checks that are true of an order without any passage, by what of the order makes them so.
_REFUNDED = frozenset({"refund_pending", "refunded", "partly_refunded"})
_AT_ONCE = frozenset(
    {"refund", "compensation", "discount", "replacement"}
)  # groups in which a time and a sum are part of the promise
_DONE = frozenset({"refund", "replacement", "change"})  # groups in which only an order can say that it is done
_OF_TERMS = frozenset({"refund", "replacement"})  # groups that the terms alone may bear: remedies everybody has
_BY_ITSELF = frozenset({"guarantee", "surely", "exception", "keep", "priority"})  # groups whose words alone promise
_BINDING = frozenset({"refund", "replacement", "free", "change", "keep"})  # groups whose conditions must be told as well
_DENY_AFTER = frozenset({"de", "nl", "sv"})  # languages that put the "not" behind the verb
_SPANS = frozenset({"span", "money", "percent"})  # kinds of quantities that belong to what is promised
_SAYS = {
    "refund": "a refund", "compensation": "compensation", "discount": "a discount", "free": "something for free",
    "replacement": "a replacement", "guarantee": "a guarantee", "exception": "an exception", "callback": "a call",
    "surely": "certainty", "extension": "more time", "change": "a change to the order", "priority": "that it goes before others",
    "keep": "that an item may be kept",
}  # fmt: skip


@dataclass(frozen=True)
class _Support:
    """A sentence of a source that speaks of what a group names."""

    conditional: bool
    soon: bool
    keys: frozenset[Key]


def invented(text: str, made: Made) -> list[str]:
    """What a text promises without a source."""
    said = sentences_of(plain(text))
    problems: list[str] = []
    for at, sentence in enumerate(said):
        if bare(sentence) in made.approved_sentences:
            continue
        beside = [one for one in (*said[max(at - 1, 0) : at], *said[at + 1 : at + 2]) if bare(one) not in made.approved_sentences]
        problems += _invented(sentence, beside, made)
        problems += _late(sentence, made)
    return list(dict.fromkeys([*problems, *looser(text, made), *beyond(text, made)]))


def _invented(told: str, beside: Sequence[str], made: Made) -> Iterator[str]:
    words, sentence = made.words, without_labels(told)
    for group, pattern in words.promises.items():
        if pattern.search(sentence) is None:
            continue
        for clause in clauses_of(sentence, words):
            found = pattern.search(clause)
            if found is None or words.hedges.search(clause) or words.negated(_that_may_deny(group, clause, found, made)):
                continue
            if group not in _BY_ITSELF and not words.commits.search(sentence):
                continue
            if group == "surely" and (words.promising.search(clause) is None or _of_known_day(sentence, made)):
                continue  # "you can definitely return it"
            if (why := _unsupported(group, clause, sentence, beside, made)) is not None:
                yield f"promises {_SAYS.get(group, group)}: “{found[0]}” {why}"
                break


def _that_may_deny(group: str, clause: str, found: re.Match[str], made: Made) -> str:
    """Where a "not" would take the promise back; "you have our word that it never happens again" is one.

    The "not" of what is promised itself takes nothing back: "you won't be out of pocket".
    """
    if (denying := made.words.denying.get(group)) is not None:
        clause = denying.sub(lambda promise: "." * len(promise[0]), clause)
    return clause[: found.start()] if group == "guarantee" and made.language not in _DENY_AFTER else clause


def _unsupported(group: str, clause: str, sentence: str, beside: Sequence[str], made: Made) -> str | None:
    """Why nothing bears a promise, or None where something does."""
    words = made.words
    at_once = group in _AT_ONCE and words.soon.search(clause) is not None and not _due_today(sentence, made)
    if at_once and not words.soon.search(made.sources):
        return "at once is in no source"
    if any(_of_order(group, order) for order in made.context.orders):
        return None
    if group == "free" and words.promises["replacement"].search(sentence) and any(o.replacement_at for o in made.context.orders):
        return None
    if group == "extension" and any(
        q.keys & made.known or follows(q, sentence, made) for q in quantities(sentence, made.language, made.today)
    ):
        return None  # "for Christmas we extend the return window to 31 January", "a week more than we'd said"
    if group in _DONE and words.done.search(clause) and not words.conditions.search(sentence):
        return "is told as done, and no order says so"
    found: list[_Support] = []
    for at, pattern in enumerate(words.apart(group)):
        if pattern.search(clause) is None:
            continue
        borne = [
            support
            for source, language in _sources(group, made)
            for support in _supports(source, language, group, at, made.today)
        ]
        if not borne and not _is_the_customers(group, pattern, clause, sentence, made):
            return "is in no source"
        found += borne
    own = _quantities_of(sentence, made)
    near = [*own, *(quantity for one in beside for quantity in _quantities_of(one, made))]
    bound = "?" in sentence or words.conditions.search(sentence) or any(q.keys & support.keys for q in near for support in found)
    # "Send us a photo", "And if it can't be mended?": it depends on that.
    bound = bound or any("?" in one or words.asks["photo"].search(one) or words.conditions.search(one) for one in beside)
    if group in _BINDING and not bound and all(support.conditional for support in found):
        return "has a condition in the sources"
    if at_once and not any(support.soon for support in found):
        return "at once is in no source"
    if group in _AT_ONCE:
        known = frozenset(key for support in found for key in support.keys) | _keys_of_fields(made)
        if group in APART:
            known |= made.known
        for quantity in own:
            if not quantity.keys & known and not follows(quantity, sentence, made):
                return f"with {quantity.text.strip()}, which no source says of it"
    return None


def _is_the_customers(group: str, pattern: re.Pattern[str], clause: str, sentence: str, made: Made) -> bool:
    """Whether it is a code or voucher that the customer spoke of and a source has another word for, without a sum."""
    found = pattern.search(clause)
    if group != "discount" or found is None or found[0].casefold() not in made.said.casefold():
        return False
    if any(quantity.kind in ("money", "percent") for quantity in _quantities_of(sentence, made)):
        return False
    return any(
        words_of(language if language in languages() else "en").promises[group].search(text)
        for text, language in made.passage_texts
    )


def _of_known_day(sentence: str, made: Made) -> bool:
    """Whether a day or span of the sources stands there, of which one may be sure."""
    return any(q.keys & made.known for q in quantities(sentence, made.language, made.today) if q.kind != "number")


def _due_today(sentence: str, made: Made) -> bool:
    """Whether "today" is the day on which it is due."""
    today = ("relative", "today")
    return today in made.known or any(
        today in found.keys and follows(found, sentence, made) for found in quantities(sentence, made.language, made.today)
    )


def _quantities_of(sentence: str, made: Made) -> list[Quantity]:
    return [quantity for quantity in quantities(sentence, made.language, made.today) if quantity.kind in _SPANS]


def _late(sentence: str, made: Made) -> Iterator[str]:
    """Something is to happen at once or by a time of day of which no source speaks."""
    if not made.words.promising.search(sentence) or made.words.hedges.search(sentence):
        return
    for found in quantities(sentence, made.language, made.today):
        if found.kind in ("relative", "weekday") and not found.keys & made.known and not follows(found, sentence, made):
            if ("relative", "today") in found.keys and ("?" in sentence or starts(found, sentence, made)):
                continue
            if binds_nobody(found, sentence, made):
                continue  # "Saturday and Sunday don't count"
            if not found.keys & PAST and not (
                found.keys & made.heard and not made.words.deadline_before.search(sentence[: found.start])
            ):
                yield f"promises a day: {found.text} is in no source"


def _of_order(group: str, order: Order) -> bool:
    match group:
        case "refund":
            return order.refund is not None or order.status in _REFUNDED
        case "replacement":
            return order.replacement_at is not None
        case "change":
            return order.status == "cancelled" or order.issue == "cancelled_by_us"
        case _:
            return False


def _keys_of_fields(made: Made) -> frozenset[Key]:
    found: set[Key] = set()
    for value in made.values:
        if len(value) < 60:  # a field of an order, not a whole text
            found |= keys_of(plain(value), made.language, made.today)
    return frozenset(found)


def _sources(group: str, made: Made) -> Iterator[tuple[str, str]]:
    yield from made.passage_texts
    yield from ((plain(value), made.language) for value in (*made.values, *made.approved))
    if group in _OF_TERMS:
        yield _terms_told(made.brand.terms), "en"


@lru_cache(maxsize=8192)
def _supports(source: str, language: str, group: str, at: int, today: date) -> tuple[_Support, ...]:
    """Where a source speaks of what a pattern of the group names, with the numbers of it and of the sentences beside."""
    words = words_of(language if language in languages() else "en")
    patterns = words.apart(group)
    # In another language than the draft's, patterns do not answer to each other one by one.
    pattern = patterns[at] if at < len(patterns) else words.promises[group]
    if pattern.search(source) is None:
        return ()
    said = sentences_of(source)
    found = []
    for number, sentence in enumerate(said):
        clauses = [clause for clause in clauses_of(sentence, words) if pattern.search(clause)] or (
            [sentence] if pattern.search(sentence) else []
        )
        if clauses and not sentence.endswith("?") and not all(words.negated(clause) for clause in clauses):
            near = " ".join(said[max(number - 1, 0) : number + 2])
            bound = words.conditions.search(sentence) is not None or any(
                q.kind == "span" for q in quantities(sentence, language, today)
            )
            found.append(_Support(bound, words.soon.search(sentence) is not None, keys_of(near, language, today)))
    return tuple(found)


def _terms_told(terms: dict[str, Any]) -> str:
    """The terms as sentences: "refunds within 5 business days", "label cost free of charge"."""
    return "\n".join(_lines((), terms))


def _lines(path: tuple[str, ...], value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines((*path, str(key)), inner)
    elif isinstance(value, list):
        yield f"{_spaced(path)}: {' or '.join(str(one) for one in value)}, if the terms say so."
    else:
        unit = next(
            (
                name
                for name in ("business_days", "days", "hours", "minutes", "months", "years")
                if any(name in part for part in path)
            ),
            "",
        )
        free = "free of charge" if value == 0 and any("cost" in part for part in path) else ""
        yield f"{_spaced(path)}: {value} {unit.replace('_', ' ')} {free}, if the terms say so."


def _spaced(path: tuple[str, ...]) -> str:
    return re.sub(r"[_\s]+", " ", " ".join(path))
