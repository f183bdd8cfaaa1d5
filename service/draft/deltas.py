"""A draft sentence by sentence: of a text that is still being written, what is finished and new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic_core import from_json

from service.messages import Delta, Draft
from service.understand.embedder import sentences

Side = Literal["public", "private"]
SIDES: tuple[Side, ...] = ("public", "private")


def deltas_of(draft: Draft) -> Iterator[Delta]:
    """A finished draft as it would have been written, the public text first."""
    for side in SIDES:
        text = getattr(draft, side)
        if text is not None:
            yield from (Delta(side=side, text=part) for part in sentences_with_gaps(text.text))


class Growing:
    """The JSON answer of a model as it comes in, read for the sentences that are whole."""

    def __init__(self) -> None:
        self.answer = ""
        self._given: dict[Side, int] = {"public": 0, "private": 0}  # characters
        self._keys: list[str] = []

    def add(self, piece: str) -> list[tuple[Side, str]]:
        """The sentences that this piece completed, with the white space before them."""
        self.answer += piece
        texts = self._texts()
        found: list[tuple[Side, str]] = []
        for side in SIDES:
            whole = sentences_with_gaps(texts.get(side, ""))
            if whole and not self._closed(side, texts):
                whole = whole[:-1]  # may go on
            # By characters: what follows may show that two sentences are one ("am 24." is no end before "November").
            at = self._given[side]
            for part in whole:
                at -= len(part)
                if at < 0:
                    part = part[at:]
                    self._given[side] += len(part)
                    found.append((side, part))
                    at = 0
        return found

    def _texts(self) -> dict[str, str]:
        start = self.answer.find("{")
        if start < 0:
            return {}
        try:
            read = from_json(self.answer[start:], allow_partial="trailing-strings")
        except ValueError:
            return {}
        if not isinstance(read, dict):
            return {}
        self._keys = list(read)
        return {side: value for side, value in read.items() if isinstance(value, str)}

    def _closed(self, side: Side, texts: dict[str, str]) -> bool:
        """Whether the text is complete: another property has begun after it."""
        return side in texts and self._keys.index(side) < len(self._keys) - 1


def sentences_with_gaps(text: str) -> list[str]:
    """The text cut after each sentence; joined, the parts are the text."""
    parts: list[str] = []
    at = 0
    for sentence in sentences(text):
        end = text.index(sentence, at) + len(sentence)
        parts.append(text[at:end])
        at = end
    if parts and text[at:].strip():
        parts.append(text[at:])
    elif parts:
        parts[-1] += text[at:]
    return parts
