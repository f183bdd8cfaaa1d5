"""Endpoints: where a brand wants to be told of its triages, and the secrets that what is sent there is signed with."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from sqlalchemy import Row, delete, insert, select, update

from service.errors import NotFound
from service.records.database import Database, aware
from service.records.deliveries import Event
from service.records.signing import in_force, new_secret, only, rotated
from service.records.tables import deliveries, endpoints

EVENTS: tuple[Event, ...] = get_args(Event)


@dataclass(frozen=True)
class Endpoint:
    """One receiver of webhooks; `secrets` are those in force now, the newest first."""

    id: str
    brand: str
    url: str
    secrets: tuple[str, ...]
    events: tuple[Event, ...]
    with_triage: bool
    enabled: bool
    created_at: datetime


class Endpoints:
    """The endpoints of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, brand: str, url: str, events: Sequence[Event], *, with_triage: bool = False) -> tuple[str, str]:
        """A new endpoint's id and secret; the secret is told this once."""
        endpoint_id, secret = f"end_{secrets.token_hex(12)}", new_secret()
        row = {
            "id": endpoint_id, "brand": brand, "url": url, "secrets": only(secret),
            "events": list(events), "with_triage": with_triage, "enabled": True, "created_at": datetime.now(UTC),
        }  # fmt: skip
        async with self._database.writing() as connection:
            await connection.execute(insert(endpoints).values(row))
        return endpoint_id, secret

    async def one(self, endpoint_id: str) -> Endpoint | None:
        """An endpoint by its id."""
        rows = await self._database.all(select(endpoints).where(endpoints.c.id == endpoint_id))
        return _endpoint(rows[0]) if rows else None

    async def all(self, brand: str | None = None) -> list[Endpoint]:
        """Every endpoint, of one brand or of all, the oldest first."""
        query = select(endpoints).order_by(endpoints.c.created_at, endpoints.c.id)
        if brand is not None:
            query = query.where(endpoints.c.brand == brand)
        return [_endpoint(row) for row in await self._database.all(query)]

    async def rotate(self, endpoint_id: str, grace: timedelta) -> str:
        """A new secret; until the grace is over, what is sent is signed with the one before, too. Raises NotFound."""
        secret, now = new_secret(), datetime.now(UTC)
        async with self._database.writing() as connection:
            own = endpoints.c.id == endpoint_id
            row = (await connection.execute(select(endpoints.c.secrets).where(own).with_for_update())).first()
            if row is None:
                raise NotFound(f"there is no endpoint {endpoint_id}: see firstreply webhooks list")
            await connection.execute(update(endpoints).where(own).values(secrets=rotated(row.secrets, secret, now, grace)))
        return secret

    async def disable(self, endpoint_id: str) -> None:
        """Nothing more is sent there, as its server asked for."""
        async with self._database.writing() as connection:
            await connection.execute(update(endpoints).where(endpoints.c.id == endpoint_id).values(enabled=False))

    async def remove(self, endpoint_id: str) -> bool:
        """Ends an endpoint with its log; False where there is none."""
        async with self._database.writing() as connection:
            await connection.execute(delete(deliveries).where(deliveries.c.endpoint_id == endpoint_id))
            return (await connection.execute(delete(endpoints).where(endpoints.c.id == endpoint_id))).rowcount > 0


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        row.id, row.brand, row.url, in_force(row.secrets, datetime.now(UTC)), tuple(row.events), bool(row.with_triage),
        bool(row.enabled), aware(row.created_at),
    )  # fmt: skip
