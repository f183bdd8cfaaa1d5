"""API keys: who may call, for which brand. A key is shown once; only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from service.records.database import Database, aware
from service.records.tables import api_keys

KEY_PREFIX = "fr_"


@dataclass(frozen=True)
class ApiKey:
    """A key as it is listed; the secret itself is kept nowhere."""

    number: int
    name: str
    brand: str | None
    created_at: datetime
    revoked_at: datetime | None


class ApiKeys:
    """The API keys of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(self, name: str, brand: str | None) -> str:
        """A new key, shown this once; only its SHA-256 is kept."""
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        async with self._database.writing() as connection:
            values = {"name": name, "digest": key_digest(key), "brand": brand, "created_at": datetime.now(UTC)}
            await connection.execute(insert(api_keys).values(values))
        return key

    async def all(self) -> list[ApiKey]:
        """Every key, revoked ones too."""
        return [_key(row) for row in await self._database.all(select(api_keys).order_by(api_keys.c.number))]

    async def active(self) -> dict[str, ApiKey]:
        """Every key in force by its digest."""
        rows = await self._database.all(select(api_keys).where(api_keys.c.revoked_at.is_(None)))
        return {row.digest: _key(row) for row in rows}

    async def revoke(self, number: int) -> bool:
        """Ends a key; False where there is no such key in force."""
        async with self._database.writing() as connection:
            query = update(api_keys).where(api_keys.c.number == number, api_keys.c.revoked_at.is_(None))
            return (await connection.execute(query.values(revoked_at=datetime.now(UTC)))).rowcount > 0


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.number, row.name, row.brand, aware(row.created_at), aware(row.revoked_at) if row.revoked_at else None)


def key_digest(key: str) -> str:
    """SHA-256 of a key; keys are random, so no slow hash is needed."""
    return hashlib.sha256(key.encode()).hexdigest()
