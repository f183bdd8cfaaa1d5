"""`python -m evals.bench.intake`: how fast messages are accepted, when all are triaged, and what happens when too many come.

The service is whole, in one process on one core, on SQLite; the senders run on the other core.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import uvloop

from evals.bench import machine, texts
from evals.bench.client import serving
from evals.bench.figures import Figure, Section, Target, percentile, plain
from evals.bench.open_loop import UNANSWERED, Sent, send_when_due

RATE, SECONDS = 100, 60  # messages handed over a second, and for how long
LEAST_DRAIN = 600.0  # seconds, longest wait for all of them to be triaged
SENDERS = 32  # at once, to find the most that a process triages in a second
PEAK_SECONDS, OVERLOAD_SECONDS, TIMES = 10.0, 20.0, 5
PERMITS = 32
WARM = 100
QUESTIONS = 2_000  # different ones

METHOD = f"""Accepting: `POST /v1/messages` at {RATE} a second for {SECONDS} s, each sent when it is due whether or not
those before were answered (open loop), timed from when it was due; the same process triages them meanwhile. Drained: from
the last message sent to the last one triaged. Too much: `POST /v1/triage` from {SENDERS} senders that wait for their answers
gives the peak; then {TIMES} times as many a second, open loop, for {OVERLOAD_SECONDS:.0f} s, with
FIRSTREPLY_MAX_CONCURRENT={PERMITS}: triages answered a second beside the peak, and how long a refusal takes."""


def main() -> None:
    """Measures and prints the table."""
    os.sched_setaffinity(0, {machine.CLIENT})
    with tempfile.TemporaryDirectory(prefix="firstreply-bench-") as folder:
        print(machine.describe(Path(folder)), flush=True)
        machine.settle("intake")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures = (*_accepting(runner, Path(folder) / "accepting"), *_overload(runner, Path(folder) / "overload"))
    machine.note_load("intake")
    print(plain([Section("Intake and pressure, one core", METHOD, figures)]))
    for name in machine.noisy:
        print(f"others were busy: {name}")


def _accepting(runner: asyncio.Runner, folder: Path) -> tuple[Figure, ...]:
    with _service(folder) as server:
        url = f"http://127.0.0.1:{server.port}"
        asked = texts.questions(QUESTIONS)
        # A number behind each, so that none is known from before.
        bodies = [
            json.dumps(one | {"id": f"bench-{number}", "text": f"{one['text']} {number}"}).encode()
            for number, one in zip(range(RATE * SECONDS + WARM), itertools.cycle(asked), strict=False)
        ]
        runner.run(send_when_due(server.port, "/v1/messages", bodies[:WARM], RATE))
        sent = runner.run(send_when_due(server.port, "/v1/messages", bodies[WARM:], RATE))
        waiting, start = _waiting(url), time.perf_counter()
        while _waiting(url) and time.perf_counter() - start < LEAST_DRAIN:
            time.sleep(0.5)
        drained = time.perf_counter() - start
        left = _waiting(url)
    accepted = sent.taken.get(202, [])
    return (
        Figure(f"accepted of {RATE * SECONDS:,}", len(accepted), "", Target(least=RATE * SECONDS), 0),
        Figure("accepting, p50", percentile(accepted, 50), "ms"),
        Figure("accepting, p99", percentile(accepted, 99), "ms", Target(most=25)),
        Figure("waiting when the last was sent", waiting, "messages", digits=0),
        Figure("drained after", drained, "s", digits=0),
        Figure("left", left, "messages", Target(most=0), 0),
    )


def _overload(runner: asyncio.Runner, folder: Path) -> tuple[Figure, ...]:
    with _service(folder, FIRSTREPLY_MAX_CONCURRENT=str(PERMITS), FIRSTREPLY_WORKER="false") as server:
        url = f"http://127.0.0.1:{server.port}"
        bodies = texts.questions(QUESTIONS)
        runner.run(_closed_loop(url, bodies, 2.0))
        closed = runner.run(_closed_loop(url, bodies, PEAK_SECONDS))
        peak = len(closed.taken[200]) / closed.seconds
        rate = round(TIMES * peak)
        many = [json.dumps(bodies[number % len(bodies)]).encode() for number in range(int(rate * OVERLOAD_SECONDS))]
        over = runner.run(send_when_due(server.port, "/v1/triage", many, rate))
    good, refused = over.taken.get(200, []), over.taken.get(503, [])
    return (
        Figure("triages a second at most", peak, ""),
        Figure("the same at five times as many, of the peak", 100 * len(good) / over.seconds / peak, "%", Target(least=80), 0),
        Figure("a triage then, p99", percentile(good, 99), "ms", digits=0),
        Figure("refused", len(refused), "", digits=0),
        Figure("a refusal, p99", percentile(refused, 99), "ms", Target(most=20)),
        Figure("neither answered nor refused", len(many) - len(good) - len(refused), "", Target(most=0), 0),
    )


def _service(folder: Path, **settings: str) -> Any:
    folder.mkdir()
    environment = {
        "FIRSTREPLY_DATA_DIR": str(folder), "FIRSTREPLY_MODELS_DIR": str(texts.model_folder().parent),
        "FIRSTREPLY_DEBOUNCE": "false",
    } | settings  # fmt: skip
    return serving([sys.executable, "-m", "service", "serve"], environment, folder / "log")


async def _closed_loop(url: str, bodies: Sequence[Any], seconds: float) -> Sent:
    """Sends as many as are answered."""
    sent = Sent()
    async with httpx.AsyncClient(base_url=url, timeout=60, headers={"content-type": "application/json"}) as client:
        start = time.perf_counter()

        async def sender(number: int) -> None:
            while time.perf_counter() - start < seconds:
                before = time.perf_counter()
                body = json.dumps(bodies[number % len(bodies)]).encode()
                sent.add(await _status(client, "/v1/triage", body), (time.perf_counter() - before) * 1000)
                number += SENDERS

        await asyncio.gather(*(sender(number) for number in range(SENDERS)))
        sent.seconds = time.perf_counter() - start
    return sent


async def _status(client: httpx.AsyncClient, path: str, body: bytes) -> int:
    try:
        return (await client.post(path, content=body)).status_code
    except httpx.HTTPError:
        return UNANSWERED


def _waiting(url: str) -> int:
    """Messages that are accepted and not triaged, as the service measures them."""
    found = re.search(r"^intake_waiting (\S+)$", httpx.get(f"{url}/metrics").text, re.MULTILINE)
    return int(float(found[1])) if found else 0


if __name__ == "__main__":
    main()
