"""What a refit changed for the messages of the brands at hand, as a few lines to read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from service.messages import Message, Understanding
from service.understand.classifier import Heads
from service.understand.embedder import Embedder
from service.understand.examples import Example
from service.understand.signals import SignalRules
from service.understand.understanding import texts_of, understand

HELD_OUT = 5  # every fifth own message is kept from the trial fit
LEAST_HELD_OUT = 5  # messages below which a share says nothing
Right = Callable[[Example, Understanding], bool]
ASPECTS: dict[str, Right] = {
    "label": lambda example, seen: example.label == seen.label,
    "level": lambda example, seen: example.level == seen.frustration_level,
    "topic": lambda example, seen: example.topic == seen.topic.label,
    "reasons": lambda example, seen: set(example.reasons) <= {signal.code for signal in seen.signals},
}


@dataclass(frozen=True)
class Aspect:
    """Of `messages`, how many the heads before and after had right, and ids of those that are right or wrong anew."""

    name: str
    messages: int
    before: int
    after: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    def __str__(self) -> str:
        turned = [f"{word}: {', '.join(ids)}" for word, ids in (("gained", self.gained), ("lost", self.lost)) if ids]
        return f"{self.name:<8} {self.before} -> {self.after} of {self.messages} right" + (
            f" ({'; '.join(turned)})" if turned else ""
        )


def held_out(own: Sequence[Example]) -> list[Example]:
    """The own messages that a trial fit does not see; none where they are too few to say anything."""
    kept = list(own[::HELD_OUT])
    return kept if len(kept) >= LEAST_HELD_OUT else []


def compared(
    examples: Sequence[Example], before: Heads, after: Heads, embedder: Embedder, rules: SignalRules, topics: Iterable[str]
) -> list[Aspect]:
    """How many of the examples each of the heads has right, aspect by aspect."""
    languages = sorted({example.language for example in examples})
    known = tuple(topics)
    seen: list[tuple[Understanding, Understanding]] = []
    for example in examples:
        message = Message(
            text=example.text or "-", channel=example.channel, visibility=example.visibility, thread=example.thread,
            language=example.language,
        )  # fmt: skip
        texts = texts_of(message)
        vectors = embedder.queries(texts.all)
        old, new = (understand(message, texts, vectors, heads, rules, languages, topics=known) for heads in (before, after))
        seen.append((old, new))
    found = []
    for name, right in ASPECTS.items():
        were = [right(example, old) for example, (old, _) in zip(examples, seen, strict=True)]
        are = [right(example, new) for example, (_, new) in zip(examples, seen, strict=True)]
        turned = list(zip(examples, were, are, strict=True))
        found.append(
            Aspect(
                name, len(examples), sum(were), sum(are),
                tuple(e.id for e, was, now in turned if now and not was),
                tuple(e.id for e, was, now in turned if was and not now),
            )
        )  # fmt: skip
    return found
