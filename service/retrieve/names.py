"""Names and codes in a brand's knowledge: words that stay the same in every language, which vectors tell apart badly.

"tar ni swish?" and "¿aceptáis Bizum?" are nearer to nothing in particular than to the FAQ on ways to pay. Words of all kinds
counted like this (BM25) made real messages worse, so only names count: what most translations of an entry share, and in
whatever number of languages codes: of models, parts and faults (X200, T-15, E23), and numbers of four digits and more.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

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
_DIGIT = re.compile(r"\d")
_ADDRESS = re.compile(r"@|://|^\W*www\.")
_CODED = re.compile(r"(?<![\w-])(?=[\w-]*\d)\w[\w-]*")
_APART = re.compile(r"(?<![\w-])([^\W\d_]{1,5})[ -](\d+[^\W\d_]{0,2})(?![\w-])")
_LONG = re.compile(rf"\d{{{LEAST_DIGITS}}}")
_NUMBER = re.compile(
    rf"(?<![\w.,:/'€$£+-])(?<!\d )\d{{{LEAST_DIGITS},}}(?![\w.,:/'-]*\d| \d| ?[%€$£]| ?(?:{'|'.join(CURRENCIES)}))"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_COUNTED, _PRICED = re.compile(r"\d+([^\W\d]+)"), re.compile(r"([^\W\d]+)\d+")


class Names:
    """What stands for the entries of one brand and kind, in all its languages: words that name them and codes that they hold.

    >>> names.put(entries)
    >>> names.said("does the X200 take Swish?")   # {"fit": 1.0, "pay": 1.0}
    """

    def __init__(self) -> None:
        self._translations: dict[str, dict[str, Entry]] = {}  # by entry and id
        self._words: dict[str, set[str]] = {}  # by word, the entries most of whose translations share it
        self._codes: dict[str, set[str]] = {}  # by code, the entries that hold it
        self._of: dict[str, tuple[set[str], set[str]]] = {}  # by entry, its words and codes

    def put(self, entries: Iterable[Entry]) -> None:
        """Reads translations of entries, or reads them anew."""
        touched = set()
        for entry in entries:
            self._translations.setdefault(entry.entry, {})[entry.id] = entry
            touched.add(entry.entry)
        for name in touched:
            self._read(name)

    def remove(self, entry: Entry) -> None:
        """Forgets one translation of an entry; one that is not there is no error."""
        if self._translations.get(entry.entry, {}).pop(entry.id, None) is not None:
            self._read(entry.entry)

    def _read(self, name: str) -> None:
        texts = [_text(entry) for entry in self._translations[name].values()]
        before = self._of.pop(name, (set[str](), set[str]()))
        if texts:
            self._of[name] = (_shared(texts), {code for text in texts for code in _codes(text)})
        else:
            del self._translations[name]
        for held, gone, come in zip((self._words, self._codes), before, self._of.get(name, (set(), set())), strict=True):
            for word in gone - come:
                held[word].discard(name)
                if not held[word]:
                    del held[word]
            for word in come - gone:
                held.setdefault(word, set()).add(name)

    def said(self, text: str) -> dict[str, float]:
        """The entries that a text names, each with how much speaks for it: 1 for a name, up to 1 for each of its codes.

        A code that stands in one entry is worth 1, one that stands in several less, as its inverse document frequency.
        """
        found: dict[str, float] = {}
        entries = len(self._translations)
        for code in self.coded(text):
            worth = math.log(1 + entries / len(self._codes[code])) / math.log(1 + entries)
            for name in self._codes[code]:
                found[name] = min(found.get(name, 0.0) + worth, MOST_WORTH)
        for word in words(text):
            owners = self._words.get(word, ())
            if len(owners) <= MOST_ENTRIES:
                found |= {name: max(found.get(name, 0.0), 1.0) for name in owners}
        return found

    def coded(self, text: str) -> frozenset[str]:
        """The codes of the knowledge that stand in a text, as `plain` gives them; one that most entries hold tells nothing."""
        most = min(MOST_CODED, len(self._translations) / 2)
        return frozenset(code for code in _written(text) if 0 < len(self._codes.get(code, ())) <= most)


def words(text: str) -> set[str]:
    """The words of a text, lower case, of three letters or more."""
    return set(_WORD.findall(text.casefold()))


def _shared(texts: Sequence[str]) -> set[str]:
    """The words that most translations of an entry share."""
    if len(texts) < LEAST_TRANSLATIONS:
        return set()
    counts = Counter(word for text in texts for word in words(text))
    return {word for word, count in counts.items() if count > len(texts) / 2}


def _codes(text: str) -> set[str]:
    """The codes of a text of the knowledge, and numbers alone."""
    said = _with_digits(text)
    numbers = _numbers(text) if _LONG.search(" ".join(said)) else set()
    return {code for code in _plain(said) if _is_code(code)} | numbers


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
    return {number for number in _NUMBER.findall(text.casefold()) if not _YEAR.fullmatch(number)}


def _with_digits(text: str) -> list[str]:
    """What stands between spaces and has a digit in it."""
    return [part for part in text.split() if not part.isalpha() and _DIGIT.search(part)]


def _plain(said: Iterable[str]) -> set[str]:
    """Every word with a digit in it, as codes are compared; of addresses none."""
    return {plain(code) for part in said if not _ADDRESS.search(part) for code in _CODED.findall(part)}


def _written(text: str) -> set[str]:
    """Every word with a digit in it, and letters and digits that stand apart as one word, as only customers write a code."""
    return _plain(_with_digits(text)) | {letters + digits for letters, digits in _APART.findall(text.casefold())}
