"""What a refit changed is told by message, and topics are those of the brand."""

from __future__ import annotations

import numpy as np
import pytest

from service.files import shipped
from service.messages import Message, Understanding
from service.understand.classifier import Head, Heads, load_heads
from service.understand.embedder import Embedder
from service.understand.examples import Example, read_examples
from service.understand.refit import LEAST_HELD_OUT, compared, held_out
from service.understand.signals import read_signal_rules
from service.understand.understanding import texts_of, understand

RULES = read_signal_rules(shipped("knowledge/signals"))


@pytest.fixture(scope="module")
def heads(embedder: Embedder) -> Heads:
    return load_heads(shipped("knowledge/heads.safetensors"), embedder.fingerprint)


def seen(text: str, heads: Heads, embedder: Embedder, topics: tuple[str, ...]) -> Understanding:
    message = Message(text=text)
    texts = texts_of(message)
    return understand(message, texts, embedder.queries(texts.all), heads, RULES, ["en"], topics=topics)


def test_only_topics_of_the_brand_are_given(heads: Heads, embedder: Embedder) -> None:
    text = "My parcel is a week late, where is it?"
    assert seen(text, heads, embedder, ()).topic.label == "delivery"
    assert seen(text, heads, embedder, ("payment", "account")).topic.label in ("payment", "account")
    unknown = seen(text, heads, embedder, ("bikes",)).topic
    assert (unknown.label, unknown.score) == ("other", 0.0)


def test_each_message_that_turned_is_named(heads: Heads, embedder: Embedder) -> None:
    examples = [e for e in read_examples([shipped("knowledge/examples")]) if e.language == "en"][:30]
    everything_is_delivery = Head(("delivery",), np.zeros((1, heads.topic.weights.shape[1]), np.float32), np.zeros(1, np.float32))
    blind = Heads(**{**heads.__dict__, "topic": everything_is_delivery})
    topics = sorted({e.topic for e in examples} | {"delivery"})
    found = {aspect.name: aspect for aspect in compared(examples, heads, blind, embedder, RULES, topics)}
    topic = found["topic"]
    delivery = {e.id for e in examples if e.topic == "delivery"}
    assert topic.after == len(delivery)
    assert set(topic.gained) <= delivery
    assert not set(topic.lost) & delivery
    assert topic.before - len(topic.lost) + len(topic.gained) == topic.after
    assert topic.lost[0] in str(topic)
    assert f"{topic.before} -> {topic.after} of 30 right" in str(topic)
    assert (found["label"].gained, found["label"].lost) == ((), ())
    assert "gained" not in str(found["label"])


def test_few_messages_are_all_learned_from() -> None:
    few = [
        Example.model_validate(
            {"id": str(n), "language": "en", "text": "hi", "label": "other", "level": "none", "topic": "other"}
        )
        for n in range(40)
    ]
    assert held_out(few[: LEAST_HELD_OUT * 5 - 5]) == []
    assert [example.id for example in held_out(few[:30])] == ["0", "5", "10", "15", "20", "25"]
