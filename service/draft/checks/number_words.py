"""Numbers below a thousand in words: "fünfundzwanzig", "vingt-cinq", "two hundred and fifty"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from service.draft.checks.wording_file import Wording

_HUNDRED = 100


@dataclass(frozen=True)
class NumberWords:
    """The number words of one language: a pattern without groups that finds one, and what it means."""

    pattern: str
    values: dict[str, int]  # of words that are no compound
    compound: re.Pattern[str]
    ones: dict[str, int]
    tens: dict[str, int]

    def value(self, word: str) -> float:
        """What a word that the pattern found, or an article, means."""
        folded = word.casefold()
        if folded in self.values:
            return float(self.values[folded])
        found = self.compound.fullmatch(folded)
        if found is None:
            return 1.0
        value = self.ones.get(found["many"] or "", 1) * _HUNDRED if found["hundred"] else 0
        value += self.tens.get(found["ten"] or "", 0) + self.ones.get(found["one"] or "", 0)
        return float(value + self.values.get(found["rest"] or "", 0))


def number_words(given: Wording) -> NumberWords:
    """The number words that a language's file lists, and those that are joined of them."""
    joined = given.compounds
    values = {word.casefold(): number for word, number in given.numbers.items()}
    single = _any(set(values) - {word.casefold() for word in given.articles})
    ones, tens = _any(joined.ones), _any(joined.tens)
    two = joined.joined.format(ones=ones, tens=tens)
    between = r"[\s-]?(?:(?:and|und|en|et|y|och)[\s-]?)?"
    hundreds = rf"(?:{ones}[\s-]?)?(?:{joined.hundred})"
    pattern = rf"(?:{hundreds}(?:{between}(?:{two}|{single}))?|{two}|{single})"
    named = joined.joined.format(ones=rf"(?P<one>{ones})", tens=rf"(?P<ten>{tens})")
    compound = rf"(?:(?:(?P<many>{ones})[\s-]?)?(?P<hundred>{joined.hundred})(?:{between})?)?(?:{named}|(?P<rest>{single}))?"
    return NumberWords(pattern, values, re.compile(compound), joined.ones, joined.tens)


def _any(words: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"
