"""Names and codes in a brand's knowledge: words that stay the same in every language, which vectors tell apart badly.

"tar ni swish?" and "¿aceptáis Bizum?" are nearer to nothing in particular than to the FAQ on ways to pay. Words of all kinds
counted like this (BM25) made real messages worse, so only names count: what most translations of an entry share, and in
whatever number of languages codes: of models, parts and faults (X200, T-15, E23), and numbers of four digits and more.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.knowledge import Entry
from service.order_numbers import plain

LEAST_TRANSLATIONS = 3  # with fewer languages a name can't be told from a word
MOST_ENTRIES = 2  # a name that stands in more entries tells them apart no longer
MOST_CODED = 20  # the same for a code, and half of a brand's entries: all that is said of a model stands in several
MOST_WORTH = 2.0  # of what speaks for an entry: "the X200 on the T-15?"
LEAST_DIGITS = 4  # of a number alone; shorter ones are days, pieces and prices
# Letters behind a number that count or measure it ("24h", "5kg", "2nd", "1er") and ones before it that price it ("EUR20").
UNITS = frozenset(
    "a ah c cm d e er ft g gb h hz in k kb kg km kw l lb m mb mg ml mm ms nd o oz pm am px rd s st t tb th v w wh x".split()
)
CURRENCIES = frozenset("eur usd gbp chf sek nok dkk pln czk kr".split())
_WORD = re.compile(r"\w[\w-]{2,}")
_WITH_DIGIT = re.compile(r"(?<!\S)[^\s\d]*+\d\S*")  # one pass over the text, which lookaheads at every word would not be
_ADDRESS = re.compile(r"@|://|^\W*www\.")
_CODED = re.compile(r"(?<![\w-])(?=[\w-]*\d)\w[\w-]*")
_APART = re.compile(r"(?<![\w-])([^\W\d_]{1,5})[ -](\d+[^\W\d_]{0,2})(?![\w-])")
_LONG = re.compile(rf"\d{{{LEAST_DIGITS}}}")
_NUMBER = re.compile(
    rf"(?<![\w.,:/'€$£+-])(?<!\d )\d{{{LEAST_DIGITS},}}(?![\w.,:/'-]*\d| \d| ?[%€$£]| ?(?:{'|'.join(CURRENCIES)}))"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_COUNTED, _PRICED = re.compile(r"\d+([^\W\d]+)"), re.compile(r"([^\W\d]+)\d+")


@dataclass(frozen=True)
class Names:
    """What stands for an entry: words by which it is named and codes that it holds, of a brand with so many `entries`."""

    words: Mapping[str, frozenset[str]]
    codes: Mapping[str, frozenset[str]]
    entries: int

    def said(self, text: str) -> dict[str, float]:
        """The entries that a text names, each with how much speaks for it: 1 for a name, up to 1 for each of its codes.

        A code that stands in one entry is worth 1, one that stands in several less, as its inverse document frequency.
        """
        found: dict[str, float] = {}
        for code in self.coded(text):
            worth = math.log(1 + self.entries / len(self.codes[code])) / math.log(1 + self.entries)
            for name in self.codes[code]:
                found[name] = min(found.get(name, 0.0) + worth, MOST_WORTH)
        named = {name for word in words(text) for name in self.words.get(word, ())}
        return found | {name: max(found.get(name, 0.0), 1.0) for name in named}

    def coded(self, text: str) -> frozenset[str]:
        """The codes of the knowledge that stand in a text, as `plain` gives them."""
        return frozenset(_written(text) & self.codes.keys())


def words(text: str) -> set[str]:
    """The words of a text, lower case, of three letters or more."""
    return set(_WORD.findall(text.casefold()))


def read_names(entries: Iterable[Entry]) -> Names:
    """Names and codes in the entries of one brand and kind, in all its languages."""
    found = list(entries)
    return Names(names_of(found), codes_of(found), len({entry.entry for entry in found}))


def names_of(entries: Iterable[Entry]) -> dict[str, frozenset[str]]:
    """By name, the entries it stands for; `entries` are those of one brand and kind in all languages."""
    translations: dict[str, list[Entry]] = {}
    for entry in entries:
        translations.setdefault(entry.entry, []).append(entry)
    found: dict[str, set[str]] = {}
    for name, mine in translations.items():
        if len(mine) >= LEAST_TRANSLATIONS:
            shared = Counter(word for entry in mine for word in words(_text(entry)))
            for word, count in shared.items():
                if count > len(mine) / 2:
                    found.setdefault(word, set()).add(name)
    return {word: frozenset(owners) for word, owners in found.items() if len(owners) <= MOST_ENTRIES}


def codes_of(entries: Iterable[Entry]) -> dict[str, frozenset[str]]:
    """By code, the entries that hold it; one that most of them hold tells nothing."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    for entry in entries:
        names.add(entry.entry)
        text = _text(entry)
        for code in {code for code in _coded(text) if _is_code(code)} | _numbers(text):
            found.setdefault(code, set()).add(entry.entry)
    most = min(MOST_CODED, len(names) / 2)
    return {code: frozenset(owners) for code, owners in found.items() if len(owners) <= most}


def _text(entry: Entry) -> str:
    return " ".join((entry.title, entry.answer, entry.short or "", *entry.questions))


def _is_code(code: str) -> bool:
    """Whether a plain word with a digit in it is a code: letters and digits that neither count, measure nor price anything."""
    if counted := _COUNTED.fullmatch(code):
        return len(counted[1]) <= 2 and counted[1] not in UNITS
    priced = _PRICED.fullmatch(code)
    return not code.isdecimal() and not (priced and priced[1] in CURRENCIES)


def _numbers(text: str) -> set[str]:
    """Numbers alone that are no year, sum, date or telephone number."""
    if not _LONG.search(text):
        return set()
    return {number for number in _NUMBER.findall(text.casefold()) if not _YEAR.fullmatch(number)}


def _coded(text: str) -> set[str]:
    """Every word with a digit in it, as codes are compared; of addresses none."""
    said = [part for part in _WITH_DIGIT.findall(text) if not _ADDRESS.search(part)]
    return {plain(code) for part in said for code in _CODED.findall(part)}


def _written(text: str) -> set[str]:
    """The same, and letters and digits that stand apart as one word, as only customers write a code."""
    return _coded(text) | {letters + digits for letters, digits in _APART.findall(text.casefold())}
