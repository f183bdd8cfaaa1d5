"""Everything a draft may stand on for one message."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from service.brands import Brand
from service.draft.facts import state_keys
from service.draft.plan import ORDER_TOPICS
from service.errors import IndexUnavailable
from service.knowledge import Entry
from service.messages import Context, Known, Macro, Message, Passage, Precedent, Understanding
from service.retrieve.asked_before import as_kept, asked_before
from service.retrieve.customers import Lookup
from service.retrieve.faqs import Passages
from service.retrieve.history import own_history
from service.retrieve.orders import own_orders
from service.retrieve.suggestions import asks_for_product, suggestions
from service.understand.classifier import Heads, Vectors, unit
from service.understand.relevance import Asked
from service.understand.understanding import Texts

SHORT = 6  # words up to which a message is searched together with the turn before it ("and to Norway?")
ANSWERS = 0.4  # relevance from which a passage is an answer; right two times in three there, half of all answers found
TURN_BEFORE = 0.7  # weight of that turn beside the message
LIKE_MACRO = 0.4  # likeness to the messages of a macro from which it is looked at
PRODUCTS = 3  # nearest products looked at
PRECEDENTS = 3  # most approved replies shown to the agent
UNSEARCHED = "retrieval_unavailable"  # warning of a triage for which the knowledge could not be searched
NO_KNOWLEDGE = "no_knowledge"  # the same where the brand has no FAQ that a customer may be told


@dataclass(frozen=True)
class Sources:
    """Where context comes from."""

    passages: Passages
    known: Lookup
    limit: int


async def retrieve(
    message: Message,
    understanding: Understanding,
    known: Known,
    texts: Texts,
    vectors: Vectors,
    heads: Heads,
    sources: Sources,
    brand: Brand,
) -> Context:
    """The context for a message of the customer who is known; `vectors` [n, d] are those of `texts.all`, in that order.

    Where the index doesn't answer, the context has no passages, and the warning that says so.
    """
    language = understanding.language.code if understanding.language.supported else None
    spoken = language or brand.identity.default_language
    today = message.received_at.date()
    centred = heads.centred_queries(vectors)
    whole = message_vector(texts, centred)
    queries = _queries(message, texts, centred, whole)
    history = own_history(known)
    codes = sources.passages.codes(message.brand, message.content)
    orders = own_orders(message, understanding, known, history, brand.kinds, codes)
    about = orders[0] if orders and understanding.topic.label in ORDER_TOPICS else None
    states = state_keys(about, today) if about is not None else ()
    asked = list(zip(queries, _texts(message, texts), strict=True)) if message.content.strip() else []

    async def passages_found() -> list[list[Passage]]:
        search, limit = sources.passages.search, sources.limit
        return await asyncio.gather(
            *(
                search(message.brand, query, language, limit, today, Asked.of(understanding, text), text, states)
                for query, text in asked
            )
        )

    async def macro_found() -> Macro | None:
        if not asked or (orders and understanding.label != "praise"):  # where an order is the matter no macro is the answer
            return None
        return await sources.passages.macro(message.brand, whole, spoken, understanding.label)

    async def products_found() -> list[tuple[str, float]]:
        if not asks_for_product(understanding, brand.catalogue):
            return []
        return await sources.passages.products(message.brand, queries[0], spoken, PRODUCTS)

    async def precedents_found() -> list[Precedent]:
        if not asked:
            return []
        return await sources.passages.precedents(message.brand, whole, understanding.language.code, PRECEDENTS)

    warnings: tuple[str, ...] = () if sources.passages.tellable(message.brand) else (NO_KNOWLEDGE,)
    try:  # all at once: a server is asked for all of them in the time of one
        found, macro, products, precedents = await asyncio.gather(
            passages_found(), macro_found(), products_found(), precedents_found()
        )
    except IndexUnavailable:
        found, macro, products, precedents, warnings = [[] for _ in asked], None, [], [], (UNSEARCHED,)
    best: dict[str, Passage] = {}
    for passage in (passage for hits in found for passage in hits):
        if passage.id not in best or passage.score > best[passage.id].score:
            best[passage.id] = passage
    ranked = sorted(best.values(), key=lambda passage: -passage.score)  # of equal ones the order that the search found
    passages = tuple(ranked[: sources.limit])

    def entry(name: str) -> Entry | None:
        return sources.passages.get(message.brand, f"{name}-{spoken}")

    return Context(
        passages=passages,
        orders=orders,
        history=asked_before(message, understanding, history, about, whole, heads),
        precedents=tuple(precedents),
        suggestions=suggestions(
            message, understanding, brand.catalogue, orders,
            products,
            {p.id for p in passages}, entry,
        ),
        customer=known.customer,
        macro=macro if macro is not None and macro.score >= LIKE_MACRO else None,
        answers=tuple(tuple(p for p in hits if p.score >= ANSWERS and not _out_of_place(p, understanding)) for hits in found),
        warnings=warnings,
        codes=tuple(sorted(codes)),
        asked=as_kept(message_vector(texts, vectors)[None]) if message.content.strip() else b"",
    )  # fmt: skip


def _out_of_place(passage: Passage, understanding: Understanding) -> bool:
    """An offer is no answer to somebody who complains, whatever names they share."""
    return passage.id.startswith("offer-") and understanding.has("frustration")


def message_vector(texts: Texts, vectors: Vectors) -> Vectors:
    """The message as one vector [d], the mean of its windows, from the vectors [n, d] of `texts.all`, centred or as they came."""
    return unit(vectors[: len(texts.windows)].mean(axis=0))


def _queries(message: Message, texts: Texts, centred: Vectors, whole: Vectors) -> list[Vectors]:
    """One query vector a question; that of the `whole` message where it asks one thing."""
    windows = len(texts.windows)
    asked = centred[windows : windows + len(texts.questions)]
    if len(asked) > 1:
        return list(asked)
    if texts.earlier and len(message.content.split()) <= SHORT:
        return [unit(whole + TURN_BEFORE * centred[-1])]
    return [whole]


def _texts(message: Message, texts: Texts) -> list[str]:
    """What each query vector is of."""
    return list(texts.questions) if len(texts.questions) > 1 else [message.content]
