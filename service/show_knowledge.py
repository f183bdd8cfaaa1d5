"""What an import did or would do, and what is told twice, as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from service.knowledge_import import Plan, told
from service.similar import Pair

MOST_PROBLEMS = 50  # named one by one; a file in the wrong encoding has one a line
MOST_PAIRS = 20  # shown after an import; `knowledge check` shows all


def show_import(plan: Plan, out: Console, err: Console, pairs: Sequence[Pair] = (), *, dry: bool = False) -> int:
    """Prints the difference of a dry run, or the report of an import; the exit code."""
    if dry:
        for line in told(plan):
            out.print(line, markup=False)
    for note in plan.notes:
        err.print(note, markup=False)
    for problem in plan.problems[:MOST_PROBLEMS]:
        err.print(problem, markup=False)
    if len(plan.problems) > MOST_PROBLEMS:
        err.print(f"and {len(plan.problems) - MOST_PROBLEMS} more", markup=False)
    show_pairs(pairs, err, MOST_PAIRS)
    counts = f"{len(plan.added)} added, {len(plan.changed)} changed, {plan.unchanged} unchanged, {len(plan.problems)} refused"
    if plan.source is not None:
        counts += f", {len(plan.removed)} removed (source {plan.source})"
    err.print(counts, markup=False)
    if plan.kept:
        err.print(
            f"{plan.kept} entries that are no longer found stay, because not all of the source could be read: mend what is "
            "named above and import again",
            markup=False,
        )
    if dry:
        err.print("nothing was written" + (": importing this needs --remove-many" if plan.removes_much else ""), markup=False)
    return 1 if plan.problems else 0


def show_pairs(pairs: Sequence[Pair], console: Console, most: int) -> None:
    """Prints entries that say the same or contradict each other, at most so many."""
    for pair in pairs[:most]:
        console.print(f"{pair.kind}: {pair.why}", markup=False)
        for entry in (pair.first, pair.second):
            console.print(f"    {entry.title}  [{entry.id}]", markup=False)
    if len(pairs) > most:
        console.print(f"and {len(pairs) - most} more pairs: firstreply knowledge check", markup=False)
