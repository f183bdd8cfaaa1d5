"""`firstreply policy check`: a policy in plain words, and what a change of it would have done to the brand's own messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from service.brands import Brand
from service.escalate.deadlines import deadline, target_of
from service.escalate.hours import WEEKDAYS, told
from service.escalate.policy import CHANNELS, HARD, Policy
from service.escalate.reasons import BY_GRAVITY
from service.escalate.replay import Difference, Turned
from service.messages import PRIVATE_CHANNELS, URGENCIES

FRIDAY = datetime(2026, 11, 27, 17, 30)  # of the examples: late on the last working day of a week
EXAMPLES = 4  # sums shown on each side of the threshold
_FACTS = {"late_order": "late order", "rising": "rising frustration", "vip": "VIP"}


def explain(brand: Brand, console: Console, file: Path | None = None) -> None:
    """Prints what the brand's policy does; `file` is where it was read from when it is not in force."""
    policy = brand.policy
    where = f"{file}, not in force" if file is not None else f"version {brand.policy_version}"
    console.print(Text(f"Escalation policy of {brand.name}, {where}", style="bold"))
    console.print(_alone(policy))
    console.print(_sums(policy))
    console.print(_figures(policy))
    console.print(_queues(brand))
    console.print(_targets(policy))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 3, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column)
    return table


def _alone(policy: Policy) -> Table:
    table = _table("\nEscalates alone", "reason", "weight", "queue", "priority")
    strong = sorted(
        (code for code, weight in policy.weights.items() if weight >= policy.threshold), key=lambda code: policy.weights[code]
    )
    for code in (*(code for code in BY_GRAVITY if code in HARD), *reversed(strong)):
        weight = "always" if code in HARD else f"{policy.weights[code]:.2f}"
        table.add_row(code, weight, policy.queues.get(code, "the topic's"), policy.priority(code))
    return table


def _sums(policy: Policy) -> Group:
    """Soft reasons below the threshold, the facts beside them, and sums nearest to the threshold on either side."""
    table = _table(f"\nAdds up: escalates from {policy.threshold:g} on; sum = 1 - product of (1 - weight)", "reason", "weight")
    weak = {code: weight for code, weight in policy.weights.items() if 0 < weight < policy.threshold}
    for code, weight in sorted(weak.items(), key=lambda one: -one[1]):
        table.add_row(code, f"{weight:.2f}")
    for fact, weight in policy.bonuses.items():
        if weight:
            table.add_row(f"+ {_FACTS[fact]}", f"{weight:.2f}   of a frustrated message that has a reason")
    sums: list[tuple[float, tuple[str, ...]]] = []
    extra = {_FACTS[fact]: weight for fact, weight in policy.bonuses.items() if weight}
    for code, weight in weak.items():
        others = [(name, w) for name, w in weak.items() if name > code]
        sums += [(1 - (1 - weight) * (1 - w), (code, name)) for name, w in others]
        for count in range(1, len(extra) + 1):
            for chosen in combinations(extra, count):
                calm = 1 - weight
                for name in chosen:
                    calm *= 1 - extra[name]
                sums.append((1 - calm, (code, *chosen)))
    over = sorted(one for one in sums if round(one[0], 4) >= policy.threshold)[:EXAMPLES]
    under = sorted((one for one in sums if round(one[0], 4) < policy.threshold), reverse=True)[:EXAMPLES]
    lines = [_sum(*one, "escalates") for one in over] + [_sum(*one, "does not escalate") for one in under]
    return Group(table, *lines)


def _sum(total: float, names: tuple[str, ...], outcome: str) -> Text:
    return Text(f"  {' + '.join(names)} = {total:.2f}: {outcome}")


def _figures(policy: Policy) -> Table:
    table = _table("\nFigures", "", "")
    table.add_row("press_or_influencer", f"from {policy.followers:,} followers on, or by the words")
    table.add_row(
        "repeat_contact",
        f"a frustrated contact within {policy.repeat_window_days} days before, once until all is well; "
        "or by the words, or in the conversation",
    )
    amounts = ", ".join(f"{amount:,.0f} {currency}" for currency, amount in policy.value_at_stake.items())
    stake = f"from {amounts} on" if amounts else "by the words only: value_at_stake is not set"
    table.add_row("high_value_loss", f"a frustrated message about an order or a refund that is due, {stake}")
    table.add_row("low_confidence", f"highest label score under {policy.low_confidence_below:g}")
    table.add_row(
        "VIP customers", f"priority {policy.vip_priority or 'as anybody'}" + (" at least" if policy.vip_priority else "")
    )
    return table


def _queues(brand: Brand) -> Table:
    policy, table = brand.policy, _table("\nQueues, the first that fits", "message", "queue")
    for with_reason in (True, False):
        for route in policy.routing:
            if bool(route.reason) is with_reason:
                conditions = (("", route.reason), ("topic ", route.topic), ("language ", route.language))
                table.add_row("; ".join(kind + ", ".join(values) for kind, values in conditions if values), route.queue)
        if with_reason:
            by_queue: dict[str, list[str]] = {}
            for code, queue in policy.queues.items():
                by_queue.setdefault(queue, []).append(code)
            for queue, codes in by_queue.items():
                table.add_row(", ".join(codes), queue)
    by_topic: dict[str, list[str]] = {}
    for topic in brand.topics:
        by_topic.setdefault(topic.queue, []).append(topic.id)
    for queue, topics in by_topic.items():
        table.add_row(f"topic {', '.join(topics)}", queue)
    table.add_row("anything else", policy.default_queue)
    return table


def _targets(policy: Policy) -> Group:
    received = FRIDAY.replace(tzinfo=policy.zone)
    counted = "of opening hours" if policy.count_open_hours_only else "by the clock"
    title = f"\nTargets, {counted}; a warning at {policy.warn_at_share:.0%}"
    table = _table(title, "message", "target", f"received {received:%a %H:%M}, due", "warned")
    ends = {"private": True, "default": False}
    for name in ("private", *(c for c in CHANNELS if c in policy.targets_minutes), "default"):
        private = ends.get(name, name in PRIVATE_CHANNELS)
        channel = "other" if name in ends else name
        minutes = target_of(policy, channel, private=private)  # type: ignore[arg-type]
        due = deadline(policy, received, channel, private=private, priority=None)  # type: ignore[arg-type]
        label = {"private": "private messages", "default": "other public messages"}.get(name, name)
        table.add_row(label, _minutes(minutes), _local(due.respond_by, policy), _local(due.warn_at, policy))
    for priority in reversed(URGENCIES):
        if priority in policy.priority_minutes:
            due = deadline(policy, received, "other", private=False, priority=priority)
            clock = ", by the clock" if policy.count_open_hours_only and priority in policy.around_the_clock else ""
            told_minutes = _minutes(policy.priority_minutes[priority]) + clock
            table.add_row(f"escalated, {priority}", told_minutes, _local(due.respond_by, policy), _local(due.warn_at, policy))
    hours = [f"{day} {told(policy.opening_hours[day])}" for day in WEEKDAYS if policy.opening_hours.get(day)]
    lines = [Text(f"  People are there {', '.join(hours)} ({policy.timezone})" if hours else "  No opening hours: always open")]
    closed = policy.holidays
    if closed.country or closed.dates:
        where = (
            f"public holidays of {'-'.join(part for part in (closed.country, closed.region) if part)}" if closed.country else ""
        )
        lines.append(Text(f"  Closed on {', '.join(part for part in (where, *(str(day) for day in closed.dates)) if part)}"))
    return Group(table, *lines)


def _minutes(minutes: int) -> str:
    if minutes % 1_440 == 0:
        return f"{minutes // 1_440} x 24 h"
    return f"{minutes // 60} h" if minutes % 60 == 0 and minutes > 60 else f"{minutes} min"


def _local(moment: datetime, policy: Policy) -> str:
    return f"{moment.astimezone(policy.zone):%a %d %b %H:%M}"


def show_difference(found: Difference, days: int, most: int, console: Console) -> None:
    """Prints what a change does: counts, and ids of the messages that turn; never a text."""
    console.print(Text(f"\nOn {_count(found.messages)} recorded in the last {days} days", style="bold"))
    if not found.messages:
        console.print(Text("  nothing to compare: messages are recorded as they are triaged", style="dim"))
        return
    now, then = found.escalated
    share = f"{now / found.messages:.1%} now, {then / found.messages:.1%} then"
    console.print(Text(f"  escalated: {now} now, {then} then ({share})"))
    for name, (before, after) in (("reason", found.reasons), ("queue", found.queues)):
        table = _counts(name, before, after)
        if table is not None:
            console.print(table)
    _turned("would escalate", found.turned_on, most, console)
    _turned("would no longer escalate", found.turned_off, most, console)
    console.print(Text(f"\n  other queue: {_count(found.requeued)}"))
    for name, moved in (("earlier", found.earlier), ("later", found.later)):
        longest = f", by up to {_span(max(moved))}" if moved else ""
        console.print(Text(f"  due {name}: {_count(len(moved))}{longest}"))


def _counts(name: str, before: Counter[str], after: Counter[str]) -> Table | None:
    """Escalated messages by reason or queue; only what changes."""
    changed = [key for key in sorted({*before, *after}) if before[key] != after[key]]
    if not changed:
        return None
    table = _table("", name, "now", "then", "")
    for key in changed:
        table.add_row(key, str(before[key]), str(after[key]), f"{after[key] - before[key]:+d}")
    return table


def _turned(title: str, turned: Iterable[Turned], most: int, console: Console) -> None:
    found = list(turned)
    console.print(Text(f"\n  {title}: {len(found)}"))
    for one in found[:most]:
        console.print(Text(f"    {one.triage_id}  {', '.join(one.reasons) or 'no reason left'}"))
    if len(found) > most:
        console.print(Text(f"    and {len(found) - most} more: --most {len(found)} lists them all", style="dim"))


def _count(number: int) -> str:
    return f"{number:,} message{'s' if number != 1 else ''}"


def _span(moved: timedelta) -> str:
    minutes = round(moved.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
