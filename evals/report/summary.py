"""The Markdown summary of a run for a pull request, and the JSON of its numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evals.compare import Comparison
from evals.gates import Judgement
from evals.measures import BY_NAME, Number
from evals.results import Result, Run

MARKS = {"passed": "✅", "failed": "❌", "too small": "⚪", "nothing to judge": "⚪"}
SHOWN = 15  # cases that each list of a summary names


def markdown(run: Run, numbers: Sequence[Number], judgements: Sequence[Judgement], comparison: Comparison | None) -> str:
    """Gates first, then the numbers of all cases, then the cases that turned and those that fail."""
    judged = run.judged
    passed, errors = sum(result.passed for result in judged), sum(bool(result.error) for result in judged)
    lines = [
        f"## {headline(judgements)}",
        "",
        f"{passed} of {len(judged)} cases pass, {errors} raised, {len(run.results) - len(judged)} skipped.",
    ]
    if judgements:
        lines += ["", "| gate | slice | | why |", "|---|---|---|---|"]
        shown = [judgement for judgement in judgements if judgement.outcome == "failed"] or judgements
        lines += [_gate(judgement) for judgement in shown]
    changes = {change.measure.name: change for change in comparison.changes if change.slice == "all"} if comparison else {}
    head = ["measure", "value", "95 % interval", "n"] + (["before", "p"] if comparison else [])
    lines += ["", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for number in numbers:
        if number.slice == "all":
            row = [number.measure, f"{number.value:.3f}", f"{number.low:.3f} to {number.high:.3f}", str(number.n)]
            if comparison:
                change = changes.get(number.measure)
                row += [f"{change.before:.3f}", f"{change.p:.2g}"] if change else ["", ""]
            lines.append("| " + " | ".join(row) + " |")
    if comparison is not None and comparison.flips:
        lines += _list(
            "turned",
            [
                f"{_code(flip.after)}"
                + (f" lost {', '.join(flip.lost)}" if flip.lost else "")
                + (f" gained {', '.join(flip.gained)}" if flip.gained else "")
                for flip in comparison.flips
            ],
        )
    failing = sorted((result for result in judged if not result.passed), key=lambda result: (not result.error, result.key))
    if failing:
        lines += _list(
            "fail",
            [
                f"{_code(result)} " + (_cell(result.error) if result.error else ", ".join(one.name for one in result.failing))
                for result in failing
            ],
        )
    return "\n".join(lines) + "\n"


def headline(judgements: Sequence[Judgement]) -> str:
    """What a reader must know first."""
    outcomes = [judgement.outcome for judgement in judgements]
    if failed := outcomes.count("failed"):
        return f"Evals: {_counted(failed, 'gate')} failed"
    if not outcomes:
        return "Evals"
    return "Evals: gates passed" if "passed" in outcomes else "Evals: no gate could judge anything"


def as_json(
    run: Run, numbers: Sequence[Number], judgements: Sequence[Judgement], comparison: Comparison | None
) -> dict[str, Any]:
    """Everything of the summary as data."""
    judged = run.judged
    return {
        "run": json.loads(run.head.model_dump_json()),
        "cases": {"judged": len(judged), "passed": sum(r.passed for r in judged), "errors": sum(bool(r.error) for r in judged),
                  "skipped": len(run.results) - len(judged)},
        "gates": [
            {"measure": j.gate.measure, "suite": j.gate.suite, "slice": j.slice, "outcome": j.outcome, "reason": j.reason}
            for j in judgements
        ],
        "measures": [
            {"measure": n.measure, "what": BY_NAME[n.measure].what, "slice": n.slice, "value": round(n.value, 6),
             "low": round(n.low, 6), "high": round(n.high, 6), "n": n.n, "too_small_to_gate": n.small}
            for n in numbers
        ],
        "changes": [
            {"measure": c.measure.name, "slice": c.slice, "before": round(c.before, 6), "after": round(c.after, 6),
             "difference": round(c.difference, 6), "low": round(c.low, 6), "high": round(c.high, 6), "p": round(c.p, 6), "n": c.n}
            for c in (comparison.changes if comparison else [])
        ],
        "flips": [
            {"suite": f.after.suite, "case": f.after.case, "repeat": f.after.repeat, "gained": list(f.gained),
             "lost": list(f.lost)}
            for f in (comparison.flips if comparison else [])
        ],
    }  # fmt: skip


def _gate(judged: Judgement) -> str:
    name = f"{judged.gate.measure} ({judged.gate.suite})" if judged.gate.suite else judged.gate.measure
    return f"| {_cell(name)} | {_cell(judged.slice)} | {MARKS[judged.outcome]} {judged.outcome} | {_cell(judged.reason)} |"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _list(verb: str, said: Sequence[str]) -> list[str]:
    more = [f"- … and {len(said) - SHOWN} more"] if len(said) > SHOWN else []
    verb = f"{verb}s" if verb == "fail" and len(said) == 1 else verb
    return ["", f"{_counted(len(said), 'case')} {verb}:", "", *(f"- {line}" for line in said[:SHOWN]), *more]


def _code(result: Result) -> str:
    """The case's name as code."""
    name = result.case.replace("`", "'") + (f" #{result.repeat}" if result.repeat > 1 else "")
    return f"`{' '.join(name.split())}`"


def _cell(text: str) -> str:
    """On one line, and never markup."""
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").split())
