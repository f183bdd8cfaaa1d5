"""How one language writes numbers, spans of time and days: the patterns that `quantities.py` reads a text by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from babel.dates import get_day_names, get_month_names

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

    spans: re.Pattern[str]
    spans_of_one: re.Pattern[str]
    money_words: re.Pattern[str]
    dates: re.Pattern[str]
    dates_turned: re.Pattern[str] | None
    months: re.Pattern[str]
    weekdays: re.Pattern[str]
    relative: dict[str, re.Pattern[str]]
    any_relative: re.Pattern[str]  # these two only tell quickly that there is none
    any_unit: re.Pattern[str]
    values: dict[str, int]
    month_numbers: dict[str, int]
    day_numbers: dict[str, int]
    units: dict[str, re.Pattern[str]]
    english: bool


@cache
def reader_of(language: str) -> Reader:
    """The patterns of a language that has a file."""
    given = words_of(language).given
    articles = {word.casefold(): 1 for word in given.articles}
    values = {word.casefold(): number for word, number in given.numbers.items()} | articles
    units = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in given.units.items()}
    months = _calendar(get_month_names, language)
    days = _calendar(get_day_names, language, abbreviated=False) | ({"sonnabend": 5} if language == "de" else {})
    word = _any(set(values) - set(articles))
    month, whole_month, day = _any(months), _any(_calendar(get_month_names, language, abbreviated=False)), _any(days)
    number = rf"(?:{NUMBER}|{word})"
    to = rf"\s?(?:-|–|{'|'.join(given.between)})\s?"
    unit = "|".join(given.units.values())
    before = rf"(?<!\w)(?:{'|'.join(given.deadlines)})"
    ordinal = r"(?:st|nd|rd|th)?"
    return Reader(
        spans=_compiled(rf"(?<![\w.,])(?:(?P<low>{number}){to})?(?P<number>{number}){_MORE}(?P<unit>{unit})(?!\w)"),
        # "a week" is a span where a word before it says so: "within a week"; "have a nice day" is none.
        spans_of_one=_compiled(rf"{before}\s(?P<low>(?!))?(?P<number>{_any(articles)})\s(?P<unit>{unit})(?!\w)"),
        money_words=_compiled(
            rf"(?<!\w)(?P<word>{word})\s(?P<unit>{CURRENCY}|percent|per cent|prozent|procent|pour cent|por ciento)(?!\w)"
        ),
        dates=_compiled(
            rf"(?<![\d.,])(?:(?P<first>\d{{1,2}})\.?(?:st|nd|rd|th|er)?\s?(?:{TO})\s?)?(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|:e|\.)?\s"
            rf"(?:of\s|de\s|den\s)?(?P<month>{month})\.?(?:,?\s(?:del?\s)?(?P<year>20\d\d))?(?!\w)"
        ),
        dates_turned=_compiled(
            rf"(?<!\w)(?P<month>{month})\.?\s(?P<day>\d{{1,2}}){ordinal}(?!\w|[.,:]\d)(?:\s?[–-]\s?(?P<first>\d{{1,2}}))?"
            r"(?:,?\s(?P<year>20\d\d))?"
        ) if language == "en" else None,
        months=_compiled(rf"(?<!\w)(?:{'|'.join(given.month_before)})\s?(?P<month>{whole_month})(?!\w)"),
        weekdays=_compiled(rf"(?<!\w)(?P<day>{day})(?:s|en|ar|arna)?(?!\w)"),
        relative={name: _compiled(rf"(?<!\w)(?:{pattern})(?!\w)") for name, pattern in given.relative.items()},
        any_relative=_compiled(rf"(?<!\w)(?:{'|'.join(given.relative.values())})(?!\w)"),
        any_unit=_compiled(rf"(?:{unit})(?!\w)"),
        values=values, month_numbers=months, day_numbers=days, units=units, english=language == "en",
    )  # fmt: skip


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
