"""How one language writes numbers, spans of time and days: the patterns that `quantities.py` reads a text by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from babel.dates import get_day_names, get_month_names

from service.draft.checks.number_words import NumberWords, number_words
from service.draft.checks.wording import words_of

NUMBER = r"\d+(?:[., ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?"
_SAID = {  # codes of currencies with how they are written
    "EUR": "€ eur euro euros", "GBP": "£ gbp pound pounds pfund pond pund livre livres libra libras", 
    "USD": "$ us$ usd dollar dollars dólares", "SEK": "kr sek krona kronor kronen kroner couronnes coronas",
    "CHF": "chf franken", "NOK": "nok", "DKK": "dkk",
}  # fmt: skip
CURRENCIES = {word: code for code, words in _SAID.items() for word in words.split()}
CURRENCY = "|".join(sorted((re.escape(name) for name in CURRENCIES), key=len, reverse=True))
TO = r"(?:-|–|—|/|to|bis|tot|till|à|a|or|oder|of|eller|ou|o|und|and|en|och|et|y)"
UP_TO = r"(?:-|–|—|/|to|bis|tot|till|à|a|or|oder|of|eller|ou|o)"  # "429 € and 99 €" is no range
_MORE = (  # what may stand between a number and its unit: "3 more business days"
    r"(?:[\s-]?|\s(?:more|further|additional|extra|full|whole|weitere[nrs]?|zusätzliche[nr]?|ganze[nr]?|volle[nr]?|meer|hele|volle|ytterligare|hela|fler|"
    r"nouveaux?|longs?|longues?|más|largas?|largos?|lange[nr]?|long|långa)\s)"
)


@dataclass(frozen=True)
class Reader:
    """The patterns of one language."""

    spans: tuple[re.Pattern[str], ...]  # each with the groups number, low and unit
    money_words: re.Pattern[str]
    dates: re.Pattern[str]
    dates_turned: re.Pattern[str] | None
    of_month: re.Pattern[str]
    clocks: dict[re.Pattern[str], int]  # with the hour in a group, and the minutes that are added to it
    any_clock: re.Pattern[str]
    week_numbers: re.Pattern[str]
    feasts: dict[str, re.Pattern[str]]
    any_feast: re.Pattern[str]
    months: re.Pattern[str]
    weekdays: re.Pattern[str]
    relative: dict[str, re.Pattern[str]]
    any_relative: re.Pattern[str]  # this and the others of any only tell quickly that there is none
    any_unit: re.Pattern[str]
    words: NumberWords
    month_numbers: dict[str, int]
    day_numbers: dict[str, int]
    units: dict[str, re.Pattern[str]]
    english: bool


@cache
def reader_of(language: str) -> Reader:
    """The patterns of a language that has a file."""
    given = words_of(language).given
    words = number_words(given)
    units = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in given.units.items()}
    months = _calendar(get_month_names, language)
    days = _calendar(get_day_names, language, abbreviated=False) | ({"sonnabend": 5} if language == "de" else {})
    word = words.pattern
    month, whole_month, day = _any(months), _any(_calendar(get_month_names, language, abbreviated=False)), _any(days)
    number = rf"(?:{NUMBER}|{word})"
    to = rf"(?:\s?[-–]\s?|\s(?:{'|'.join(given.between)})\s)"
    unit, one = "|".join(given.units.values()), _any(given.articles)
    before = rf"(?<!\w)(?:{'|'.join(given.deadlines)})"
    week = "|".join(given.week_numbers)
    ordinal = r"(?:st|nd|rd|th)?"
    any_hour = rf"(?:{word}|[1-9]|1[0-2])"
    hour = rf"(?P<hour>{any_hour})"
    return Reader(
        spans=(
            _compiled(rf"(?<![\w.,])(?:(?P<low>{number}){to})?(?P<number>{number}){_MORE}(?P<unit>{unit})(?!\w)"),
            # "a week" is a span where a word before it says so: "within a week"; "have a nice day" is none.
            _compiled(rf"{before}\s(?P<low>(?!))?(?P<number>{one})\s(?P<unit>{unit})(?!\w)"),
            # "Een dag of drie", "a week or two".
            _compiled(rf"(?<!\w){one}\s(?P<unit>{unit})\s(?:of|or|oder|eller|ou|o)\s(?P<number>{number})(?P<low>(?!))?(?!\w)"),
            # "En dryg vecka".
            _compiled(rf"(?<!\w)(?P<number>{one})\s(?:dryg|knappe?|ruime|kleine|krappe)\s(?P<unit>{unit})(?P<low>(?!))?(?!\w)"),
        ),
        money_words=_compiled(
            rf"(?<!\w)(?P<word>{word})\s(?P<unit>{CURRENCY}|percent|per cent|prozent|procent|pour cent|por ciento)(?!\w|\s?\d)"
        ),
        dates=_compiled(
            rf"(?<![\d.,])(?:(?P<first>\d{{1,2}})\.?(?:st|nd|rd|th|er)?\s?(?:{TO})\s?)?(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|:e|\.)?\s"
            rf"(?:of\s|de\s|den\s)?(?P<month>{month})\.?(?:,?\s(?:del?\s)?(?P<year>20\d\d))?(?!\w)"
        ),
        dates_turned=_compiled(
            rf"(?<!\w)(?P<month>{month})\.?\s(?P<day>\d{{1,2}}){ordinal}(?!\w|[.,:]\d)(?:\s?[–-]\s?(?P<first>\d{{1,2}}))?"
            r"(?:,?\s(?P<year>20\d\d))?"
        ) if language == "en" else None,
        of_month=_compiled("|".join(given.of_month)),
        clocks={_compiled(rf"(?<!\w)(?:{told.replace('{n}', hour)})(?!\w)"): minutes for told, minutes in given.clocks.items()},
        any_clock=_compiled(rf"(?<!\w)(?:{'|'.join(told.replace('{n}', any_hour) for told in given.clocks)})(?!\w)"),
        week_numbers=_compiled(rf"(?<!\w)(?:(?:{week})\s?(?P<week>\d{{1,2}})(?![\w%€]|[.,]\d)|(?P<before>\d{{1,2}})\.\s?(?:{week}))"),
        feasts={name: _compiled(rf"(?<!\w)(?:{pattern})(?!\w)") for name, pattern in given.feasts.items()},
        any_feast=_compiled(rf"(?<!\w)(?:{'|'.join(given.feasts.values())})(?!\w)"),
        months=_compiled(rf"(?<!\w)(?:{'|'.join(given.month_before)})\s?(?P<month>{whole_month})(?!\w)"),
        weekdays=_compiled(rf"(?<!\w)(?P<day>{day})(?:s|en|ar|arna|{'|'.join(given.dayparts)})?(?!\w)"),
        relative={name: _compiled(rf"(?<!\w)(?:{pattern})(?!\w)") for name, pattern in given.relative.items()},
        any_relative=_compiled(rf"(?<!\w)(?:{'|'.join(given.relative.values())})(?!\w)"),
        any_unit=_compiled(rf"(?:{unit})(?!\w)"),
        words=words, month_numbers=months, day_numbers=days, units=units, english=language == "en",
    )  # fmt: skip


def values_of(number: str) -> set[float]:
    """What a number can mean: "1.219" is one thousand and more, or one and a fifth."""
    compact = re.sub(r"[  \s]", "", number)
    found: set[float] = set()
    marks = re.findall(r"[.,]", compact)
    if not marks:
        return {float(compact)}
    whole, _, last = compact.rpartition(marks[-1])
    if len(last) != 3 or (len(set(marks)) > 1):
        found.add(float(re.sub(r"[.,]", "", whole) + "." + last))
    if len(last) == 3 and len(set(marks)) == 1:
        found.add(float(re.sub(r"[.,]", "", compact)))
        if len(marks) == 1:
            found.add(float(f"{whole}.{last}"))
    return found


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _calendar(names: Callable[..., Mapping[int, str]], language: str, *, abbreviated: bool = True) -> dict[str, int]:
    found: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated") if abbreviated else ("wide",):
            for number, name in names(width, context=context, locale=language).items():
                key = str(name).casefold().rstrip(".")
                if len(key) > 2:
                    found.setdefault(key, int(number))
    return found


def _any(values: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True)) + ")"
