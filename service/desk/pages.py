"""Pages as HTML: templates with everything escaped, in the words of the visitor's language."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.desk.forms import FIELD, HEADER, SESSION, VISITOR, token_of
from service.desk.static import address
from service.desk.words import LANGUAGES, Words, language_of, words_in

LANGUAGE, THEME = "firstreply_language", "firstreply_theme"  # cookies
DEMO_HIDDEN = "firstreply_demo_hidden"  # the cookie of a browser that is not told of the demo day
THEMES = ("auto", "light", "dark")
YEAR = 365 * 24 * 3600  # seconds that a choice of language, theme or brand is remembered


@cache
def environment() -> Environment:
    """The templates; what is not given is an error, and every value is escaped."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals.update(static=address, languages=LANGUAGES, themes=THEMES, csrf_field=FIELD, csrf_header=HEADER)
    return made


def words_of(request: Request) -> Words:
    """The words for this visitor, times in the zone of the brand that the page is about."""
    language = language_of(request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""))
    brand = getattr(request.state, "brand", None)
    zone = request.state.parts.brands[brand].identity.timezone if brand else "UTC"
    return words_in(language, zone)


def page(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """A template as an answer; also for fragments that htmx puts into a page. See templates/base.html for what all have."""
    words = words_of(request)
    theme = request.cookies.get(THEME)
    common = {
        "t": words.text, "words": words, "language": words.language, "theme": theme if theme in THEMES else "auto",
        "agent": getattr(request.state, "agent", None), "brand": getattr(request.state, "brand", None),
        "brands": getattr(request.state, "brands", {}), "csrf": token_of(request), "here": here(request),
        "path": request.url.path, "demo_day": getattr(request.state, "demo_day", False) and DEMO_HIDDEN not in request.cookies,
    }  # fmt: skip
    html = environment().get_template(template).render(common | values)
    answer = HTMLResponse(html, status, {"Content-Language": words.language})
    if not set(request.cookies) & {SESSION, VISITOR}:
        keep(request, answer, VISITOR, request.state.visitor)
    return answer


def here(request: Request) -> str:
    """Where a browser comes back to after a form on this page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path, safe="/") + query if request.method == "GET" else "/desk"


def keep(request: Request, answer: Response, name: str, value: str, seconds: int = YEAR) -> None:
    """Sets a cookie of the desk, which no script reads and no other site sends."""
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure)
