"""Whether a customer asks again what they asked before: this message's vector beside those of their earlier contacts.

Figures and how they were measured: docs/decisions/0016-asked-before.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from service.messages import Label, Message, Order, PastTriage, Understanding
from service.understand.classifier import Heads, Vectors, unit

ALIKE = 0.5  # cosine from which two messages ask the same
ONE_CONVERSATION = timedelta(hours=1)  # within it another message without a conversation's id belongs to the same one
_ASKS: tuple[Label, ...] = ("frustration", "information_seeking")


def as_kept(vectors: Vectors) -> bytes:
    """Vectors [n, d] as they are recorded: float16, which moves a cosine by less than 0.001."""
    return vectors.astype("<f2").tobytes()


def asked_before(
    message: Message,
    understanding: Understanding,
    history: Sequence[PastTriage],
    about: Order | None,
    query: Vectors,
    heads: Heads,
) -> tuple[PastTriage, ...]:
    """The history with `same_question` where it was asked before; `query` [d] is the message's centred vector.

    `about` is the order that the message is about: the same words about another order are another question. So are
    the same words in one conversation, which its thread tells.
    """
    if not message.content.strip() or not any(understanding.has(label) for label in _ASKS):
        return tuple(history)
    vector = heads.ranked(query)
    return tuple(_judged(past, message, about, vector, heads) for past in history)


def _judged(past: PastTriage, message: Message, about: Order | None, vector: Vectors, heads: Heads) -> PastTriage:
    other_order = about is not None and past.order_id is not None and past.order_id != about.order_id
    if past.embedder != heads.embedder or past.label not in _ASKS or other_order or _one_conversation(past, message):
        return past
    asked = unit(np.frombuffer(past.asked, "<f2").astype(np.float32).reshape(-1, len(vector)))
    likeness = float((heads.ranked(heads.centred_queries(asked)) @ vector).max())
    if likeness < ALIKE:
        return past
    return past.model_copy(update={"same_question": True, "likeness": round(min(likeness, 1.0), 4)})


def _one_conversation(past: PastTriage, message: Message) -> bool:
    """Whether both are of one conversation, or the same message sent again."""
    if message.id is not None and past.message_id == message.id:
        return True
    if message.conversation_id is not None and past.conversation_id is not None:
        return past.conversation_id == message.conversation_id
    return message.received_at - past.at < ONE_CONVERSATION
