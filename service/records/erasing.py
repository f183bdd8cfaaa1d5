"""What belongs to a person in every table, and how it is deleted. A test fails for a table that is not declared here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, delete, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.records.audit import opened
from service.records.purchases import CHUNK
from service.records.tables import (
    audit,
    changes,
    contacts,
    conversations,
    customers,
    deliveries,
    feedback,
    handles,
    idempotency,
    inbox,
    orders,
    precedents,
    redrafts,
    triages,
)
from service.records.traces import Traces


@dataclass(frozen=True)
class Held:
    """A table with rows of persons: those whose `column` has one of the ids that `by` names in Traces."""

    table: Table
    column: Column[Any]
    by: str
    outlives_retention: bool = False  # masked, or gone by itself


# Every table with anything of a person in it, in the order in which rows go.
HELD = (
    Held(precedents, precedents.c.triage_id, "triages", outlives_retention=True),
    Held(audit, audit.c.triage_id, "triages"),
    Held(audit, audit.c.conversation_id, "conversations"),
    Held(conversations, conversations.c.conversation_id, "conversations"),
    Held(feedback, feedback.c.triage_id, "triages"),
    Held(redrafts, redrafts.c.triage_id, "triages"),
    Held(deliveries, deliveries.c.triage_id, "triages"),
    Held(deliveries, deliveries.c.message_id, "messages"),
    Held(idempotency, idempotency.c.key, "requests", outlives_retention=True),
    Held(inbox, inbox.c.id, "messages"),
    Held(triages, triages.c.id, "triages"),
    Held(contacts, contacts.c.customer_id, "customers"),
    Held(orders, orders.c.customer_id, "customers"),
    Held(handles, handles.c.customer_id, "customers"),
    Held(customers, customers.c.customer_id, "customers"),
)

# Every other table, and why nothing of a person is in it.
NOT_HELD = {
    "brands": "names of brands and digests of their folders",
    "faqs": "what a brand tells everybody",
    "changes": "ids of entries; a triage's id is made at random",
    "llm_spending": "sums of a day",
    "api_keys": "names of keys, given by whoever runs the service",
    "agents": "names of agents, given by whoever runs the service",
    "agent_sessions": "digests and times",
    "connections": "names and secrets of systems",
    "workers": "ids of processes",
    "erasures": "digests and numbers of rows",
    "schedule": "times",
    "endpoints": "addresses and secrets of systems",
    "audit_guard": "empty between two transactions",
}


async def delete_traces(
    connection: AsyncConnection, brand: str, traces: Traces, *, for_retention: bool = False
) -> dict[str, int]:
    """Deletes every row of these traces, `for_retention` without those that outlive it; rows by table."""
    gone = {held.table.name: 0 for held in HELD}
    async with opened(connection, "retention" if for_retention else "erasure"):
        for held in HELD:
            ids: Sequence[str] = getattr(traces, held.by)
            if for_retention and held.outlives_retention:
                continue
            if held.table is precedents:
                await _tell_followers(connection, brand, ids)
            gone[held.table.name] += await _delete(connection, held, brand, ids)
    return gone


async def _tell_followers(connection: AsyncConnection, brand: str, triage_ids: Sequence[str]) -> None:
    """A change line for each precedent of these triages, so that nobody searches for it any more."""
    for start in range(0, len(triage_ids), CHUNK):
        mine = precedents.c.triage_id.in_(triage_ids[start : start + CHUNK]) & (precedents.c.brand == brand)
        told = select(literal(brand), precedents.c.triage_id).where(mine)
        await connection.execute(insert(changes).from_select(["brand", "faq_id"], told))


async def _delete(connection: AsyncConnection, held: Held, brand: str, ids: Sequence[str]) -> int:
    gone = 0
    for start in range(0, len(ids), CHUNK):
        query = delete(held.table).where(held.column.in_(ids[start : start + CHUNK]))
        if "brand" in held.table.c:
            query = query.where(held.table.c.brand == brand)
        gone += (await connection.execute(query)).rowcount
    return gone
