"""POST /v1/triage and GET /v1/triages/{id}."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from service import pipeline, telemetry
from service.errors import NotFound, UnknownBrand
from service.http.auth import CallerOf, PartsOf
from service.http.problems import declared
from service.messages import Message, Triage

router = APIRouter(prefix="/v1", tags=["triage"])
TriageId = Annotated[str, Path(max_length=64, examples=["tri_0123456789abcdef01234567"])]


@router.post(
    "/triage", operation_id="triageMessage", summary="Triage one message", response_model=None,
    responses={200: {"model": Triage, "description": "The triage"}, **declared(400, 401, 413, 415, 422, 503)},
)  # fmt: skip
async def triage_message(message: Message, request: Request, caller: CallerOf, parts: PartsOf) -> Response:
    """Understands one message, finds what matters, drafts a reply and says whether a human must take over.

    Nothing is sent to the customer. The triage is recorded before it is answered.
    """
    if not caller.may(message.brand):
        raise UnknownBrand(message.brand, [caller.brand or ""])
    made = await pipeline.triage(message, parts)
    telemetry.count(made)
    request.state.logged = {
        "triage_id": made.id,
        "label": made.understanding.label,
        "escalate": made.escalation.escalate,
    }
    return Response(made.model_dump_json(), media_type="application/json")


@router.get(
    "/triages/{triage_id}", operation_id="getTriage", summary="Get a triage as it was made", response_model=None,
    responses={200: {"model": Triage, "description": "The triage"}, **declared(401, 404, 422, 503)},
)  # fmt: skip
async def get_triage(triage_id: TriageId, caller: CallerOf, parts: PartsOf) -> Response:
    """The triage exactly as it was answered."""
    return Response(await stored(triage_id, caller, parts), media_type="application/json")


async def stored(triage_id: str, caller: CallerOf, parts: PartsOf) -> str:
    """The stored triage as JSON; raises NotFound for an unknown id and for another brand's alike."""
    found = await parts.records.triage(triage_id, caller.brand)
    if found is None:
        raise NotFound("no triage with this id")
    return found
