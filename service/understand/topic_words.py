"""Beginnings of words that tell what a message is about: `knowledge/topic_words.yaml`, features of the topic head."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from service.files import shipped
from service.yaml_files import load_yaml

SEEN = 2  # words of a topic from which more say nothing new


def topic_words(text: str) -> list[float]:
    """For each topic of the file, in its order, how much of its vocabulary the text holds, 0..1."""
    flat = _flat(text)
    return [min(len(pattern.findall(flat)), SEEN) / SEEN for pattern in _patterns().values()]


def word_topics() -> tuple[str, ...]:
    """The topics of the file, in its order."""
    return tuple(_patterns())


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    listed = load_yaml(shipped("knowledge/topic_words.yaml").read_text(encoding="utf-8"))
    return {
        topic: re.compile(r"\b(?:" + "|".join(re.escape(_flat(str(w))) for words in by_language.values() for w in words) + ")")
        for topic, by_language in listed.items()
    }


def _flat(text: str) -> str:
    """Lower case without accents."""
    parts = unicodedata.normalize("NFD", text.lower().replace("ß", "ss").replace("’", "'"))
    return "".join(c for c in parts if not unicodedata.combining(c))
