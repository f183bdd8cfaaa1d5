"""What follows from the sources though it does not stand there: a day after a span, a span between two days, a sum of sums.

"Delivered on 7 November, 30 days to return it" makes 7 December true, and 8 December false. What may be concluded from is what
the text itself tells: a day that nothing in it leads to is not excused by any two numbers that happen to add up to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations, product

from service.draft.checks.days import named_days
from service.draft.checks.made import Made, day_of, days_of
from service.draft.checks.quantities import keys_of, units_of
from service.draft.checks.quantity import Key, Quantity
from service.draft.checks.reading import CURRENCIES
from service.draft.checks.wording import clause_with, plain

LONG_SPAN = 7  # days from which a span counts from an order or its delivery without the text saying so: a return window
LONGEST_SPAN = 3660  # days; a span beyond is no deadline
FIRST_YEAR = 2000  # from which a number of four digits may be a year
_DAY, _WEEK, _MONTH = 1440, 7, 30.4  # minutes, days, days
_WORKING = 5  # business days of a week
# Feasts that are on the same day every year, by their names in prompts/checks: month and day.
FEASTS = {
    "epiphany": (1, 6), "valentine": (2, 14), "kings_day": (4, 27), "halloween": (10, 31), "all_saints": (11, 1),
    "saint_nicholas": (12, 6), "lucia": (12, 13), "christmas": (12, 25), "new_year": (12, 31),
}  # fmt: skip
PAST: frozenset[Key] = frozenset(("relative", name) for name in ("yesterday", "day_before_yesterday", "last_week"))
_IN_HOURS = frozenset({"hours", "minutes"})
_UNITS = frozenset(CURRENCIES.values())


def follows(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether the quantity is a conclusion from the sources and from what the draft tells beside it."""
    match found.kind:
        case "date" | "weekday" | "month" | "relative":
            if _is_told_day(found, sentence, made) or found.keys & _reckoned("number", sentence, made):
                return True  # "26.5 cm" reads as a day as well
            return any(_falls_on(day, found, made.today) for day in _possible(found, sentence, made))
        case "feast":
            if any(_is_known_day(str(value), made) for _, value in found.keys):
                return True
            return any(_is_in_time(str(value), made) for name, value in found.keys & made.heard)
        case "number":
            years = {("number", float(day.year)) for day in _deadlines(sentence, made)} | _years(made)
            return bool(found.keys & years) or bool(found.keys & _reckoned("number", sentence, made))
        case "span":
            if found.keys & (_counted(made) | _weeks_of_work(made)) or _has_passed(found, sentence, made):
                return True
            return bool(found.keys & (_reckoned("minutes", sentence, made) | _reckoned("months", sentence, made)))
        case "money":
            return bool(found.keys & _sums(sentence, made))
    return False


def starts(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether it is the day of what the customer may do, from which something counts: "if you order today"."""
    return any(one.start() <= found.start < one.end() for one in made.words.starting.finditer(sentence))


def binds_nobody(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether a day or time is no promise: nothing happens then, or what is known comes before it."""
    return _is_denied(found, sentence, made) or _comes_in_time(found, made)


def _is_denied(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether nothing happens on the day: "Saturday doesn't count", "not at five"; "no later than Monday" is a deadline."""
    if found.kind not in ("weekday", "relative", "clock"):
        return False
    clause = clause_with(found.text.strip(), sentence, made.words)
    return made.words.negated(clause) and made.words.later.search(clause) is None


def _comes_in_time(found: Quantity, made: Made) -> bool:
    """Whether the customer named the day and one that the sources know and the draft tells comes before: "in time for Sunday"."""
    if found.kind not in ("weekday", "relative") or not found.keys & made.heard:
        return False
    ahead = (made.today + timedelta(days=number) for number in range(2 * _WEEK))
    last = max((day for day in ahead if _falls_on(day, found, made.today)), default=None)
    if last is None:
        return False
    both = made.told & made.known
    if ("relative", "today") in found.keys and any(name == "minutes" and isinstance(v, float) and v < _DAY for name, v in both):
        return True  # "it comes within 30 minutes, so you have it tonight"
    return any(name == "date" and isinstance(day, date) and made.today <= day <= last for name, day in both)


def _possible(found: Quantity, sentence: str, made: Made) -> Iterator[date]:
    """The deadlines without those that are past, where something is said to happen by them."""
    words = made.words
    promised = words.promising.search(sentence) is not None and words.elapsed.search(sentence) is None
    promised = promised and not found.keys & PAST  # "they were over yesterday"
    return (day for day in _deadlines(sentence, made, found) if day >= made.today or not promised)


def _is_told_day(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether a weekday stands beside a day that it is the weekday of: "Friday 4 December"."""
    if found.kind != "weekday":
        return False
    beside = {value for name, value in _keys(sentence, made) if name == "date"}
    return any(isinstance(day, date) and ("weekday", day.weekday()) in found.keys for day in beside)


def _falls_on(day: date, found: Quantity, today: date) -> bool:
    keys: set[Key] = {("date", day), ("weekday", day.weekday()), ("month", day.month)}
    return bool(found.keys & (keys | named_days(day, today)))


def _deadlines(sentence: str, made: Made, found: Quantity | None = None) -> Iterator[date]:
    """Days that a span of the sources leads to, from a day that the draft tells or by a span that it tells.

    `found` is what may follow from them: its own weekday is no day that is told.
    """
    told = made.told | _keys(sentence, made)
    known = {value for name, value in made.known | made.heard if name == "date" and isinstance(value, date)} | {made.today}
    told -= found.keys if found else frozenset()
    own = {day.weekday() for name, day in (found.keys if found else ()) if name == "date" and isinstance(day, date)}
    weekdays = {value for name, value in told if name == "weekday"} - own
    named = {day for day in known if day.weekday() in weekdays and abs((day - made.today).days) < 2 * _WEEK}
    last = (made.today - timedelta(days=number) for number in range(_WEEK))  # "I ordered on Monday"
    named |= {day for day in last if ("weekday", day.weekday()) in made.heard}
    named |= {value for name, value in told | made.heard if name == "date" and isinstance(value, date)}
    begins = {day for order in made.orders for at in (order.placed_at, order.delivered_at) if (day := day_of(at)) is not None}
    for name, value in made.known:
        if name not in ("minutes", "business_days", "months") or not isinstance(value, float):
            continue
        days = known | named if not made.texts or (name, value) in told else named
        for start in days | (begins if _is_long(name, value) else set()):
            if (day := _after(start, name, value)) is not None:
                yield day


def _is_long(name: str, value: float) -> bool:
    return name == "months" or (name == "minutes" and value >= LONG_SPAN * _DAY)


def _after(start: date, unit: str, value: float) -> date | None:
    """The day that is so much later; None for parts of a day."""
    if unit == "months":
        months = start.month - 1 + int(value)
        if value != int(value) or months > LONGEST_SPAN / _MONTH:
            return None
        year, month = start.year + months // 12, months % 12 + 1
        return date(year, month, min(start.day, _last_day(year, month)))
    if unit == "business_days":
        day = start
        for _ in range(min(int(value), LONGEST_SPAN)):
            day += timedelta(days={4: 3, 5: 2}.get(day.weekday(), 1))
        return day
    whole = value / _DAY
    return start + timedelta(days=whole) if whole == int(whole) and whole <= LONGEST_SPAN else None


def _last_day(year: int, month: int) -> int:
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day


def _counted(made: Made) -> frozenset[Key]:
    """Numbers of days that a source lists: "Thursday to Saturday" are three."""
    return frozenset(("minutes", value * _DAY) for name, value in made.known if name == "days_named" and isinstance(value, float))


def _weeks_of_work(made: Made) -> frozenset[Key]:
    """Five business days are a week, as people tell it."""
    business = {value for name, value in made.known if name == "business_days" and isinstance(value, float)}
    return frozenset(("minutes", value / _WORKING * _WEEK * _DAY) for value in business if value % _WORKING == 0)


def _has_passed(found: Quantity, sentence: str, made: Made) -> bool:
    """Whether so much time lies between two days of an order, or between one and today, and the text speaks of that."""
    if _IN_HOURS & set(units_of(found.text, made.language)):
        return False  # "this takes 48 hours" tells of no two days
    tells = made.words.elapsed.search(sentence) is not None
    due = made.words.deadline_before.search(sentence[: found.start]) is not None  # "in two days"
    told = made.told | _keys(sentence, made)
    for order in made.orders:
        days = days_of(order)
        pairs = [(day, made.today) for day in days if tells or (due and day > made.today)]
        pairs += [pair for pair in combinations(days, 2) if tells or all(("date", day) in told for day in pair)]
        if any(found.keys & _between(*sorted(pair)) for pair in pairs):
            return True
    if not tells:
        return False
    ends = [day for name, day in made.told & made.known if name == "date" and isinstance(day, date)]
    if any(found.keys & _between(*sorted((day, end))) for day in _feast_days(sentence, made) for end in ends):
        return True  # "until 31 January: five weeks after Christmas"
    spoken = (made.today - timedelta(days=ago) for ago in range(1, 2 * _WEEK))
    if any(("weekday", day.weekday()) in made.heard and found.keys & _between(day, made.today) for day in spoken):
        return True  # "last Friday is eight days ago"
    years = {value for name, value in made.known if name == "number" and isinstance(value, float) and FIRST_YEAR <= value}
    since: set[Key] = {("months", 12 * (made.today.year - year)) for year in years if year < made.today.year}
    left = (day for day in _deadlines(sentence, made) if day > made.today)
    return bool(found.keys & since) or any(found.keys & _between(made.today, day) for day in left)


def _feast_days(sentence: str, made: Made) -> list[date]:
    """The days of the feasts that the sentence names, last time and next."""
    named = [FEASTS[str(value)] for name, value in _keys(sentence, made) if name == "feast" and value in FEASTS]
    return [date(made.today.year + step, month, day) for month, day in named for step in (0, 1)]


def _between(start: date, end: date) -> set[Key]:
    """The span between two days as people tell it: exact in days, and "almost" or "over" so many weeks and months."""
    days = (end - start).days
    weeks, months = days / _WEEK, days / _MONTH
    business = sum((start + timedelta(days=n)).weekday() < 5 for n in range(1, days + 1)) if days < LONGEST_SPAN else days
    found: set[Key] = {("minutes", float(days * _DAY)), ("business_days", float(business))}
    found |= {("minutes", float(number * _WEEK * _DAY)) for number in {math.floor(weeks), math.ceil(weeks)} if number}
    return found | {("months", float(number)) for number in {math.floor(months), round(months), math.ceil(months)} if number}


def _reckoned(unit: str, sentence: str, made: Made) -> set[Key]:
    """What the customer said and the sentence repeats, more or less by what a source says and the sentence as well.

    "Add 1 cm to your 25.5 cm: that's 26.5"; of a card valid 5 years and bought two years ago, 3 remain.
    """
    told = _keys(sentence, made) | (made.told if unit == "months" else frozenset())
    source, heard = ({v for n, v in keys & told if n == unit and isinstance(v, float)} for keys in (made.known, made.heard))
    heard |= {v for n, v in made.heard if n == unit and isinstance(v, float) and unit == "months"}
    return {(unit, value) for one in source for two in heard for value in (round(one + two, 2), round(abs(one - two), 2))}


def _years(made: Made) -> set[Key]:
    """Years that a span of the sources leads to from one that the customer said: "bought in 2023", valid for 5 years."""
    heard = {value for name, value in made.heard if name == "number" and isinstance(value, float) and value >= FIRST_YEAR}
    spans = {value / 12 for name, value in made.known if name == "months" and isinstance(value, float) and value % 12 == 0}
    return {("number", year + span) for year in heard for span in spans}


def _is_known_day(feast: str, made: Made) -> bool:
    """Whether the sources name the feast's day or its eve: "Christmas Eve" is 24 December."""
    if feast not in FEASTS:
        return False
    day = date(made.today.year, *FEASTS[feast])
    near = {(one.month, one.day) for one in (day, day - timedelta(days=1))}
    return any((value.month, value.day) in near for name, value in made.known if name == "date" and isinstance(value, date))


def _is_in_time(feast: str, made: Made) -> bool:
    """Whether a day that the sources know and the draft tells comes before the feast that the customer spoke of."""
    if feast not in FEASTS:
        return False
    day = made.today.replace(month=FEASTS[feast][0], day=FEASTS[feast][1])
    feast_day = day if day >= made.today else day.replace(year=day.year + 1)
    told = (value for name, value in made.told & made.known if name == "date")
    return any(isinstance(value, date) and made.today <= value <= feast_day for value in told)


def _sums(sentence: str, made: Made) -> set[Key]:
    """Prices of what was ordered, times how many, and sums and differences of two amounts that are known."""
    told = made.told | _keys(sentence, made)
    own = _prices(made) | {key for value in made.values if len(value) < 60 for key in _keys(value, made) if key[0] in _UNITS}
    others = {key for key in made.known if key[0] in _UNITS and key in told}
    found = set(own)
    for (unit, one), (other, two) in product(own | others, own | others):
        if unit == other and isinstance(one, float) and isinstance(two, float):
            found |= {(unit, round(one + two, 2)), (unit, round(abs(one - two), 2))}
    return found


def _prices(made: Made) -> set[Key]:
    found: set[Key] = set()
    for order in made.orders:
        unit = next((money.currency for money in (order.total, order.refund) if money is not None), "EUR")
        for item in order.items:
            if item.price is not None:
                found |= {(unit, round(item.price * number, 2)) for number in range(1, max(item.quantity, 1) + 1)}
    return found


def _keys(text: str, made: Made) -> frozenset[Key]:
    return keys_of(plain(text), made.language, made.today)
