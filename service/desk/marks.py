"""A text in pieces, so that what was noticed in it can be highlighted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from service.messages import Signal


@dataclass(frozen=True)
class Piece:
    """A part of a text; `codes` are the signals that stand in it, none for the rest."""

    text: str
    codes: tuple[str, ...] = ()


def marked(text: str, signals: Sequence[Signal]) -> list[Piece]:
    """The text in pieces: joined they are the text. Where signals overlap, the words are of both."""
    spans = [(one.start, one.end, one.code) for one in signals if one.start is not None and one.end is not None]
    edges = sorted({0, len(text), *(at for start, end, _ in spans for at in (start, end) if 0 <= at <= len(text))})
    pieces = []
    for begin, end in pairwise(edges):
        codes = tuple(dict.fromkeys(code for start, stop, code in spans if start <= begin and end <= stop))
        pieces.append(Piece(text[begin:end], codes))
    return pieces
