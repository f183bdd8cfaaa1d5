"""Secrets that webhooks are signed with, in and out: the newest first, and for a while the ones before it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

SECRET_BYTES = 24  # Standard Webhooks asks for 24 to 64

Kept = Sequence[dict[str, Any]]  # as it is stored: {"secret", "until"}, None for as long as nothing follows it


def new_secret() -> str:
    """A secret as Standard Webhooks writes one."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def only(secret: str) -> list[dict[str, Any]]:
    """The first secret, as it is stored."""
    return [{"secret": secret, "until": None}]


def in_force(kept: Kept, now: datetime) -> tuple[str, ...]:
    """The secrets that count at this moment."""
    return tuple(one["secret"] for one in kept if one["until"] is None or datetime.fromisoformat(one["until"]) > now)


def rotated(kept: Kept, secret: str, now: datetime, grace: timedelta) -> list[dict[str, Any]]:
    """A new secret, with those before it until the grace is over; one that ends sooner goes on ending then."""
    until = (now + grace).isoformat()
    before = [one | {"until": min(one["until"] or until, until)} for one in kept]
    return [*only(secret), *(one for one in before if datetime.fromisoformat(one["until"]) > now)]
