"""Retention: once a day one process of all deletes what is older than a brand keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog

from service.brands import Brand, Retention
from service.errors import Unavailable
from service.parts import Parts
from service.records.aged import AgedCounts
from service.records.queries import Records

WORK = "retention"
EVERY = timedelta(days=1)
LOOKED = 600.0  # seconds between two looks whether a day has passed
log = structlog.get_logger()


async def run(records: Records, brands: Mapping[str, Retention], now: datetime, *, dry_run: bool) -> dict[str, AgedCounts]:
    """By brand with a period: what was deleted or, with `dry_run`, would be."""
    done: dict[str, AgedCounts] = {}
    for brand, kept in brands.items():
        triages_before = _before(now, kept.triages_days)
        contacts_before = _before(now, kept.contacts_days)
        if triages_before is None and contacts_before is None:
            continue
        work = records.aged.count if dry_run else records.aged.delete
        done[brand] = await work(brand, triages_before, contacts_before)
    return done


def _before(now: datetime, days: int | None) -> datetime | None:
    return now - timedelta(days=days) if days is not None else None


def periods_of(brands: Mapping[str, Brand]) -> dict[str, Retention]:
    """What each brand says about how long it keeps things."""
    return {name: brand.identity.retention for name, brand in brands.items()}


async def run_if_due(parts: Parts, now: datetime) -> bool:
    """Runs where a day has passed since any process did; whether it ran."""
    if not await parts.records.schedule.take(WORK, now, EVERY):
        return False
    done = await run(parts.records, periods_of(parts.brands), now, dry_run=False)
    log.info(
        "retention_ran",
        triages=sum(counts.triages for counts in done.values()),
        messages=sum(counts.messages for counts in done.values()),
        contacts=sum(counts.contacts for counts in done.values()),
    )
    return True


async def run_daily(parts: Parts) -> None:
    """Looks from time to time, until it is cancelled; a database that is away is no reason to end."""
    while True:
        try:
            await run_if_due(parts, datetime.now(UTC))
        except Unavailable as error:
            log.warning("retention_failed", reason=error.detail)
        await asyncio.sleep(LOOKED)
