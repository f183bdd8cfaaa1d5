"""Whether a form came from a page of ours: each browser session has a token, and the browser tells where a form was sent from."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from fastapi import Request

from service.errors import OtherOrigin, WrongToken

SESSION = "firstreply_session"  # who is logged in
VISITOR = "firstreply_visitor"  # random, for forms of those who are not: the login, and all of an open desk
FIELD, HEADER = "csrf", "X-CSRF-Token"
SAFE = ("GET", "HEAD", "OPTIONS")


def token_of(request: Request) -> str:
    """The token of this browser's forms, derived from what its cookie holds and no other site can read."""
    secret = request.cookies.get(SESSION) or request.cookies.get(VISITOR) or new_visitor(request)
    return hmac.new(secret.encode(), b"forms of the desk", hashlib.sha256).hexdigest()


def new_visitor(request: Request) -> str:
    """The value of the visitor's cookie that this answer sets."""
    if not hasattr(request.state, "visitor"):
        request.state.visitor = secrets.token_urlsafe(24)
    visitor: str = request.state.visitor
    return visitor


async def own_form(request: Request) -> None:
    """Raises OtherOrigin or WrongToken for a state-changing request that no page of ours sent."""
    if request.method in SAFE:
        return
    if not _same_origin(request):
        raise OtherOrigin("send it from a page of the desk; a proxy before the service must pass the Host header on")
    given = request.headers.get(HEADER)
    if given is None:
        field = (await request.form()).get(FIELD)
        given = field if isinstance(field, str) else ""
    if not (set(request.cookies) & {SESSION, VISITOR}) or not hmac.compare_digest(given.encode(), token_of(request).encode()):
        raise WrongToken("load the page again and repeat what you did")


def _same_origin(request: Request) -> bool:
    """By Sec-Fetch-Site where the browser sends it, else by Origin; what sends neither has the token alone."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
