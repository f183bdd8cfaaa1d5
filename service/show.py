"""A triage as a person reads it in a terminal."""

from __future__ import annotations

from textwrap import shorten

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from service.messages import Draft, DraftText, Triage

MOST_OF_REPLY = 52  # characters of a precedent in its line
_LEVEL = {"none": "green", "mild": "yellow", "moderate": "dark_orange", "strong": "red"}


def show(triage: Triage, console: Console) -> None:
    """Prints the triage; text from outside is never read as markup."""
    console.print(_understanding(triage))
    console.print(_escalation(triage))
    context = _context(triage)
    if context.row_count:
        console.print(context)
    if triage.draft is not None:
        console.print(_draft(triage.draft))
    for warning in triage.warnings:
        console.print(Text(f"warning: {warning.replace('_', ' ')}", style="yellow"))
    timing = f"{triage.timings_ms.get('total', 0):.1f} ms, {triage.id}"
    console.print(Text(timing, style="dim"))


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=11)
    grid.add_column()
    return grid


def _understanding(triage: Triage) -> Table:
    found, grid = triage.understanding, _grid()
    label = Text(found.label.replace("_", " "), style="bold")
    label.append(f" {found.scores[found.label]:.2f}", style="dim")
    for other in found.also:
        label.append(f"  also {other.replace('_', ' ')} {found.scores[other]:.2f}", style="dim")
    grid.add_row("message", label)
    level = Text(found.frustration_level, style=_LEVEL[found.frustration_level])
    level.append(f"   trajectory {found.trajectory}   urgency {found.urgency}", style="default")
    grid.add_row("frustration", level)
    language = found.language.code + ("" if found.language.supported else " (no drafts in it)")
    grid.add_row("topic", Text(f"{found.topic.label}   addressed {found.addressed.label}   language {language}"))
    return grid


def _escalation(triage: Triage) -> Table:
    verdict, grid = triage.escalation, _grid()
    if verdict.escalate:
        line = Text("yes", style="bold red")
        line.append(f"  {verdict.queue}, {verdict.priority}, answer due {verdict.respond_by:%Y-%m-%d %H:%M} UTC", style="default")
    else:
        line = Text("no", style="bold green")
        line.append(f"  {verdict.queue}, answer due {verdict.respond_by:%Y-%m-%d %H:%M} UTC", style="default")
    grid.add_row("escalate", line)
    for reason in verdict.reasons:
        text = Text(f"{reason.code} ({reason.kind})")
        if reason.evidence:
            text.append(f"  “{reason.evidence}”", style="italic")
        if reason.detail:
            text.append(f"  {reason.detail}", style="dim")
        grid.add_row("", text)
    return grid


def _context(triage: Triage) -> Table:
    grid = _grid()
    for passage in triage.context.passages:
        grid.add_row("passage", Text(f"{passage.score:.2f}  {passage.title}  [{passage.id}]"))
    for order in triage.context.orders:
        late = ", late" if order.late else ""
        grid.add_row("order", Text(f"{order.order_id}  {order.status}{late}  ({(order.why or '').replace('_', ' ')})"))
    for past in triage.context.history:
        again = ", asked the same" if past.same_question else ""
        grid.add_row("earlier", Text(f"{past.at:%Y-%m-%d}  {past.label.replace('_', ' ')}, {past.outcome}{again}"))
    for precedent in triage.context.precedents:
        told = shorten(precedent.text, MOST_OF_REPLY, placeholder=" …")
        grid.add_row("precedent", Text(f"{precedent.score:.2f}  {told}  ({precedent.language})"))
    for suggested in triage.context.suggestions:
        grid.add_row("suggestion", Text(f"{suggested.title}  ({suggested.why})  [{suggested.id}]"))
    return grid


def _draft(draft: Draft) -> Group:
    parts: list[Panel | Text | Padding] = []
    for name, text in (("public", draft.public), ("private", draft.private)):
        if text is not None:
            parts.append(_text(name, text))
    if not parts:
        parts.append(Text("no reply needed", style="dim"))
    failed = [check for check in draft.checks if not check.passed]
    parts += [Text(f"check failed: {check.check}  {check.detail or ''}", style="red") for check in failed]
    parts += [Text(f"warning: {warning.replace('_', ' ')}", style="yellow") for warning in draft.warnings]
    macro = f", macro {draft.macro}" if draft.macro else ""
    return Group(Padding(Text(f"draft: {draft.action}, {draft.language}{macro}", style="bold"), (1, 0, 0, 0)), *parts)


def _text(name: str, text: DraftText) -> Panel:
    counted = f"{text.length} of {text.limit} {text.unit}" if text.limit else f"{text.length} {text.unit}"
    return Panel(Text(text.text), title=name, title_align="left", subtitle=counted, subtitle_align="right", border_style="cyan")
