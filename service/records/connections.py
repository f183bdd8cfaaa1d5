"""Connections: whose webhooks come in, for which brand, and the secrets they are signed with."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from service.errors import Conflict, NotFound
from service.records.database import Database, aware
from service.records.purchases import inserting
from service.records.tables import connections

SECRET_BYTES = 24  # Standard Webhooks asks for 24 to 64


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
        row = {"name": name, "source": source, "brand": brand, "secrets": [_in_force(secret)], "created_at": datetime.now(UTC)}
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
            until = (now + grace).isoformat()
            # One that ends sooner goes on ending then.
            kept = [one | {"until": min(one["until"] or until, until)} for one in row.secrets]
            kept = [one for one in kept if datetime.fromisoformat(one["until"]) > now]
            put = update(connections).where(connections.c.name == name).values(secrets=[_in_force(secret), *kept])
            await connection.execute(put)
        return secret

    async def remove(self, name: str) -> bool:
        """Ends a connection; what it brought stays. False where there is none."""
        async with self._database.writing() as connection:
            return (await connection.execute(delete(connections).where(connections.c.name == name))).rowcount > 0


def new_secret() -> str:
    """A secret as Standard Webhooks writes one."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _in_force(secret: str) -> dict[str, Any]:
    return {"secret": secret, "until": None}


def _connection(row: Row[Any]) -> Connection:
    now = datetime.now(UTC)
    in_force = [one["secret"] for one in row.secrets if one["until"] is None or datetime.fromisoformat(one["until"]) > now]
    return Connection(row.name, row.source, row.brand, tuple(in_force), aware(row.created_at))
