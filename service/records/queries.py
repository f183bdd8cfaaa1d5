"""Queries of the records as methods of `Records`, nouns of their own beside it. Values go in and come out, no SQL does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.errors import Conflict, RecordsNotUsable
from service.knowledge import Asked, Entry, StoredEntry
from service.messages import Contact, Customer, Known, Message, Order, PastTriage, Triage
from service.records.aged import Aged
from service.records.agents import Agents
from service.records.audit import Act, Audit, write_down
from service.records.belongings import LATEST, OF_CUSTOMER, OF_HANDLE
from service.records.connections import Connections
from service.records.conversations import Conversations
from service.records.database import Database, aware
from service.records.deliveries import Deliveries, insert_deliveries
from service.records.demo import DemoDay
from service.records.endpoints import Endpoints
from service.records.erasures import Erasures
from service.records.feedback import FeedbackGiven
from service.records.inbox import Inbox
from service.records.insights import Insights
from service.records.keys import ApiKeys
from service.records.precedents import delete_precedents, precedent_row, stored_precedent
from service.records.purchases import CHUNK, Counts, completed, inserting, normal_handle, of_ids, put_customers, put_orders
from service.records.recording import insert_triages
from service.records.schedule import Schedule
from service.records.shoppers import Shoppers
from service.records.spending import reserve, settling
from service.records.summaries import Summaries
from service.records.tables import (
    brands,
    changes,
    contacts,
    customers,
    faqs,
    llm_spending,
    orders,
    precedents,
    redrafts,
    triages,
)
from service.records.waiting import WaitingList
from service.records.workers import Workers

PART = 1_000  # entries read together: 5 MB


class Records(Database):
    """The records of all brands in one database."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.agents = Agents(self)
        self.api_keys = ApiKeys(self)
        self.inbox = Inbox(self)
        self.connections = Connections(self)
        self.audit = Audit(self)
        self.conversations = Conversations(self)
        self.feedback = FeedbackGiven(self)
        self.summaries = Summaries(self)
        self.waiting = WaitingList(self)
        self.insights = Insights(self)
        self.workers = Workers(self)
        self.endpoints = Endpoints(self)
        self.deliveries = Deliveries(self)
        self.erasures = Erasures(self)
        self.schedule = Schedule(self)
        self.aged = Aged(self)
        self.demo_day = DemoDay(self)
        self.shoppers = Shoppers(self)

    async def _among(self, query: Select[Any], column: Any, ids: Sequence[str] | None) -> list[Row[Any]]:
        """Every row of the query, or with `ids`, of any number, those whose column has one of them."""
        if ids is None:
            return list(await self.all(query))
        parts = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
        return [row for part in parts for row in await self.all(query.where(column.in_(part)))]

    # Brands and knowledge

    async def brands(self) -> dict[str, str | None]:
        """Every brand's name with the digest of the folder it was last imported from."""
        return {row.name: row.folder_digest for row in await self.all(select(brands))}

    async def faqs(self, brand: str | None = None, ids: Sequence[str] | None = None) -> list[StoredEntry]:
        """FAQs of one brand or of all, all of them or those with these ids."""
        query = select(faqs).order_by(faqs.c.brand, faqs.c.id)
        if brand is not None:
            query = query.where(faqs.c.brand == brand)
        return [_stored_entry(row) for row in await self._among(query, faqs.c.id, ids)]

    async def faq_digests(self, brand: str) -> dict[str, tuple[str, str, str]]:
        """By id: content digest, embedder and origin of each FAQ of a brand."""
        query = select(faqs.c.id, faqs.c.digest, faqs.c.embedder, faqs.c.origin).where(faqs.c.brand == brand)
        return {row.id: (row.digest, row.embedder, row.origin) for row in await self.all(query)}

    async def entries(self, brand: str, ids: Sequence[str] | None = None) -> list[StoredEntry]:
        """Everything of a brand that is searched, precedents beside its knowledge; all of it or what has these ids."""
        query = select(precedents).where(precedents.c.brand == brand).order_by(precedents.c.triage_id)
        return await self.faqs(brand, ids) + [
            stored_precedent(row) for row in await self._among(query, precedents.c.triage_id, ids)
        ]

    async def entries_in_parts(self, brand: str) -> AsyncIterator[list[StoredEntry]]:
        """Everything of a brand that is searched, PART entries at a time: all at once they and their vectors fill the memory."""
        for table, key, stored in ((faqs, faqs.c.id, _stored_entry), (precedents, precedents.c.triage_id, stored_precedent)):
            last = ""
            while True:
                query = select(table).where(table.c.brand == brand, key > last).order_by(key).limit(PART)
                part = [stored(row) for row in await self.all(query)]
                if not part:
                    break
                yield part
                last = part[-1].content.id

    async def other_embedders(self, embedder: str) -> dict[str, int]:
        """How many FAQs carry vectors of another embedder, by its fingerprint."""
        query = select(faqs.c.embedder, func.count().label("number")).where(faqs.c.embedder != embedder).group_by(faqs.c.embedder)
        return {row.embedder: row.number for row in await self.all(query)}

    async def put_brand(
        self,
        brand: str,
        folder_digest: str | None,
        *,
        upserts: Sequence[StoredEntry] = (),
        removed: Sequence[str] = (),
        people: Sequence[Customer] | None = None,
        bought: Sequence[Order] | None = None,
        earlier: Sequence[Contact] | None = None,
        asked: Mapping[str, Asked] | None = None,
    ) -> None:
        """One transaction: entries put and removed, customers, orders and contacts put, a change line for every follower.

        `asked`: by contact id, the vectors of what the customer wrote.
        """
        async with self.writing() as connection:
            if not await _new_brand(connection, brand, folder_digest) and folder_digest is not None:
                await connection.execute(update(brands).where(brands.c.name == brand).values(folder_digest=folder_digest))
            touched = [entry.content.id for entry in upserts] + list(removed)
            await _delete(connection, faqs, faqs.c.brand == brand, faqs.c.id, touched)
            if upserts:
                await connection.execute(insert(faqs), [_entry_row(entry) for entry in upserts])
            if touched:
                await connection.execute(insert(changes), [{"brand": brand, "faq_id": faq_id} for faq_id in touched])
            if people:
                await put_customers(connection, brand, people)
            if bought:
                await put_orders(connection, brand, bought)
            if earlier:
                await _put_contacts(connection, brand, earlier, asked or {})

    async def last_change(self) -> int:
        """The number of the newest change line, 0 where there is none."""
        rows = await self.all(select(func.max(changes.c.number).label("last")))
        return int(rows[0].last or 0)

    async def changes_after(self, number: int) -> list[tuple[int, str, str | None]]:
        """Change lines after this one, oldest first: number, brand, FAQ id or None for the brand itself."""
        query = select(changes).where(changes.c.number > number).order_by(changes.c.number)
        return [(row.number, row.brand, row.faq_id) for row in await self.all(query)]

    async def asked(self, brand: str) -> dict[str, Asked]:
        """By contact id: the vectors of what the customer wrote, of the contacts that have them."""
        query = select(contacts.c.contact_id, contacts.c.asked_digest, contacts.c.embedder, contacts.c.asked)
        rows = await self.all(query.where(contacts.c.brand == brand, contacts.c.asked.is_not(None)))
        return {row.contact_id: Asked(row.asked_digest, row.embedder, row.asked) for row in rows}

    # Customers and orders. Who may see an order is decided in retrieve/orders.py, who may see history in retrieve/history.py.

    async def known(self, brand: str, who: str | tuple[str, str], before: datetime) -> Known:
        """A customer by id, or by channel and handle, with their orders by id and what was earlier than `before`, newest first.

        One statement for all of it: a statement takes SQLite 0.1 ms and its way through the driver's thread 0.5 ms.
        """
        given: dict[str, Any] = {"brand": brand, "before": before}
        if isinstance(who, str):
            rows = await self.all(OF_CUSTOMER, given | {"customer_id": who})
        else:
            channel, handle = who
            rows = await self.all(OF_HANDLE, given | {"channel": channel, "handle": normal_handle(handle)})
        people = [Customer.model_validate(row.data) for row in rows if row.kind == "customer"]
        past = [_past(row) for row in rows if row.kind in ("triage", "contact")]
        bought = [Order.model_validate(row.data) for row in rows if row.kind == "order"]
        return Known(
            customer=people[0] if people else None,
            orders=tuple(sorted(bought, key=lambda order: order.order_id)),
            history=tuple(sorted(past, key=lambda one: one.at, reverse=True)[:LATEST]),
        )

    # Customers and orders, for those who keep them; who may see an order of a message is decided in retrieve/orders.py

    async def customer_ids(self, brand: str, ids: Sequence[str]) -> set[str]:
        """Which of these customers the brand has."""
        query = select(customers.c.customer_id).where(customers.c.brand == brand)
        return {row.customer_id for row in await self._among(query, customers.c.customer_id, ids)}

    async def customer(self, brand: str, customer_id: str) -> Customer | None:
        """One customer of a brand."""
        rows = await self.all(select(customers.c.data).where(of_ids(brand, customers, "customer_id", [customer_id])))
        return Customer.model_validate(rows[0].data) if rows else None

    async def order(self, brand: str, order_id: str) -> Order | None:
        """One order of a brand, whoever's it is: for a caller with the brand's key, never for a message."""
        rows = await self.all(select(orders.c.data).where(of_ids(brand, orders, "order_id", [order_id])))
        return Order.model_validate(rows[0].data) if rows else None

    async def remove_order(self, brand: str, order_id: str) -> bool:
        """Removes an order; False where there is none."""
        async with self.writing() as connection:
            return (await connection.execute(delete(orders).where(of_ids(brand, orders, "order_id", [order_id])))).rowcount > 0

    async def put_purchases(
        self,
        brand: str,
        bought: Sequence[Order] = (),
        people: Sequence[Customer] = (),
        along: Sequence[Customer] = (),
        *,
        dry_run: bool = False,
    ) -> tuple[Counts, Counts]:
        """One transaction: orders and customers put, the brand made where it is new; counts of orders and of customers.

        Customers in `people` replace what is stored; of those `along`, who came with their orders, only the fields that
        were given do. What did not change is not written.
        """
        named = {person.customer_id for person in people}
        whole = [*people, *(person for person in along if person.customer_id not in named)]
        persons, on_persons = await self._differing(brand, customers, "customer_id", whole, named)
        fresh, on_orders = await self._differing(brand, orders, "order_id", bought)
        if (persons or fresh) and not dry_run:
            async with self.writing() as connection:
                await _new_brand(connection, brand, None)
                await put_customers(connection, brand, persons)
                await put_orders(connection, brand, fresh)
        return on_orders, on_persons

    async def _differing(
        self, brand: str, table: Any, key: str, values: Sequence[Any], replacing: set[str] | None = None
    ) -> tuple[list[Any], Counts]:
        """The values that are not stored like this, and how many are new, changed and unchanged."""
        fresh: list[Any] = []
        added = changed = 0
        for start in range(0, len(values), CHUNK):
            part = values[start : start + CHUNK]
            query = select(table.c[key].label("id"), table.c.data).where(
                of_ids(brand, table, key, [getattr(value, key) for value in part])
            )
            stored = {row.id: row.data for row in await self.all(query)}
            for value in part:
                value_id = getattr(value, key)
                if replacing is not None and value_id not in replacing:
                    value = completed(value, stored.get(value_id))
                if value_id not in stored:
                    added += 1
                elif stored[value_id] != value.model_dump(mode="json"):
                    changed += 1
                else:
                    continue
                fresh.append(value)
        return fresh, Counts(added, changed, len(values) - added - changed)

    # Spending on a model

    async def reserve_spending(
        self, brand: str, day: date, tokens: int, millionths: int, most_tokens: int | None, most_millionths: int | None
    ) -> bool:
        """Adds to a brand's day unless it came to more than the most then; whether it did."""
        async with self.writing() as connection:
            return await reserve(connection, brand, day, tokens, millionths, most_tokens, most_millionths)

    async def settle_spending(self, brand: str, day: date, tokens: int, millionths: int) -> None:
        """Adds to a brand's day, or takes from it."""
        async with self.writing() as connection:
            await connection.execute(settling(brand, day, tokens, millionths))

    async def spending(self, brand: str, day: date) -> tuple[int, int]:
        """Tokens, and millionths of the currency, that a brand's day came to so far."""
        query = select(llm_spending).where(llm_spending.c.brand == brand, llm_spending.c.day == day)
        rows = await self.all(query)
        return (rows[0].tokens, rows[0].millionths) if rows else (0, 0)

    # Triages and their drafts

    async def put_triages(
        self, pairs: Sequence[tuple[Message, Triage]], actors: Sequence[str] = (), at: datetime | None = None
    ) -> None:
        """Records triages with the messages they answer, in one transaction; `actors` are who asked for each.

        `at` records them as made then: they are past, and no other system is told of them.
        """
        now = at or datetime.now(UTC)
        async with self.briefly() as connection:
            await insert_triages(connection, pairs, now, actors)
            if at is None:
                await insert_deliveries(connection, [triage for _, triage in pairs], now)

    async def triage(self, triage_id: str, brand: str | None = None) -> str | None:
        """The triage as JSON, exactly as it was answered; with `brand`, only if it is that brand's."""
        query = select(triages.c.response).where(triages.c.id == triage_id)
        if brand is not None:
            query = query.where(triages.c.brand == brand)
        rows = await self.all(query)
        return str(rows[0].response) if rows else None

    async def recorded(self, triage_id: str) -> tuple[Message, Triage] | None:
        """A message as it came and its triage."""
        rows = await self.all(select(triages.c.request, triages.c.response).where(triages.c.id == triage_id))
        if not rows:
            return None
        return Message.model_validate_json(rows[0].request), Triage.model_validate_json(rows[0].response)

    async def triages_since(self, brand: str, since: datetime, after: str = "", most: int = 500) -> list[tuple[Message, Triage]]:
        """Messages of a brand received since then with their triages, in the order of their ids; `after` goes on behind one."""
        query = select(triages.c.request, triages.c.response).where(
            triages.c.brand == brand, triages.c.received_at >= since, triages.c.id > after
        )
        rows = await self.all(query.order_by(triages.c.id).limit(most))
        return [(Message.model_validate_json(row.request), Triage.model_validate_json(row.response)) for row in rows]

    async def put_redraft(
        self, brand: str, triage_id: str, number: int, at: datetime, data: dict[str, Any], actor: str = "local"
    ) -> None:
        """Keeps another draft, which `actor` asked for; raises Conflict where one with this number came in between."""
        values = {"brand": brand, "triage_id": triage_id, "number": number, "at": at, "data": data}
        async with self.writing() as connection:
            try:
                await connection.execute(insert(redrafts).values(values))
            except IntegrityError:
                raise Conflict("somebody else asked for another draft at the same moment: look at it, then ask again") from None
            await write_down(connection, [Act(brand, actor, "redrafted", triage_id, detail={"number": number})], at)

    async def redrafts(self, triage_id: str) -> list[dict[str, Any]]:
        """The drafts made after a triage's own, oldest first."""
        query = select(redrafts.c.data).where(redrafts.c.triage_id == triage_id).order_by(redrafts.c.number)
        return [row.data for row in await self.all(query)]

    # Precedents

    async def put_precedent(self, approved: StoredEntry, at: datetime | None = None, actor: str | None = None) -> None:
        """Keeps a reply approved `at`, by default now, in the place of an earlier one of its triage; followers hear of it.

        `actor` approved it; none where one that is approved is only embedded again.
        """
        row = precedent_row(approved, at or datetime.now(UTC))
        async with self.writing() as connection:
            await connection.execute(delete(precedents).where(precedents.c.triage_id == row["triage_id"]))
            await connection.execute(insert(precedents).values(row))
            await connection.execute(insert(changes).values(brand=approved.brand, faq_id=row["triage_id"]))
            if actor is not None:
                act = Act(approved.brand, actor, "approved", approved.content.id)
                await write_down(connection, [act], row["approved_at"])

    async def remove_precedents(self, triage_ids: Sequence[str], brand: str | None = None, actor: str = "local") -> int:
        """Removes the precedents that came of these triages, with `brand` only that brand's; how many there were."""
        async with self.writing() as connection:
            return await delete_precedents(connection, triage_ids, brand, actor)

    async def precedents(self, brand: str) -> list[tuple[datetime, StoredEntry]]:
        """A brand's precedents with the time they were approved, newest first."""
        query = select(precedents).where(precedents.c.brand == brand).order_by(precedents.c.approved_at.desc())
        return [(aware(row.approved_at), stored_precedent(row)) for row in await self.all(query)]


async def _new_brand(connection: AsyncConnection, brand: str, folder_digest: str | None) -> bool:
    """Makes the brand where it is not there yet, with a change line for every follower."""
    values = {"name": brand, "folder_digest": folder_digest, "created_at": datetime.now(UTC)}
    made = await connection.execute(inserting(connection, brands).values(values).on_conflict_do_nothing())
    if made.rowcount == 0:
        return False
    await connection.execute(insert(changes).values(brand=brand, faq_id=None))
    return True


async def _delete(connection: AsyncConnection, table: Any, own: Any, column: Any, values: Sequence[str]) -> None:
    for start in range(0, len(values), CHUNK):
        await connection.execute(delete(table).where(own, column.in_(values[start : start + CHUNK])))


async def _put_contacts(connection: AsyncConnection, brand: str, earlier: Sequence[Contact], asked: Mapping[str, Asked]) -> None:
    await _delete(connection, contacts, contacts.c.brand == brand, contacts.c.contact_id, [c.contact_id for c in earlier])
    rows = [
        {"brand": brand, "contact_id": c.contact_id, "customer_id": c.customer_id, "at": c.at, "data": c.model_dump(mode="json")}
        | _asked_row(asked.get(c.contact_id))
        for c in earlier
    ]
    await connection.execute(insert(contacts), rows)


def _asked_row(asked: Asked | None) -> dict[str, Any]:
    if asked is None:
        return {"asked_digest": None, "embedder": None, "asked": None}
    return {"asked_digest": asked.digest, "embedder": asked.embedder, "asked": asked.vectors}


def _entry_row(entry: StoredEntry) -> dict[str, Any]:
    content = entry.content
    same = {name: getattr(content, name) for name in ("id", "kind", "entry", "language", "origin")}
    return same | {
        "brand": entry.brand,
        "content": content.model_dump(mode="json"),
        "digest": entry.digest,
        "embedder": entry.embedder,
        "vectors": np.ascontiguousarray(entry.vectors, "<f4").tobytes(),
    }


def _stored_entry(row: Row[Any]) -> StoredEntry:
    content = Entry.model_validate(row.content)
    count = len(content.passages) + len(content.queries)
    vectors = np.frombuffer(row.vectors, "<f4")
    if not count or vectors.size % count:
        raise RecordsNotUsable(f"the vectors of {content.id} are damaged: run firstreply train to embed all knowledge again")
    return StoredEntry(row.brand, content, row.digest, row.embedder, vectors.reshape(count, -1))


def _past(row: Row[Any]) -> PastTriage:
    if row.kind == "contact":
        contact = Contact.model_validate(row.data)
        return PastTriage(
            triage_id=contact.contact_id, at=contact.at, label=contact.label, outcome=contact.outcome, topic=contact.topic,
            order_id=contact.order_id, customer_id=contact.customer_id, asked=row.asked or b"", embedder=row.embedder,
            escalated=contact.outcome == "escalated",
        )  # fmt: skip
    return PastTriage(
        triage_id=row.id, at=aware(row.at), label=row.label, topic=row.topic, order_id=row.order_id,
        outcome=row.said or ("escalated" if row.escalate else "drafted"), customer_id=row.customer_id,
        message_id=row.message_id, conversation_id=row.conversation_id if row.conversation_id != row.id else None,
        asked=row.asked or b"", embedder=row.embedder, escalated=bool(row.escalate), resolved=bool(row.resolved),
    )  # fmt: skip
