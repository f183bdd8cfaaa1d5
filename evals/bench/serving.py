"""The service as it is run: cold start, one triage over HTTP, many at once, memory."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from evals.bench import client, machine, texts
from evals.bench.figures import Figure, Section, Target, percentile

COMMAND = str(Path(sys.executable).parent / "firstreply")
STARTS = 5
ROUNDS = 3  # starts that are also sent messages, all of them the same ones: the process is new and remembers no vector
SINGLE, MANY, STREAMED, CONNECTIONS = 300, 190, 100, 16
WARM = 10  # messages sent before any is counted
PATH = "/v1/triage"
DECIDED = "escalation"  # the last event of a stream before its draft

METHOD = f"""`firstreply serve` on one core with a data directory of its own, filled by an earlier start; the client runs on
another core. Cold start: from the start of the process to the first 200 of `/readyz`, files in the page cache, median of
{STARTS}. Triage: {SINGLE} different single-question messages of {texts.LEAST} to {texts.MOST} tokens in six languages, in turn
from a customer with an order and from a stranger, over one kept connection, each recorded and drafted; then {STREAMED} others to
`{PATH}/stream`, until what is understood, found and decided has come; then {MANY} others over {CONNECTIONS} connections; then
VmRSS. Median of {ROUNDS} rounds, each with a new process."""


@dataclass(frozen=True)
class Speed:
    """What others are compared with."""

    p50: float
    many: float


def environment(folder: Path) -> dict[str, str]:
    """Settings of a service whose state lies in `folder`."""
    return {"FIRSTREPLY_DATA_DIR": str(folder / "data"), "FIRSTREPLY_MODELS_DIR": str(texts.model_folder().parent)}


def measure(folder: Path) -> tuple[Section, Speed]:
    """Starts the service STARTS times and sends messages to the first ROUNDS of them."""
    requests = texts.questions(WARM + SINGLE + STREAMED + MANY)
    streamed = WARM + SINGLE + STREAMED
    starts: list[float] = []
    p50: list[float] = []
    p95: list[float] = []
    decided: list[float] = []
    many: list[float] = []
    resident: list[float] = []
    with client.serving([COMMAND, "serve"], environment(folder), folder / "serve.log"):
        pass  # fills the data directory
    machine.settle("service")
    for number in range(STARTS):
        with client.serving([COMMAND, "serve"], environment(folder), folder / "serve.log") as server:
            starts.append(server.seconds)
            if number >= ROUNDS:
                continue
            client.latencies(server.port, PATH, requests[:WARM])
            taken = client.latencies(server.port, PATH, requests[WARM : WARM + SINGLE])
            p50.append(percentile(taken, 50))
            p95.append(percentile(taken, 95))
            until = client.until_event(server.port, f"{PATH}/stream", requests[WARM + SINGLE : streamed], DECIDED)
            decided.append(percentile(until, 50))
            many.append(client.rate(server.port, PATH, requests[streamed:], CONNECTIONS))
            resident.append(server.resident_mb())
    speed = Speed(statistics.median(p50), statistics.median(many))
    figures = (
        Figure("cold start", statistics.median(starts), "s", Target(most=6), 2),
        Figure("triage, one connection: p50", speed.p50, "ms", Target(most=15), 2),
        Figure("triage, one connection: p95", statistics.median(p95), "ms", Target(most=30), 2),
        Figure("stream, until it is decided: p50", statistics.median(decided), "ms", Target(most=15), 2),
        Figure(f"triage, {CONNECTIONS} connections", speed.many, "messages/s"),
        Figure(f"resident memory after {len(requests)} triages", statistics.median(resident), "MB", Target(most=700), 0),
    )
    return Section("Service, one core", METHOD, figures), speed
