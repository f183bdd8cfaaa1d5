"""answers_each_question, asks_nothing_known, action_fits: whether a text does what the message and the decision ask for."""

from __future__ import annotations

import re

from service.draft.checks.derived import follows
from service.draft.checks.made import Made, bare, passage_words
from service.draft.checks.quantities import keys_of, quantities_of
from service.draft.checks.quantity import Key
from service.draft.checks.reading import CURRENCIES
from service.draft.checks.wording import Words, clauses_of, plain, sentences_of, stems, stems_of, words_of
from service.messages import DraftText, Order, Passage

SHARED = 8  # stems of a passage that a text which answers by it has, beside those of the question
WITH_NUMBER = 2  # the same of a text that tells a number of the passage
SEVERAL = 3  # days, times, sums or spans of a passage that are an answer by themselves
WITH_ORDER = 3  # the same of a text that tells something of the order, or that says little else
SOME, PARTLY = 5, 0.2  # stems that are enough where they are so large a share of the text's words
MOSTLY = 0.35  # share of a text's words that are a passage's from which it says little else
SHORT_REQUEST = 12  # words up to which a request and what it is for may stand in two clauses: "your e-mail address, please"
DANGER = 3  # stems of a passage up to which a text to somebody in danger may share them
LEAST_SENTENCE = 24  # characters of an approved sentence that tells something
LEAST_ROOM = 400  # characters of a text that has room for an answer to each question
_FACTS = frozenset({"date", *CURRENCIES.values()})
IN_DANGER = frozenset({"self_harm", "hurt"})
_PICTURES = frozenset({"image", "photo", "picture"})


def unanswered(full: DraftText, made: Made) -> list[str]:
    """Questions that nothing in the text answers, of those that a passage or an order was found for."""
    text = full.text
    if made.action != "reply" or made.plan.macro is not None or _says_where(full, made):
        return []
    problems = []
    asked = stems_of(made.said)
    required = made.plan.passages if len(text) >= LEAST_ROOM or len(made.plan.passages) < 2 else made.plan.passages[:1]
    if made.plan.order is not None and not made.plan.passages and not _tells_order(text, made):
        problems.append("nothing is said of the order")
    for passage in required:
        others = _instead_of(passage, made) if len(required) > 1 else _cited_passages(made)
        if not any(_says(one, text, asked, made) for one in (passage, *others)):
            problems.append(f"nothing of {passage.id} is said")
    return problems


def _cited_passages(made: Made) -> list[Passage]:
    """What was found and the draft names as its source: to the only question, any of it may be the answer."""
    same = [one for passage in made.plan.passages for one in _instead_of(passage, made)]
    return [*same, *(one for one in made.context.passages if made.cited is not None and one.id in made.cited)]


def _instead_of(passage: Passage, made: Made) -> list[Passage]:
    """Other passages that were found for the same question."""
    return [one for answers in made.context.answers if passage in answers for one in answers if one != passage]


def _says_where(full: DraftText, made: Made) -> bool:
    """Whether the channel has no room for an answer, and approved words say where there is one."""
    small = full.limit is not None and full.limit < LEAST_ROOM
    return small and all(bare(sentence) in made.approved_sentences for sentence in sentences_of(plain(full.text)))


def _says(passage: Passage, text: str, asked: frozenset[str], made: Made) -> bool:
    """Whether the text holds something of a passage: its words, fewer where it tells a number of it or of the order as well.

    A passage that is quoted whole is an answer however few words it has; of one in another language its numbers, or that it
    is cited, must do.
    """
    said = plain(text)
    quotes = (passage.text, passage.short, *passage.wordings)
    if any(quote and plain(quote).strip() in said for quote in quotes):
        return True
    own = keys_of(plain(passage_words(passage)), passage.language, made.today)
    told = _told(said, made)
    if passage.language != made.language:
        return made.cited is None or passage.id in made.cited or bool(own & told)
    said_of_it = stems_of(text) - _of_phrases(made) - _of_names(made)
    words = said_of_it - asked
    shared = len(words & stems_of(passage_words(passage)))
    numbers = own & told
    if made.cited is not None and passage.id in made.cited:
        with_asked = len(said_of_it & stems_of(passage_words(passage)))
        if made.words.answers.search(said) and len(text) < LEAST_ROOM and with_asked >= WITH_NUMBER:
            return True  # "Do you deliver to Spain?" – "To Spain, yes."
        if len(_told_of_orders(said, made)) >= WITH_NUMBER or (with_asked >= WITH_ORDER and numbers):
            return True
    if len(numbers) >= SEVERAL or (numbers and shared >= WITH_NUMBER) or (made.known & told and shared >= WITH_ORDER):
        return True
    return _is_much(shared, len(words))


def _is_much(shared: int, words: int) -> bool:
    """Whether so many stems of a source among so many of a text tell what the source says, without a number of it."""
    return (
        shared >= SHARED or (shared >= SOME and shared >= PARTLY * words) or (shared >= WITH_ORDER and shared >= MOSTLY * words)
    )


def _told(said: str, made: Made) -> frozenset[Key]:
    """Days, sums, spans and times that the text tells and the customer did not."""
    found = quantities_of(said, made.language, made.today)
    return frozenset(key for quantity in found if quantity.kind != "number" for key in quantity.keys) - made.heard


def _told_of_orders(said: str, made: Made) -> frozenset[Key]:
    """Sums and days of the customer's orders that the text tells and the customer did not."""
    return frozenset(key for key in _told(said, made) & made.known if key[0] in _FACTS)


def _days_told(said: str, made: Made) -> frozenset[Key]:
    """Days that the text tells, those too that the customer asked for: "today?" – "Yes, today"."""
    found = quantities_of(said, made.language, made.today)
    return frozenset(key for quantity in found if quantity.kind in ("date", "relative", "weekday") for key in quantity.keys)


def _tells_order(text: str, made: Made) -> bool:
    """Whether the text tells something of the order: not its number or what is in it, which the customer knows."""
    said = plain(text)
    lowered, order = said.casefold(), made.plan.order
    own = frozenset(
        key for value in made.values if len(value) < LEAST_ROOM for key in keys_of(plain(value), made.language, made.today)
    )
    if any(key in own for key in _told(said, made) | _days_told(said, made) if key != _code_of(order)):
        return True
    for sentence in sentences_of(said):  # a day that follows from the order's: "you have until 7 December"
        days = (found for found in quantities_of(sentence, made.language, made.today) if found.kind == "date")
        if any(not found.keys & made.heard and follows(found, sentence, made) for found in days):
            return True
    if order is not None and order.carrier and order.carrier.casefold() in lowered:
        return True
    approved = made.approved_sentences - {bare(greeting[0]) for greeting in made.words.greeted.finditer(said)}
    if any(bare(sentence) in approved and len(sentence) > LEAST_SENTENCE for sentence in sentences_of(said)):
        return True
    words = stems_of(text) - stems_of(made.said) - _of_phrases(made) - _of_names(made)
    shared = len(words & frozenset(stem for value in made.approved for stem in stems_of(value)))
    return _is_much(shared, len(words))


def _code_of(order: Order | None) -> Key:
    return "code", re.sub(r"\W", "", order.order_id).upper() if order is not None else ""


def asks_known(text: str, made: Made) -> list[str]:
    """What a text asks for though the message or the record has it."""
    words, problems = made.words, []
    known = [what for what, is_known in _known(made).items() if is_known]
    for sentence in sentences_of(plain(text)) if known else ():
        if bare(sentence) in made.approved_sentences:
            continue
        lacking = words.asks["lacking"].search(sentence) is not None  # "without your order number we can't help"
        asked, requested = "?" in sentence, lacking or words.asks["cue"].search(sentence) is not None
        for what in known:
            if not (requested or (asked and what not in _MENTIONED)) or words.asks[what].search(sentence) is None:
                continue
            clauses = [clause for clause in clauses_of(sentence, words) if words.asks[what].search(clause)] or [sentence]
            if what in _MENTIONED and not asked:  # "thank you for the photo you sent"
                clauses = [clause for clause in clauses if not words.asks["sent"].search(clause)]
            if what in _MENTIONED and not lacking and len(sentence.split()) > SHORT_REQUEST:
                clauses = [clause for clause in clauses if words.asks["cue"].search(clause)]
            if what in _OF_SOMETHING:
                clauses = [clause for clause in clauses if not _of_something_else(clause, sentence, words)]
            if (
                clauses
                and (lacking or not all(words.negated(words.asks[what].sub(" ", clause)) for clause in clauses))
                and not _has_value(what, sentence, made)
            ):
                problems.append(f"asks for {_NAMED[what]}, which is known")
    return list(dict.fromkeys(problems))


def _of_something_else(clause: str, sentence: str, words: Words) -> bool:
    """Whether it is another thing's: "the firm's name", "if it's another order, send us its number"."""
    if words.asks["other"].search(clause):
        return True
    told = clauses_of(sentence, words)
    before = told[told.index(clause) - 1] if clause in told[1:] else ""
    return words.asks["other"].search(before) is not None and words.asks["cue"].search(before) is None


_NAMED = {
    "order": "the order number", "email": "the e-mail address", "photo": "a photo", "name": "the name",
    "item": "what was ordered", "date": "the day of the order", "tracking": "the tracking number", "country": "the country",
    "total": "what was paid",
}  # fmt: skip
_OF_SOMETHING = frozenset({"order", "name", "item", "date", "tracking", "total"})  # another thing or person has one as well
_MENTIONED = frozenset({"email", "photo"})  # a question may speak of them and ask for something else


def _known(made: Made) -> dict[str, bool]:
    customer, message, order = made.context.customer, made.message, _spoken_of(made)
    mine = {one.order_id.upper() for one in made.context.orders}
    photo = any(attachment.kind.casefold() in _PICTURES for attachment in message.attachments)
    photo = photo or any(event.event == "photo_received" for event in (order.timeline if order else ()))
    return {
        "order": order is not None or not mine.isdisjoint(made.numbers_said),
        "email": bool(customer and customer.email) or re.search(r"[\w.+-]+@[\w-]+\.\w", made.said) is not None,
        "photo": photo or _was_sent("photo", made),
        "name": bool((customer and customer.name) or message.author.name),
        "item": order is not None and bool(order.items),
        "date": order is not None and order.placed_at is not None,
        "tracking": order is not None and order.tracking is not None,
        "country": customer is not None and customer.country is not None,
        "total": order is not None and order.total is not None,
    }


def _spoken_of(made: Made) -> Order | None:
    """The order that the draft is about, or the only one that it names."""
    return made.plan.order or (made.orders[0] if len(made.orders) == 1 else None)


def _was_sent(what: str, made: Made) -> bool:
    """Whether the customer says that it was sent already."""
    spoken = words_of(made.understanding.language.code)
    return any(
        spoken.asks[what].search(part) and spoken.asks["sent"].search(part) and not spoken.negated(part)
        for part in re.split(r"[.!?\n]+", made.said)
    )


def _has_value(what: str, sentence: str, made: Made) -> bool:
    """Whether the sentence tells what it names: "your order number is A-1001"."""
    order, customer = _spoken_of(made), made.context.customer
    values = {"order": order.order_id if order else None, "email": customer.email if customer else None,
              "tracking": order.tracking if order else None}  # fmt: skip
    value = values.get(what)
    return value is not None and value.casefold() in sentence.casefold()


def unfitting(text: str, made: Made) -> list[str]:
    """Where a text does something else than its action: answers somebody in danger, or only passes a question on."""
    said = [sentence for sentence in sentences_of(plain(text)) if bare(sentence) not in made.approved_sentences]
    if made.action == "handoff" and made.plan.kind in IN_DANGER:
        stems = frozenset(stem for sentence in said for stem in stems_of(sentence)) - _of_phrases(made) - stems_of(made.said)
        answered = [p.id for p in made.context.passages if len(stems & stems_of(passage_words(p))) > DANGER]
        orders = [o.order_id for o in made.context.orders if o.order_id.casefold() in text.casefold()]
        return [f"answers with {what} somebody in danger" for what in (*answered, *orders)]
    if made.action != "reply" or made.plan.macro is not None:
        return []
    whole = sentences_of(plain(text))
    passes_on = [
        sentence for sentence in whole if made.words.hands_over.search(sentence) and made.words.promising.search(sentence)
    ]
    if not passes_on or not (made.plan.passages or made.plan.order):
        return []
    told = [s for s in whole if s not in passes_on]
    rest = " ".join(told)
    asked = stems_of(made.said)
    if any(_says(passage, rest, asked, made) for passage in made.plan.passages):
        return []
    if made.plan.order is not None and _tells_order(rest, made):
        return []
    return ["only says that somebody else will answer"]


def _of_names(made: Made) -> frozenset[str]:
    """Stems of what was ordered and of who ordered it: to name them is no answer."""
    customer = made.context.customer
    people = (customer.name if customer else None, made.message.author.name)
    items = (item.name for order in made.context.orders for item in order.items)
    return stems_of(" ".join((*(name for name in people if name), *items)))


def _of_phrases(made: Made) -> frozenset[str]:
    """Stems of how the language says hello, sorry and goodbye."""
    return stems(frozenset(made.words.functions)) | stems_of(
        " ".join((*made.words.given.greetings, *made.words.given.closings, made.brand.voice(made.language).team))
    )
