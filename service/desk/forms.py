"""The token that every form of a browser session has, and the cookies it is derived from."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from fastapi import Request

SESSION = "firstreply_session"  # who is logged in
VISITOR = "firstreply_visitor"  # random, for forms of those who are not: the login, and all of an open desk
FIELD, HEADER = "csrf", "X-CSRF-Token"


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
