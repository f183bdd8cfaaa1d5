"""What is done with an accepted message: it is read with its burst, triaged and recorded once; if all fails, a human has it.

A workflow is this function and holds no checkpoint of DBOS's: recording is what counts, it is done at most once by our own
transaction, and everything before it may be done again.
"""

from __future__ import annotations

import asyncio
import secrets
import traceback
from collections.abc import Sequence
from pathlib import Path

import structlog

from service import __version__, pipeline, telemetry
from service.brands import Brand, read_brand
from service.errors import FirstReplyError, Unavailable
from service.escalate.verdict import Verdict
from service.messages import (
    LABELS,
    MAX_TEXT,
    MAX_TURNS,
    Context,
    Language,
    Message,
    Reason,
    Scored,
    Triage,
    Turn,
    Understanding,
    Versions,
)  # fmt: skip
from service.parts import Parts
from service.records.inbox import Kept

PAUSES = (1.0, 10.0)  # seconds before the second and the third attempt; a message that fails at all three is handed to a human
MOST_CRASHES = 3  # processes that a message may take with it before it is not tried again
MOST_ATTACHMENTS = 20  # as many as a message may bring
PATIENCE = (1.0, 30.0)  # seconds between two tries while the database is away: the first and the longest
ROOT = Path(__file__).parents[2]
UNKNOWN = Understanding(
    label="other", scores=dict.fromkeys(LABELS, 0.0), frustration_level="none", trajectory="steady",
    topic=Scored(label="", score=0), urgency="normal", addressed=Scored(label="direct", score=0),
    language=Language(code="und", score=0, supported=False), confidence=0,
)  # fmt: skip
log = structlog.get_logger()


async def work_on(message_id: str, parts: Parts, kept: Kept | None = None) -> None:
    """Triages a taken message and records it, however long the database is away; nothing where that was done before.

    `kept` is the message where it was read just now; what it says of crashes counts.
    """
    failures: list[str] = []
    seen: list[Triage] = []  # as far as the last attempt came
    pause = PATIENCE[0]
    crashes = kept.crashes if kept is not None else None
    while True:
        try:
            kept = kept or await parts.records.inbox.one(message_id)
            if kept is None or kept.state != "queued":
                return
            crashes = kept.crashes if crashes is None else crashes
            if crashes >= MOST_CRASHES:
                await give_up(kept, parts, f"{crashes} processes ended while it was under way")
            elif len(failures) > len(PAUSES):
                await give_up(kept, parts, failures[-1], seen[-1] if seen else None)
            else:
                seen.clear()
                await _triage(kept, parts, seen)
            return
        except Exception as error:
            kept = None
            if isinstance(error, Unavailable) and not await parts.records.writable():
                await asyncio.sleep(pause)
                pause = min(2 * pause, PATIENCE[1])
                continue
            failures.append(_where(error))
            log.warning("message_failed", message_id=message_id, attempt=len(failures), reason=failures[-1])
            await asyncio.sleep(PAUSES[min(len(failures), len(PAUSES)) - 1])


async def give_up(kept: Kept, parts: Parts, why: str, seen: Triage | None = None) -> None:
    """Records that the message was not understood and hands it to a human: dead, and escalated all the same."""
    message = await _whole(kept, parts)
    triage = handed_over(message, parts, why, seen)
    if await parts.records.inbox.finish(kept, (message, triage), "dead", why):
        telemetry.count(triage)
        telemetry.ACCEPTED.labels("dead").inc()
        log.error("message_dead", message_id=kept.id, triage_id=triage.id, reason=why)


async def _triage(kept: Kept, parts: Parts, seen: list[Triage]) -> None:
    asked = message = await _whole(kept, parts)
    if await _answered(kept, parts):  # no model is asked for what nobody needs any more
        asked = message.model_copy(update={"options": message.options.model_copy(update={"draft": False})})
    async for stage in pipeline.stages(asked, parts, can_wait=True):
        seen.append(stage.triage)
    triage = seen[-1]
    if triage.draft is not None and await _answered(kept, parts):
        triage = triage.model_copy(update={"draft": None})
    if await parts.records.inbox.finish(kept, (message.with_read(triage.attachments), triage)):
        telemetry.count(triage)
        telemetry.ACCEPTED.labels("done").inc()


async def _whole(kept: Kept, parts: Parts) -> Message:
    """The message with the rest of its burst; alone where it belongs to no conversation."""
    earlier = await parts.records.inbox.burst_of(kept) if kept.conversation_id is not None else []
    return joined(kept.message, [one.message for one in earlier])


async def _answered(kept: Kept, parts: Parts) -> bool:
    """Whether a person answered the conversation since the message came."""
    conversation = kept.conversation_id
    if conversation is None:
        return False
    return await parts.records.conversations.answered_since(kept.brand, conversation, kept.accepted_at)


def joined(last: Message, earlier: Sequence[Message]) -> Message:
    """The last message of a burst with those before it as turns of its thread, and all their attachments."""
    if not earlier:
        return last
    thread = last.thread or earlier[0].thread
    told = {turn.text for turn in thread if turn.role == "customer"}  # a caller may have put them into the thread already
    said = [
        Turn(role="customer", text=one.content[:MAX_TEXT], at=one.received_at)
        for one in earlier
        if one.content.strip() and one.content not in told
    ]
    attachments = tuple(dict.fromkeys(given for one in (*earlier, last) for given in one.attachments))
    return last.model_copy(update={"thread": (*thread, *said)[-MAX_TURNS:], "attachments": attachments[-MOST_ATTACHMENTS:]})


def handed_over(message: Message, parts: Parts, why: str, seen: Triage | None = None) -> Triage:
    """A triage for a human, with no draft and with what was understood before it failed; rules alone, so that it can't fail."""
    brand = parts.brands.get(message.brand) or read_brand(message.brand, None)
    understanding = seen.understanding if seen else UNKNOWN
    verdict = Verdict(
        policy=brand.policy,
        reasons=(Reason(code="processing_error", kind="hard", detail=why), *(seen.escalation.reasons if seen else ())),
        topic_queue=brand.queue_of(understanding.topic.label),
        received_at=message.received_at,
        channel=message.channel,
        private=not message.public,
        topic=understanding.topic.label,
        language=understanding.language.code,
        facts=seen.escalation.facts if seen else (),
    )
    if seen is not None:
        return seen.model_copy(update={"draft": None, "escalation": verdict.escalation})
    return Triage(
        id=f"tri_{secrets.token_hex(12)}", message_id=message.id, brand=message.brand, conversation_id=message.conversation_id,
        metadata=message.metadata, received_at=message.received_at, understanding=understanding, context=Context(),
        escalation=verdict.escalation, timings_ms={}, warnings=parts.warnings, versions=_versions(parts, brand),
    )  # fmt: skip


def _versions(parts: Parts, brand: Brand) -> Versions:
    return Versions(
        service=__version__, embedder=parts.embedding.embedder.fingerprint, classifier=parts.heads.version,
        knowledge=parts.knowledge_version, policy=brand.policy_version,
    )  # fmt: skip


def _where(error: Exception) -> str:
    """What failed and where. Not what it says: an exception may quote the message."""
    if isinstance(error, FirstReplyError):
        return error.detail
    last = traceback.extract_tb(error.__traceback__)[-1]
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(ROOT)]
    frame = ours[-1] if ours else last
    return f"{type(error).__name__} in {Path(frame.filename).name} line {frame.lineno}"
