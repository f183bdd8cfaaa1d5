"""Days in a text: written out, in numbers, by their name, by a feast or by the number of a week."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from service.draft.checks.quantity import Key, Quantity
from service.draft.checks.reading import Reader, values_of

_ISO = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
_NUMERIC = re.compile(r"(?<![\d.,/-])(\d{1,2})([./-])(\d{1,2})(?:\2(\d{4}|\d{2}))?\.?(?![\d/-]|[.,]\d)")
LAST_WEEK = 53
HALF_A_YEAR = 182  # days
_DAYS_AHEAD = {"day_before_yesterday": -2, "yesterday": -1, "today": 0, "tomorrow": 1, "day_after_tomorrow": 2}


def iso(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """2026-11-24."""
    for match in _ISO.finditer(text):
        if (day := _day(int(match[1]), int(match[2]), int(match[3]))) is not None:
            yield Quantity(match[0], "date", frozenset({("date", day)}), match.start())


def numeric(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """24.11., 24/11/2026."""
    for match in _NUMERIC.finditer(text):
        first, second, year = int(match[1]), int(match[3]), match[4]
        days = [_near(first, second, year, today)]
        if reader.english or second > 12:
            days.append(_near(second, first, year, today))
        keys: set[Key] = {("date", day) for day in days if day is not None}
        if not keys or (match[2] == "-" and not year) or match[0] == "24/7":
            continue  # "2-3" is a range
        if match[2] == "." and not year and not match[0].endswith("."):
            keys |= {("clock", first * 60 + second)} if first < 25 and second < 60 else set()
            keys |= {("number", value) for value in values_of(f"{match[1]}.{match[3]}")}
        yield Quantity(match[0], "date", frozenset(keys), match.start())


def text_dates(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """24 November, November 24."""
    for pattern in (reader.dates, reader.dates_turned):
        for match in pattern.finditer(text) if pattern is not None else ():
            month = reader.month_numbers[match["month"].casefold().rstrip(".")]
            for number in [match["day"], match["first"]]:
                if number is None:
                    continue
                day = _near(int(number), month, match["year"], today)
                if day is not None:
                    yield Quantity(match[0], "date", frozenset({("date", day)}), match.start())
            text = text[: match.start()] + "\x00" * len(match[0]) + text[match.end() :]


def of_month(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """A day without its month: "the 14th" is one of the months beside."""
    for match in reader.of_month.finditer(text):
        number = int(next(value for value in match.groups() if value))
        last = today.replace(day=1) - timedelta(days=1)
        following = today.replace(day=28) + timedelta(days=4)
        near = (_day(month.year, month.month, number) for month in (last, today, following))
        keys: frozenset[Key] = frozenset(("date", day) for day in near if day is not None)
        yield Quantity(match[0], "date", keys, match.start())


def weeks(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """A week by its number: any of its days."""
    for match in reader.week_numbers.finditer(text):
        number = int(match["week"] or match["before"])
        if 1 <= number <= LAST_WEEK:
            found = (today + timedelta(days=days) for days in range(-HALF_A_YEAR, HALF_A_YEAR))
            yield Quantity(
                match[0], "date", frozenset(("date", day) for day in found if day.isocalendar().week == number), match.start()
            )


def feasts(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """A feast or a season: "Easter"."""
    if reader.any_feast.search(text) is None:
        return
    for name, pattern in reader.feasts.items():
        for match in pattern.finditer(text):
            yield Quantity(match[0], "feast", frozenset({("feast", name)}), match.start())


def months(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """In November."""
    for match in reader.months.finditer(text):
        month = reader.month_numbers[match["month"].casefold().rstrip(".")]
        yield Quantity(match[0], "month", frozenset({("month", month)}), match.start())


def weekdays(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """Tuesday, with its part of the day where that is one word: Dienstagmorgen."""
    for match in reader.weekdays.finditer(text):
        yield Quantity(match[0], "weekday", frozenset({("weekday", reader.day_numbers[match["day"].casefold()])}), match.start())


def relatives(text: str, reader: Reader, today: date) -> Iterator[Quantity]:
    """Tomorrow, next week, at the weekend."""
    for name, pattern in reader.relative.items() if reader.any_relative.search(text) else ():
        for match in pattern.finditer(text):
            keys: set[Key] = {("relative", name)}
            if name == "next_business_day":
                keys.add(("business_days", 1.0))
            if name in _DAYS_AHEAD:
                keys.add(("date", today + timedelta(days=_DAYS_AHEAD[name])))
            yield Quantity(match[0], "relative", frozenset(keys), match.start())


def named_days(day: date, today: date) -> set[Key]:
    """What else a day of a source may be called: tomorrow, next week, at the weekend."""
    ahead = (day - today).days
    found: set[Key] = {("relative", name) for name, step in _DAYS_AHEAD.items() if step == ahead}
    monday = today - timedelta(days=today.weekday())
    weeks = (day - monday).days // 7
    found |= {("relative", name) for name, number in (("last_week", -1), ("this_week", 0), ("next_week", 1)) if weeks == number}
    if day.weekday() >= 5 and 0 <= ahead < 9:
        found.add(("relative", "weekend"))
    months = (day.year - today.year) * 12 + day.month - today.month
    return found | {("relative", name) for name, number in (("this_month", 0), ("next_month", 1)) if months == number}


def _near(day: int, month: int, year: str | None, today: date) -> date | None:
    """The day in the year that is given, else in the one that brings it nearest."""
    if year:
        number = int(year)
        return _day(number + 2000 if number < 100 else number, month, day)
    near = [found for step in (-1, 0, 1) if (found := _day(today.year + step, month, day)) is not None]
    return min(near, key=lambda found: abs((found - today).days), default=None)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
