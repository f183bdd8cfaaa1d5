"""Who calls: API keys with what they were made for. Without one configured the service lets this machine in, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import HTTPBearer

from service.errors import FieldError, InvalidMessage, MissingScope, NotAuthenticated, Unavailable, UnknownBrand
from service.http.rate_limits import RateLimits, refused
from service.http.scopes import NEEDED
from service.parts import Parts
from service.records.keys import SCOPES, ApiKey, Scope, key_digest

REMEMBERED = 1.0  # seconds that the list of keys is kept: a revoked key is out within this time
FRESH = 0.5  # seconds after which it is read again beside the requests, so that none of many waits for it
NOTED = 60.0  # seconds between two notes of when keys were used last
_scheme = HTTPBearer(auto_error=False, description="API key made with `firstreply keys create`")


@dataclass(frozen=True)
class Caller:
    """Who calls: with a key of one brand, or for all brands (`brand` None); `name` is the key's, which the audit keeps."""

    brand: str | None
    name: str = "local"
    scopes: tuple[Scope, ...] = SCOPES

    def may(self, brand: str) -> bool:
        """Whether this caller may use the brand."""
        return self.brand is None or self.brand == brand


class Keys:
    """The keys in force, read from the records at most twice a second, and what they were used for in this process."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._active: dict[str, ApiKey] = {}
        self._used: dict[int, datetime] = {}
        self.in_use = False  # whether there ever was a key: revoking the last one does not open the door again
        self.limits = RateLimits()

    async def active(self, parts: Parts) -> dict[str, ApiKey]:
        """Every key in force by its digest."""
        age = time.monotonic() - self._read_at
        if age > FRESH and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read(parts))
            self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())  # told to whoever waits
        if age > REMEMBERED and self._reading is not None:
            await asyncio.shield(self._reading)
        return self._active

    async def _read(self, parts: Parts) -> None:
        began = time.monotonic()
        active = await parts.records.api_keys.active()
        self.in_use = bool(active) or bool(await parts.records.api_keys.all())
        self._active, self._read_at = active, began

    def use(self, key: ApiKey) -> None:
        """Remembers that a key was used now."""
        self._used[key.number] = datetime.now(UTC)

    async def note_use(self, parts: Parts) -> None:
        """Writes when keys were used last; what can't be written now is forgotten, since the next use comes."""
        used, self._used = self._used, {}
        if used:
            with contextlib.suppress(Unavailable):
                await parts.records.api_keys.used(used)


@asynccontextmanager
async def keys_of(parts: Parts) -> AsyncIterator[Keys]:
    """The keys of a running service; their use is noted once a minute beside the requests, and at the end."""
    keys = Keys()

    async def note_forever() -> None:
        while True:
            await asyncio.sleep(NOTED)
            await keys.note_use(parts)

    noting = asyncio.create_task(note_forever())
    try:
        yield keys
    finally:
        noting.cancel()
        await asyncio.gather(noting, return_exceptions=True)
        await keys.note_use(parts)


async def caller(request: Request, _: Annotated[object, Depends(_scheme)]) -> Caller:
    """The caller; raises NotAuthenticated without a valid key where keys are in use, TooManyRequests, and MissingScope."""
    parts: Parts = request.state.parts
    keys: Keys = request.state.keys
    active = await keys.active(parts)
    if not keys.in_use and parts.settings.loopback:
        return Caller(None)
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    digest = key_digest(given.strip()) if kind.lower() == "bearer" else ""
    key = next((found for known, found in active.items() if hmac.compare_digest(known, digest)), None)
    if key is None:
        raise NotAuthenticated("send a valid key as Authorization: Bearer KEY; firstreply keys create NAME makes one")
    keys.use(key)
    most = key.per_minute or parts.settings.rate_limit_per_minute
    if most is not None:
        standing, fits = keys.limits.take(key.number, most)
        request.state.standing = standing
        if not fits:
            raise refused(standing)
    needed = NEEDED[request.scope["route"].operation_id]
    if needed not in key.scopes:
        raise MissingScope(f"this key lacks the scope {needed}: use one made with firstreply keys create NAME --scope {needed}")
    return Caller(key.brand, key.name, key.scopes)


CallerOf = Annotated[Caller, Depends(caller)]


def parts_of(request: Request) -> Parts:
    """The parts of the running service."""
    parts: Parts = request.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(parts_of)]

_NEW_BRAND = re.compile(r"^[A-Za-z0-9][\w.-]{0,99}$")
_BrandName = Annotated[str, Query(max_length=500, description="Whose it is", examples=["demo"])]


async def brand_of(caller: CallerOf, parts: PartsOf, brand: _BrandName = "demo") -> str:
    """The brand of the query; raises UnknownBrand for one that is not there and for one that the key may not use alike."""
    if not caller.may(brand) or brand not in parts.brands:
        raise UnknownBrand(brand, list(parts.brands) if caller.brand is None else [caller.brand])
    return brand


async def brand_to_be(caller: CallerOf, parts: PartsOf, brand: _BrandName = "demo") -> str:
    """The brand of an import, which may be new; raises UnknownBrand for one that the key may not use."""
    if not caller.may(brand):
        raise UnknownBrand(brand, [caller.brand or ""])
    if brand not in parts.brands and not _NEW_BRAND.match(brand):
        raise InvalidMessage([FieldError("/brand", "a new brand's name is letters, digits and . _ - only, at most 100")])
    return brand


BrandOf = Annotated[str, Depends(brand_of)]
BrandToBe = Annotated[str, Depends(brand_to_be)]
