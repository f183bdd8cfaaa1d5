"""Phrases said: one variant of a key chosen for one message, always the same for the same message."""

from __future__ import annotations

from dataclasses import dataclass

from service.draft.phrases import Phrases, chosen
from service.draft.texts import ESSENTIAL, Piece
from service.messages import Message
from service.understand.embedder import sentences


@dataclass(frozen=True)
class Speech:
    """One language's phrases for one message; `variant` counts up for alternatives."""

    phrases: Phrases
    message: Message
    variant: int = 0

    def say(
        self,
        key: str,
        *,
        rank: int = ESSENTIAL,
        own_line: bool = False,
        facts: dict[str, str] | None = None,
        briefly: bool = False,
    ) -> list[Piece]:
        """The key's phrase with `facts` filled in as a piece; nothing where no variant can be filled.

        `briefly`: in one sentence, where a variant has no more.
        """
        values = facts or {}
        options = self.phrases.options(key, values)
        if briefly:
            options = [option for option in options if len(sentences(option)) == 1] or options
        text = self.pick(key, options)
        if text is None:
            return []
        return [Piece(text, rank, own_line, tuple(options), facts=tuple(values.values()))]

    def pick(self, key: str, options: list[str]) -> str | None:
        """One of the options, by the message and the variant."""
        message = self.message
        first = chosen(options, key, message.content, message.id or "", message.author.handle or "")
        return first if first is None else options[(options.index(first) + self.variant) % len(options)]
