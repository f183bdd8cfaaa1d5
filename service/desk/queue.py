"""The queue: what needs somebody now, what is due first first, narrowed down in its address, and up to date by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from babel import Locale, UnknownLocaleError
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.conversations import ConversationState
from service.desk.pages import page
from service.desk.who import Agent, AgentOf, BrandHere
from service.errors import NotFound
from service.http.auth import PartsOf
from service.messages import MAX_FIELD, Channel, Label
from service.parts import Parts
from service.records.waiting import Count, Sought, Waiting

ROWS = 50  # of a page, and of each "more"
MOST_ROWS = 500  # that are kept up to date by themselves
STATES = ("open", *get_args(ConversationState), "all")
FILTERS = ("state", "queue", "channel", "language", "label", "escalated", "mine")
TriageOf = Annotated[str, Query(max_length=64)]
router = APIRouter(prefix="/desk")


@dataclass(frozen=True)
class Option:
    """A value that the list can be narrowed to; `number` of open conversations have it, None where that was not counted."""

    value: str
    name: str
    number: int | None = None


@dataclass(frozen=True)
class Narrowed:
    """The filters of an address: those that are known, the names of those that are not, and what is sought."""

    chosen: dict[str, str]
    ignored: tuple[str, ...]
    sought: Sought

    @property
    def query(self) -> str:
        """The filters as the query of an address."""
        return urlencode(self.chosen)

    def without(self, name: str) -> str:
        """The query without one of them."""
        return urlencode({key: value for key, value in self.chosen.items() if key != name})


@router.get("")
@router.get("/queue")
async def queue(request: Request, agent: AgentOf, brand: BrandHere, parts: PartsOf, rows: int = ROWS) -> HTMLResponse:
    """Where an agent begins: filters, what waits in numbers, and the first rows of the list."""
    return page(request, "queue.html", **await _values(request, agent, brand, parts, rows))


@router.get("/queue/rows")
async def rows_of(
    request: Request, agent: AgentOf, brand: BrandHere, parts: PartsOf, rows: int = ROWS, since: str = ""
) -> Response:
    """The list by itself, as it is now; 204 where nothing has changed `since` it was in that state."""
    if since and since == digest_of(await parts.records.waiting.state(brand)):
        return Response(status_code=204)
    return page(request, "queue_list.html", **await _values(request, agent, brand, parts, rows))


@router.get("/queue/next")
async def next_one(request: Request, after: TriageOf, agent: AgentOf, brand: BrandHere, parts: PartsOf) -> Response:
    """On to the conversation behind that of a triage; to the queue where there is no other."""
    return await _beside(request, after, agent, brand, parts, before=False)


@router.get("/queue/previous")
async def previous_one(request: Request, before: TriageOf, agent: AgentOf, brand: BrandHere, parts: PartsOf) -> Response:
    """Back to the conversation before that of a triage."""
    return await _beside(request, before, agent, brand, parts, before=True)


def narrowed(given: Mapping[str, str], brand: str, agent: Agent, parts: Parts, now: datetime) -> Narrowed:
    """The filters of an address; what is not known is left out and named."""
    identity = parts.brands[brand].identity
    values: dict[str, Any] = {}
    chosen: dict[str, str] = {}
    ignored = []
    for name in FILTERS:
        value = given.get(name, "")
        if not value:
            continue
        if not _known(name, value):
            ignored.append(name)
            continue
        chosen[name] = value
        match name:
            case "escalated":
                values[name] = value == "yes"
            case "mine":
                values["agent"] = agent.name
            case _:
                values[name] = value
    sought = Sought(brand, now - timedelta(days=identity.stale_after_days), **values)
    return Narrowed(chosen, tuple(ignored), sought)


def _known(name: str, value: str) -> bool:
    match name:
        case "state":
            return value in STATES
        case "channel":
            return value in get_args(Channel)
        case "label":
            return value in get_args(Label)
        case "escalated":
            return value in ("yes", "no")
        case "mine":
            return value == "yes"
        case "language":
            return value.isalpha() and value.isascii() and len(value) in (2, 3)
        case _:
            return len(value) <= MAX_FIELD and value.isprintable()


async def _values(request: Request, agent: Agent, brand: str, parts: Parts, rows: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    wanted = narrowed(request.query_params, brand, agent, parts, now)
    rows = min(max(rows, 1), MOST_ROWS)
    waiting = parts.records.waiting
    state = await waiting.state(brand)  # before the list: what comes between is shown once too often rather than never
    found = await waiting.first(wanted.sought, rows + 1)
    counts = await waiting.counts(brand, wanted.sought.stale_before, now)
    return {
        "found": found[:rows], "more": min(rows + ROWS, MOST_ROWS) if len(found) > rows and rows < MOST_ROWS else 0,
        "rows": rows, "narrowed": wanted, "state": digest_of(state), "now": now, "row_id": row_id, "language_name": language_name,
        "total": sum(one.number for one in counts), "overdue": sum(one.overdue for one in counts),
        "mine": sum(one.number for one in counts if one.agent == agent.name),
        "options": _options(counts, wanted.chosen, parts.brands[brand].identity.languages),
        "topics": {topic.id: topic.label for topic in parts.brands[brand].topics},
    }  # fmt: skip


def _options(counts: Iterable[Count], chosen: Mapping[str, str], languages: Iterable[str]) -> dict[str, list[Option]]:
    """By filter, what it can be narrowed to: what there is, and what is chosen."""
    found: dict[str, dict[str, int]] = {name: {} for name in ("queue", "channel", "language", "label")}
    found["language"] |= dict.fromkeys(languages, 0)
    for name, numbers in found.items():
        if name in chosen:
            numbers[chosen[name]] = 0
    for one in counts:
        for name, numbers in found.items():
            value = getattr(one, name)
            if value:
                numbers[value] = numbers.get(value, 0) + one.number
    return {
        name: [Option(value, value, number) for value, number in sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))]
        for name, numbers in found.items()
    }


async def _beside(request: Request, triage_id: str, agent: Agent, brand: str, parts: Parts, *, before: bool) -> Response:
    found = await parts.records.waiting.place_of(brand, triage_id)
    if found is None:
        raise NotFound("no triage with this id")
    wanted = narrowed(request.query_params, brand, agent, parts, datetime.now(UTC))
    beside = await parts.records.waiting.beside(wanted.sought, found, before=before)
    path = f"/desk/triages/{beside}" if beside else "/desk/queue"
    return RedirectResponse(f"{path}?{wanted.query}" if wanted.query else path, 303)


def row_id(one: Waiting) -> str:
    """The id of a row in the page: ids of other systems have all kinds of letters."""
    return "row-" + sha256(one.conversation.conversation_id.encode()).hexdigest()[:12]


def digest_of(state: str) -> str:
    """A short name of a state."""
    return sha256(state.encode()).hexdigest()[:16]


def language_name(code: str | None, language: str) -> str:
    """What a language is called in another one, such as "Duits"; its code where that is not known."""
    try:
        return Locale.parse(code or "und").get_display_name(language) or code or ""
    except (UnknownLocaleError, ValueError):
        return code or ""
