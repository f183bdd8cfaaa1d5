"""The one statement that reads a customer with their orders and their latest contacts.

Made once: making it costs more than running it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    cast,
    exists,
    literal,
    null,
    or_,
    select,
    union_all,
)  # fmt: skip

from service.records.tables import contacts, conversations, customers, feedback, handles, orders, triages

# As the response is written; inside a text its quotes would be escaped. A column of its own would need every row rewritten.
ALL_WELL = '"trajectory":"resolved"'
LATEST = 10  # triages, and as many contacts, that are read
_OF_TRIAGES = ("label", "topic", "order_id", "escalate")


def _belongings(customer_id: ColumnElement[str]) -> CompoundSelect[Any]:
    """Rows of kind customer, order, triage and contact of one customer of one brand.

    Orders come in any order: told to sort them by id, SQLite walks the key through all orders of the brand (50 ms of
    100,000) and leaves the index on customers aside.
    Triages carry columns of their own and no data, the others their data and nulls.
    """
    brand: ColumnElement[str] = bindparam("brand")
    before: ColumnElement[Any] = bindparam("before")
    said = (
        select(feedback.c.action)
        .where(feedback.c.triage_id == triages.c.id)
        .order_by(feedback.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    closed = exists().where(
        conversations.c.brand == triages.c.brand, conversations.c.conversation_id == triages.c.conversation_id,
        conversations.c.resolved_at >= triages.c.created_at,
    )  # fmt: skip
    past = (
        select(
            literal("triage").label("kind"), triages.c.customer_id, triages.c.id, triages.c.received_at.label("at"),
            triages.c.label, triages.c.topic, triages.c.order_id, triages.c.escalate, said.label("said"),
            triages.c.message_id, triages.c.conversation_id, triages.c.embedder, triages.c.asked,
            or_(triages.c.response.contains(ALL_WELL), closed).label("resolved"), cast(null(), JSON).label("data"),
        )
        .where(triages.c.brand == brand, triages.c.customer_id == customer_id, triages.c.received_at < before)
        .order_by(triages.c.received_at.desc())
        .limit(LATEST)
    )  # fmt: skip
    told = (
        _rows("contact", contacts, contacts.c.contact_id, contacts.c.at)
        .where(contacts.c.brand == brand, contacts.c.customer_id == customer_id, contacts.c.at < before)
        .order_by(contacts.c.at.desc())
        .limit(LATEST)
    )
    person = _rows("customer", customers, customers.c.customer_id).where(
        customers.c.brand == brand, customers.c.customer_id == customer_id
    )
    bought = _rows("order", orders, orders.c.order_id).where(orders.c.brand == brand, orders.c.customer_id == customer_id)
    parts = {"past": past, "told": told, "person": person, "bought": bought}
    return union_all(*(select(part.subquery(name)) for name, part in parts.items()))


def _rows(kind: str, table: Any, key: Any, at: Any = None) -> Select[Any]:
    """A select with the columns of the union that `table` has, nulls for the others."""
    nothing = {name: cast(null(), triages.c[name].type).label(name) for name in _OF_TRIAGES}
    moment = cast(null(), triages.c.received_at.type) if at is None else at
    return select(
        literal(kind).label("kind"), table.c.customer_id, key.label("id"), moment.label("at"), *nothing.values(),
        cast(null(), feedback.c.action.type).label("said"),
        *(cast(null(), triages.c[name].type).label(name) for name in ("message_id", "conversation_id")),
        *(table.c[name] if name in table.c else cast(null(), triages.c[name].type).label(name) for name in ("embedder", "asked")),
        cast(null(), Boolean).label("resolved"), table.c.data,
    )  # fmt: skip


_LINKED = select(handles.c.customer_id).where(
    handles.c.brand == bindparam("brand"),
    handles.c.channel == bindparam("channel"),
    handles.c.handle == bindparam("handle"),
)
# Parameters: brand, before, and customer_id or channel and handle.
OF_CUSTOMER = _belongings(bindparam("customer_id"))
OF_HANDLE = _belongings(_LINKED.scalar_subquery())
