"""Rows of the table of precedents, as the entries that a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.knowledge import Entry, StoredEntry
from service.records.audit import Act, write_down
from service.records.purchases import CHUNK
from service.records.tables import changes, precedents


def precedent_row(approved: StoredEntry, now: datetime) -> dict[str, Any]:
    """The row of an approved reply; its entry's id is the triage's."""
    content = approved.content
    return {
        "triage_id": content.id, "brand": approved.brand, "language": content.language, "text": content.answer,
        "embedder": approved.embedder, "asked": approved.vectors.astype("<f2").tobytes(), "approved_at": now,
    }  # fmt: skip


def stored_precedent(row: Row[Any]) -> StoredEntry:
    """The entry of a row."""
    content = Entry(
        id=row.triage_id, kind="precedent", entry=row.triage_id, language=row.language, topic=None, title="", answer=row.text,
        origin="feedback",
    )  # fmt: skip
    return StoredEntry(row.brand, content, content.digest, row.embedder, np.frombuffer(row.asked, "<f2").astype("<f4")[None])


async def delete_precedents(connection: AsyncConnection, triage_ids: Sequence[str], brand: str | None, actor: str) -> int:
    """Deletes the precedents of these triages, with a change line and a line of the audit for each; how many there were."""
    gone: list[dict[str, Any]] = []
    for start in range(0, len(triage_ids), CHUNK):
        mine: list[ColumnElement[bool]] = [precedents.c.triage_id.in_(triage_ids[start : start + CHUNK])]
        if brand is not None:
            mine.append(precedents.c.brand == brand)
        found = await connection.execute(select(precedents.c.brand, precedents.c.triage_id).where(*mine))
        gone += [{"brand": row.brand, "faq_id": row.triage_id} for row in found]
        await connection.execute(delete(precedents).where(*mine))
    if gone:
        await connection.execute(insert(changes), gone)
        acts = [Act(one["brand"], actor, "removed", one["faq_id"]) for one in gone]
        await write_down(connection, acts, datetime.now(UTC))
    return len(gone)
