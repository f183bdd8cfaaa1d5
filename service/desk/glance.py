"""A lead's glance: how much came, how it was answered and how fast, in numbers and tables that can be taken along as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from service.desk.pages import page
from service.desk.queue import language_name
from service.desk.who import BrandHere, LeadOf
from service.errors import NotFound
from service.http.auth import PartsOf
from service.insights import Handled, Numbers, by, numbers, quantile
from service.parts import Parts
from service.records.waiting import Sought, Waiting

PERIODS = (1, 7, 30)  # days, today among them
MOST_OVERDUE = 200
_RISKY = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute with
router = APIRouter(prefix="/desk")
Days = Annotated[int, Query(ge=1, le=366)]


@dataclass(frozen=True)
class Glance:
    """All that the page shows of a brand in a period; `before` is the period of the same length before it."""

    since: datetime
    now: datetime
    zone: ZoneInfo
    handled: list[Handled]
    before: Numbers
    resolution: float | None
    resolved: int
    overdue: list[Waiting]

    @property
    def total(self) -> Numbers:
        """The numbers of the period."""
        return numbers(self.handled)

    def table(self, name: str) -> list[tuple[str, Numbers]]:
        """A table of numbers by name; raises KeyError."""
        found = by(self.handled, self._keys()[name])
        return sorted(found) if name in ("day", "hour") else found

    def _keys(self) -> dict[str, Callable[[Handled], str | None]]:
        def local(one: Handled) -> datetime:
            return one.received_at.astimezone(self.zone)

        return {
            "channel": lambda one: one.channel, "language": lambda one: one.language, "topic": lambda one: one.topic or None,
            "label": lambda one: one.label, "queue": lambda one: one.queue, "agent": lambda one: one.agent,
            "day": lambda one: local(one).date().isoformat(), "hour": lambda one: f"{local(one).hour:02}:00",
        }  # fmt: skip


TABLES = ("channel", "language", "topic", "label", "queue", "agent", "day", "hour")


@router.get("/glance")
async def glance(request: Request, agent: LeadOf, brand: BrandHere, parts: PartsOf, days: Days = 7) -> HTMLResponse:
    """The page."""
    seen = await look(brand, parts, days)
    names = {topic.id: topic.label for topic in parts.brands[brand].topics}
    tables, total = await asyncio.to_thread(lambda: ({name: seen.table(name) for name in TABLES}, seen.total))
    most = {name: max((one.messages for _, one in rows), default=1) for name, rows in tables.items()}
    return page(
        request, "glance.html", seen=seen, total=total, tables=tables, most=most, days=days, periods=PERIODS, topics=names,
        language_name=language_name,
    )  # fmt: skip


@router.get("/glance/{table}.csv")
async def table_of(request: Request, table: str, agent: LeadOf, brand: BrandHere, parts: PartsOf, days: Days = 7) -> Response:
    """A table as CSV, UTF-8 with the mark by which Excel knows it; raises NotFound for a table that there is not."""
    if table not in (*TABLES, "overdue"):
        raise NotFound("there is no such table")
    seen = await look(brand, parts, days)
    if table == "overdue":
        head = ["triage_id", "conversation_id", "respond_by", "priority", "queue", "channel", "agent"]
        lines = [
            [talk.last_triage_id, talk.conversation_id, talk.respond_by.isoformat(), talk.priority, talk.queue,
             one.message.channel, talk.agent or ""]
            for one in seen.overdue for talk in (one.conversation,)
        ]  # fmt: skip
    else:
        rows = await asyncio.to_thread(seen.table, table)
        head = [table, *Numbers.__dataclass_fields__]
        lines = [[name, *("" if value is None else value for value in asdict(one).values())] for name, one in rows]
    name = f"firstreply-{brand}-{table}-{seen.since:%Y-%m-%d}.csv"
    ascii_name = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
    headers = {"Content-Disposition": f'attachment; filename="{ascii_name}"'}
    return Response("\ufeff" + written(head, lines), media_type="text/csv; charset=utf-8", headers=headers)


async def look(brand: str, parts: Parts, days: int) -> Glance:
    """The period of so many days of the brand's own time that ends now."""
    zone, now = ZoneInfo(parts.brands[brand].identity.timezone), datetime.now(UTC)
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    since = (today - timedelta(days=days - 1)).astimezone(UTC)
    insights = parts.records.insights
    stale_before = now - timedelta(days=parts.brands[brand].identity.stale_after_days)
    waiting = await parts.records.waiting.first(Sought(brand, stale_before), MOST_OVERDUE)
    resolutions = await insights.resolutions(brand, since, now)
    return Glance(
        since=since, now=now, zone=zone, handled=await insights.handled(brand, since, now),
        before=await asyncio.to_thread(numbers, await insights.handled(brand, since - (now - since), since)),
        resolution=quantile(resolutions, 0.5), resolved=len(resolutions),
        overdue=[one for one in waiting if one.conversation.respond_by < now],
    )  # fmt: skip


def written(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """The table by RFC 4180; what a spreadsheet would take for a formula has an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_harmless(value) for value in line] for line in lines)
    return out.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_RISKY) else value
