"""Another draft for a message that was triaged, as an agent asks for it; it supersedes the one before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, field_validator

from service import pipeline
from service.draft.instructions import tone_of
from service.errors import Conflict, NotFound, UnknownBrand
from service.messages import Draft, Escalation, Instant, Noun, Tone, Triage, clean
from service.parts import Parts

MOST = 50  # drafts of one triage


class Wish(Noun):
    """How the new draft should differ: a tone, an instruction such as "shorter" or a point to add, other wordings."""

    tone: Tone | None = None
    instruction: Annotated[str, Field(max_length=1_000)] | None = None
    alternatives: int = Field(default=0, ge=0, le=3)

    @field_validator("instruction", mode="before")
    @classmethod
    def _readable(cls, given: Any) -> Any:
        return clean(given) if isinstance(given, str) else given


class Redraft(Noun):
    """A draft that supersedes those of the same triage with a lower number; 1 is the first one after the triage's own."""

    triage_id: str
    number: int
    at: Instant
    wish: Wish
    draft: Draft
    escalation: Escalation


async def redraft(triage_id: str, wish: Wish, parts: Parts, actor: str = "local") -> Redraft:
    """The new draft, kept; raises NotFound, Conflict where there was nothing to answer, and what a triage raises.

    `actor` asked for it. What was understood and decided stays as it was; only the checks on the new draft may add a reason.
    """
    found = await parts.records.recorded(triage_id)
    if found is None:
        raise NotFound("no triage with this id")
    message, triage = found
    if message.brand not in parts.brands:
        raise UnknownBrand(message.brand, list(parts.brands))
    if triage.draft is not None and triage.draft.action == "none":
        raise Conflict("this message wants no reply, so there is no draft to change")
    earlier = await drafts_of(triage_id, parts)
    if len(earlier) >= MOST:
        raise Conflict(f"this triage has {MOST} drafts: edit the last one by hand")
    before = [one for one in (triage.draft, *(later.draft for later in earlier)) if one is not None]
    options = message.options.model_copy(
        update={
            "draft": True,
            "tone": wish.tone or tone_of(wish.instruction or "") or message.options.tone,
            "instruction": wish.instruction,
            "alternatives": wish.alternatives,
        }
    )
    again = [
        stage.triage
        async for stage in pipeline.stages(message.model_copy(update={"options": options}), parts, before=tuple(before))
    ][-1]
    made = Redraft(
        triage_id=triage_id, number=len(earlier) + 1, at=datetime.now(UTC), wish=wish,
        draft=again.draft, escalation=_decided(triage, again),
    )  # fmt: skip
    data = made.model_dump(mode="json")
    await parts.records.put_redraft(triage.brand, made.triage_id, made.number, made.at, data, actor)
    return made


async def drafts_of(triage_id: str, parts: Parts) -> list[Redraft]:
    """The drafts that were made after the triage's own, oldest first."""
    return [Redraft.model_validate(data) for data in await parts.records.redrafts(triage_id)]


def _decided(triage: Triage, again: Triage) -> Escalation:
    """The decision of the triage, and what the checks on the new draft add to it."""
    added = [reason for reason in again.escalation.reasons if reason.code == "draft_check_failed"]
    known = {reason.code for reason in triage.escalation.reasons}
    if not added or "draft_check_failed" in known:
        return triage.escalation
    return again.escalation.model_copy(update={"reasons": (*triage.escalation.reasons, *added)})
