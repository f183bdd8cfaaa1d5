"""When people are there: opening hours with several spans a day, and holidays."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal, Protocol, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Span = tuple[int, int]  # minutes since midnight, from and until
MOST_DAYS = 3_660  # days looked ahead for somebody who is there
_SPAN = re.compile(r"^(\d{1,2}):([0-5]\d)\s*[-–]\s*(\d{1,2}):([0-5]\d)$")
_HOW = 'write hours such as "9:00-18:00", or "9:00-12:30, 13:30-18:00", and leave out a day on which nobody is there'


def _spans(value: Any) -> tuple[Span, ...]:
    """The spans of a day, earliest first, from a text or a list of texts."""
    if isinstance(value, tuple):
        return value
    texts = [part.strip() for text in (value if isinstance(value, list) else [value]) for part in str(text).split(",")]
    spans = sorted(_span(text) for text in texts)
    for before, after in pairwise(spans):
        if after[0] < before[1]:
            raise ValueError(f"{_told(before)} and {_told(after)} overlap: make them one, or part them")
    return tuple(spans)


def _span(text: str) -> Span:
    match = _SPAN.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no span of hours: {_HOW}")
    opens, closes = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if max(opens, closes) > 24 * 60:
        raise ValueError(f"{text!r}: a day ends at 24:00")
    if opens >= closes:
        raise ValueError(f"{text!r} ends before it begins: hours past midnight go to the next day, from 0:00")
    return opens, closes


def _told(span: Span) -> str:
    return "-".join(f"{minutes // 60}:{minutes % 60:02}" for minutes in span)


def told(spans: tuple[Span, ...]) -> str:
    """The spans as they are written in the file."""
    return ", ".join(_told(span) for span in spans)


Spans = Annotated[tuple[Span, ...], BeforeValidator(_spans)]
OpeningHours = dict[Weekday, Spans]


class Holidays(BaseModel):
    """Days on which nobody is there: the public holidays of a country or one of its regions, and days of one's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: str | None = None  # ISO 3166-1 alpha-2
    region: str | None = None  # as ISO 3166-2 writes it after the country, such as BY of DE-BY
    dates: tuple[date, ...] = ()
    open: tuple[date, ...] = ()  # public holidays on which people work

    @model_validator(mode="before")
    @classmethod
    def _days_alone(cls, value: Any) -> Any:
        return {"dates": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _known(self) -> Holidays:
        if self.region is not None and self.country is None:
            raise ValueError("region needs a country: add the line country")
        if self.country is not None:
            _public(self.country, self.region, 2026)
        return self

    def __contains__(self, day: date) -> bool:
        if day in self.dates:
            return True
        return self.country is not None and day not in self.open and day in _public(self.country, self.region, day.year)


@lru_cache(maxsize=256)
def _public(country: str, region: str | None, year: int) -> frozenset[date]:
    """The public holidays of a year; raises ValueError with the valid values where there is no such country or region."""
    from holidays import country_holidays, list_supported_countries  # only a policy that names a country pays for it

    regions = list_supported_countries().get(country)
    if regions is None:
        raise ValueError(f"no holidays are known of country {country!r}: two capital letters (ISO 3166-1), or list dates")
    if region is not None and region not in regions:
        raise ValueError(f"unknown region {region!r} of {country}; it has: {', '.join(regions) or 'none'}")
    return frozenset(country_holidays(country, subdiv=region, years=year))


class Open(Protocol):
    """What of a policy says when people are there."""

    @property
    def opening_hours(self) -> OpeningHours:
        """By weekday; none at all means always."""

    @property
    def holidays(self) -> Holidays:
        """Days on which nobody is there."""


def open_on(hours: Open, day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """From when until when people are there on a day, aware, in `zone`."""
    if day in hours.holidays:
        return []
    midnight = datetime.combine(day, time(), zone)
    spans = hours.opening_hours.get(WEEKDAYS[day.weekday()], ())
    return [(midnight + timedelta(minutes=opens), midnight + timedelta(minutes=closes)) for opens, closes in spans]


def after_open_minutes(hours: Open, start: datetime, minutes: float, zone: ZoneInfo) -> datetime:
    """The moment by which people were there for `minutes` since `start`, UTC."""
    left, first = timedelta(minutes=minutes), start.astimezone(zone).date()
    for ahead in range(MOST_DAYS):
        for opens, closes in open_on(hours, first + timedelta(days=ahead), zone):
            begins, ends = max(opens.astimezone(UTC), start), closes.astimezone(UTC)
            if ends - begins >= left:
                return begins + left
            left -= max(ends - begins, timedelta())
    return start + timedelta(minutes=minutes)  # a calendar of nothing but holidays
