"""One message in, one triage out: the passage every reader should find first."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from service import __version__
from service.attachments import read_along
from service.draft.write import write_draft
from service.errors import UnknownBrand
from service.escalate.verdict import decide
from service.messages import Context, Delta, Draft, Message, Triage, Versions
from service.parts import Parts
from service.retrieve.context import retrieve
from service.retrieve.customers import known_of
from service.stopwatch import Stopwatch
from service.understand.understanding import texts_of, understand


@dataclass(frozen=True)
class Stage:
    """A step that is done, with the triage as far as it has grown; `delta` in a stream, for words of the draft."""

    name: str
    triage: Triage
    delta: Delta | None = None


async def triage(message: Message, parts: Parts, actor: str = "local") -> Triage:
    """The triage of one message, recorded as asked for by `actor`; raises UnknownBrand and Unavailable."""
    async for stage in stages(message, parts):
        grown = stage.triage
    await parts.ledger.put(message, grown, actor)
    return grown


async def stages(
    message: Message, parts: Parts, *, streamed: bool = False, before: tuple[Draft, ...] = (), can_wait: bool = False
) -> AsyncGenerator[Stage, None]:
    """The growing triage after each step: understanding, context, escalation, draft, and before it, `streamed`, its deltas.

    `before` are drafts that were made for the same message: another one is wanted. `can_wait`: nobody waits for the answer.
    """
    brand = parts.brands.get(message.brand)
    if brand is None:
        raise UnknownBrand(message.brand, list(parts.brands))
    watch, writer = Stopwatch(), parts.writer(brand)
    given, message = message, await read_along(message, writer)
    texts = texts_of(message)
    vectors, known = await asyncio.gather(parts.embedding.queries(texts.all), known_of(message, parts.sources.known))
    watch.lap("embed")

    await parts.turns.mine(can_wait=can_wait)
    who, topics, hints = brand.identity, brand.topic_ids, (known.customer.language if known.customer else None,)
    handles = who.support_handles.values()
    understanding = understand(message, texts, vectors, parts.heads, parts.rules, who.languages, hints, handles, topics)
    watch.lap("classify")
    await parts.turns.mine(can_wait=can_wait)
    context = await retrieve(message, understanding, known, texts, vectors, parts.heads, parts.sources, brand)
    watch.lap("retrieve")
    verdict = decide(message, understanding, context, brand.policy, brand.queue_of(understanding.topic.label))
    escalation = verdict.escalation
    watch.lap("decide")

    grown = Triage(
        id=f"tri_{secrets.token_hex(12)}", message_id=message.id, brand=message.brand, conversation_id=message.conversation_id,
        metadata=message.metadata, received_at=message.received_at, understanding=understanding, context=Context(),
        attachments=tuple(one for one in message.attachments if one not in given.attachments),
        escalation=escalation, timings_ms=watch.laps, warnings=(*parts.warnings, *context.warnings),
        versions=Versions(
            service=__version__, embedder=parts.embedding.embedder.fingerprint, classifier=parts.heads.version,
            knowledge=parts.knowledge_version, policy=brand.policy_version, prompt=writer.version if writer else None,
        ),
    )  # fmt: skip
    yield Stage("understanding", grown)
    grown = grown.model_copy(update={"context": context})
    yield Stage("context", grown)
    yield Stage("escalation", grown)

    if message.options.draft:
        await parts.turns.mine(can_wait=can_wait)
        drafting = write_draft(message, understanding, context, escalation, brand, writer, streamed=streamed, before=before)
        async for draft in drafting:
            if isinstance(draft, Delta):
                yield Stage("draft.delta", grown, draft)
                continue
            escalation = verdict.after(draft)  # checks on the draft may add reasons, never remove one
            grown = grown.model_copy(update={"draft": draft, "escalation": escalation})
    watch.lap("draft")
    yield Stage("draft", grown.model_copy(update={"timings_ms": watch.total()}))


async def warm(parts: Parts) -> Triage:
    """Loads what loads at first use, so that the first message does not wait for it; nothing is recorded, no model is called."""
    message = Message(text="Where is my order? It was due on Friday.", brand=next(iter(parts.brands), ""))
    return [stage.triage async for stage in stages(message, replace(parts, provider=None))][-1]
