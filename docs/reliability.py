"""Draws docs/reliability-*.svg for the model card: what confidences are worth, on our suites and on real messages.

.venv/bin/python docs/reliability.py [DATA]      (DATA: folder of the third-party sets; without it only the suites are drawn)
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from evals import curves
from evals.bench.understanding import understood
from evals.readings import confidences
from evals.report import charts
from evals.results import read_run
from service.brands import read_brand
from service.files import shipped
from service.parts import ensure_model, heads_file
from service.settings import read_settings
from service.understand.classifier import load_heads
from service.understand.signals import read_signal_rules

HERE = Path(__file__).parent
BASELINE = HERE.parent / "evals" / "baselines" / "all.jsonl.gz"
STYLE = (
    "<style>text{font:11px sans-serif;fill:#666}.grid{stroke:#ddd}.ideal{stroke:#888;stroke-dasharray:4 4}"
    ".dot{fill:#2563a8;fill-opacity:.8}</style><rect width='100%' height='100%' fill='#fff'/>"
)
SETS = {"airline_en": ("sentiment", "negative"), "complaints_en": ("frustration", 1)}


def main() -> None:
    """Writes the charts that can be drawn."""
    _, confidence, right = confidences(read_run(BASELINE).results)
    draw("suites", confidence, right)
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if data is None:
        return
    settings = read_settings()
    embedder = ensure_model(settings)
    heads, rules = load_heads(heads_file(settings), embedder.fingerprint), read_signal_rules(shipped("knowledge/signals"))
    for name, (field, value) in SETS.items():
        pairs = understood(data / f"{name}.jsonl", embedder, heads, rules, read_brand("demo", None).identity.languages)
        scores = np.array([seen.scores["frustration"] for _, seen in pairs])
        draw(name, scores, np.array([record.get(field) == value for record, _ in pairs]))


def draw(name: str, confidence: np.ndarray, right: np.ndarray) -> None:
    """One chart of its own, readable without a page's style."""
    svg = charts.reliability(curves.reliability(confidence, right))
    start, rest = svg.split(">", 1)
    path = HERE / f"reliability-{name}.svg"
    path.write_text(f'{start} xmlns="http://www.w3.org/2000/svg" width="420" height="280">{STYLE}{rest}\n', encoding="utf-8")
    sys.stdout.write(f"{path} written\n")


if __name__ == "__main__":
    main()
