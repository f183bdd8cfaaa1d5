"""A text in pieces, so that what was noticed in it, and what reasons rest on, can be highlighted: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from service.messages import Signal

Mark = TypeVar("Mark", bound=int | str)


@dataclass(frozen=True)
class Piece(Generic[Mark]):
    """A part of a text with its marks, none for most of it."""

    text: str
    marks: tuple[Mark, ...] = ()


def cut(text: str, spans: Iterable[tuple[int, int, Mark]]) -> list[Piece[Mark]]:
    """The text in pieces, by where marks begin and end; joined they are the text. Where spans overlap, the words have both."""
    inside = [(start, end, mark) for start, end, mark in spans if 0 <= start < end <= len(text)]
    edges = sorted({0, len(text), *(at for start, end, _ in inside for at in (start, end))})
    return [
        Piece(text[begin:end], tuple(dict.fromkeys(mark for start, stop, mark in inside if start <= begin and end <= stop)))
        for begin, end in pairwise(edges)
    ]


def by_signals(text: str, signals: Sequence[Signal]) -> list[Piece[str]]:
    """Marked by the codes of the signals that stand in it."""
    return cut(text, [(one.start, one.end, one.code) for one in signals if one.start is not None and one.end is not None])


def by_evidence(text: str, evidence: Iterable[tuple[int, str]]) -> list[Piece[int]]:
    """Marked by the numbers of what rests on it. What does not stand in it, such as a fact of an order, marks nothing."""
    folded = text.casefold()
    spans = []
    for number, words in evidence:
        start = text.find(words)
        if start < 0 and len(folded) == len(text):  # some letters fold into two
            start = folded.find(words.casefold())
        spans.append((start, start + len(words), number))
    return cut(text, spans)
