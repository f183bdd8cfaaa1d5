"""API keys: who may call, for which brand and for what. A key is shown once; only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Row, insert, or_, select, update

from service.errors import NotFound
from service.records.database import Database, aware
from service.records.tables import api_keys

KEY_PREFIX = "fr_"
Scope = Literal["ingest", "read", "feedback", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class ApiKey:
    """A key as it is listed; the secret itself is kept nowhere. `per_minute`: most requests, None for the setting."""

    number: int
    name: str
    brand: str | None
    scopes: tuple[Scope, ...]
    per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def in_force(self, now: datetime) -> bool:
        """Whether the key opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class ApiKeys:
    """The API keys of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(self, name: str, brand: str | None, scopes: Sequence[Scope] = SCOPES, per_minute: int | None = None) -> str:
        """A new key, shown this once; only its SHA-256 is kept."""
        key, digest = _new_key()
        async with self._database.writing() as connection:
            values = {"name": name, "digest": digest, "brand": brand, "scopes": list(scopes), "per_minute": per_minute}
            await connection.execute(insert(api_keys).values(values | {"created_at": datetime.now(UTC)}))
        return key

    async def rotate(self, number: int, grace: timedelta) -> str:
        """A new key in the place of one that ends after the grace; raises NotFound where none in force has the number."""
        now = datetime.now(UTC)
        key, digest = _new_key()
        async with self._database.writing() as connection:
            row = (await connection.execute(select(api_keys).where(api_keys.c.number == number).with_for_update())).first()
            if row is None or not (former := _key(row)).in_force(now):
                raise NotFound(f"no key in force has number {number}: see firstreply keys list")
            # One that ends sooner goes on ending then.
            ends = min(former.expires_at or now + grace, now + grace)
            await connection.execute(update(api_keys).where(api_keys.c.number == number).values(expires_at=ends))
            same = {name: getattr(row, name) for name in ("name", "brand", "scopes", "per_minute")}
            await connection.execute(insert(api_keys).values(same | {"digest": digest, "created_at": now}))
        return key

    async def all(self) -> list[ApiKey]:
        """Every key, those that are over too."""
        return [_key(row) for row in await self._database.all(select(api_keys).order_by(api_keys.c.number))]

    async def active(self) -> dict[str, ApiKey]:
        """Every key in force by its digest."""
        rows = await self._database.all(select(api_keys).where(api_keys.c.revoked_at.is_(None)))
        now = datetime.now(UTC)
        return {row.digest: key for row in rows if (key := _key(row)).in_force(now)}

    async def revoke(self, number: int) -> bool:
        """Ends a key; False where there is no such key in force."""
        async with self._database.writing() as connection:
            query = update(api_keys).where(api_keys.c.number == number, api_keys.c.revoked_at.is_(None))
            return (await connection.execute(query.values(revoked_at=datetime.now(UTC)))).rowcount > 0

    async def used(self, last: Mapping[int, datetime]) -> None:
        """Notes by number when keys were used last; what another process noted later stays."""
        async with self._database.writing() as connection:
            for number, at in last.items():
                older = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < at)
                await connection.execute(update(api_keys).where(api_keys.c.number == number, older).values(last_used_at=at))


def _new_key() -> tuple[str, str]:
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    return key, key_digest(key)


def _key(row: Row[Any]) -> ApiKey:
    def moment(at: datetime | None) -> datetime | None:
        return aware(at) if at is not None else None

    return ApiKey(
        number=row.number, name=row.name, brand=row.brand, scopes=tuple(row.scopes), per_minute=row.per_minute,
        created_at=aware(row.created_at), expires_at=moment(row.expires_at), last_used_at=moment(row.last_used_at),
        revoked_at=moment(row.revoked_at),
    )  # fmt: skip


def key_digest(key: str) -> str:
    """SHA-256 of a key; keys are random, so no slow hash is needed."""
    return hashlib.sha256(key.encode()).hexdigest()
