"""Agents: who may use the desk, for which brands and as what; and the sessions they are logged in with."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from service.errors import Conflict, NotFound
from service.records.database import Database, aware
from service.records.tables import agent_sessions, agents

Role = Literal["agent", "lead"]
ROLES: tuple[Role, ...] = get_args(Role)
IDLE = timedelta(hours=12)  # a shift and its breaks: who comes back the next day logs in again
LONGEST = timedelta(days=7)  # however busy: a token that was copied is of no use a week later
SEEN_WITHIN = timedelta(minutes=5)  # how exact `seen_at` is: a write for each request would be dearer than the request
_NAME = re.compile(r"[a-z0-9][a-z0-9_.@+-]{0,99}")


@dataclass(frozen=True)
class StoredAgent:
    """An agent as listed; `brands` None is every brand."""

    name: str
    display_name: str
    role: Role
    brands: tuple[str, ...] | None
    created_at: datetime
    disabled_at: datetime | None


def agent_name(given: str) -> str | None:
    """The name as it is kept, in small letters; None for what can't be one."""
    name = given.strip().lower()
    return name if _NAME.fullmatch(name) else None


class Agents:
    """The agents of all brands and their sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, name: str, display_name: str, role: Role, brands: Sequence[str] | None, password: str) -> None:
        """A new agent; `password` is a hash. Raises Conflict where the name is taken."""
        row = {"name": name, "display_name": display_name, "role": role, "password": password, "created_at": datetime.now(UTC)}
        async with self._database.writing() as connection:
            try:
                await connection.execute(insert(agents).values(row | {"brands": None if brands is None else list(brands)}))
            except IntegrityError:
                raise Conflict(f"there is an agent {name} already: choose another name, or see firstreply agents list") from None

    async def all(self) -> list[StoredAgent]:
        """Every agent by name, those disabled too."""
        return [_agent(row) for row in await self._database.all(select(agents).order_by(agents.c.name))]

    async def any(self) -> bool:
        """Whether there ever was an agent: disabling the last one does not open the desk again."""
        return bool(await self._database.all(select(agents.c.name).limit(1)))

    async def password(self, name: str) -> str | None:
        """The hash of an agent's password; None for a name that nobody has and for a disabled agent."""
        query = select(agents.c.password).where(agents.c.name == name, agents.c.disabled_at.is_(None))
        rows = await self._database.all(query)
        return rows[0].password if rows else None

    async def set_password(self, name: str, password: str) -> None:
        """Another password, as a hash; ends every session of the agent. Raises NotFound."""
        await self._change(name, {"password": password})

    async def disable(self, name: str) -> None:
        """Lets an agent in no more and ends every session. Raises NotFound."""
        await self._change(name, {"disabled_at": datetime.now(UTC)})

    async def begin(self, name: str, password: str) -> str | None:
        """A new session's token, of which only the SHA-256 is kept; None where the hash is no longer the agent's.

        Sessions that are over go.
        """
        token, now = secrets.token_urlsafe(32), datetime.now(UTC)
        over = or_(agent_sessions.c.seen_at < now - IDLE, agent_sessions.c.created_at < now - LONGEST)
        async with self._database.writing() as connection:
            await connection.execute(delete(agent_sessions).where(over))
            same = (agents.c.name == name, agents.c.password == password, agents.c.disabled_at.is_(None))
            if (await connection.execute(select(agents.c.name).where(*same).with_for_update())).first() is None:
                return None
            row = {"digest": _digest(token), "agent": name, "created_at": now, "seen_at": now}
            await connection.execute(insert(agent_sessions).values(row))
        return token

    async def of_session(self, token: str) -> StoredAgent | None:
        """Whose session it is; None where it is over or never was. Using it keeps it from ending for another IDLE."""
        digest, now = _digest(token), datetime.now(UTC)
        query = (
            select(agents, agent_sessions.c.seen_at)
            .join(agent_sessions, agent_sessions.c.agent == agents.c.name)
            .where(
                agent_sessions.c.digest == digest, agent_sessions.c.seen_at >= now - IDLE,
                agent_sessions.c.created_at >= now - LONGEST, agents.c.disabled_at.is_(None),
            )
        )  # fmt: skip
        rows = await self._database.all(query)
        if not rows:
            return None
        if aware(rows[0].seen_at) < now - SEEN_WITHIN:
            async with self._database.writing() as connection:
                seen = update(agent_sessions).where(agent_sessions.c.digest == digest).values(seen_at=now)
                await connection.execute(seen)
        return _agent(rows[0])

    async def end(self, token: str) -> None:
        """Ends a session."""
        async with self._database.writing() as connection:
            await connection.execute(delete(agent_sessions).where(agent_sessions.c.digest == _digest(token)))

    async def _change(self, name: str, values: dict[str, Any]) -> None:
        async with self._database.writing() as connection:
            if not (await connection.execute(update(agents).where(agents.c.name == name).values(values))).rowcount:
                raise NotFound(f"there is no agent {name}: see firstreply agents list")
            await connection.execute(delete(agent_sessions).where(agent_sessions.c.agent == name))


def _digest(token: str) -> str:
    """SHA-256 of a session's token; tokens are random, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _agent(row: Row[Any]) -> StoredAgent:
    return StoredAgent(
        name=row.name, display_name=row.display_name, role=row.role, brands=None if row.brands is None else tuple(row.brands),
        created_at=aware(row.created_at), disabled_at=aware(row.disabled_at) if row.disabled_at is not None else None,
    )  # fmt: skip
