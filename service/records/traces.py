"""By which ids a person's rows are found: a customer's own, and those of what they wrote, known to us then or not.

A message is a customer's where it carries their id, or was known to be theirs, or comes from a handle that is linked to them or
that came together with their id. A handle that is linked to another customer is not theirs. Messages that name nobody are
theirs in a conversation in which nobody else is named.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON, ColumnElement, Row, Table, cast, select, type_coerce

from service.records.database import Database
from service.records.purchases import CHUNK, normal_handle
from service.records.tables import handles, idempotency, inbox, triages

PAGE = 2_000  # rows that are looked at together


@dataclass(frozen=True)
class Person:
    """Who is meant: a customer by id, or somebody who is known by a handle of a channel alone."""

    customer_id: str | None = None
    channel: str | None = None
    handle: str | None = None


@dataclass(frozen=True)
class Traces:
    """All by which rows of a person are found, in one brand."""

    customers: tuple[str, ...] = ()  # ids of customers
    triages: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()  # ids of the inbox
    conversations: tuple[str, ...] = ()  # in which nobody else is named
    requests: tuple[str, ...] = ()  # keys of requests that brought the messages


@dataclass(frozen=True)
class _Message:
    """A row with a message: where it is, whose it is known to be, and how it names its author."""

    table: str
    id: str
    conversation_id: str | None
    customer_id: str | None
    sender: tuple[str, str] | None  # channel and handle


@dataclass
class _Found:
    """What is known of a person so far."""

    customer_id: str | None
    senders: set[tuple[str, str]]
    ids: dict[str, set[str]] = field(default_factory=lambda: {triages.name: set(), inbox.name: set()})
    conversations: set[str] = field(default_factory=set)

    def theirs(self, message: _Message) -> bool:
        """Whether a message is this person's."""
        if message.customer_id is not None:
            return message.customer_id == self.customer_id
        return message.sender in self.senders

    def take(self, message: _Message) -> None:
        """Keeps a message as this person's."""
        self.ids[message.table].add(message.id)
        if message.conversation_id is not None:
            self.conversations.add(message.conversation_id)


class _Messages:
    """The messages of one table, told by the JSON they are stored as."""

    def __init__(self, database: Database, brand: str, table: Table, text: Any, known: Any | None) -> None:
        self._database, self._table = database, table
        json_text = cast(text, JSON) if database.engine.dialect.name == "postgresql" else type_coerce(text, JSON)
        self.customer_id = known if known is not None else json_text[("author", "customer_id")].as_string()
        self.handle = json_text[("author", "handle")].as_string()
        self.conversation_id = table.c.conversation_id
        self._query = select(
            table.c.id, self.conversation_id, self.customer_id.label("known"), self.handle.label("sender"),
            json_text["channel"].as_string().label("channel"),
        ).where(table.c.brand == brand)  # fmt: skip

    async def where(self, condition: ColumnElement[bool]) -> AsyncIterator[_Message]:
        """Those of the brand that meet the condition, in pages, so that a large table is never in memory whole."""
        after = ""
        while True:
            page = self._query.where(condition, self._table.c.id > after).order_by(self._table.c.id).limit(PAGE)
            rows: Sequence[Row[Any]] = await self._database.all(page)
            for row in rows:
                sender = (row.channel, normal_handle(row.sender)) if row.sender else None
                yield _Message(self._table.name, row.id, row.conversation_id, row.known, sender)
            if len(rows) < PAGE:
                return
            after = rows[-1].id


async def linked_customer(database: Database, brand: str, channel: str, handle: str) -> str | None:
    """The customer that a handle is linked to."""
    rows = await database.all(
        select(handles.c.customer_id).where(
            handles.c.brand == brand, handles.c.channel == channel, handles.c.handle == normal_handle(handle)
        )
    )
    return str(rows[0].customer_id) if rows else None


async def traces_of(database: Database, brand: str, person: Person) -> Traces:
    """Everything of a person in a brand. Reads all of the brand's messages that name a handle where the person has one."""
    both = (
        _Messages(database, brand, triages, triages.c.request, triages.c.customer_id),
        _Messages(database, brand, inbox, inbox.c.message, None),
    )
    found = _Found(person.customer_id, set())
    if person.customer_id is not None:
        linked = {(row.channel, row.handle): row.customer_id for row in await _links(database, brand)}
        found.senders = {sender for sender, owner in linked.items() if owner == person.customer_id}
        for messages in both:
            async for message in messages.where(messages.customer_id == person.customer_id):
                found.take(message)
                if message.sender is not None and linked.get(message.sender, person.customer_id) == person.customer_id:
                    found.senders.add(message.sender)
    elif person.channel is not None and person.handle is not None:
        found.senders = {(person.channel, normal_handle(person.handle))}
    if found.senders:
        for messages in both:
            async for message in messages.where(messages.handle.is_not(None)):
                if found.theirs(message):
                    found.take(message)
    shared = await _shared(both, found)
    return Traces(
        customers=(person.customer_id,) if person.customer_id is not None else (),
        triages=tuple(sorted(found.ids[triages.name])),
        messages=tuple(sorted(found.ids[inbox.name])),
        conversations=tuple(sorted(found.conversations - shared)),
        requests=await _requests(database, brand, found.ids[inbox.name]),
    )


async def _links(database: Database, brand: str) -> Sequence[Row[Any]]:
    return await database.all(select(handles).where(handles.c.brand == brand))


async def _shared(both: Sequence[_Messages], found: _Found) -> set[str]:
    """The conversations in which somebody else is named; of the others, messages that name nobody are taken, too."""
    shared: set[str] = set()
    nameless: list[_Message] = []
    ids = sorted(found.conversations)
    for messages in both:
        for start in range(0, len(ids), CHUNK):
            async for message in messages.where(messages.conversation_id.in_(ids[start : start + CHUNK])):
                if message.customer_id is None and message.sender is None:
                    nameless.append(message)
                elif not found.theirs(message) and message.conversation_id is not None:
                    shared.add(message.conversation_id)
    for message in nameless:
        if message.conversation_id not in shared:
            found.take(message)
    return shared


async def _requests(database: Database, brand: str, messages: set[str]) -> tuple[str, ...]:
    """Keys of requests that brought one of the messages; they are kept for a day."""
    if not messages:
        return ()
    rows = await database.all(select(idempotency.c.key, idempotency.c.answer).where(idempotency.c.brand == brand))
    return tuple(row.key for row in rows if any(one["id"] in messages for one in json.loads(row.answer)))
