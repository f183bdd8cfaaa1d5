"""Everything a draft may stand on for one message."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from service.messages import Context, Message, Passage, Understanding
from service.retrieve.faqs import Passages
from service.retrieve.history import HistoryLookup, own_history
from service.retrieve.orders import Lookups, identified, own_orders
from service.understand.classifier import Heads, Vectors
from service.understand.understanding import Texts

SHORT = 6  # words up to which a message is searched together with the turn before it ("and to Norway?")
TURN_BEFORE = 0.7  # weight of that turn beside the message


@dataclass(frozen=True)
class Sources:
    """Where context comes from."""

    passages: Passages
    lookups: Lookups
    history: HistoryLookup
    limit: int


async def retrieve(
    message: Message, understanding: Understanding, texts: Texts, vectors: Vectors, heads: Heads, sources: Sources
) -> Context:
    """The context; `vectors` [n, d] are those of `texts.all`, in that order."""
    customer = await identified(message, sources.lookups)
    language = understanding.language.code if understanding.language.supported else None
    today = message.received_at.date()
    queries = _queries(message, texts, heads.centred_queries(vectors))
    answers = tuple(
        tuple(sources.passages.search(message.brand, query, language, sources.limit, today)) for query in queries
    ) if message.content.strip() else ()  # fmt: skip
    best: dict[str, Passage] = {}
    for found in answers:
        for passage in found:
            if passage.id not in best or passage.score > best[passage.id].score:
                best[passage.id] = passage
    ranked = sorted(best.values(), key=lambda passage: (-passage.score, passage.id))
    return Context(
        passages=tuple(ranked[: sources.limit]),
        orders=await own_orders(message, understanding.topic.label, customer, sources.lookups),
        history=await own_history(message, customer, sources.history),
        customer=customer,
        answers=answers,
    )


def _queries(message: Message, texts: Texts, centred: Vectors) -> list[Vectors]:
    """One query vector a question; the whole message where it asks one thing."""
    windows = len(texts.windows)
    asked = centred[windows : windows + len(texts.questions)]
    if len(asked) > 1:
        return list(asked)
    whole = centred[0] if windows == 1 else _unit(centred[:windows].mean(axis=0))
    if texts.earlier and len(message.content.split()) <= SHORT:
        return [_unit(whole + TURN_BEFORE * centred[-1])]
    if len(asked):
        return [_unit(whole + asked[0])]
    return [whole]


def _unit(vector: Vectors) -> Vectors:
    unit: Vectors = (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
    return unit
