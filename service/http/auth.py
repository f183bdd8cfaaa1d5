"""API keys. Without one configured the service listens on loopback only and lets this machine in."""

from __future__ import annotations

import hmac
import re
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import HTTPBearer

from service.errors import FieldError, InvalidMessage, NotAuthenticated, UnknownBrand
from service.parts import Parts
from service.records.keys import ApiKey, key_digest

REMEMBERED = 1.0  # seconds that the list of keys is kept: a revoked key is out within this time
_scheme = HTTPBearer(auto_error=False, description="API key made with `firstreply keys create`")


@dataclass(frozen=True)
class Caller:
    """Who calls: with a key of one brand, or for all brands (`brand` None); `name` is the key's, which the audit keeps."""

    brand: str | None
    name: str = "local"

    def may(self, brand: str) -> bool:
        """Whether this caller may use the brand."""
        return self.brand is None or self.brand == brand


class Keys:
    """The keys in force, read from the records at most once a second."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._active: dict[str, ApiKey] = {}
        self.in_use = False  # whether there ever was a key: revoking the last one does not open the door again

    async def active(self, parts: Parts) -> dict[str, ApiKey]:
        """Every key in force by its digest."""
        if time.monotonic() - self._read_at > REMEMBERED:
            self._active = await parts.records.api_keys.active()
            self.in_use = bool(self._active) or bool(await parts.records.api_keys.all())
            self._read_at = time.monotonic()
        return self._active


async def caller(request: Request, _: Annotated[object, Depends(_scheme)]) -> Caller:
    """The caller; raises NotAuthenticated without a valid key where keys are in use."""
    parts: Parts = request.state.parts
    active = await request.state.keys.active(parts)
    if not request.state.keys.in_use and parts.settings.loopback:
        return Caller(None)
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    digest = key_digest(key.strip()) if kind.lower() == "bearer" else ""
    for known, found in active.items():
        if hmac.compare_digest(known, digest):
            return Caller(found.brand, found.name)
    raise NotAuthenticated("send a valid key as Authorization: Bearer KEY; firstreply keys create NAME makes one")


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
