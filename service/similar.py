"""Entries of a brand's knowledge that say the same twice, or answer one question with different numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
from babel.dates import get_month_names
from rapidfuzz import fuzz

from service.knowledge import Entry, StoredEntry
from service.understand.classifier import Heads, Vectors

# Cosines of centred vectors. Of the demo brand's FAQs no two have 0.75 (text) or 0.83 (title), or tell different numbers and
# have 0.62 (titles as a search compares them).
SAME_TEXT = 0.88  # from which two texts say the same
NEAR_TEXT = 0.75  # from which they do if their words are alike as well
ALIKE = 85  # likeness of words, 0 to 100
SAME_TITLE = 0.84  # from which two titles ask the same whatever their words
SAME_QUESTION = 0.68  # mean of title and text from which two entries answer the same question
SAME_SEARCH = 0.64  # of titles as a search compares them, from which they do
ROWS = 512  # compared at once: 60 MB for 30,000 entries
LANGUAGES = ("en", "de", "nl", "sv", "fr", "es")
_PART = re.compile(r"-part-\d+$")
_WORD = re.compile(r"\w+")
_NUMBER = r"\d+(?:[.,]\d+)?"
_BETWEEN = r"(?:\s?[-–]\s?|\s(?:to|or|bis|oder|tot|of|till|eller|à|ou|a|o)\s)"
_OF = r"(?:(?:business|working|calendar|full|ganze|volle|jours?)\s)?"
_UNITS: dict[str, tuple[str, float, str]] = {  # in what they are counted, how many of it one is, how it is written
    "minutes": ("minutes", 1, r"min(?:ute|uten|uter|utos?|utes)?"),
    "hours": ("hours", 1, r"h(?:ours?|eures?|oras?)?|stunden?|uur|uren|timm(?:e|ar)"),
    "days": ("days", 1, r"(?:werk|arbeits|kalender|arbets|vard|week)?(?:days?|tage?n?|dag(?:en|ar)?|jours?|d[ií]as?)"),
    "weeks": ("days", 7, r"weeks?|wochen?|weken|week|veck(?:a|or)|semaines?|semanas?"),
    "months": ("months", 1, r"months?|monaten?|monate?|maand(?:en)?|månad(?:er)?|mois|mes(?:es)?"),
    "years": ("months", 12, r"years?|jahren?|jahre?|jaar|jaren|år|ans?|années?|años?"),
    "percent": ("percent", 1, r"%|percent|prozent|procent|pour cent|por ciento"),
    "EUR": ("EUR", 1, r"€|eur(?:os?)?"),
    "GBP": ("GBP", 1, r"£|gbp|pounds?"),
    "USD": ("USD", 1, r"\$|usd|dollars?"),
    "SEK": ("SEK", 1, r"sek|kr(?:onor)?"),
}
_AFTER = {
    name: re.compile(rf"({_NUMBER})(?:{_BETWEEN}({_NUMBER}))?[\s-]?{_OF}(?:{written})(?!\w)", re.IGNORECASE)
    for name, (_, _, written) in _UNITS.items()
}
_BEFORE = {
    name: re.compile(rf"(?:{written})\s?({_NUMBER})(?:{_BETWEEN}({_NUMBER}))?", re.IGNORECASE)
    for name, (_, _, written) in _UNITS.items()
    if name.isupper()
}
_TIME = re.compile(r"(?<![\d.,])([01]?\d|2[0-3])(?::|\.(?=[0-5]\d\s?(?:uur|uhr|h)\b))([0-5]\d)(?!\d)", re.IGNORECASE)
_ISO = re.compile(r"(?<!\d)\d{4}-(\d{2})-(\d{2})(?!\d)")  # a day is told with its year or without


_Asked = Literal["same", "likely", "other"]


@dataclass(frozen=True)
class Pair:
    """Two entries that should be one, or of which one is wrong; `why` says what they share or where they differ."""

    kind: Literal["duplicate", "contradiction"]
    first: Entry
    second: Entry
    why: str


def pairs(stored: Sequence[StoredEntry], heads: Heads, only: Set[str] | None = None) -> list[Pair]:
    """What a brand's FAQs tell twice or in two ways, contradictions first; with `only`, of pairs with one of these ids."""
    found: list[Pair] = []
    for language in sorted({each.content.language for each in stored}):
        mine = [each for each in stored if each.content.language == language]
        texts = heads.centred_passages(np.stack([each.vectors[0] for each in mine]))
        titles = heads.centred_queries(np.stack([each.vectors[1] for each in mine]))
        known: dict[str, list[int]] = {}
        for at, each in enumerate(mine):
            known.setdefault(_flat(each.content.answer), []).append(at)
        for first, second, text, asked in _near(texts, titles, heads.ranked(titles)):
            one, other = mine[first].content, mine[second].content
            if (only is None or one.id in only or other.id in only) and (pair := _judged(one, other, text, asked)):
                found.append(pair)
        seen = {(pair.first.id, pair.second.id) for pair in found}
        for same in known.values():
            for first, second in pairwise(same):  # neighbours will do: the rest is told by them
                one, other = mine[first].content, mine[second].content
                wanted = only is None or one.id in only or other.id in only
                if wanted and _comparable(one, other) and (one.id, other.id) not in seen:
                    found.append(Pair("duplicate", one, other, "the same answer"))
    return sorted(found, key=lambda pair: (pair.kind, pair.first.id, pair.second.id))


def _near(texts: Vectors, titles: Vectors, searched: Vectors) -> Iterator[tuple[int, int, float, _Asked]]:
    """Pairs of rows that are near enough to be looked at: the cosine of their texts, and how surely they ask the same."""
    for start in range(0, len(texts), ROWS):
        end = start + ROWS
        text, title = texts[start:end] @ texts[start:].T, titles[start:end] @ titles[start:].T
        same = title >= SAME_TITLE
        likely = (text + title >= 2 * SAME_QUESTION) | (searched[start:end] @ searched[start:].T >= SAME_SEARCH)
        for row, column in np.argwhere(np.triu((text >= NEAR_TEXT) | same | likely, 1)):
            asked: _Asked = "same" if same[row, column] else "likely" if likely[row, column] else "other"
            yield start + int(row), start + int(column), float(text[row, column]), asked


def _judged(one: Entry, other: Entry, text: float, asked: _Asked) -> Pair | None:
    if not _comparable(one, other):
        return None
    apart = _one_word_apart(one.title, other.title)
    same = asked == "same" or (asked == "likely" and not apart) or _flat(one.title) == _flat(other.title)
    differing = _differing(one.answer, other.answer)
    if same and differing:
        return Pair("contradiction", one, other, differing)
    if _flat(one.answer) == _flat(other.answer):
        return Pair("duplicate", one, other, "the same answer")
    alike = text >= SAME_TEXT or (text >= NEAR_TEXT and fuzz.token_sort_ratio(one.answer, other.answer) >= ALIKE)
    return Pair("duplicate", one, other, "nearly the same answer") if alike and not differing and not apart else None


def _comparable(one: Entry, other: Entry) -> bool:
    """Whether they are two, not parts of one, and there is a day on which both hold."""
    if one.entry == other.entry or _PART.sub("", one.id) == _PART.sub("", other.id):
        return False
    first = max(one.valid_from or "", other.valid_from or "")
    last = min(one.valid_until or "9999", other.valid_until or "9999")
    return first <= last


def _one_word_apart(one: str, other: str) -> bool:
    """Titles that differ in a single word ask of two things: Norway and Poland, to change and to cancel."""
    first, second = _WORD.findall(one.casefold()), _WORD.findall(other.casefold())
    return len(first) == len(second) > 2 and sum(a != b for a, b in zip(first, second, strict=True)) == 1


def _flat(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _differing(one: str, other: str) -> str | None:
    """What both tell a number of without sharing one: "30 days, 14 days"."""
    first, second = quantities(one), quantities(other)
    for unit in first.keys() & second.keys():
        if not first[unit] & second[unit]:
            return f"{_told(first[unit], unit)} in the first, {_told(second[unit], unit)} in the second"
    return None


def _told(values: Set[str], unit: str) -> str:
    said = ", ".join(sorted(values, key=lambda value: (len(value), value))[:4])
    return said if unit in ("time", "date") else f"{said} {unit}"


@lru_cache(maxsize=32_768)  # an entry stands in many pairs
def quantities(text: str) -> Mapping[str, Set[str]]:
    """Numbers of a text by what they count (days, EUR, a date …); weeks count as days, years as months."""
    found: dict[str, set[str]] = {}
    for hour, minute in _TIME.findall(text):
        found.setdefault("time", set()).add(f"{int(hour)}:{minute}")
    text = _TIME.sub(" ", text)
    for name, (unit, times, _) in _UNITS.items():
        for pattern in (_AFTER[name], _BEFORE.get(name)):
            for match in pattern.finditer(text) if pattern else ():
                for number in match.groups():
                    if number:
                        found.setdefault(unit, set()).add(f"{float(number.replace(',', '.')) * times:g}")
    for month, day in _ISO.findall(text):
        found.setdefault("date", set()).add(f"{int(day)}.{int(month)}.")
    for day, name in _day_and_month().findall(text):
        found.setdefault("date", set()).add(f"{int(day)}.{_months()[name.casefold()]}.")
    return found


@cache
def _months() -> dict[str, int]:
    return {
        name.casefold(): number
        for language in LANGUAGES
        for number, name in get_month_names("wide", locale=language).items()
    }  # fmt: skip


@cache
def _day_and_month() -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, _months()), key=len, reverse=True))
    return re.compile(rf"(?<!\d)(\d{{1,2}})(?:\.|er|st|nd|rd|th)?\s(?:de\s)?({names})(?!\w)", re.IGNORECASE)
