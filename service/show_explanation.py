"""An explanation as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.explain import Explanation, ShownDraft

Rows = Iterable[tuple[str, str]]


def show(found: Explanation, console: Console) -> None:
    """Prints the explanation; text from outside is never read as markup."""
    for title, rows in (
        ("What came in", _message(found)), ("What made it", _made(found)), ("What was understood", _understood(found)),
        ("What it rests on", _context(found)), ("What was decided", _decided(found)), ("What was drafted", _drafted(found)),
        ("What was said of it", _feedback(found)), ("Who did what", _happened(found)),
    ):  # fmt: skip
        shown = list(rows)
        if not shown:
            continue
        console.print(Text(title, style="bold"))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True, min_width=14)
        grid.add_column()
        for name, value in shown:
            grid.add_row(Text(f"  {name}"), Text(value))
        console.print(grid)


def _message(found: Explanation) -> Rows:
    message = found.message
    yield "triage", f"{found.triage_id}, brand {message.brand}"
    yield "received", f"{_at(message.received_at)} on {message.channel}, {message.visibility}"
    yield from (("before", f"{turn.role}: {turn.text}") for turn in message.thread)
    yield "text", message.content


def _made(found: Explanation) -> Rows:
    yield "versions", ", ".join(f"{name} {value}" for name, value in found.versions.model_dump(exclude_none=True).items())
    yield "milliseconds", ", ".join(f"{name} {value:.1f}" for name, value in found.timings_ms.items())
    yield from (("warning", warning.replace("_", " ")) for warning in found.warnings)


def _understood(found: Explanation) -> Rows:
    seen = found.understanding
    yield "label", f"{seen.label} ({', '.join(f'{name} {score:.2f}' for name, score in seen.scores.items())})"
    yield "frustration", f"{seen.frustration_level}, {seen.trajectory}"
    yield "topic", f"{seen.topic.label} {seen.topic.score:.2f}, urgency {seen.urgency}, {seen.addressed.label}"
    yield "language", f"{seen.language.code} {seen.language.score:.2f}"
    yield from ((f"signal {signal.code}", f"“{signal.evidence}”") for signal in seen.signals)


def _context(found: Explanation) -> Rows:
    yield from (("passage", f"{one.score:.2f}  {one.title}  [{one.id}]") for one in found.passages)
    for order in found.orders:
        picked = f", picked by {order.why.replace('_', ' ')}" if order.why else ""
        yield "order", f"{order.order_id}  {order.status}{', late' if order.late else ''}{picked}"
    yield from (("earlier", triage_id) for triage_id in found.history)
    yield from (("precedent", triage_id) for triage_id in found.precedents)


def _decided(found: Explanation) -> Rows:
    verdict = found.escalation
    yield "escalates" if verdict.escalate else "stays", f"score {verdict.score:.2f}"
    for reason in verdict.reasons:
        evidence = f"“{reason.evidence}”" if reason.evidence else ""
        yield f"{reason.kind} reason", "  ".join(part for part in (reason.code, evidence, reason.detail) if part)
    yield from (("fact", f"{fact.fact}, weighs {fact.weight:.2f}  {fact.detail}") for fact in verdict.facts)
    yield "goes to", f"{verdict.queue}, {verdict.priority}, answer due {_at(verdict.respond_by)}"
    if found.conversation is not None:
        agent = f" by {found.conversation.agent}" if found.conversation.agent else ""
        yield "conversation", f"{found.conversation.conversation_id}  {found.conversation.state}{agent}"


def _drafted(found: Explanation) -> Rows:
    for draft in found.drafts:
        name = f"redraft {draft.number}" if draft.number else "draft"
        yield name, ", ".join(part for part in (draft.action, draft.engine, draft.language, _asked(draft.wish)) if part)
        yield from _rests_on(draft)


def _rests_on(draft: ShownDraft) -> Rows:
    if draft.macro:
        yield "macro", draft.macro
    yield from (("cites", f"{one.source}  “{one.quote}”") for one in draft.citations)
    if draft.order_fields:
        yield "order fields", ", ".join(draft.order_fields)
    passed = [one.check for one in draft.checks if one.passed]
    yield from (("check failed", f"{one.check}  {one.detail or ''}") for one in draft.checks if not one.passed)
    if passed:
        yield "checks passed", ", ".join(passed)
    yield from (("warning", warning.replace("_", " ")) for warning in draft.warnings)


def _asked(wish: dict[str, Any] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in (wish or {}).items() if value)


def _feedback(found: Explanation) -> Rows:
    for given in found.feedback:
        said = given.feedback
        parts = [said.action, *said.reasons, said.reason or ""]
        if said.wrong is not None:
            parts.append("should be " + ", ".join(f"{name} {value}" for name, value in said.wrong.said.items()))
        if given.edit is not None:
            parts.append(f"{given.edit.words} words changed in the {given.edit.draft} draft")
        yield _at(given.at), ", ".join(part for part in parts if part)


def _happened(found: Explanation) -> Rows:
    for line in found.happened:
        told = ", ".join(f"{name} {value}" for name, value in line.detail.items())
        yield _at(line.at), f"{line.actor}: {line.action}" + (f"  ({told})" if told else "")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
