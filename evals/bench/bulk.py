"""The bulk run: a file of requests in, a file of triages out, on one core."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from evals.bench import machine, texts
from evals.bench.figures import Figure, Section, Target
from evals.bench.serving import COMMAND, environment

MESSAGES = 2_000
STARTS = 3  # runs of a single line, whose median is the start

METHOD = f"""`firstreply triage --input … --output …` of {MESSAGES:,} different messages on one core. Short messages are one
sentence of {texts.LEAST} to {texts.MOST} tokens each; the other file holds the labelled examples as they are, with threads,
e-mails and several questions (1.6 texts and 52 tokens a message). Without start: less the time of the same command with a
file of one line (median of {STARTS}). Every triage is recorded and drafted."""


def measure(folder: Path) -> Section:
    """Two runs of MESSAGES lines, and what of them is the start."""
    _run(folder, texts.whole(1), "first")  # fills the data directory
    machine.settle("bulk run")
    start = statistics.median(_run(folder, texts.whole(1), f"start{number}") for number in range(STARTS))
    machine.settle("bulk run")
    short = _run(folder, [{"text": text} for text in texts.short(MESSAGES)], "short")
    machine.settle("bulk run")
    whole = _run(folder, texts.whole(MESSAGES), "whole")
    figures = (
        Figure("short messages, whole process", MESSAGES / short, "messages/s", Target(least=90)),
        Figure("short messages, without start", (MESSAGES - 1) / (short - start), "messages/s"),
        Figure("examples as they are, whole process", MESSAGES / whole, "messages/s"),
        Figure("examples as they are, without start", (MESSAGES - 1) / (whole - start), "messages/s"),
    )
    return Section("Bulk run, one core", METHOD, figures)


def _run(folder: Path, requests: list[dict[str, Any]], name: str) -> float:
    """Seconds from the start of the command to its end."""
    source, target = folder / f"{name}.jsonl", folder / f"{name}.out.jsonl"
    source.write_text("".join(json.dumps(request) + "\n" for request in requests), encoding="utf-8")
    command = [COMMAND, "triage", "--input", str(source), "--output", str(target)]
    start = time.perf_counter()
    process = machine.pinned(command, (machine.MEASURED,), env=os.environ | environment(folder), stderr=subprocess.PIPE)
    _, said = process.communicate()
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"the bulk run ended with code {process.returncode}: {said.decode()[-500:]}")
    return seconds
