"""`make bench-escalation`: who is handed to a human of real messages that nobody here wrote, and of the escalation suite.

The sets are third-party and not part of the project; `--data` names the folder with them, and a set that is not there
is "not measured". Every message goes through the whole pipeline of the demo brand, as from a stranger; nothing is recorded.
`--failures FILE` writes the messages on the wrong side with their reasons, to be read and not to be kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from evals.bench.feelings import FRAUD, STOLEN, learned_from
from evals.bench.figures import aligned
from evals.bench.understanding import _bound, _verdict
from evals.cases import Case
from evals.intervals import wilson
from evals.results import Result
from evals.runner import Plan, run
from evals.suites import SuiteCase, find_suite, read_suite
from evals.targets import Target, in_process
from service.escalate.policy import HARD
from service.messages import MAX_TEXT, Message, Triage
from service.settings import read_settings

SUITE = "escalation"
RECEIVED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)  # the day of the demo brand, as in the suites
CONCURRENT = 8  # messages in flight
FELT = {"strong_frustration", "repeat_contact", "churn_risk"}  # reasons of an angry customer; the other soft ones are ours
CHANNELS = {"twitter": "x", "bank chat": "webchat"}

Record = dict[str, Any]
Pair = tuple[Record, Triage]
Judge = Callable[[Pair], bool]


@dataclass(frozen=True)
class Row:
    """One line of the table: of the records that `keep`, the share of which `holds`; a bound below zero is a ceiling."""

    name: str
    data: str
    bound: float | None
    keep: Callable[[Record], bool]
    holds: Judge


def escalated(pair: Pair) -> bool:
    """Whether the message goes to a human."""
    return pair[1].escalation.escalate


def alarmed(pair: Pair) -> bool:
    """Whether it goes there for a hard reason, or for what the customer feels."""
    reasons = {reason.code for reason in pair[1].escalation.reasons}
    return pair[1].escalation.escalate and bool(reasons & (HARD | FELT))


def injected(pair: Pair) -> bool:
    """Whether an attempt to command the service was seen."""
    return any(reason.code == "prompt_injection" for reason in pair[1].escalation.reasons)


def rows() -> Iterable[Row]:
    """The table of the third-party sets."""

    def severity(level: int) -> Callable[[Record], bool]:
        return lambda record: record["extra"].get("severity") == level

    def praised(record: Record) -> bool:
        return record.get("label") == "praise"

    def asked(record: Record) -> bool:
        return record.get("label") == "information_seeking"

    felt = "hard or frustration"
    yield Row(f"banking77 (half not trained on) without lost, stolen, unrecognised: {felt}", "banking77_en", -0.03,
              lambda r: r["label_original"] not in FRAUD and not learned_from(r), alarmed)  # fmt: skip
    yield Row(f"banking77 (that half), also without compromised cards: {felt}", "banking77_en", -0.03,
              lambda r: r["label_original"] not in STOLEN and not learned_from(r), alarmed)  # fmt: skip
    yield Row("banking77, lost, stolen, unrecognised: escalated", "banking77_en", None,
              lambda r: r["label_original"] in STOLEN, escalated)  # fmt: skip
    for name, said in (("faq_stackfaq_en", "English"), ("faq_swefaq_sv", "Swedish")):
        yield Row(f"questions to {said} FAQs: {felt}", f"{name}.queries", -0.03, lambda _: True, alarmed)
    for name in ("complaints_en", "airline_en"):
        yield Row(f"{name}: questions (heuristic): {felt}", name, None, asked, alarmed)
    for level in (1, 2, 3, 4):
        bound = 0.6 if level == 4 else None
        yield Row(f"complaints_en: severity {level}: escalated", "complaints_en", bound, severity(level), escalated)
    for level in (1, 2, 3, 4):
        yield Row(f"complaints_en: severity {level}: {felt}", "complaints_en", None, severity(level), alarmed)
    for name in ("complaints_en", "airline_en"):
        yield Row(f"{name}: praise: escalated", name, -0.01, praised, escalated)
    yield Row("prompt_injection: attacks: seen", "prompt_injection", None, lambda r: bool(r["is_attack"]), injected)
    yield Row("prompt_injection: benign traps: seen", "prompt_injection", None, lambda r: not r["is_attack"], injected)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench.escalation", description="Escalation of real messages.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the sets, JSON Lines")
    parser.add_argument("--failures", type=Path, help="where the third-party messages on the wrong side go, JSON Lines")
    given = parser.parse_args()
    sys.stdout.write(asyncio.run(_measured(given.data, given.failures)) + "\n")


async def _measured(folder: Path, failures: Path | None) -> str:
    async with in_process(read_settings(), RECEIVED.date()) as target:
        table, wrong = await third_party(folder, target)
        if failures is not None:
            failures.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in wrong), encoding="utf-8")
        return f"{table}\n\n{await suite(target)}"


async def third_party(folder: Path, target: Target) -> tuple[str, list[Record]]:
    """The rows as text, sets that are not there not measured, and the messages on the wrong side of a bound or of a reason."""
    known: dict[str, list[Pair]] = {}
    lines = [("set", "n", "share", "95 % interval", "floor", "", "reasons of those that do")]
    wrong: list[Record] = []
    shares: dict[str, float] = {}
    for row in rows():
        path = folder / f"{row.data}.jsonl"
        if not path.exists():
            lines.append((row.name, "", "not measured", "", "" if row.bound is None else _bound(row.bound), "", ""))
            continue
        if row.data not in known:
            known[row.data] = await triaged(path, target)
        pairs = [pair for pair in known[row.data] if row.keep(pair[0])]
        doing = [pair for pair in pairs if row.holds(pair)]
        share = shares[row.name] = len(doing) / len(pairs)
        low, high = wilson(len(doing), len(pairs))
        verdict = "" if row.bound is None else _verdict(share, row.bound, None)
        bound = "" if row.bound is None else _bound(row.bound)
        lines.append((row.name, str(len(pairs)), f"{share:.3f}", f"{low:.3f} to {high:.3f}", bound, verdict, _named(doing)))
        feared = "traps" in row.name or (row.bound is not None and row.bound < 0)
        wrong += [_told(row.name, pair) for pair in pairs if row.holds(pair) == feared]
    for ending in ("escalated", "hard or frustration"):
        steps = [share for name, share in shares.items() if "severity" in name and name.endswith(ending)]
        rises = all(one <= other for one, other in pairwise(steps))
        if steps:
            cells = (f"complaints_en: rises with severity: {ending}", "", "yes" if rises else "no", "", "yes")
            lines.append((*cells, "met" if rises else "missed", ""))
    return aligned(lines), wrong


async def triaged(path: Path, target: Target) -> list[Pair]:
    """Every record of a set with its triage."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    gate = asyncio.Semaphore(CONCURRENT)

    async def one(number: int, record: Record) -> Pair:
        text = str(record.get("text") or record.get("query") or "").strip()[:MAX_TEXT] or "-"
        channel = CHANNELS.get(str(record.get("channel")), "webchat")
        message = Message.model_validate({"text": text, "channel": channel, "received_at": RECEIVED})
        async with gate:
            return record, await target.triage(SuiteCase("bench", path, Case(name=f"{number}", inputs={}), message))

    return list(await asyncio.gather(*(one(number, record) for number, record in enumerate(records))))


async def suite(target: Target) -> str:
    """The figures of the escalation suite; nothing is ever fitted on it."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="firstreply-bench-") as folder:
        done = await run(Plan([read_suite(find_suite(SUITE))], Path(folder) / "run"), target)
    judged = [result for result in done.judged if result.expected.get("escalate") is not None and result.found is not None]
    must = [result for result in judged if result.expected["escalate"]]
    hard = [result for result in must if HARD & set(_reasons(result))]
    taken = [result for result in judged if result.found and result.found.escalate]
    true = [result for result in must if result.found and result.found.escalate and _reasons(result)]
    figures: list[tuple[str, float, Sequence[Result], Callable[[Result], bool]]] = [
        ("recall of what must be escalated", 0.97, must, _taken),
        ("recall of hard reasons: escalated", 0.98, hard, _taken),
        ("recall of hard reasons: for a hard reason that is expected", 0.98, hard, lambda r: bool(HARD & _common(r))),
        ("precision", 0.85, taken, lambda r: bool(r.expected["escalate"])),
        ("an expected reason named, of those rightly escalated", 0.90, true, lambda r: bool(_common(r))),
        ("every expected reason named, of those rightly escalated", 0.90, true, lambda r: _common(r) == set(_reasons(r))),
    ]
    lines = [(f"suite {SUITE}", "n", "share", "95 % interval", "floor", "")]
    for name, bound, results, holds in figures:
        right = sum(map(holds, results))
        share = right / max(len(results), 1)
        low, high = wilson(right, len(results))
        lines.append(
            (name, str(len(results)), f"{share:.3f}", f"{low:.3f} to {high:.3f}", f"{bound}", _verdict(share, bound, None))
        )
    return aligned(lines)


def _taken(result: Result) -> bool:
    return bool(result.found and result.found.escalate)


def _reasons(result: Result) -> list[str]:
    return list(result.expected.get("reasons") or [])


def _common(result: Result) -> set[str]:
    return set(_reasons(result)) & set(result.found.reasons if result.found else ())


def _named(pairs: Sequence[Pair]) -> str:
    """The three most frequent reasons of the messages, with how many give them."""
    counts: dict[str, int] = {}
    for _, triage in pairs:
        for reason in triage.escalation.reasons:
            counts[reason.code] = counts.get(reason.code, 0) + 1
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
    return ", ".join(f"{code} {count}" for code, count in most)


def _told(row: str, pair: Pair) -> Record:
    record, triage = pair
    seen, verdict = triage.understanding, triage.escalation
    return {
        "row": row, "id": record.get("id"), "text": record.get("text") or record.get("query"), "label": seen.label,
        "scores": seen.scores, "level": seen.frustration_level, "addressed": seen.addressed.label, "escalate": verdict.escalate,
        "score": verdict.score, "original": record.get("label_original"),
        "reasons": [[reason.code, reason.evidence or reason.detail] for reason in verdict.reasons],
    }  # fmt: skip


if __name__ == "__main__":
    main()
