"""GET /v1/triages, the list for a desk, and GET /v1/triages/{id}/explain."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator

from service.conversations import ConversationState
from service.errors import FieldError, InvalidMessage, NotFound
from service.explain import Explanation, explained
from service.http.auth import BrandOf, CallerOf, PartsOf
from service.http.problems import declared
from service.http.triage import TriageId, stored
from service.messages import MAX_FIELD, Label, Moment, Noun, Urgency, clean
from service.records.summaries import Sort, Summary, Wanted

router = APIRouter(prefix="/v1", tags=["triage"])
MOST = 200  # summaries of a page
Name = Annotated[str, Query(max_length=MAX_FIELD), AfterValidator(clean)]


class Page(Noun):
    """A page of a list; `next` is the cursor of the page behind it, null at the end."""

    triages: tuple[Summary, ...]
    next: str | None


@router.get(
    "/triages", operation_id="listTriages", summary="List triages for a desk", responses=declared(401, 422, 503),
)  # fmt: skip
async def list_triages(
    brand: BrandOf,
    parts: PartsOf,
    queue: Name | None = None,
    escalate: bool | None = None,
    state: ConversationState | None = None,
    priority: Urgency | None = None,
    label: Label | None = None,
    topic: Name | None = None,
    language: Annotated[str | None, Query(pattern="^[a-z]{2,3}$", examples=["de"])] = None,
    due_before: Moment | None = None,
    customer_id: Name | None = None,
    conversation_id: Name | None = None,
    sort: Sort = "respond_by",
    cursor: Annotated[str | None, Query(max_length=MAX_FIELD, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Page:
    """Triages of a brand that fit all that is given, without any text of theirs: what is due first comes first.

    Sorted by `received_at` the last comes first. `state` is that of the conversation; an open one in which nothing has
    happened for the brand's `stale_after_days` is `stale`.
    """
    wanted = Wanted(
        brand=brand, stale_before=datetime.now(UTC) - timedelta(days=parts.brands[brand].identity.stale_after_days),
        queue=queue, escalate=escalate, state=state, priority=priority, label=label, topic=topic, language=language,
        due_before=due_before, customer_id=customer_id, conversation_id=conversation_id, sort=sort,
    )  # fmt: skip
    after = _place(cursor, sort) if cursor is not None else None
    found = await parts.records.summaries.page(wanted, after, limit + 1)
    shown = found[:limit]
    return Page(triages=tuple(shown), next=_cursor(shown[-1], sort) if len(found) > limit else None)


@router.get(
    "/triages/{triage_id}/explain", operation_id="explainTriage", summary="Explain a triage",
    responses=declared(401, 404, 422, 503),
)  # fmt: skip
async def explain(triage_id: TriageId, caller: CallerOf, parts: PartsOf) -> Explanation:
    """What came in, what made the triage, what it rests on, and who did what with it since, in order."""
    await stored(triage_id, caller, parts)
    found = await explained(parts.records, triage_id)
    if found is None:
        raise NotFound("no triage with this id")
    return found


def _cursor(last: Summary, sort: Sort) -> str:
    place = [sort, getattr(last, sort).isoformat(), last.id]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place(cursor: str, sort: Sort) -> tuple[datetime, str]:
    """The place in the list that a cursor names; raises InvalidMessage for one that is not of this list."""
    try:
        given, at, triage_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if given != sort or not isinstance(triage_id, str):
            raise ValueError(given)
        return datetime.fromisoformat(at).astimezone(UTC), clean(triage_id)
    except (ValueError, TypeError, OverflowError):
        raise InvalidMessage([FieldError("/cursor", "not a cursor of this list: leave it out to begin anew")]) from None
