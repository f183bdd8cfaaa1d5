"""Logging in and out, and what a visitor chooses: language, theme, brand."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from service.desk.forms import SESSION, token_of
from service.desk.pages import LANGUAGE, THEME, THEMES, keep, page
from service.desk.who import BRAND, AgentOf, brands_of, is_open
from service.desk.words import LANGUAGES
from service.errors import NotFound
from service.http.auth import PartsOf
from service.http.rate_limits import RateLimits
from service.parts import Parts
from service.records import passwords
from service.records.agents import LONGEST, agent_name

TRIES = 5  # wrong ones of one name from one address in any minute: 7,200 guesses a day at most
TRIES_OF_ADDRESS = 30  # of all names: a shift that begins behind one address
AT_ONCE = 2  # passwords that are compared at the same time: each takes 32 MiB and a core for 0.2 s
HOME = "/desk"
router = APIRouter(prefix="/desk")


class Logins:
    """Attempts to log in of the last minute in this process, and a gate before the work that each one makes."""

    def __init__(self) -> None:
        self.limits = RateLimits()
        self.gate = asyncio.Semaphore(AT_ONCE)

    def wait(self, name: str, address: str) -> int | None:
        """Seconds to wait before the next attempt; None counts this one."""
        for key, most in (((name, address), TRIES), (address, TRIES_OF_ADDRESS)):
            standing, fits = self.limits.take(key, most)
            if not fits:
                return standing.seconds
        return None

    async def begin(self, parts: Parts, name: str, password: str) -> str | None:
        """A session's token; None for a wrong name or password, which take as long as right ones."""
        async with self.gate:
            kept = await parts.records.agents.password(name)
            right = await asyncio.to_thread(passwords.matches, password, kept)
        return await parts.records.agents.begin(name, kept) if right and kept is not None else None


@router.get("/login")
async def form(request: Request, parts: PartsOf, next: str = HOME) -> Response:
    """The login page; where nobody needs to log in, the page that was wanted."""
    if await is_open(request):
        return _to(own_path(next))
    return page(request, "login.html", next=own_path(next), name="", wrong=None, nobody=not await parts.records.agents.any())


@router.post("/login")
async def log_in(
    request: Request,
    parts: PartsOf,
    name: Annotated[str, Form(max_length=1_000)] = "",
    password: Annotated[str, Form(max_length=passwords.LONGEST)] = "",
    next: Annotated[str, Form(max_length=4_000)] = HOME,
) -> Response:
    """Begins a session, or says what was wrong with name and password together."""
    logins: Logins = request.state.logins
    address = request.client.host if request.client else ""
    known = agent_name(name) or ""
    wait = logins.wait(known, address)
    token = await logins.begin(parts, known, password) if wait is None else None
    if token is None:
        nobody = not await parts.records.agents.any()
        values = {"next": own_path(next), "name": name, "nobody": nobody, "wait": wait, "wrong": "login.wrong"}
        if wait is None:
            return page(request, "login.html", 401, **values)
        answer = page(request, "login.html", 429, **values | {"wrong": "login.wait"})
        answer.headers["Retry-After"] = str(wait)
        return answer
    logins.limits.forget((known, address))
    former = request.cookies.get(SESSION)
    if former:
        await parts.records.agents.end(former)
    begun = _to(own_path(next))
    keep(request, begun, SESSION, token, int(LONGEST.total_seconds()))
    return begun


@router.post("/logout")
async def log_out(request: Request, parts: PartsOf) -> Response:
    """Ends the session."""
    token = request.cookies.get(SESSION)
    if token:
        await parts.records.agents.end(token)
    answer = _to("/desk/login")
    answer.delete_cookie(SESSION, path="/", httponly=True, samesite="lax")
    return answer


@router.get("/again")
async def again(request: Request, agent: AgentOf) -> Response:
    """Where somebody ends up who logged in again in another tab: the first one can go on."""
    return page(request, "again.html")


@router.get("/token")
async def token(request: Request, agent: AgentOf) -> Response:
    """The token of the session as it is now, for a page that was opened in an earlier one."""
    return JSONResponse({"csrf": token_of(request)})


@router.post("/preferences")
async def prefer(
    request: Request,
    language: Annotated[str | None, Form()] = None,
    theme: Annotated[str | None, Form()] = None,
    next: Annotated[str, Form(max_length=4_000)] = HOME,
) -> Response:
    """Remembers a language or a theme in this browser."""
    answer = _to(own_path(next))
    if language in LANGUAGES:
        keep(request, answer, LANGUAGE, str(language))
    if theme in THEMES:
        keep(request, answer, THEME, str(theme))
    return answer


@router.post("/brand")
async def choose_brand(request: Request, agent: AgentOf, parts: PartsOf, brand: Annotated[str, Form(max_length=500)]) -> Response:
    """Goes on with another brand of the agent's; raises NotFound for one that is not theirs."""
    if brand not in brands_of(agent, parts):
        raise NotFound("there is no such brand, or it is not yours")
    answer = _to(HOME)
    keep(request, answer, BRAND, quote(brand))
    return answer


def own_path(wanted: str) -> str:
    """A path under /desk to go to; /desk for anything else, so that nobody is led to another site."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    segments = unquote(parts.path).split("/")
    ours = not parts.scheme and not parts.netloc and segments[:2] == ["", "desk"]
    plain = wanted.isascii() and wanted.isprintable() and not set("\\ ") & {*wanted, *unquote(parts.path)}
    return wanted if ours and plain and not {".", ".."} & set(segments) else HOME


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)
