"""Writes every report of a run into its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from evals.compare import Comparison
from evals.gates import Judgement
from evals.measures import Number, numbers
from evals.report import junit, summary
from evals.report.page import page
from evals.results import Run
from service.errors import SettingsNotUsable


def write_reports(
    run: Run,
    *,
    judgements: Sequence[Judgement] = (),
    comparison: Comparison | None = None,
    folder: Path | None = None,
    name: str = "report",
    seed: int = 0,
) -> list[Number]:
    """NAME.html, junit.xml, metrics.json and summary.md; returns the numbers. Raises SettingsNotUsable.

    Under another name than "report" the others are NAME.json and NAME.md, and the run's own reports stay as they are.
    """
    found = numbers(run.results, seed)
    where = folder or run.folder
    try:
        where.mkdir(parents=True, exist_ok=True)
        _write(where / f"{name}.html", page(run, found, judgements, comparison))
        own = name == "report"
        if own:
            junit.write(run, judgements, where / "junit.xml")
        _write(where / ("summary.md" if own else f"{name}.md"), summary.markdown(run, found, judgements, comparison))
        content = summary.as_json(run, found, judgements, comparison)
        _write(where / ("metrics.json" if own else f"{name}.json"), json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise SettingsNotUsable(f"{where} can't be written ({error.strerror}): give another --output") from None
    return found


def _write(path: Path, text: str) -> None:
    """A half of a surrogate pair, which UTF-8 can't hold, becomes a question mark: a report is never lost to it."""
    path.write_text(text, encoding="utf-8", errors="replace")
