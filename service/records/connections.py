"""Connections: whose webhooks come in, for which brand, and the secrets they are signed with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from service.errors import Conflict, NotFound
from service.records.database import Database, aware
from service.records.purchases import inserting
from service.records.signing import in_force, new_secret, only, rotated
from service.records.tables import connections


@dataclass(frozen=True)
class Connection:
    """One sender of webhooks; `secrets` are those in force now, the newest first."""

    name: str
    source: str
    brand: str
    secrets: tuple[str, ...]
    created_at: datetime


class Connections:
    """The connections of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, name: str, source: str, brand: str, secret: str | None = None) -> str:
        """A new connection's secret, made here unless the sender has one; raises Conflict where the name is taken."""
        secret = secret or new_secret()
        row = {"name": name, "source": source, "brand": brand, "secrets": only(secret), "created_at": datetime.now(UTC)}
        async with self._database.writing() as connection:
            try:
                await connection.execute(inserting(connection, connections).values(row))
            except IntegrityError:
                raise Conflict(f"there is a connection named {name}: choose another name") from None
        return secret

    async def one(self, name: str) -> Connection | None:
        """A connection by its name."""
        rows = await self._database.all(select(connections).where(connections.c.name == name))
        return _connection(rows[0]) if rows else None

    async def all(self) -> list[Connection]:
        """Every connection by name."""
        return [_connection(row) for row in await self._database.all(select(connections).order_by(connections.c.name))]

    async def rotate(self, name: str, grace: timedelta, secret: str | None = None) -> str:
        """A new secret; what was signed with the one before is taken until the grace is over. Raises NotFound."""
        secret, now = secret or new_secret(), datetime.now(UTC)
        async with self._database.writing() as connection:
            row = (await connection.execute(select(connections).where(connections.c.name == name).with_for_update())).first()
            if row is None:
                raise NotFound(f"there is no connection named {name}")
            put = update(connections).where(connections.c.name == name)
            await connection.execute(put.values(secrets=rotated(row.secrets, secret, now, grace)))
        return secret

    async def remove(self, name: str) -> bool:
        """Ends a connection; what it brought stays. False where there is none."""
        async with self._database.writing() as connection:
            return (await connection.execute(delete(connections).where(connections.c.name == name))).rowcount > 0


def _connection(row: Row[Any]) -> Connection:
    return Connection(row.name, row.source, row.brand, in_force(row.secrets, datetime.now(UTC)), aware(row.created_at))
