"""What is told of a chosen threshold: a few sentences, and one HTML file that opens offline and asks nothing of the network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evals.promise import Choice, least_cases, steps
from evals.report import charts
from evals.results import replace_text
from service.errors import SettingsNotUsable


def told(choice: Choice, now: float) -> list[str]:
    """What was chosen and what it rests on, a sentence a line; `now` is the threshold in force."""
    first, chosen, target, confidence, costs = choice.curve[0], choice.chosen, choice.target, choice.confidence, choice.costs
    rests = f"rests on {first.must} messages that must be escalated and {first.calm} that must not"
    if costs is None:
        need = ", ".join(f"{least_cases(target, confidence, misses)} with {misses or 'none'} missed" for misses in range(3))
        rests += f"; the promise takes at least {need}"
    if chosen is None:
        lost = first.must - first.caught
        return [
            f"no threshold keeps the promise: even at {first.threshold:.2f} {lost} of {first.must} are missed, which give no "
            f"reason at all; with {confidence:.0%} confidence no more than {first.surely(confidence):.1%} can be promised",
            rests,
        ]
    caught = f"at least {target if costs is None else chosen.surely(confidence):.1%} of what must be escalated is caught"
    caught += f", with {confidence:.0%} confidence"
    if costs is None:
        lines = [f"at {chosen.threshold:.2f} {caught}"]
    else:
        lines = [
            f"at {chosen.threshold:.2f} the expected cost is least: {chosen.cost:.3f} a message, a miss at {costs.miss:g}, a "
            f"false alarm at {costs.alarm:g} and {costs.share:.1%} of messages needing a human",
            f"this threshold, had it been fixed before: {caught}",
        ]
    low, high = chosen.recall_interval
    lines.append(f"caught {chosen.caught} of {chosen.must}: {chosen.recall:.3f} (95 % interval {low:.3f} to {high:.3f})")
    if chosen.alarm_rate is not None:
        low, high = chosen.alarm_interval
        rate = f"{chosen.alarm_rate:.3f} (95 % interval {low:.3f} to {high:.3f})"
        lines.append(f"false alarms {chosen.alarms} of {chosen.calm}: {rate}")
    lines += [rests, "it holds for messages like these, where no rule, example or weight was made for them"]
    if abs(chosen.threshold - now) < 1e-9:
        return [*lines, f"escalation.yaml has it already: threshold: {now:g}"]
    return [*lines, f"for escalation.yaml, instead of {now:g}: threshold: {chosen.threshold:g}"]


def write_report(path: Path, choice: Choice, now: float, brand: str, cases: Sequence[str]) -> None:
    """Writes the page; raises SettingsNotUsable where it can't."""
    environment = Environment(loader=PackageLoader("evals.report", "."), autoescape=True, undefined=StrictUndefined)
    drawn = [(point.threshold, point.recall, point.surely(choice.confidence), point.alarm_rate) for point in choice.curve]
    target = choice.target if choice.costs is None else None
    chart = charts.promise(drawn, target, choice.chosen.threshold if choice.chosen else None)
    html = environment.get_template("threshold.html.j2").render(
        brand=brand, cases=cases, made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", now=now, lines=told(choice, now),
        chosen=choice.chosen, confidence=choice.confidence, costs=choice.costs, steps=steps(choice.curve),
        chart=Markup(chart),  # noqa: S704 - numbers only
    )  # fmt: skip
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, html)
    except OSError as error:
        raise SettingsNotUsable(f"{path} can't be written ({error.strerror}): give another --output") from None
