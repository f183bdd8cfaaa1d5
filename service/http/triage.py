"""POST /v1/triage and GET /v1/triages/{id}."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from service import pipeline, telemetry
from service.errors import NotFound, UnknownBrand
from service.http.auth import CallerOf, PartsOf
from service.http.problems import declared
from service.messages import Message, Triage
from service.redraft import Redraft, Wish, drafts_of, redraft
from service.translation import Translation, Wanted, translated

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
    made = await pipeline.triage(message, parts, caller.name)
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


@router.post(
    "/triages/{triage_id}/redraft", operation_id="redraft", summary="Ask for another draft", status_code=201,
    responses=declared(400, 401, 404, 409, 413, 415, 422, 503),
)  # fmt: skip
async def ask_redraft(triage_id: TriageId, wish: Wish, caller: CallerOf, parts: PartsOf) -> Redraft:
    """Another draft that supersedes the ones before: in another tone, shorter, with a point more, or only worded otherwise.

    What was understood and decided stays; the checks on the new draft may add a reason. The triage itself is not changed.
    """
    await stored(triage_id, caller, parts)
    return await redraft(triage_id, wish, parts, caller.name)


@router.get(
    "/triages/{triage_id}/drafts", operation_id="listRedrafts", summary="List the drafts made after the triage's own",
    responses=declared(401, 404, 422, 503),
)  # fmt: skip
async def list_redrafts(triage_id: TriageId, caller: CallerOf, parts: PartsOf) -> list[Redraft]:
    """The drafts that were asked for later, oldest first: the last one is in force."""
    await stored(triage_id, caller, parts)
    return await drafts_of(triage_id, parts)


@router.post(
    "/triages/{triage_id}/translate", operation_id="translate", summary="Translate the customer's message for an agent",
    responses=declared(400, 401, 404, 409, 413, 415, 422, 503),
)  # fmt: skip
async def translate(triage_id: TriageId, wanted: Wanted, caller: CallerOf, parts: PartsOf) -> Translation:
    """The customer's words in the agent's language, by the model; personal data does not leave with them. Not kept."""
    await stored(triage_id, caller, parts)
    return await translated(triage_id, wanted, parts, caller.name)


async def stored(triage_id: str, caller: CallerOf, parts: PartsOf) -> str:
    """The stored triage as JSON; raises NotFound for an unknown id and for another brand's alike."""
    found = await parts.records.triage(triage_id, caller.brand)
    if found is None:
        raise NotFound("no triage with this id")
    return found
