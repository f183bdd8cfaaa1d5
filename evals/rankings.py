"""Ranking measures of the passages of a case, by ir-measures."""

from __future__ import annotations

from functools import lru_cache

import ir_measures
from ir_measures import RR, R, nDCG

from evals.judge import is_entry
from evals.results import Result

MEASURES = {"recall@1": R @ 1, "recall@3": R @ 3, "mrr": RR, "ndcg@3": nDCG @ 3}


def ranking_values(result: Result) -> dict[str, float]:
    """Each measure of one case that expects passages; nothing of another."""
    wanted = result.expected.get("passages")
    if not wanted:
        return {}
    return dict(_values(tuple(wanted), tuple((result.found.passages if result.found else {}).items())))


@lru_cache(maxsize=4096)
def _values(wanted: tuple[str, ...], shown: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    qrels = {"case": {entry: 1 for entry in wanted}}
    run: dict[str, float] = {}
    for at, (passage, _) in enumerate(shown):
        entry = next((one for one in wanted if is_entry(passage, one)), passage)
        run.setdefault(entry, float(len(shown) - at))  # the order in which they are shown
    if not run:
        return tuple((name, 0.0) for name in MEASURES)
    found = {value.measure: value.value for value in ir_measures.iter_calc(MEASURES.values(), qrels, {"case": run})}
    return tuple((name, float(found[measure])) for name, measure in MEASURES.items())
