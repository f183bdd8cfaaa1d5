"""FAQs over HTTP: put, get, delete, import, search."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, ValidationError

from service.brand_check import file_of
from service.errors import Conflict, NotFound
from service.http.auth import BrandOf, BrandToBe, PartsOf
from service.http.bulk import DryRun, Outcome, as_lines, many_of, one_of, outcome, values_of, with_id
from service.http.problems import declared
from service.imports import import_knowledge, search
from service.knowledge import Entry
from service.messages import Noun, Passage, clean
from service.order_files.rules import cleaned
from service.parts import Parts
from service.retrieve.ingest import FaqLine, export_line

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])
FaqId = Annotated[str, Path(max_length=200, examples=["gift-wrap-en"]), AfterValidator(clean)]
EXAMPLE: dict[str, Any] = {
    "question": "Can you wrap it as a gift?", "answer": "Yes: choose gift wrapping in the basket, it costs 3 euros.",
    "language": "en", "questions": ["do you do gift wrapping", "is it possible to send it as a present"], "topic": "order",
}  # fmt: skip


class Hits(Noun):
    """The nearest passages, best first, whatever their relevance."""

    hits: tuple[Passage, ...]


@router.put(
    "/faqs/{faq_id}", operation_id="putFaq", summary="Put a FAQ", response_model=None,
    responses={200: {"model": FaqLine, "description": "Replaced"}, 201: {"model": FaqLine, "description": "New"},
               **declared(400, 401, 409, 413, 415, 422, 503)},
    openapi_extra=one_of("FaqLine", EXAMPLE),
)  # fmt: skip
async def put_faq(faq_id: FaqId, given: Annotated[dict[str, Any], Body()], brand: BrandOf, parts: PartsOf) -> Response:
    """Puts one FAQ in place of what is there under its id. The next triage finds it, those of other processes in a second.

    The fields are those of a line of an import; `id` may be left out. 409 for one of the brand's folder: edit its file.
    """
    try:
        line = FaqLine.model_validate(cleaned(with_id(given, "id", faq_id)))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    await _own(parts, brand, faq_id)
    report = await import_knowledge(parts, brand, [line.model_dump_json(exclude_none=True)], serving=True)
    if report.problems:
        raise Conflict(report.problems[0])
    await parts.follow()
    found = await _faq(parts, brand, faq_id)
    return _shown(found, 201 if report.added else 200)


@router.get(
    "/faqs/{faq_id}", operation_id="getFaq", summary="Get a FAQ", response_model=None,
    responses={200: {"model": FaqLine, "description": "The FAQ"}, **declared(401, 404, 422, 503)},
)  # fmt: skip
async def get_faq(faq_id: FaqId, brand: BrandOf, parts: PartsOf) -> Response:
    """The FAQ as an import would take it back."""
    return _shown(await _faq(parts, brand, faq_id), 200)


@router.delete(
    "/faqs/{faq_id}", operation_id="deleteFaq", summary="Delete a FAQ", status_code=204,
    responses=declared(401, 404, 409, 422, 503),
)  # fmt: skip
async def delete_faq(faq_id: FaqId, brand: BrandOf, parts: PartsOf) -> None:
    """Removes the FAQ; the next triage no longer finds it. 409 for one of the brand's folder: delete its file."""
    await _own(parts, brand, faq_id)
    await _faq(parts, brand, faq_id)
    await parts.records.put_brand(brand, None, removed=[faq_id])
    await parts.follow()


@router.post(
    "/import", operation_id="importKnowledge", summary="Put many FAQs", responses=declared(400, 401, 413, 415, 422, 503),
    openapi_extra=many_of("FaqLine", {"id": "gift-wrap-en"} | EXAMPLE),
)  # fmt: skip
async def import_faqs(request: Request, brand: BrandToBe, parts: PartsOf, dry_run: DryRun = False) -> Outcome:
    """Puts FAQs of an array or of JSON Lines (`application/x-ndjson`) in one transaction; a new brand is made.

    What is wrong is named under `problems` and the rest goes in: the answer is 200 then, too.
    """
    values, told = await values_of(request)
    report = await import_knowledge(parts, brand, as_lines(values), serving=True, dry_run=dry_run)
    report.problems = [*told.problems, *report.problems]
    if not dry_run:
        await parts.follow()
    return outcome(report, dry_run)


@router.get("/search", operation_id="searchKnowledge", summary="Search the FAQs", responses=declared(401, 422, 503))
async def search_faqs(
    brand: BrandOf,
    parts: PartsOf,
    q: Annotated[str, Query(min_length=1, max_length=1_000, examples=["how long is delivery"])],
    language: Annotated[str | None, Query(max_length=20, description="the language to prefer")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 5,
) -> Hits:
    """The nearest passages with their relevance; a triage answers from 0.4 on and shows the best four of 0.03 or more."""
    return Hits(hits=tuple(await search(parts, brand, q, language, limit)))


async def _faq(parts: Parts, brand: str, faq_id: str) -> Entry:
    found = await parts.records.faqs(brand, [faq_id])
    if not found or found[0].content.kind != "faq":
        raise NotFound("no FAQ with this id")
    return found[0].content


async def _own(parts: Parts, brand: str, faq_id: str) -> None:
    """Raises Conflict for an entry of the brand's folder, which would have it back at the next start."""
    found = await parts.records.faqs(brand, [faq_id])
    if found and found[0].content.origin == "folder":
        raise Conflict(f"{faq_id} belongs to the brand's folder: edit {file_of(found[0].content)} there and start again")


def _shown(entry: Entry, status: int) -> Response:
    shown = FaqLine.model_validate(json.loads(export_line(entry)))
    return Response(shown.model_dump_json(exclude_none=True), status_code=status, media_type="application/json")
