"""A message's text cut where the words stand that reasons and signals rest on: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Piece:
    """A piece of the text, and the numbers of what it is evidence for, none for most of it."""

    text: str
    numbers: tuple[int, ...] = ()


def marked(text: str, evidence: Iterable[tuple[int, str]]) -> list[Piece]:
    """The whole text in pieces. Evidence that does not stand in it word for word, such as a fact of an order, marks nothing."""
    spans = []
    folded = text.casefold()
    for number, words in evidence:
        start = text.find(words)
        if start < 0 and len(folded) == len(text):  # some letters fold into two
            start = folded.find(words.casefold())
        if words and start >= 0:
            spans.append((start, start + len(words), number))
    edges = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end))})
    pieces = []
    for start, end in pairwise(edges):
        numbers = sorted({number for first, last, number in spans if first <= start and end <= last})
        pieces.append(Piece(text[start:end], tuple(numbers)))
    return pieces
