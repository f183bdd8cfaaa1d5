"""Replies that a person approved, shown to agents beside messages that ask the same; masked before they are kept."""

from __future__ import annotations

from service.errors import FieldError, InvalidMessage, NotFound
from service.knowledge import Entry, StoredEntry
from service.masking import Mask
from service.messages import Draft, Feedback, Message, Triage
from service.parts import Parts
from service.retrieve.context import message_vector
from service.retrieve.customers import known_of
from service.retrieve.orders import every_order
from service.understand.understanding import texts_of


async def prepared(parts: Parts, triage_id: str, given: Feedback | None = None) -> StoredEntry:
    """The reply to a triage's message as it would be kept, `given` the feedback that comes with the approval.

    Raises NotFound for an unknown triage and InvalidMessage where no reply was sent or the message has no words.
    """
    found = await parts.records.recorded(triage_id)
    if found is None:
        raise NotFound(f"no triage {triage_id} is recorded here")
    message, triage = found
    feedback = [*await parts.records.feedback.of(triage_id), *([given] if given else [])]
    latest = await parts.records.redrafts(triage_id)
    draft = Draft.model_validate(latest[-1]["draft"]) if latest else triage.draft
    text = reply_of(message, draft, feedback)
    if not text or not message.content.strip():
        raise InvalidMessage(
            [FieldError("/text", "no reply to approve: it needs feedback accepted, or edited with the text as sent")]
        )
    texts = texts_of(message)
    vector = message_vector(texts, await parts.embedding.queries(texts.windows))
    masked = await _masked(parts, message, triage, feedback, text)
    entry = Entry(
        id=triage_id, kind="precedent", entry=triage_id, topic=None, title="", answer=masked, origin="feedback",
        language=triage.draft.language if triage.draft else triage.understanding.language.code,
    )  # fmt: skip
    return StoredEntry(triage.brand, entry, entry.digest, parts.embedding.embedder.fingerprint, vector[None])


async def waiting(parts: Parts, brand: str, limit: int) -> list[StoredEntry]:
    """Replies that were sent and not approved yet, as they would be kept, the latest first."""
    found = []
    for triage_id in await parts.records.feedback.sent(brand, limit):
        try:
            found.append(await prepared(parts, triage_id))
        except InvalidMessage:
            continue  # accepted without a draft, such as a message that wants no answer
    return found


def reply_of(message: Message, draft: Draft | None, feedback: list[Feedback]) -> str | None:
    """What the customer was sent: the text that came with the last feedback, else the draft in force, which was accepted."""
    last = feedback[-1] if feedback else None
    if last is None or last.action == "rejected":
        return None
    if last.text and last.text.strip():
        return last.text
    if last.action != "accepted" or draft is None:
        return None
    sent = (draft.public or draft.private) if message.public else (draft.private or draft.public)
    return sent.text if sent else None


async def _masked(parts: Parts, message: Message, triage: Triage, feedback: list[Feedback], text: str) -> str:
    known = await known_of(message, parts.sources.known)
    ours = parts.brands[triage.brand].identity.support_handles.values() if triage.brand in parts.brands else ()
    people = [one.agent for one in feedback if one.agent]
    return Mask(message, known.customer, [*every_order(known), *triage.context.orders], ours, people, marked=True).text(text)
