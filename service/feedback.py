"""Feedback on a triage: what an agent did with a draft, what was changed in it, and what the triage should have found."""

from __future__ import annotations

import asyncio
from datetime import datetime

from service import precedents
from service.edits import Edit, edit_of
from service.errors import FieldError, InvalidMessage, NotFound
from service.knowledge import StoredEntry
from service.messages import Draft, Feedback, Triage
from service.parts import Parts


async def give(
    parts: Parts, triage_id: str, given: Feedback, key: str, at: datetime | None = None
) -> tuple[datetime, Edit | None, StoredEntry | None]:
    """Keeps feedback given `at`, by default now: when, the edit of the draft that was sent, and the precedent if approved.

    A reply that was sent answers the conversation; a rejection takes an approval back. Raises NotFound, and InvalidMessage
    for a topic that is not the brand's and for an approval of nothing; nothing is kept then.
    """
    found = await parts.records.recorded(triage_id)
    if found is None:
        raise NotFound("no triage with this id")
    message, triage = found
    _check_topic(parts, triage, given)
    redrafts = [Draft.model_validate(one["draft"]) for one in await parts.records.redrafts(triage_id)]
    approved = await precedents.prepared(parts, triage_id, given) if given.approve else None
    edit = None
    if given.action != "rejected" and given.text and given.text.strip():
        edit = await asyncio.to_thread(edit_of, given.text, triage.draft, redrafts)
    sent = precedents.reply_of(message, redrafts[-1] if redrafts else triage.draft, [given]) is not None
    at = await parts.records.feedback.put(triage_id, given, edit, sent=sent, key=key, at=at)
    who = given.agent or key
    if approved is not None:
        await parts.records.put_precedent(approved, at, who)
    elif given.action == "rejected":
        await parts.records.remove_precedents([triage_id], actor=who)
    return at, edit, approved


def _check_topic(parts: Parts, triage: Triage, given: Feedback) -> None:
    topic, brand = given.wrong.topic if given.wrong else None, parts.brands.get(triage.brand)
    if topic is not None and brand is not None and topic not in brand.topic_ids:
        topics = ", ".join(brand.topic_ids)
        raise InvalidMessage([FieldError("/wrong/topic", f"no topic of {brand.name}; its topics are {topics}")])
