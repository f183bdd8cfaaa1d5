"""facts_cited: each number, day, sum, span, code and name of a text stands in a source."""

from __future__ import annotations

import re
from datetime import date

from service.draft.checks.derived import PAST, binds_nobody, follows, starts
from service.draft.checks.made import Made, bare, passage_words
from service.draft.checks.names import unknown_names
from service.draft.checks.quantities import keys_of, quantities
from service.draft.checks.quantity import Key, Quantity
from service.draft.checks.wording import clause_with, clauses_of, plain, sentences_of, stems_of

_OF_PROMISES = frozenset(
    {"money", "percent"}
)  # kinds that the customer's own words are no source for, where something is promised
_BARE_DAY = re.compile(r"(?:\w+\s)?(\d{1,2})\D{0,2}")
HALF_A_DAY = 12  # hours
_HOUR = 60  # minutes
_NO_PREPOSITION = frozenset({"fr", "es"})  # languages where a weekday needs none to be a deadline
# Where the clocks of the brand's readers are an hour behind or ahead.
_ELSEWHERE = re.compile(
    r"\b(?:UK|Ireland|Irish|Britain|British|GMT|London|Dublin|Canar\w+|Portugal|Finland|your (?:own )?(?:clock|time))\b"
)
SAME = 2  # stems that two sentences on the same thing share
_WITH_DEADLINE = frozenset(
    {"span", "date", "weekday", "month", "relative", "feast", "clock"}
)  # the same, after a word such as "by"


def uncited(text: str, made: Made) -> list[str]:
    """What of a text is in no source. The customer's words may be said back, but not as a promise."""
    problems: list[str] = []
    for sentence in made.not_quoted(text):
        for found in quantities(sentence, made.language, made.today):
            if (found.keys & made.known and not _only_named(found, sentence, made)) or _this_year(found, made):
                continue
            if follows(found, sentence, made) or _is_shown(found, sentence, made):
                continue
            if _is_heard_number(found, sentence, made):
                continue  # "thank you for the 10", which reads as a day as well
            if starts(found, sentence, made):
                continue  # "buy it today and it can come back until"
            if _is_told_of_now(found, sentence, made) or _is_hour(found, sentence, made) or _is_of_list(found, text):
                continue
            if found.kind == "feast" and not _due_by_feast(found, sentence, made):
                continue  # "happy Easter"
            if found.kind in ("relative", "weekday") and bare(sentence) in made.approved_sentences:
                continue  # "words for a rainy Monday"
            if found.kind == "relative" and ("relative", "today") in found.keys and _is_looked_into(found, sentence, made):
                continue  # "we're looking into it today"
            if found.keys & made.heard and not _promised(found, sentence, made):
                continue
            problems.append(f"{found.text.strip()} is in no source")
    return [*dict.fromkeys(problems), *(f"{name} is in no source" for name in unknown_names(text, made))]


def _is_told_of_now(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether nothing is promised for a day that is today, or on whose weekday the sources have something: "open tomorrow"."""
    if binds_nobody(found, sentence, made):
        return True  # "Saturday and Sunday don't count"
    if found.kind not in ("weekday", "relative") or made.words.promising.search(sentence) is not None:
        return False
    if found.keys & {("weekday", made.today.weekday()), ("relative", "today")}:
        return True  # "thank you for writing today"
    days = (value for name, value in found.keys if name == "date")
    return any(isinstance(day, date) and ("weekday", day.weekday()) in made.known for day in days)


def _is_heard_number(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether what reads as a day of the month is a number that the customer said, and nothing is promised."""
    number = _BARE_DAY.fullmatch(found.text.strip())
    return (
        found.kind == "date"
        and number is not None
        and ("number", float(number[1])) in made.heard
        and made.words.promising.search(sentence) is None
    )


def _is_hour(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether a small number is an hour of the sources, and another hour of theirs stands beside: "from 10 to 6"."""
    if found.kind not in ("number", "clock"):
        return False
    hours = _hours(found)
    if _ELSEWHERE.search(sentence) is not None:  # "9 to 3 in the UK"
        hours |= frozenset(("clock", value + step) for name, value in hours if isinstance(value, int) for step in (-_HOUR, _HOUR))
    beside = [one for one in quantities(sentence, made.language, made.today) if one != found and _hours(one) & made.known]
    return bool(beside) and bool(hours & made.known)


def _hours(found: Quantity) -> frozenset[Key]:
    hours = (value for name, value in found.keys if name == "number" and isinstance(value, float) and 1 <= value <= HALF_A_DAY)
    read = frozenset[Key](("clock", int(hour + later) * 60) for hour in hours for later in (0, HALF_A_DAY) if hour == int(hour))
    return read | frozenset(key for key in found.keys if key[0] == "clock")


def _is_of_list(found: Quantity, text: str) -> bool:
    """Whether it names a line of the text's own list: "if you take number 2"."""
    return found.kind == "number" and re.search(rf"^\s*{re.escape(found.text.strip())}[.)]\s", text, re.MULTILINE) is not None


def _is_shown(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether a passage that was found, and is not cited, says it of the same thing."""
    stems = stems_of(sentence)
    others = (passage for passage in made.context.passages if passage not in made.passages)
    return any(
        len(stems & stems_of(said)) >= SAME and found.keys & keys_of(said, passage.language, made.today)
        for passage in others
        for said in sentences_of(plain(passage_words(passage)))
    )


def _only_named(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether the sources name a weekday, as opening hours do, but nothing is due on it as the sentence says."""
    if found.kind != "weekday" or {("due", value) for _, value in found.keys} & made.known or "?" in sentence:
        return False
    words = made.words
    if any(one.kind == "clock" and one.keys & made.known for one in quantities(sentence, made.language, made.today)):
        return False  # "we're back on Monday at 9:00"
    led = words.deadline_before.search(sentence[: found.start]) is not None
    led = led or found.start == 0 or made.language in _NO_PREPOSITION
    due = led and words.promising.search(sentence) is not None and words.elapsed.search(sentence) is None
    return due and words.hedges.search(sentence) is None


def _is_looked_into(found: Quantity, sentence: str, made: Made) -> bool:
    return made.words.hedges.search(clause_with(found.text.strip(), sentence, made.words)) is not None


def _due_by_feast(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether something is said to happen by the feast."""
    words, before = made.words, sentence[: found.start]
    led = words.feast_before.search(before)
    if led is None or words.promising.search(sentence) is None:
        return False
    clause = (clauses_of(before[: led.start()], words) or [""])[-1]
    return not words.negated(clause) and words.hedges.search(clause) is None


def _this_year(found: Quantity, made: Made) -> bool:
    return found.kind == "number" and ("number", float(made.today.year)) in found.keys


def _promised(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether it is part of a promise: "you've waited three weeks" is none, "you'll have it within three weeks" is one."""
    if found.kind not in _OF_PROMISES | _WITH_DEADLINE:
        return False
    clause = clause_with(found.text.strip(), sentence, made.words)
    if "?" in sentence or made.words.promising.search(clause) is None or made.words.hedges.search(clause) is not None:
        return False
    if found.kind in _OF_PROMISES:
        return True
    if found.keys & PAST or any(name == "date" and isinstance(day, date) and day < made.today for name, day in found.keys):
        return False
    return found.kind in ("relative", "feast") or made.words.deadline_before.search(sentence[: found.start]) is not None
