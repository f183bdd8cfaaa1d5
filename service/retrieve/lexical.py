"""How much of what a query says stands in an entry word for word: BM25 over pieces of words, beside the vectors.

Vectors blur names, numbers and the words of a trade; five letters in a row find them again, in compounds and inflected
forms too ("Lieferzeit" in "Lieferzeiten"). The score is BM25 (Robertson and others 1994) as a share of what a text that
holds every piece of the query would get, so that it is the same for short and long queries. Measured figures, and words
and other lengths of pieces beside these: docs/decisions/0014-hybrid-ranking.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZE = 5  # letters of a piece, the ends of words counted
SATURATION, LENGTH = 1.2, 0.75  # k1 and b of BM25, the usual ones
BUCKETS = 1 << 19  # of pieces by hash; 50 FAQs have some 10,000 different ones, 30,000 some 200,000
_WORD = re.compile(r"\w+")
_EDGE = ord("^")
_POWERS = np.array([1_000_003**at % (1 << 61) for at in range(SIZE)], np.uint64)

Pieces = NDArray[np.int32]


def faq_text(title: str, answer: str, questions: Iterable[str]) -> str:
    """What of a FAQ is read for words, the same where it is searched and where relevance is fitted."""
    return " ".join((title, answer, *questions))


@dataclass(frozen=True)
class Document:
    """The pieces of a text, sorted, how often each stands in it, and its length in pieces."""

    pieces: Pieces
    counts: Pieces
    length: int


def document(text: str) -> Document:
    """The pieces of a text."""
    found = _pieces(text)
    pieces, counts = np.unique(found, return_counts=True)
    return Document(pieces, counts.astype(np.int32), len(found))


class Lexicon:
    """The texts of one brand and language: how many of them hold a piece, and what a query's pieces are worth.

    >>> lexicon.put("faq-return-item-de", "Wie schicke ich etwas zurück? …")
    >>> lexicon.shares("zurückschicken", ["faq-return-item-de"])   # [1], 0..1
    """

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._holding = np.zeros(BUCKETS, np.int32)
        self._length = 0

    def put(self, name: str, text: str) -> None:
        """Adds a text, or replaces the one of this name."""
        self.remove(name)
        added = document(text)
        self._documents[name] = added
        self._holding[added.pieces] += 1
        self._length += added.length

    def remove(self, name: str) -> None:
        """Removes a text; one that is not there is no error."""
        gone = self._documents.pop(name, None)
        if gone is not None:
            self._holding[gone.pieces] -= 1
            self._length -= gone.length

    def __len__(self) -> int:
        return len(self._documents)

    def shares(self, query: str, names: list[str]) -> NDArray[np.float32]:
        """For each named text how much of the query it holds, [n], 0..1; 0 for one that is not there."""
        asked = np.unique(_pieces(query))
        shares = np.zeros(len(names), np.float32)
        if not len(asked) or not self._documents:
            return shares
        holding = self._holding[asked]
        worth = np.log(1 + (len(self._documents) - holding + 0.5) / (holding + 0.5))
        most, average = float(worth.sum()) * (SATURATION + 1), self._length / len(self._documents)
        for at, name in enumerate(names):
            text = self._documents.get(name)
            if text is None or not text.length:
                continue
            where = np.searchsorted(text.pieces, asked)
            where[where == len(text.pieces)] = 0
            there = text.pieces[where] == asked
            often = text.counts[where[there]]
            damped = often + SATURATION * (1 - LENGTH + LENGTH * text.length / average)
            shares[at] = float((worth[there] * often * (SATURATION + 1) / damped).sum()) / most
        return shares


def _pieces(text: str) -> Pieces:
    """Every run of SIZE letters of every word, its ends marked, as numbers below BUCKETS; a short word is one piece."""
    words = [f"^{word}$".ljust(SIZE) for word in _WORD.findall(text.casefold())]
    if not words:
        return np.empty(0, np.int32)
    letters = np.frombuffer("".join(words).encode("utf-32-le", "replace"), np.uint32)
    runs = np.lib.stride_tricks.sliding_window_view(letters, SIZE)
    inside = ~(runs[:, 1:] == _EDGE).any(axis=1)
    mixed = (runs[inside].astype(np.uint64) * _POWERS).sum(axis=1, dtype=np.uint64)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    pieces: Pieces = (mixed >> np.uint64(45)).astype(np.int32)
    return pieces
