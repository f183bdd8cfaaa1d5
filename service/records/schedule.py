"""Work that is done from time to time by one process of all: whoever takes it first."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from service.records.database import Database
from service.records.purchases import inserting
from service.records.tables import schedule


class Schedule:
    """When each kind of work was last taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, work: str, now: datetime, every: timedelta) -> bool:
        """Whether the work is this process's to do now: nobody took it for `every`. One transaction, so one process only."""
        async with self._database.writing() as connection:
            first = inserting(connection, schedule).values(work=work, last_at=now).on_conflict_do_nothing()
            if (await connection.execute(first)).rowcount == 1:
                return True
            due = update(schedule).where(schedule.c.work == work, schedule.c.last_at <= now - every)
            return (await connection.execute(due.values(last_at=now))).rowcount == 1
