"""Why a triage is as it is: what came in, what made it, what it rests on, and who did what with it since."""

from __future__ import annotations

from typing import Any

from service.conversations import Conversation
from service.messages import (
    Check,
    Citation,
    Escalation,
    Instant,
    Message,
    Noun,
    OrderStatus,
    Score,
    Triage,
    Understanding,
    Versions,
)
from service.records.feedback import Given
from service.records.queries import Records


class ShownOrder(Noun):
    """An order that the triage looked at, and how it was picked."""

    order_id: str
    status: OrderStatus
    late: bool
    why: str | None


class ShownPassage(Noun):
    """A passage that was found, with its relevance."""

    id: str
    title: str
    language: str
    score: Score


class ShownDraft(Noun):
    """How a draft was made; its texts are in the triage. `number` counts the redrafts, and `wish` is what was asked for."""

    number: int | None = None
    action: str
    engine: str
    language: str
    macro: str | None
    citations: tuple[Citation, ...]
    order_fields: tuple[str, ...]
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]
    wish: dict[str, Any] | None = None


class Happened(Noun):
    """A line of the audit."""

    at: Instant
    actor: str
    action: str
    detail: dict[str, Any]


class Explanation(Noun):
    """A triage explained, in the order in which it came about."""

    triage_id: str
    message: Message
    versions: Versions
    timings_ms: dict[str, float]
    understanding: Understanding
    passages: tuple[ShownPassage, ...]
    orders: tuple[ShownOrder, ...]
    history: tuple[str, ...]
    precedents: tuple[str, ...]
    escalation: Escalation
    drafts: tuple[ShownDraft, ...]
    warnings: tuple[str, ...]
    conversation: Conversation | None
    feedback: tuple[Given, ...]
    happened: tuple[Happened, ...]


async def explained(records: Records, triage_id: str) -> Explanation | None:
    """The explanation of a recorded triage; None where there is none with this id.

    The message is what was sent to the service. Lines of the audit begin with the version that brought it.
    """
    found = await records.recorded(triage_id)
    if found is None:
        return None
    message, triage = found
    conversation_id = triage.conversation_id or triage.id
    lines = await records.audit.lines(triage.brand, triage_id, conversation_id)
    context = triage.context
    return Explanation(
        triage_id=triage_id, message=message, versions=triage.versions, timings_ms=triage.timings_ms,
        understanding=triage.understanding,
        passages=tuple(ShownPassage(id=p.id, title=p.title, language=p.language, score=p.score) for p in context.passages),
        orders=tuple(ShownOrder(order_id=o.order_id, status=o.status, late=o.late, why=o.why) for o in context.orders),
        history=tuple(past.triage_id for past in context.history),
        precedents=tuple(one.triage_id for one in context.precedents),
        escalation=triage.escalation, drafts=tuple(await _drafts(records, triage)), warnings=triage.warnings,
        conversation=await records.conversations.one(triage.brand, conversation_id),
        feedback=tuple(await records.feedback.given(triage_id)),
        happened=tuple(
            Happened(at=line.at, actor=line.actor, action=line.action, detail=dict(line.detail))
            for line in lines if line.triage_id in (None, triage_id)
        ),
    )  # fmt: skip


async def _drafts(records: Records, triage: Triage) -> list[ShownDraft]:
    made: list[tuple[Any, int | None, dict[str, Any] | None]] = []
    if triage.draft is not None:
        made.append((triage.draft.model_dump(), None, None))
    made += [(one["draft"], one["number"], one["wish"]) for one in await records.redrafts(triage.id)]
    own = ShownDraft.model_fields.keys() - {"number", "wish"}
    return [
        ShownDraft(number=number, wish=wish, **{name: draft[name] for name in own}) for draft, number, wish in made
    ]  # fmt: skip
