"""The rows of the demo day: an invented day of the demo brand that can be taken away again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, delete, select

from service.records.database import Database
from service.records.erasing import delete_traces
from service.records.purchases import inserting
from service.records.tables import erasures, inbox, schedule, triages
from service.records.traces import Traces

BRAND = "demo"
PREFIX = "demo-day-"  # of the ids of its messages and conversations
MARK = {"demo": "day"}  # in the metadata of its messages
LOADED = "demo-day"  # the line of the schedule that says that the whole day is there


class DemoDay:
    """The demo day in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def loaded(self) -> bool:
        """Whether the whole day is there."""
        return bool(await self._database.all(select(schedule.c.work).where(schedule.c.work == LOADED)))

    async def untouched(self) -> bool:
        """Whether no message ever came here: none is there, and none was erased."""
        for column in (triages.c.id, inbox.c.id, erasures.c.id):
            if await self._database.all(select(column).limit(1)):
                return False
        return True

    async def traces(self) -> Traces:
        """By which ids the day's rows are found. A conversation in which somebody else wrote, too, is not the day's alone."""
        triaged = select(triages.c.id, triages.c.conversation_id, triages.c.request.label("message"))
        own = await self._own(triaged, triages.c.message_id)
        accepted = await self._own(select(inbox.c.id, inbox.c.conversation_id, inbox.c.message), inbox.c.external_id)
        mine = {conversation_id for conversation_id in (*own.values(), *accepted.values()) if conversation_id is not None}
        query = select(triages.c.id, triages.c.conversation_id).where(triages.c.brand == BRAND)
        rows = await self._database.all(query.where(triages.c.conversation_id.in_(sorted(mine))))
        shared = {row.conversation_id for row in rows if row.id not in own}
        return Traces(triages=tuple(own), messages=tuple(accepted), conversations=tuple(sorted(mine - shared)))

    async def _own(self, query: Select[Any], named: Any) -> dict[str, str | None]:
        """Ids with their conversations, of rows whose message has the day's id and its mark."""
        table = named.table
        rows = await self._database.all(query.where(table.c.brand == BRAND, named.startswith(PREFIX, autoescape=True)))
        return {row.id: row.conversation_id for row in rows if MARK.items() <= json.loads(row.message)["metadata"].items()}

    async def clear(self) -> None:
        """Deletes a day that was loaded in part; it leaves no receipt."""
        traces = await self.traces()
        async with self._database.writing() as connection:
            await delete_traces(connection, BRAND, traces)

    async def set_loaded(self, loaded: bool) -> None:
        """Says that the whole day is there, or that it no longer is."""
        async with self._database.writing() as connection:
            if loaded:
                line = {"work": LOADED, "last_at": datetime.now(UTC)}
                await connection.execute(inserting(connection, schedule).values(line).on_conflict_do_nothing())
            else:
                await connection.execute(delete(schedule).where(schedule.c.work == LOADED))
