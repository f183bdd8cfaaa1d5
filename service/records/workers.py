"""The processes that work on the inbox: each says every few seconds that it lives."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, select, update

from service.records.database import Database, aware
from service.records.purchases import inserting
from service.records.tables import workers

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Workers:
    """Who works on the inbox. The clocks of machines that share a database may differ by seconds, not by a minute."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, executor_id: str, started_at: datetime) -> None:
        """Says that this process lives."""
        now = datetime.now(UTC)
        async with self._database.briefly() as connection:
            put = inserting(connection, workers).values(executor_id=executor_id, started_at=started_at, seen_at=now)
            await connection.execute(put.on_conflict_do_update(index_elements=["executor_id"], set_={"seen_at": now}))

    async def silent(self, before: datetime) -> dict[str, bool]:
        """Processes not seen since then, and whether each died rather than left with work under way.

        Each is given to one caller, and to another one only after as long a silence again.
        """
        query = select(workers.c.executor_id, workers.c.seen_at).where(workers.c.seen_at < before)
        seen = {row.executor_id: aware(row.seen_at) for row in await self._database.all(query)}
        if not seen:
            return {}
        async with self._database.briefly() as connection:
            claim = update(workers).where(workers.c.seen_at < before, workers.c.executor_id.in_(seen))
            claim = claim.values(seen_at=datetime.now(UTC)).returning(workers.c.executor_id)
            return {row.executor_id: seen[row.executor_id] > LONG_AGO for row in (await connection.execute(claim)).all()}

    async def known(self) -> set[str]:
        """Every process that is thought to live, or whose work nobody has taken over yet."""
        return {row.executor_id for row in await self._database.all(select(workers.c.executor_id))}

    async def leave(self, executor_id: str, *, work_left: bool = False) -> None:
        """Ends a process; what it left under way is taken over at once rather than after a silence."""
        own = workers.c.executor_id == executor_id
        async with self._database.briefly() as connection:
            change = update(workers).where(own).values(seen_at=LONG_AGO) if work_left else delete(workers).where(own)
            await connection.execute(change)
