"""Whether a form came from a page of ours: it has the session's token, and the browser tells where it was sent from."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from fastapi import Request

from service.desk.forms import FIELD, HEADER, SESSION, VISITOR, token_of
from service.desk.who import agent_of
from service.errors import OtherOrigin, WrongToken
from service.http.auth import PartsOf

SAFE = ("GET", "HEAD", "OPTIONS")
FOR_ALL = ("/desk/login", "/desk/preferences")  # forms of those who are not logged in, too


async def own_form(request: Request, parts: PartsOf) -> None:
    """Raises OtherOrigin or WrongToken for a state-changing request that no page of ours sent.

    Where the token is wrong because the session has ended, that is what is raised: NotAuthenticated.
    """
    if request.method in SAFE:
        return
    if not _same_origin(request):
        raise OtherOrigin("send it from a page of the desk; a proxy before the service must pass the Host header on")
    given = request.headers.get(HEADER)
    if given is None:
        field = (await request.form()).get(FIELD)
        given = field if isinstance(field, str) else ""
    known = bool(set(request.cookies) & {SESSION, VISITOR})
    if not known or not hmac.compare_digest(given.encode(), token_of(request).encode()):
        if request.url.path not in FOR_ALL:
            await agent_of(request, parts)
        raise WrongToken("load the page again and repeat what you did")


def _same_origin(request: Request) -> bool:
    """By Sec-Fetch-Site where the browser sends it, else by Origin; what sends neither has the token alone."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
