"""Statements for what brands spend on a model: one row a brand and day, checked and raised in one statement."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Update, and_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.records.tables import llm_spending as spending

Most = int | None


async def reserve(
    connection: AsyncConnection, brand: str, day: date, tokens: int, millionths: int, most_tokens: Most, most_millionths: Most
) -> bool:
    """Adds to a brand's day unless that came to more than the most; whether it did. Any number of processes may do so at once."""
    asked, most = (tokens, millionths), (most_tokens, most_millionths)
    if any(limit is not None and amount > limit for amount, limit in zip(asked, most, strict=True)):
        return False
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = dialect.insert(spending).values(brand=brand, day=day, tokens=tokens, millionths=millionths)
    columns = (spending.c.tokens, spending.c.millionths)
    room = [column + amount <= limit for column, amount, limit in zip(columns, asked, most, strict=True) if limit is not None]
    raised = {column.name: column + amount for column, amount in zip(columns, asked, strict=True)}
    done = await connection.execute(
        row.on_conflict_do_update(index_elements=["brand", "day"], set_=raised, where=and_(*room) if room else None)
    )
    return bool(done.rowcount == 1)


def settling(brand: str, day: date, tokens: int, millionths: int) -> Update:
    """Adds to a brand's day, which is there, or takes from it."""
    return (
        update(spending)
        .where(spending.c.brand == brand, spending.c.day == day)
        .values(tokens=spending.c.tokens + tokens, millionths=spending.c.millionths + millionths)
    )
