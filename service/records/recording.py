"""What is written when a triage is recorded, whoever made it: a request that waits for it or a worker of the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from service.messages import Message, Triage
from service.records.audit import Act, write_down
from service.records.conversations import conversation_of, put_messages
from service.records.database import Writes
from service.records.tables import triages

INBOX = "inbox"  # who records what nobody waits for


async def insert_triages(
    connection: Writes, pairs: Sequence[tuple[Message, Triage]], now: datetime, actors: Sequence[str] = ()
) -> None:
    """Records triages with the messages they answer, their conversations, and that they were made, by the `actors` if given."""
    await connection.execute(insert(triages), [_row(message, triage, now) for message, triage in pairs])
    made = [triage for _, triage in pairs]
    await put_messages(connection, made, now)
    names = actors or [INBOX] * len(made)
    acts = [
        Act(triage.brand, actor, "recorded", triage.id, conversation_of(triage))
        for triage, actor in zip(made, names, strict=True)
    ]
    await write_down(connection, acts, now)


def _row(message: Message, triage: Triage, now: datetime) -> dict[str, Any]:
    customer = triage.context.customer
    return {
        "id": triage.id,
        "brand": triage.brand,
        "message_id": triage.message_id,
        "conversation_id": conversation_of(triage),
        "customer_id": customer.customer_id if customer else None,
        "received_at": triage.received_at,
        "created_at": now,
        "label": triage.understanding.label,
        "topic": triage.understanding.topic.label,
        "order_id": triage.context.orders[0].order_id if triage.context.orders else None,
        "escalate": triage.escalation.escalate,
        "queue": triage.escalation.queue,
        "priority": triage.escalation.priority,
        "respond_by": triage.escalation.respond_by,
        "request": message.model_dump_json(),
        "response": triage.model_dump_json(),
        "embedder": triage.versions.embedder if triage.context.asked else None,
        "asked": triage.context.asked or None,
        "language": triage.understanding.language.code,
        "channel": message.channel,
    }
