"""`python -m evals.bench.writer_load`: what calling a model costs of our own, and what 100 slow streams cost everybody else.

The model is a server on loopback (tests/model_server.py) in a process of its own on the other core; the service is whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from evals.bench import machine, texts
from evals.bench.client import first_line
from evals.bench.figures import Figure, Section, Target, percentile, plain
from service import pipeline
from service.llm.client import connect
from service.llm.prompts import Prompt
from service.llm.provider import Provider
from service.messages import Message
from service.parts import Parts, build_parts
from service.settings import Settings

if TYPE_CHECKING:
    from model_server import Answer

STREAMS = 100
PAUSE = 0.2  # seconds between two pieces of a slow stream: what a model on a CPU writes
PIECES = 100
CALLS = 300
OTHERS = 80  # triages of a round without the streams, and as many beside them
ROUNDS = 3
WARM = 20
DEADLINE = 120.0
TEXT = json.dumps({"action": "reply", "public": "Thanks for writing. " * 20, "private": "We looked into it. " * 20, "claims": []})
PROMPT = Prompt(
    id="reply",
    version="bench",
    messages=({"role": "system", "content": "Be kind. " * 500}, {"role": "user", "content": "Where is my parcel? " * 50}),
    schema={
        "type": "object",
        "properties": {"action": {"type": "string"}},
        "required": ["action"],
        "additionalProperties": False,
    },
)

METHOD = f"""A whole service in one process on one core; on the other one a model that answers at once with
{len(TEXT)} characters. Our own time of a call: the median of {CALLS} calls one after the other, less the median of as many bare
requests with the same bytes over a kept connection. Slow streams: {STREAMS} at once, a piece every {PAUSE:g} s from each.
Memory: VmRSS with all of them running, less VmRSS after a first round of them. Other requests: triages without a draft, one
after the other, {OTHERS} without and {OTHERS} beside the streams, {ROUNDS} rounds."""


def main() -> None:
    """Measures in a process of its own on one core and prints the table."""
    with tempfile.TemporaryDirectory(prefix="firstreply-bench-") as folder:
        print(machine.describe(Path(folder)), flush=True)
        machine.settle("writer")
        with _model("quick") as quick, _model("slow") as slow:
            taken = machine.measured_by("evals.bench.writer_load", folder, quick, slow)
    machine.note_load("writer")
    figures = (
        Figure("a call: our own time, p50", taken["own"], "ms", Target(most=8), 2),
        Figure("a stream: our own time to its first piece, p50", taken["first"], "ms", Target(most=8), 2),
        Figure(f"memory of {STREAMS} slow streams", taken["memory"], "MB", Target(most=50)),
        Figure("pieces a second of all of them", taken["pieces"], "", digits=0),
        Figure("other requests: p95 without them", taken["alone"], "ms", digits=2),
        Figure("other requests: p95 beside them", taken["beside"], "ms", digits=2),
        Figure("the second to the first", taken["beside"] / taken["alone"], "", Target(most=1.1), 2),
        Figure("processor time of a piece", taken["piece"], "ms", digits=3),
    )
    print(plain([Section("Writer, one core", METHOD, figures)]))
    for name in machine.noisy:
        print(f"others were busy: {name}")


async def _measure(folder: Path, quick: str, slow: str) -> dict[str, float]:
    messages = [
        Message.model_validate(one | {"options": {"draft": False}}) for one in texts.questions(WARM + 2 * ROUNDS * OTHERS)
    ]
    own, first = await _own(quick)
    settings = Settings(
        data_dir=folder, models_dir=texts.model_folder().parent, llm_base_url=slow, llm_model="m", llm_concurrency=2 * STREAMS
    )
    alone: list[float] = []
    beside: list[float] = []
    memory: list[float] = []
    pieces: list[float] = []
    spent: list[float] = []
    async with build_parts(settings) as parts:
        await _triages(parts, messages[:WARM])
        async with _streaming(parts):
            pass  # what is allocated once and kept is no cost of a stream
        for number in range(ROUNDS):
            some = messages[WARM + 2 * number * OTHERS :][: 2 * OTHERS]
            alone += await _triages(parts, some[:OTHERS])
            gc.collect()
            before = _resident_mb()
            async with _streaming(parts) as counted:
                start, came = time.perf_counter(), counted[0]
                beside += await _triages(parts, some[OTHERS:])
                pieces.append((counted[0] - came) / (time.perf_counter() - start))
                used, came = time.process_time(), counted[0]
                await asyncio.sleep(2.0)  # nothing else to do
                spent.append((time.process_time() - used) / (counted[0] - came) * 1000)
                memory.append(_resident_mb() - before)
    return {
        "own": own, "first": first, "memory": max(memory), "pieces": percentile(pieces, 50),
        "alone": percentile(alone, 95), "beside": percentile(beside, 95), "piece": percentile(spent, 50),
    }  # fmt: skip


async def _own(url: str) -> tuple[float, float]:
    """Milliseconds of a call and of a stream's first piece beyond those of a bare request."""
    client = connect(url, None, None, 4)
    provider = Provider(client, "m")
    whole: list[float] = []
    first: list[float] = []
    for _ in range(WARM + CALLS):
        start = time.perf_counter()
        await provider.complete(PROMPT, brand="b", deadline=_deadline())
        whole.append(time.perf_counter() - start)
    for _ in range(WARM + CALLS):
        start = time.perf_counter()
        async with contextlib.aclosing(provider.stream(PROMPT, brand="b", deadline=_deadline())) as pieces:
            await anext(pieces)
            first.append(time.perf_counter() - start)
            async for _piece in pieces:
                pass
    await provider.close()
    bare = await asyncio.to_thread(_bare, url, False)
    bare_first = await asyncio.to_thread(_bare, url, True)
    return (percentile(whole[WARM:], 50) - bare) * 1000, (percentile(first[WARM:], 50) - bare_first) * 1000


def _bare(url: str, stream: bool) -> float:
    """Median seconds to the last byte of an answer, of a stream to the first of its body."""
    from service.llm.dialect import Dialect

    body = json.dumps(Dialect().body("m", PROMPT, stream=stream)).encode()
    host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
    connection = http.client.HTTPConnection(host, int(port))
    taken: list[float] = []
    for _ in range(WARM + CALLS):
        start = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if stream:
            answer.read(1)
            taken.append(time.perf_counter() - start)
        answer.read()
        if not stream:
            taken.append(time.perf_counter() - start)
    connection.close()
    return percentile(taken[WARM:], 50)


@contextlib.asynccontextmanager
async def _streaming(parts: Parts) -> Any:
    """STREAMS slow streams for as long as the block runs, each begun anew at its end; the number of pieces so far."""
    counted = [0]
    assert parts.provider is not None
    provider = parts.provider

    async def stream() -> None:
        while True:
            async for _ in provider.stream(PROMPT, brand="demo", deadline=_deadline()):
                counted[0] += 1

    running = [asyncio.create_task(stream()) for _ in range(STREAMS)]
    while counted[0] < 5 * STREAMS:
        await asyncio.sleep(PAUSE)
    yield counted
    for task in running:
        task.cancel()
    ended = await asyncio.gather(*running, return_exceptions=True)
    failed = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
    if failed:
        raise SystemExit(f"{len(failed)} streams failed: {failed[0]!r}")


async def _triages(parts: Parts, messages: Sequence[Message]) -> list[float]:
    taken: list[float] = []
    for message in messages:
        start = time.perf_counter()
        await pipeline.triage(message, parts)
        taken.append((time.perf_counter() - start) * 1000)
    return taken


@contextmanager
def _model(speed: str) -> Iterator[str]:
    """A model on the other core; its base URL."""
    command = [sys.executable, "-m", "evals.bench.writer_load", speed]
    process = machine.pinned(command, (machine.CLIENT,), stdout=subprocess.PIPE, stdin=subprocess.PIPE, env=dict(os.environ))
    with first_line(process) as url:
        yield url


def _serve(speed: str) -> None:
    sys.path.insert(0, str(machine.ROOT / "tests"))
    from model_server import ModelServer, says

    answer: Answer = says(TEXT) if speed == "quick" else says(TEXT * 8, pieces=PIECES, pause=PAUSE)
    with ModelServer(answer) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def _deadline() -> float:
    return asyncio.get_running_loop().time() + DEADLINE


def _resident_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e6


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main()
        case ["quick" | "slow" as speed]:
            _serve(speed)
        case [folder, quick, slow]:
            from service.telemetry import log_warnings

            log_warnings()
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as `serve` runs it
                print(json.dumps(runner.run(_measure(Path(folder), quick, slow))))
