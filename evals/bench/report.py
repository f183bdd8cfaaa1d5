"""Writes docs/bench.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from evals.bench.figures import Section, markdown


def write(target: Path, described: str, sections: Sequence[Section], noisy: Sequence[str], seconds: float) -> None:
    """Figures, machine, date, command and how each was measured."""
    quiet = (
        f"Others were busy on the machine, so that these figures are worse than its best: {', '.join(dict.fromkeys(noisy))}."
        if noisy
        else "The machine was quiet."
    )
    target.write_text(
        f"""# Benchmarks

Written by `make bench` (`python -m evals.bench`) on {datetime.now(UTC):%Y-%m-%d}, in {seconds / 60:.0f} minutes. {quiet}

Machine: {described}.

Figures are of one core: each measured process is confined to it, its client runs on another. Between machines compare
them by the sgemm figure, and look at avx512_bf16 and amx_bf16: the embedder runs in bfloat16 where the processor can.

{markdown(sections)}""",
        encoding="utf-8",
    )
