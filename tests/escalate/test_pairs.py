"""The whole pipeline, heads included: a message never loses its flag by anger, a threat or danger that is added to it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import yaml
from builders import NOW
from scipy.stats import binom

from service import pipeline
from service.messages import Escalation, Message
from service.parts import Parts
from service.understand.embedder import sentences

PAIRS = yaml.safe_load((Path(__file__).parent / "pairs.yaml").read_text(encoding="utf-8"))
LEAST = 0.995  # of the pairs keep the flag
ALL, SAMPLE = 2_000, 300
LONG = bool(os.environ.get("TEST_LONG"))  # make test-long: all of them
COUNT = ALL if LONG else SAMPLE
CHANCE = 0.99  # a sample may lose as many as this share of samples would where LEAST is just kept


def pairs() -> list[tuple[str, str, str]]:
    """Language, message and the message with a phrase as its first, second or last sentence."""
    made = []
    for language, texts in PAIRS.items():
        for at, message in enumerate(texts["messages"]):
            parts = sentences(message)
            for number, phrase in enumerate(texts["phrases"]):
                place = (0, 1, len(parts))[(at + number) % 3]
                made.append((language, message, " ".join([*parts[:place], phrase, *parts[place:]])))
    random.Random(7).shuffle(made)
    return made[:COUNT]


async def escalation(text: str, language: str, parts: Parts) -> Escalation:
    given = {"text": text, "channel": "webchat", "language": language, "received_at": NOW, "options": {"draft": False}}
    async for stage in pipeline.stages(Message.model_validate(given), parts):
        grown = stage.triage
    return grown.escalation


async def test_added_anger_threats_and_danger_never_turn_the_flag_off(parts: Parts) -> None:
    alone: dict[str, Escalation] = {}
    flagged, lost = 0, []
    for language, message, more in pairs():
        if message not in alone:
            alone[message] = await escalation(message, language, parts)
        if not alone[message].escalate:
            continue
        flagged += 1
        if not (await escalation(more, language, parts)).escalate:
            lost.append(f"{[reason.code for reason in alone[message].reasons]}: {more}")
    assert flagged > COUNT / 4, "the messages hardly ever have a flag to lose"
    most = (1 - LEAST) * flagged if LONG else binom.ppf(CHANCE, flagged, 1 - LEAST)
    assert len(lost) <= most, "\n".join(lost)


@pytest.mark.parametrize("language", sorted(PAIRS))
def test_there_are_messages_and_phrases_of_every_language_and_no_two_alike(language: str) -> None:
    texts = PAIRS[language]
    assert len(texts["messages"]) * len(texts["phrases"]) * len(PAIRS) >= ALL
    for part in ("messages", "phrases"):
        assert len(set(texts[part])) == len(texts[part])
