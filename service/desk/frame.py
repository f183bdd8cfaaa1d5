"""Around every answer of the desk: the headers that keep a browser strict, and errors as pages instead of JSON."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.desk.pages import here, page, words_of
from service.http.problems import MEDIA_TYPE

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
KEPT = ("retry-after", "x-request-id", "connection")  # headers of an error that its page has as well


class Frame:
    """ASGI middleware around the whole application; what is not of the desk passes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not (scope["path"] == "/desk" or scope["path"].startswith("/desk/")):
            await self.app(scope, receive, send)
            return
        held: Message | None = None  # the start of an error's answer
        body = b""

        async def answer(message: Message) -> None:
            nonlocal held, body
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
                if headers.get("content-type") == MEDIA_TYPE:
                    held = message
                    return
            elif held is not None:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await self._problem(Request(scope), held, body, send)
                return
            await send(message)

        await self.app(scope, receive, answer)

    async def _problem(self, request: Request, start: Message, body: bytes, send: Send) -> None:
        told = json.loads(body)
        headers = MutableHeaders(scope=start)
        shown = _shown(request, start["status"], told)
        shown.headers.update(HEADERS | {"Cache-Control": "no-store"} | {name: headers[name] for name in KEPT if name in headers})
        await send({"type": "http.response.start", "status": shown.status_code, "headers": shown.raw_headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else shown.body})


def _shown(request: Request, status: int, told: dict[str, Any]) -> Response:
    """An error as this visitor is told: by the login page, in a message beside what is there, or as a page."""
    inside = request.headers.get("hx-request") == "true"
    if status == 401 and request.method == "GET" and not inside:
        return RedirectResponse("/desk/login?" + urlencode({"next": here(request)}), 303)
    words = words_of(request)
    kind = told["type"].rpartition(":")[2]
    known = next((key for key in (f"problem.{kind}", f"problem.{status}") if words.has(f"{key}.title")), "problem.other")
    values = {"status": status, "known": known, "told": told}
    if inside:
        # Whatever was to be replaced stays, what is typed in it too.
        answer = page(request, "problem_toast.html", status, **values)
        answer.headers.update({"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"})
        return answer
    return page(request, "problem.html", status, **values)
