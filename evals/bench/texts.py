"""What is measured with: the labelled examples, whole and in pieces. The same texts in the same order on every run."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from service.files import shipped
from service.knowledge import Entry
from service.messages import Message
from service.retrieve.folder import read_faqs
from service.settings import read_settings
from service.understand.build import DEFAULT_MODEL
from service.understand.embedder import sentences
from service.understand.examples import Example, read_examples
from service.understand.understanding import texts_of

LEAST, MOST = 15, 40  # tokens of a short message, the query prefix and both marks counted
QUERY = "query: "


def model_folder() -> Path:
    """Where the default model was built."""
    return (read_settings().models / DEFAULT_MODEL).resolve()


@cache
def _tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(model_folder() / "tokenizer.json"))


def tokens(text: str) -> int:
    """Tokens of a message as the embedder sees it."""
    return len(_tokenizer().encode(QUERY + text).ids)


@cache
def examples() -> tuple[Example, ...]:
    """The labelled examples, shuffled within each language, the languages in turn."""
    by_language: dict[str, list[Example]] = {}
    for example in read_examples([shipped("knowledge/examples")]):
        by_language.setdefault(example.language, []).append(example)
    for language in by_language.values():
        random.Random(1).shuffle(language)
    return tuple(e for turn in zip_longest(*(by_language[name] for name in sorted(by_language))) for e in turn if e is not None)


def faqs() -> list[Entry]:
    """The demo brand's FAQs in every language."""
    return read_faqs(shipped("knowledge/demo"))


def of_length(length: int, count: int) -> list[str]:
    """`count` texts of exactly `length` tokens, cut from longer examples."""
    found: list[str] = []
    for example in examples():
        ids = _tokenizer().encode(QUERY + example.text).ids
        if len(ids) < length:
            continue
        text = _tokenizer().decode(ids[1 : length - 1]).removeprefix(QUERY.strip()).strip()
        if tokens(text) == length:
            found.append(text)
        if len(found) == count:
            return found
    raise SystemExit(f"only {len(found)} texts of {length} tokens in the examples")


def short(count: int, wanted: Callable[[str], bool] = lambda _: True) -> list[str]:
    """`count` different one-sentence messages of LEAST to MOST tokens, each one forward pass."""
    found = dict.fromkeys(
        sentence
        for example in examples()
        for sentence in sentences(example.text)
        if wanted(sentence) and LEAST <= tokens(sentence) <= MOST and len(texts_of(Message(text=sentence)).all) == 1
    )
    if len(found) < count:
        raise SystemExit(f"only {len(found)} short messages in the examples, {count} wanted")
    return list(found)[:count]


def questions(count: int) -> list[dict[str, Any]]:
    """`count` single-question requests, in turn from a customer with an order and from a stranger."""
    lines = (shipped("knowledge/demo") / "orders.jsonl").read_text(encoding="utf-8").splitlines()
    customers = sorted({json.loads(line)["customer_id"] for line in lines})
    channels = ("instagram", "whatsapp", "x", "facebook", "email")
    requests: list[dict[str, Any]] = []
    for at, text in enumerate(short(count, lambda sentence: "?" in sentence)):
        known = {"customer_id": customers[at // 2 % len(customers)]}
        author = {"handle": f"@guest{at}"} if at % 2 else known
        requests.append({"text": text, "brand": "demo", "channel": channels[at % len(channels)], "author": author})
    return requests


def whole(count: int) -> list[dict[str, Any]]:
    """`count` requests of examples as they are, with their threads; past the last one they come again with a number."""
    requests: list[dict[str, Any]] = []
    for at in range(count):
        example = examples()[at % len(examples())]
        again = f" #{at}" if at >= len(examples()) else ""
        thread = [turn.model_dump(mode="json", exclude_none=True) for turn in example.thread]
        requests.append({"text": example.text + again, "channel": example.channel, "thread": thread})
    return requests
