"""The HTML report: one file that opens offline and asks nothing of the network."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evals import curves
from evals.compare import Comparison, Flip
from evals.gates import Judgement
from evals.measures import BY_NAME, LEAST, MEASURES, Number
from evals.readings import confidences, escalations, truth
from evals.report import charts
from evals.report.summary import headline
from evals.results import Result, Run
from service.messages import LEVELS

# Columns of the table of slices: what QA looks at first.
LEADING = (
    "pass_rate", "label.accuracy", "level.accuracy", "topic.accuracy", "escalation.recall", "escalation.precision",
    "escalation.reasons", "retrieval.found", "order.accuracy", "draft.asserts", "draft.action",
)  # fmt: skip
MATRICES = ("label", "level", "topic")
OUTCOMES = ("failed", "passed", "too small", "nothing to judge")  # in the order of the table
LEVEL_ORDER = {str(name): at for at, name in enumerate(LEVELS)}


def page(run: Run, numbers: Sequence[Number], judgements: Sequence[Judgement], comparison: Comparison | None) -> str:
    """The whole page."""
    judged = run.judged
    environment = Environment(loader=PackageLoader("evals.report", "."), autoescape=True, undefined=StrictUndefined)
    by_slice: dict[str, dict[str, Number]] = {}
    for number in numbers:
        by_slice.setdefault(number.slice, {})[number.measure] = number
    columns = [name for name in LEADING if any(name in found for found in by_slice.values())]
    counts: Counter[str] = Counter(judgement.outcome for judgement in judgements)
    changes = {(change.slice, change.measure.name): change for change in comparison.changes} if comparison else {}
    html = environment.get_template("page.html.j2").render(
        run=run, passed=sum(result.passed for result in judged), judged=len(judged), errors=sum(bool(r.error) for r in judged),
        skipped=len(run.results) - len(judged), comparison=comparison, least=LEAST, headline=headline(judgements),
        gates=sorted(judgements, key=lambda judgement: OUTCOMES.index(judgement.outcome)),
        outcomes=[(name, counts[name]) for name in OUTCOMES if counts[name]],
        measures=[(measure, by_slice["all"][measure.name]) for measure in MEASURES if measure.name in by_slice.get("all", {})],
        changes=changes, slices={name: found for name, found in by_slice.items() if name != "all"}, columns=columns,
        what={name: measure.what for name, measure in BY_NAME.items()}, matrices=_matrices(judged),
        reliability=_reliability(judged), thresholds=_thresholds(judged), data=_data(run, comparison),
    )  # fmt: skip
    return html.replace("\0", "\ufffd")  # no page may hold it; in the cases' JSON it stands escaped


def _matrices(results: Sequence[Result]) -> list[tuple[str, list[str], list[tuple[str, list[int]]]]]:
    """Of each key: the values found, and a row a true value with how often each was found."""
    found = []
    for key in MATRICES:
        counts: Counter[tuple[str, str]] = Counter()
        for result in results:
            got = str(getattr(result.found, key)) if result.found else "raised"
            said = truth(result, key, got)
            if said is not None:
                counts[said, got] += 1
        if counts:
            names = sorted({name for pair in counts for name in pair}, key=_place)
            rows = [(true, [counts[true, got] for got in names]) for true in names if any(counts[true, g] for g in names)]
            found.append((key, names, rows))
    return found


def _place(name: str) -> tuple[bool, int, str]:
    """Levels in their own order, anything else by name; what got no answer last."""
    return name == "raised", LEVEL_ORDER.get(name, -1), name


def _reliability(results: Sequence[Result]) -> Markup | None:
    chosen, confidence, right = confidences(results)
    return Markup(charts.reliability(curves.reliability(confidence, right))) if chosen else None  # noqa: S704 - numbers only


def _thresholds(results: Sequence[Result]) -> tuple[Markup, float, float] | None:
    """The curves, and the precision and recall of the decisions as they were."""
    chosen, wanted, scores = escalations(results)
    if not chosen or not wanted.any() or wanted.all():
        return None
    taken = [result.found.escalate for at in chosen if (result := results[at]).found]
    hits = sum(one and bool(want) for one, want in zip(taken, wanted, strict=True))
    chart = Markup(charts.thresholds(curves.thresholds(wanted, scores)))  # noqa: S704 - numbers only
    return chart, hits / max(sum(taken), 1), hits / max(int(wanted.sum()), 1)


def _data(run: Run, comparison: Comparison | None) -> Markup:
    """The cases as JSON that can stand inside a script element."""
    flips = {flip.after.key: flip for flip in comparison.flips} if comparison else {}
    ordered = sorted(run.results, key=lambda result: _worst_first(result, flips.get(result.key)))
    rows = [_row(result, flips.get(result.key)) for result in ordered]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup(safe)  # noqa: S704 - no "<" is left in it


def _worst_first(result: Result, flip: Flip | None) -> tuple[bool, bool, bool, bool, float, tuple[str, str, int]]:
    held = len(result.verdicts) - len(result.failing)
    return (
        not result.error, not (flip and flip.lost), bool(result.skipped), result.passed,
        held / max(len(result.verdicts), 1), result.key,
    )  # fmt: skip


def _row(result: Result, flip: Flip | None) -> dict[str, Any]:
    state = "skipped" if result.skipped else "raised" if result.error else "passed" if result.passed else "failed"
    row: dict[str, Any] = {
        "suite": result.suite, "case": result.case, "repeat": result.repeat, "state": state, "text": result.text,
        "thread": result.thread, "slices": result.slices, "tags": result.tags,
        "said": result.error or result.skipped or "",
        "verdicts": [[verdict.name, verdict.holds, verdict.why] for verdict in result.verdicts],
        "found": _found(result),
    }  # fmt: skip
    if result.reference:
        row["reference"] = result.reference
    if flip is not None:
        row |= {"gained": list(flip.gained), "lost": list(flip.lost), "before": _found(flip.before)}
        row["told"] = flip.before.error or ("" if flip.before.text else "A baseline file keeps no texts.")
    return row


def _found(result: Result) -> dict[str, Any] | None:
    found = result.found
    if found is None:
        return None
    return {
        "label": " + ".join([found.label, *found.also]), "level": found.level, "topic": found.topic, "language": found.language,
        "urgency": found.urgency, "addressed": found.addressed, "trajectory": found.trajectory,
        "escalation": f"{'yes' if found.escalate else 'no'} ({found.score:.2f}) {', '.join(found.reasons)}".strip(),
        "passages": ", ".join(f"{name} {score:.2f}" for name, score in found.passages.items()),
        "orders": ", ".join(found.orders), "action": found.action or "no draft",
        "public": found.public.text if found.public else None, "private": found.private.text if found.private else None,
        "sources": ", ".join(found.sources), "failed checks": ", ".join(found.failed_checks),
    }  # fmt: skip
