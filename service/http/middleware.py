"""Around every request: an id, a size limit, JSON only, one metric and one log line."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import telemetry
from service.errors import BodyTooLarge, FirstReplyError, WrongContentType
from service.http.admission import Permits
from service.http.problems import problem_of, unexpected

_ID = re.compile(r"^[\w.:-]{1,100}$")
JSON, JSON_LINES = "application/json", "application/x-ndjson"  # the second for imports
FORM, FORMS_UNDER = "application/x-www-form-urlencoded", "/desk/"  # what browsers send, to the desk alone
BODILESS = ("/replay", "/retry")  # their path says it all
MANY = frozenset({"/v1/messages"})  # JSON only, and up to 1,000 messages of it
MOST_KIND = 100  # characters of a content type that are said again
QUIET = frozenset({"/livez", "/readyz", "/metrics"})  # asked for every few seconds: counted, not logged
log = structlog.get_logger()


class Envelope:
    """ASGI middleware; errors here are problems too."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_import_bytes: int, permits: Permits) -> None:
        self.app = app
        self.permits = permits
        self.max_body_bytes = max_body_bytes
        self.max_import_bytes = max_import_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = scope["request_id"] = given if _ID.match(given) else secrets.token_hex(8)
        started, status, started_answer = time.perf_counter(), 500, False

        async def answer(message: Message) -> None:
            nonlocal status, started_answer
            if message["type"] == "http.response.start":
                started_answer = True
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["X-Request-Id"] = request_id
                out["X-Content-Type-Options"] = "nosniff"
                if _draining(scope):
                    out["Connection"] = "close"  # the next request of this client is for another process
                if (standing := scope.get("state", {}).get("standing")) is not None:
                    out.update(standing.headers)
            await send(message)

        try:
            with self.permits.for_request(scope["method"], scope["path"]):
                body = await self._body(scope, headers, receive)
                await self.app(scope, body, answer)
        except FirstReplyError as error:
            await problem_of(Request(scope), error)(scope, receive, answer)
        except Exception as error:
            if started_answer:
                raise
            await unexpected(Request(scope), error)(scope, receive, answer)
        self._record(scope, status, started, request_id)

    async def _body(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """The body read whole within the limit, so that nothing behind here can be sent more."""
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            return receive
        several = scope["method"] == "POST" and scope["path"].endswith("/import")
        limit = self.max_import_bytes if several or scope["path"] in MANY else self.max_body_bytes
        declared = headers.get("content-length", "")
        advice = "send it in several requests" if several else "send one message a request, with fewer turns or attachments"
        too_large = BodyTooLarge(f"the body is over {limit} bytes: {advice}")
        if declared.isdigit() and int(declared) > limit:
            raise too_large
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if not kind and declared in ("", "0") and scope["path"].endswith(BODILESS):
            return receive
        form = kind == FORM and scope["path"].startswith(FORMS_UNDER)
        if not form and kind not in (JSON, *((JSON_LINES,) if several else ())):
            lines = f", or JSON Lines with {JSON_LINES}" if several else ""
            given = kind[:MOST_KIND] or "missing"
            raise WrongContentType(f"the content type is {given!r}: send JSON with Content-Type: {JSON}{lines}")
        if headers.get("content-encoding", "identity") != "identity":
            raise WrongContentType("compressed bodies are not read: send the JSON as it is")
        chunks, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return receive
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > limit:
                raise too_large
            if not message.get("more_body"):
                break
        whole: list[Any] = [{"type": "http.request", "body": b"".join(chunks), "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        return replay

    def _record(self, scope: Scope, status: int, started: float, request_id: str) -> None:
        seconds = time.perf_counter() - started
        route = getattr(scope.get("route"), "path", "unmatched")
        telemetry.REQUESTS.labels(scope["method"], route, str(status)).observe(seconds)
        if scope["path"] not in QUIET:
            fields = scope.get("state", {}).get("logged", {})
            log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
                **fields,
            )


def _draining(scope: Scope) -> bool:
    parts = scope.get("state", {}).get("parts")
    return parts is not None and bool(parts.draining.is_set())
