"""The probability that a passage answers a message, from how near it is, what stands in it, and what kind of message it is.

A number that ranks does not say whether the best is good enough: a question that no FAQ answers has a nearest FAQ, too.
So relevance looks at the gap to the next passage and at the message: praise asks nothing, and questions about a product's
properties are seldom in a help centre. Fitted on messages of which is known which FAQ answers them, if any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.messages import LABELS, Label, Understanding

LEXICAL = 0.6  # weight of the share of words beside the cosine: of 0.2 to 1.2 the best on authored messages, flat around it
OTHER_NEAR, OTHER_WORDS = 0.2, 0.06  # of the second of the demo brand's FAQs, in one message of ten it is less
PAIR = ("near", "words", "near_gap", "ranked_gap", "words_gap", "topic")
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """What is known of a message when its passages are judged; `topic` and `topic_score` of the most likely topic."""

    scores: Mapping[Label, float] | Mapping[str, float]
    topic: str
    topic_score: float
    words: int

    @classmethod
    def of(cls, understanding: Understanding, text: str) -> Asked:
        """What a message's understanding says of `text`, the message or one of its questions."""
        return cls(understanding.scores, understanding.topic.label, understanding.topic.score, len(text.split()))


@dataclass(frozen=True)
class Relevance:
    """A logistic regression: weights [n] of the named inputs, an offset, and the inputs' means where a message is not known."""

    names: tuple[str, ...]
    weights: Floats
    means: Floats
    offset: float

    def of(self, pairs: Floats, asked: Asked | None) -> Floats:
        """Probabilities [n] of passages whose features are `pairs` [n, len(PAIR)]."""
        rest = self.means[len(PAIR) :] if asked is None else message_features(asked, self.names[len(PAIR) :])
        raw = pairs @ self.weights[: len(PAIR)] + float(rest @ self.weights[len(PAIR) :]) + self.offset
        probability: Floats = (1 / (1 + np.exp(-raw))).astype(np.float32)
        return probability


def ranked(near: Floats, words: Floats) -> Floats:
    """What passages are ordered by: nearness and shared words."""
    return near + LEXICAL * words


def pair_features(near: Floats, words: Floats, same_topic: Floats) -> Floats:
    """Features [n, len(PAIR)] of the passages of one message, each [n]: gaps are to the best of the others.

    Among the others is always one as near as the second of a whole help centre: a brand with a single FAQ has none.
    """
    gaps = (
        _gap(values, least)
        for values, least in ((near, OTHER_NEAR), (ranked(near, words), OTHER_NEAR + LEXICAL * OTHER_WORDS), (words, OTHER_WORDS))
    )
    return np.stack([near, words, *gaps, same_topic], axis=1).astype(np.float32)


def names_of_features(topics: Sequence[str]) -> tuple[str, ...]:
    """The inputs, in their order."""
    return (*PAIR, *(f"label:{label}" for label in LABELS), *(f"topic:{topic}" for topic in topics), "log_words")


def message_features(asked: Asked, names: Sequence[str]) -> Floats:
    """The inputs that depend on the message alone."""
    known: dict[str, float] = {f"label:{label}": score for label, score in asked.scores.items()}
    known |= {f"topic:{asked.topic}": asked.topic_score, "log_words": float(np.log(max(asked.words, 1)))}
    return np.array([known.get(name, 0.0) for name in names], np.float32)


def _gap(values: Floats, least: float) -> Floats:
    """Each value's distance from the best of the others and `least`; positive for the best alone."""
    order = np.argsort(-values)
    gaps: Floats = values - max(float(values[order[0]]), least)
    second = float(values[order[1]]) if len(values) > 1 else least
    gaps[order[0]] = values[order[0]] - max(second, least)
    return gaps
