"""Until when an answer is due, and what a customer may be promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.escalate.hours import after_open_minutes, open_on
from service.escalate.policy import Policy
from service.messages import URGENCIES, Channel, Urgency

STEP = timedelta(minutes=30)  # promises are rounded up to the half hour: nobody promises 10:07
MARGIN = timedelta(minutes=30)  # between the internal target and what a customer is told
AFTER_OPENING = timedelta(hours=2)  # time to work through what came in while closed
MOST_CLOSED = 60  # days in a row on which nobody is there


@dataclass(frozen=True)
class Deadline:
    """When an answer is due, and when somebody should be warned that it soon will be; both UTC."""

    respond_by: datetime
    warn_at: datetime


def deadline(policy: Policy, received_at: datetime, channel: Channel, *, private: bool, priority: Urgency | None) -> Deadline:
    """When an answer is due; `priority` only for an escalated message. A higher priority is never due later than a lower one."""
    found = [_after(policy, received_at, target_of(policy, channel, private=private), by_clock=False)]
    if priority is not None:
        found += [
            _after(policy, received_at, minutes, by_clock=level in policy.around_the_clock)
            for level, minutes in policy.priority_minutes.items()
            if URGENCIES.index(level) <= URGENCIES.index(priority)
        ]
        if priority in policy.around_the_clock:
            found.append(_after(policy, received_at, target_of(policy, channel, private=private), by_clock=True))
    return min(found, key=lambda one: one.respond_by)


def target_of(policy: Policy, channel: Channel, *, private: bool) -> int:
    """Minutes until an answer is due on a channel."""
    targets = policy.targets_minutes
    return targets.get(channel, targets.get("private", targets["default"]) if private else targets["default"])


def _after(policy: Policy, start: datetime, minutes: int, *, by_clock: bool) -> Deadline:
    warned = minutes * policy.warn_at_share
    if by_clock or not policy.count_open_hours_only:
        return Deadline(start + timedelta(minutes=minutes), start + timedelta(minutes=warned))
    return Deadline(
        after_open_minutes(policy, start, minutes, policy.zone), after_open_minutes(policy, start, warned, policy.zone)
    )


def promise(policy: Policy, due: datetime) -> datetime:
    """The moment a holding text may name, in the policy's time zone: after `due`, on the half hour, while people are there."""
    zone = policy.zone
    moment = due.astimezone(zone) + MARGIN
    since_midnight = timedelta(hours=moment.hour, minutes=moment.minute)
    moment = moment.replace(hour=0, minute=0, second=0, microsecond=0) + -(-since_midnight // STEP) * STEP
    if not policy.opening_hours:
        return moment
    for ahead in range(MOST_CLOSED):
        for number, (opens, closes) in enumerate(open_on(policy, moment.date() + timedelta(days=ahead), zone)):
            ready = min(opens + AFTER_OPENING, closes) if number == 0 else opens
            if moment <= closes:
                return max(moment, ready)
    return moment
