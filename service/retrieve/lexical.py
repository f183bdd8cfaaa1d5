"""How much of what a query says stands in an entry word for word: BM25 over pieces of words, beside the vectors.

Vectors blur names, numbers and the words of a trade; five letters in a row find them again, in compounds and inflected
forms too ("Lieferzeit" in "Lieferzeiten"). The score is BM25 (Robertson and others 1994) as a share of what a text that
holds every piece of the query would get, so that it is the same for short and long queries. Measured figures, and words
and other lengths of pieces beside these: docs/decisions/0014-hybrid-ranking.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

SIZE = 5  # letters of a piece, the ends of words counted
SATURATION, LENGTH = 1.2, 0.75  # k1 and b of BM25, the usual ones
BUCKETS = 1 << 19  # of pieces by hash; 50 FAQs have some 10,000 different ones, 30,000 some 200,000
LETTERS = 0x32000  # code points from here on are of no word
TOGETHER = 100  # texts read at once: with more of them what numpy works on outgrows the cache of the processor
_BEFORE, _AFTER = ord("^"), ord("$")
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


def documents(texts: Sequence[str]) -> list[Document]:
    """The pieces of each text, read together: numpy takes a third of the time for many that it takes one by one."""
    pieces, owners = _pieces(texts)
    found, counts = np.unique(owners * BUCKETS + pieces, return_counts=True)
    starts = np.searchsorted(found, np.arange(len(texts) + 1) * BUCKETS).tolist()
    lengths = np.bincount(owners, minlength=len(texts)).tolist()
    pieces, counts = (found % BUCKETS).astype(np.int32), counts.astype(np.int32)
    return [
        Document(pieces[start:end], counts[start:end], length)
        for start, end, length in zip(starts[:-1], starts[1:], lengths, strict=True)
    ]


class Lexicon:
    """The texts of one brand and language: how many of them hold a piece, and what a query's pieces are worth.

    >>> lexicon.put({"faq-return-item-de": "Wie schicke ich etwas zurück? …"})
    >>> lexicon.shares("zurückschicken", ["faq-return-item-de"])   # [1], 0..1
    """

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._holding = np.zeros(BUCKETS, np.int32)
        self._length = 0

    def put(self, texts: Mapping[str, str]) -> None:
        """Adds texts by name, or replaces those of these names."""
        names = list(texts)
        for start in range(0, len(names), TOGETHER):
            part = names[start : start + TOGETHER]
            for name, added in zip(part, documents([texts[name] for name in part]), strict=True):
                self.remove(name)
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

    def shares(self, query: str, names: Sequence[str]) -> NDArray[np.float32]:
        """For each named text how much of the query it holds, [n], 0..1; 0 for one that is not there."""
        shares = np.zeros(len(names), np.float32)
        (asked,) = documents([query])
        there = [(at, text) for at, name in enumerate(names) if (text := self._documents.get(name)) is not None and text.length]
        if not asked.length or not there:
            return shares
        holding = self._holding[asked.pieces]
        worth = np.log(1 + (len(self._documents) - holding + 0.5) / (holding + 0.5))
        most, average = float(worth.sum()) * (SATURATION + 1), self._length / len(self._documents)
        often = _often(asked.pieces, [text for _, text in there])
        lengths = np.array([text.length for _, text in there])
        damped = often + (SATURATION * (1 - LENGTH + LENGTH * lengths / average))[:, None]
        shares[[at for at, _ in there]] = (often * (SATURATION + 1) / damped) @ worth / most
        return shares


def _often(asked: Pieces, texts: Sequence[Document]) -> NDArray[np.int32]:
    """How often each piece stands in each text, [texts, pieces]: all of them looked up in one sorted row."""
    sizes = [len(text.pieces) for text in texts]
    held = np.concatenate([text.pieces for text in texts]) + np.repeat(np.arange(len(texts)) * BUCKETS, sizes)
    wanted = (np.arange(len(texts)) * BUCKETS)[:, None] + asked
    where = np.searchsorted(held, wanted)
    where[where == len(held)] = 0
    counts = np.concatenate([text.counts for text in texts])
    often: NDArray[np.int32] = np.where(held[where] == wanted, counts[where], 0)
    return often


def _pieces(texts: Sequence[str]) -> tuple[Pieces, NDArray[np.int64]]:
    """Every run of SIZE letters of every word, its ends marked, as numbers below BUCKETS, and of which text each is.

    A word that is shorter with its marks is one piece.
    """
    marked, owners = _marked_words([text.casefold() for text in texts])
    count = max(len(marked) - SIZE + 1, 0)
    mixed, inside = np.zeros(count, np.uint64), np.ones(count, bool)
    for at, power in enumerate(_POWERS):
        run = marked[at : at + count]
        mixed += run * power
        if at:
            inside &= run != _BEFORE  # a run that goes on into the next word is none
    mixed = mixed[inside]
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(45)).astype(np.int32), owners[:count][inside]


def _marked_words(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The words of all texts one after the other, each as "^word$" and at least SIZE letters long, and whose each letter is."""
    letters = np.frombuffer("".join(f"{text}\n" for text in texts).encode("utf-32-le", "replace"), np.uint32)
    inside = _of_words()[np.minimum(letters, LETTERS)]
    edges = np.diff(inside, prepend=False, append=False).nonzero()[0]
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    sizes = np.maximum(lengths + 2, SIZE)
    places = np.cumsum(sizes) - sizes
    marked = np.full(int(sizes.sum()), ord(" "), np.uint64)
    marked[places] = _BEFORE
    marked[places + 1 + lengths] = _AFTER
    marked[np.repeat(places + 1 - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())] = letters[inside]
    whose = np.repeat(np.arange(len(texts)), [len(text) + 1 for text in texts])
    return marked, np.repeat(whose[starts], sizes)


@cache
def _of_words() -> NDArray[np.bool_]:
    r"""By code point whether words are made of it (`\w`); the last one stands for all beyond."""
    made = np.array([*map(str.isalnum, map(chr, range(LETTERS))), False])
    made[ord("_")] = True
    return made
