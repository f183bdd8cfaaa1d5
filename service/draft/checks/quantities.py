"""Numbers, sums, shares, spans of time, days, times and codes in a text, read so that the same fact compares equal in any form.

"24 November", "24.11." and "2026-11-24" are one day; "219,00 €", "€219" and "219 euros" one sum; "two weeks" and "14 days" one
span. What can be read in two ways has the keys of both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from itertools import pairwise

from service.draft.checks import days
from service.draft.checks.days import named_days
from service.draft.checks.quantity import Key, Quantity
from service.draft.checks.reading import CURRENCIES, CURRENCY, NUMBER, UP_TO, Reader, reader_of, values_of
from service.draft.checks.wording import languages, sentences_of, words_of

_MINUTES = {"minutes": 1, "hours": 60, "days": 1440, "weeks": 10080, "fortnights": 20160}
_MONTHS = {"months": 1, "years": 12}
_CLOCK = re.compile(
    r"(?<![\d.,])(?:(?P<from>\d{1,2})\s?(?:-|–|bis|to|tot|till|à|a)\s?)?(?P<hour>[01]?\d|2[0-4])(?::(?P<minute>[0-5]\d)|(?P<dot>\.[0-5]\d)|\s?h\s?(?P<french>[0-5]\d))?"
    r"\s?(?P<mark>uhr|uur|h|a\.?m\.?|p\.?m\.?)?(?![\w]|[.,:]\d)", re.IGNORECASE,
)  # fmt: skip
_AT = re.compile(r"(?:\bum|\bkl\.?|klockan|\bat|\bom|\bà|a las?|vanaf|ab|from|until|bis|tot|before|by)\s$", re.IGNORECASE)
_MONEY = re.compile(
    rf"(?:(?<![\w])(?P<before>{CURRENCY})\s?(?P<one>{NUMBER})(?!\d))"
    rf"|(?<![\w.,])(?:(?P<low>{NUMBER})\s?{UP_TO}\s?)?(?P<two>{NUMBER})\s?(?:,?-{{1,2}}\s?)?(?P<after>{CURRENCY})(?!\w)",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    rf"(?<![\w.,])(?P<value>{NUMBER})\s?-?(?:%|percent\b|per cent\b|prozent\b|procent\b|pour cent\b|por ciento\b)", re.IGNORECASE
)
_CODE = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])(?:[A-Za-z]{1,5}-?)+\d[\dA-Za-z-]{2,}(?!\w)")
_PHONE = re.compile(r"(?<![\w+])\+?\(?\d[\d ()/.-]{5,}\d(?!\w)")
_PLAIN = re.compile(rf"(?<![\w]){NUMBER}")
_LISTED = re.compile(r"^\s*\d{1,2}[.)]\s(?=\S)", re.MULTILINE)
_DIGIT = re.compile(r"\d")
_DAY = 1440  # minutes
_LEAST_PHONE = 7  # digits
NEAR = 20  # characters between two weekdays that stand in one list


def keys_of(text: str, language: str, today: date) -> frozenset[Key]:
    """Everything a source says in numbers and days, and what follows from it: a day's weekday and month, a span's number."""
    return _keys_of(text, language if language in languages() else "en", today)


@lru_cache(maxsize=4096)
def _keys_of(text: str, language: str, today: date) -> frozenset[Key]:
    found: set[Key] = set()
    weekdays: list[tuple[int, int]] = []
    for quantity in quantities(text, language, today):
        found |= quantity.keys
        for name, value in quantity.keys:
            if name == "date" and isinstance(value, date):
                found |= {
                    ("number", float(value.day)),
                    ("weekday", value.weekday()),
                    ("due" if value >= today else "weekday", value.weekday()),
                    ("month", value.month),
                    ("number", float(value.year)),
                }
                found |= named_days(value, today)
            elif name == "weekday" and isinstance(value, int):
                weekdays.append((quantity.start, value))
                if words_of(language).deadline_before.search(text[max(quantity.start - 30, 0) : quantity.start]):
                    found.add(("due", value))
            elif name == "code":
                found |= {("number", float(digits)) for digits in re.findall(r"\d+", str(value))[:2]}
        if quantity.kind not in ("number", "code", "phone"):
            found |= {("number", value) for number in re.findall(NUMBER, quantity.text) for value in values_of(number)}
    return frozenset(found | set(_listed_days(weekdays)))


def _listed_days(weekdays: list[tuple[int, int]]) -> Iterator[Key]:
    """Days that a list or a span of weekdays names, and how many: "Monday to Friday" are five."""
    row: set[int] = set()
    for (start, first), (end, last) in pairwise(weekdays):
        if end - start >= NEAR or first >= last:
            row = set()
            continue
        row |= set(range(first, last + 1))
        yield from (("weekday", number) for number in row)
        yield "days_named", float(len(row))


def quantities_of(text: str, language: str, today: date) -> Iterator[Quantity]:
    """Those of a whole text, sentence by sentence: what was read of a sentence before is not read again."""
    for sentence in sentences_of(text):
        yield from quantities(sentence, language, today)


@lru_cache(maxsize=8192)
def quantities(text: str, language: str, today: date) -> tuple[Quantity, ...]:
    """All of them in the order they stand; each stretch of text is read once, as the first of these that it can be."""
    reader = reader_of(language if language in languages() else "en")
    found: list[Quantity] = []
    rest, folded = text, text.casefold()
    for step in _STEPS if _DIGIT.search(text) else _STEPS_OF_WORDS:
        if step in _TOLD_BY and not _TOLD_BY[step](folded, reader):
            continue
        taken = list(step(rest, reader, today))
        for quantity in taken:
            end = quantity.start + len(quantity.text)
            rest = rest[: quantity.start] + "\x00" * len(quantity.text) + rest[end:]
        found += (quantity for quantity in taken if quantity.keys)
    return tuple(sorted(found, key=lambda quantity: quantity.start))


def units_of(text: str, language: str) -> list[str]:
    """The units of time that a text names."""
    return [
        unit for unit, pattern in reader_of(language if language in languages() else "en").units.items() if pattern.search(text)
    ]


def _listed(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """The numbers of a list's lines, which say nothing: they are taken out of the text."""
    for match in _LISTED.finditer(text):
        yield Quantity(match[0], "number", frozenset(), match.start())


def _money(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    for match in _MONEY.finditer(text):
        unit = CURRENCIES[(match["before"] or match["after"]).casefold()]
        keys = {(unit, value) for value in values_of(match["one"] or match["two"])}
        yield Quantity(match[0], "money", frozenset(keys), match.start())
        if match["low"]:
            yield Quantity(match[0], "money", frozenset((unit, value) for value in values_of(match["low"])), match.start())
    yield from _money_words(text, reader, today)


def _money_words(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    for match in reader.money_words.finditer(text):
        unit = CURRENCIES.get(match["unit"].casefold(), "%")
        yield Quantity(match[0], "money", frozenset({(unit, reader.words.value(match["word"]))}), match.start())


def _percents(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    for match in _PERCENT.finditer(text):
        yield Quantity(match[0], "percent", frozenset(("%", value) for value in values_of(match["value"])), match.start())


def _spans(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    for pattern in reader.spans if reader.any_unit.search(text) else ():
        for match in pattern.finditer(text):
            unit = next(name for name, pattern in reader.units.items() if pattern.fullmatch(match["unit"]))
            for number in (match["number"], match["low"]):
                if number is None:
                    continue
                values = values_of(number) if number[0].isdigit() else {reader.words.value(number)}
                keys = {_span_key(unit, value) for value in values}
                if match["unit"].casefold() in ("uur", "h"):
                    keys |= {("clock", int(value) * 60) for value in values}  # Dutch: "binnen 18 uur", "tot 18 uur"
                yield Quantity(match[0], "span", frozenset(keys), match.start())


def _span_key(unit: str, value: float) -> Key:
    if unit == "business_days":
        return "business_days", value
    if unit in _MONTHS:
        return "months", value * _MONTHS[unit]
    return "minutes", value * _MINUTES[unit]


def _codes(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    for match in _CODE.finditer(text):
        yield Quantity(match[0], "code", frozenset({("code", re.sub(r"\W", "", match[0]).upper())}), match.start())


def _clocks(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    for match in _CLOCK.finditer(text):
        mark = (match["mark"] or "").casefold().replace(".", "")
        if mark in ("am", "pm") and not reader.english:
            continue  # German: "Skarn 2 am 24. November"
        minute = match["minute"] or match["french"] or (match["dot"] or "")[1:]
        if not (mark or match["minute"] or match["french"] or (match["dot"] and _AT.search(text[: match.start()]))):
            continue
        value = int(match["hour"]) * 60 + int(minute or 0)
        keys: set[Key] = {("clock", value)}
        if mark == "pm" and value < 720:
            keys = {("clock", value + 720)}
        elif mark == "" and reader.english and value < 720:
            keys.add(("clock", value + 720))
        if mark == "h" and not minute:
            keys.add(("minutes", float(value)))  # "48 h" is a span as well
        if match["dot"] and not mark:
            keys |= {("number", number) for number in values_of(match["hour"] + match["dot"])}
        yield Quantity(match[0], "clock", frozenset(keys), match.start())
        if match["from"]:
            first = int(match["from"]) * 60
            yield Quantity(
                match[0], "clock", frozenset({("clock", first), ("clock", first + (720 if mark == "pm" else 0))}), match.start()
            )


def _clock_words(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """Half past three, in the morning or in the afternoon."""
    for pattern, minutes in reader.clocks.items() if reader.any_clock.search(text) else ():
        for match in pattern.finditer(text):
            hour = match["hour"]
            at = round(60 * (float(hour) if hour.isdigit() else reader.words.value(hour))) + minutes
            yield Quantity(
                match[0], "clock", frozenset(("clock", (at + later) % _DAY) for later in (0, _DAY // 2)), match.start()
            )


def _phones(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    for match in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if len(digits) >= _LEAST_PHONE:
            yield Quantity(match[0], "phone", frozenset({("phone", digits[-8:])}), match.start())


def _numbers(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    for match in _PLAIN.finditer(text):
        yield Quantity(match[0], "number", frozenset(("number", value) for value in values_of(match[0])), match.start())


_STEPS = (
    days.iso, days.text_dates, _listed, _clock_words, _money, _percents, _spans, _codes, days.numeric, days.of_month,
    days.weeks, _clocks, _phones, days.months, days.weekdays, days.relatives, days.feasts, _numbers,
)  # fmt: skip
_Step = Callable[[str, Reader, date], Iterator[Quantity]]
_SHARES = ("%", "percent", "per cent", "prozent", "procent", "pour cent", "por ciento")


def _names_sum(folded: str, reader: Reader) -> bool:
    return any(name in folded for name in CURRENCIES) or _names_share(folded, reader)


def _names_share(folded: str, reader: Reader) -> bool:
    return any(name in folded for name in _SHARES)


def _names_month(folded: str, reader: Reader) -> bool:
    return any(name in folded for name in reader.month_numbers)


def _names_weekday(folded: str, reader: Reader) -> bool:
    return any(name in folded for name in reader.day_numbers)


# What must be in a text, lower case, for a step to find something: quicker than its pattern.
_TOLD_BY: dict[_Step, Callable[[str, Reader], bool]] = {
    _money: _names_sum,
    _money_words: _names_sum,
    _percents: _names_share,
    days.text_dates: _names_month,
    days.months: _names_month,
    days.weekdays: _names_weekday,
}
_STEPS_OF_WORDS = (_clock_words, _money_words, _spans, days.months, days.weekdays, days.relatives, days.feasts)
