"""Until when an answer is due, and what a customer may be promised."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.escalate.policy import WEEKDAYS, Policy
from service.messages import Channel, Urgency

STEP = timedelta(minutes=30)  # promises are rounded up to the half hour: nobody promises 10:07
MARGIN = timedelta(minutes=30)  # between the internal target and what a customer is told
AFTER_OPENING = timedelta(hours=2)  # time to work through what came in while closed


def respond_by(policy: Policy, received_at: datetime, channel: Channel, *, private: bool, priority: Urgency | None) -> datetime:
    """The moment an answer is due, UTC; `priority` only for an escalated message."""
    targets = policy.targets_minutes
    minutes = targets["default"]
    if private:
        minutes = targets.get("private", minutes)
    minutes = targets.get(channel, minutes)
    if priority is not None:
        minutes = min(minutes, policy.priority_minutes.get(priority, minutes))
    return received_at + timedelta(minutes=minutes)


def promise(policy: Policy, due: datetime, timezone: str) -> datetime:
    """The moment a holding text may name, in the brand's time zone: after `due`, on the half hour, while people are there."""
    moment = due.astimezone(ZoneInfo(timezone)) + MARGIN
    since_midnight = timedelta(hours=moment.hour, minutes=moment.minute)
    moment = moment.replace(hour=0, minute=0, second=0, microsecond=0) + -(-since_midnight // STEP) * STEP
    if not policy.opening_hours:
        return moment
    hours = {WEEKDAYS.index(day): _span(text) for day, text in policy.opening_hours.items()}
    for ahead in range(8):
        day = moment.date() + timedelta(days=ahead)
        if day.weekday() not in hours:
            continue
        opens, closes = (datetime.combine(day, t, moment.tzinfo) for t in hours[day.weekday()])
        if ahead == 0 and opens + AFTER_OPENING <= moment <= closes:
            return moment
        if opens + AFTER_OPENING >= moment:
            return min(opens + AFTER_OPENING, closes)
    return moment


def _span(text: str) -> tuple[time, time]:
    opens, closes = (part.split(":") for part in text.split("-"))
    return time(int(opens[0]), int(opens[1])), time(int(closes[0]), int(closes[1]))
