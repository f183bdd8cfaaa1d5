"""Names and numbers in a brand's knowledge: words that stay the same in every language, which vectors tell apart badly.

"tar ni swish?" and "¿aceptáis Bizum?" are nearer to nothing in particular than to the FAQ on ways to pay. Words of all kinds
counted like this (BM25) made real messages worse, so only names count: what most translations of an entry share.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from service.knowledge import Entry

LEAST_TRANSLATIONS = 3  # with fewer languages a name can't be told from a word
MOST_ENTRIES = 2  # a name that stands in more entries tells them apart no longer
_WORD = re.compile(r"\w[\w-]{2,}")


def words(text: str) -> set[str]:
    """The words of a text, lower case, of three letters or more."""
    return set(_WORD.findall(text.casefold()))


def names_of(entries: Iterable[Entry]) -> dict[str, frozenset[str]]:
    """By name, the entries it stands for; `entries` are those of one brand and kind in all languages."""
    translations: dict[str, list[set[str]]] = {}
    for entry in entries:
        said = words(" ".join((entry.title, entry.answer, entry.short or "", *entry.questions)))
        translations.setdefault(entry.entry, []).append(said)
    found: dict[str, set[str]] = {}
    for name, texts in translations.items():
        if len(texts) >= LEAST_TRANSLATIONS:
            shared = Counter(word for text in texts for word in text)
            for word, count in shared.items():
                if count > len(texts) / 2:
                    found.setdefault(word, set()).add(name)
    return {word: frozenset(owners) for word, owners in found.items() if len(owners) <= MOST_ENTRIES}
