"""What is older than a brand's retention period: counted, or deleted a part at a time so that others can write in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, select

from service.records.database import Database
from service.records.erasing import delete_traces
from service.records.inbox import OPEN
from service.records.purchases import CHUNK
from service.records.tables import contacts, conversations, inbox, triages
from service.records.traces import Traces


@dataclass(frozen=True)
class AgedCounts:
    """Rows that are, or were, too old."""

    triages: int = 0
    messages: int = 0
    contacts: int = 0


class Aged:
    """Old rows of all brands. A triage's age begins when it was recorded, a contact's when it was."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, brand: str, triages_before: datetime | None, contacts_before: datetime | None) -> AgedCounts:
        """How many rows are too old; None keeps them all."""
        return AgedCounts(
            triages=await self._count(_old_triages(brand, triages_before)) if triages_before else 0,
            messages=await self._count(_old_messages(brand, triages_before)) if triages_before else 0,
            contacts=await self._count(_old_contacts(brand, contacts_before)) if contacts_before else 0,
        )

    async def delete(self, brand: str, triages_before: datetime | None, contacts_before: datetime | None) -> AgedCounts:
        """Deletes them with all that hangs on a triage, but for precedents, which are masked."""
        gone_triages = gone_messages = gone_contacts = 0
        if triages_before is not None:
            while ids := await self._some(triages.c.id, _old_triages(brand, triages_before)):
                gone_triages += (await self._delete(brand, Traces(triages=ids)))["triages"]
            while ids := await self._some(conversations.c.conversation_id, _old_conversations(brand, triages_before)):
                await self._delete(brand, Traces(conversations=ids))
            while ids := await self._some(inbox.c.id, _old_messages(brand, triages_before)):
                gone_messages += (await self._delete(brand, Traces(messages=ids)))["inbox"]
        if contacts_before is not None:
            async with self._database.writing() as connection:
                gone_contacts = (await connection.execute(delete(contacts).where(_old_contacts(brand, contacts_before)))).rowcount
        return AgedCounts(gone_triages, gone_messages, gone_contacts)

    async def _count(self, old: ColumnElement[bool]) -> int:
        return int((await self._database.all(select(func.count().label("old")).where(old)))[0].old)

    async def _some(self, key: ColumnElement[str], old: ColumnElement[bool]) -> tuple[str, ...]:
        return tuple(row.id for row in await self._database.all(select(key.label("id")).where(old).limit(CHUNK)))

    async def _delete(self, brand: str, traces: Traces) -> dict[str, int]:
        async with self._database.writing() as connection:
            return await delete_traces(connection, brand, traces, for_retention=True)


def _old_triages(brand: str, before: datetime) -> ColumnElement[bool]:
    return (triages.c.brand == brand) & (triages.c.created_at < before)


def _old_conversations(brand: str, before: datetime) -> ColumnElement[bool]:
    """Those that nothing has happened in since, and of whose triages none is left."""
    theirs = (triages.c.brand == conversations.c.brand) & (triages.c.conversation_id == conversations.c.conversation_id)
    return (conversations.c.brand == brand) & (conversations.c.changed_at < before) & ~exists().where(theirs)


def _old_messages(brand: str, before: datetime) -> ColumnElement[bool]:
    """Messages that wait are never too old: what was accepted is triaged."""
    return (inbox.c.brand == brand) & (inbox.c.accepted_at < before) & inbox.c.state.not_in(OPEN)


def _old_contacts(brand: str, before: datetime) -> ColumnElement[bool]:
    return (contacts.c.brand == brand) & (contacts.c.at < before)
