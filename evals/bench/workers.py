"""`python -m evals.bench.workers`: how many accepted messages one, two and three workers triage in a second on Postgres.

Once with drafts by the composer, where the processor is what is short, and once with a model on loopback that takes 300 ms,
where time is. Workers, Postgres, the model and whoever hands messages over share the machine.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from evals.bench import machine, texts
from evals.bench.client import first_line
from evals.bench.figures import Figure, Section, Target, plain
from service.intake.acceptance import Acceptance
from service.messages import Message
from service.records.database import aware, connect
from service.records.queries import Records
from service.records.tables import inbox

MESSAGES = 300  # of a round
WARM = 40
PAUSE = 0.3  # seconds until the model has answered
FEW = 3  # messages at once of a worker that waits for the model: with eight, two cores are short and not the time
WORKERS = (1, 2, 3)
START_SECONDS = 120.0
METHOD = f"""`firstreply worker` processes on Postgres with fsync, with 8 messages at once each; {FEW} with the model, which
refuses after {PAUSE:g} s, whereupon the composer drafts. {MESSAGES} different messages are accepted at once; messages a second
from then to the last recorded triage, after {WARM} to warm up. Each worker is confined to one core, of which there are
{len(machine.CORES)}; Postgres, the model and whoever hands messages over take of all of them."""


def main() -> None:
    """Measures and prints the table."""
    sys.path.insert(0, str(machine.ROOT / "tests"))
    from postgres_server import postgres_server

    with tempfile.TemporaryDirectory(prefix="firstreply-bench-") as folder, postgres_server(synced=True) as url:
        print(machine.describe(Path(folder)), flush=True)
        machine.settle("workers")
        sections = []
        with _model() as model:
            slow = {"FIRSTREPLY_LLM_BASE_URL": model, "FIRSTREPLY_LLM_MODEL": "m", "FIRSTREPLY_WORKER_CONCURRENCY": str(FEW)}
            for title, more in (("composer", {}), ("a model of 300 ms", slow)):
                rates = {count: _measured(count, Path(folder), url, more) for count in WORKERS}
                print(title, {count: round(rate, 1) for count, rate in rates.items()}, flush=True)
                target = {2: Target(least=1.6), 3: Target(least=2.5) if more else None}
                figures = [Figure(f"{count} worker{'s' * (count > 1)}", rates[count], "messages/s") for count in WORKERS]
                figures += [Figure(f"{count} to one", rates[count] / rates[1], "x", target[count], 2) for count in WORKERS[1:]]
                sections.append(Section(f"Workers on Postgres, {title}", METHOD, tuple(figures)))
    print(plain(sections))
    for name in machine.noisy:
        print(f"others were busy: {name}")


def _measured(count: int, folder: Path, url: str, more: dict[str, str]) -> float:
    """Messages a second with so many workers."""
    given = {
        "FIRSTREPLY_DATABASE_URL": url, "FIRSTREPLY_DATA_DIR": str(folder / "data"),
        "FIRSTREPLY_MODELS_DIR": str(texts.model_folder().parent),
    }  # fmt: skip
    environment = os.environ | machine.QUIETLY | machine.ONE_THREAD | given | more
    with ExitStack() as stack:
        for number in range(count):
            stack.enter_context(_worker(environment, folder, machine.CORES[number % len(machine.CORES)]))
        return asyncio.run(_rate(url))


async def _rate(url: str) -> float:
    records = Records(connect(url))
    acceptance = Acceptance(records.inbox, debounce=False)
    given = [Message.model_validate(one | {"id": None}) for one in texts.questions(WARM + MESSAGES)]
    await acceptance.accept(given[:WARM], "bench")
    await _done(records)
    began = datetime.now(UTC)
    await acceptance.accept(given[WARM:], "bench")
    await _done(records)
    last = (await records.all(select(func.max(inbox.c.done_at))))[0][0]
    dead = (await records.inbox.backlog()).dead
    await records.close()
    if dead:
        raise SystemExit(f"{dead} messages failed")
    return MESSAGES / (aware(last) - began).total_seconds()


async def _done(records: Records) -> None:
    while (await records.inbox.backlog()).waiting:
        await asyncio.sleep(0.1)


@contextmanager
def _worker(environment: dict[str, str], folder: Path, core: int) -> Iterator[None]:
    log = folder / f"worker-{time.monotonic_ns()}"
    with log.open("wb") as file:
        process = machine.pinned([sys.executable, "-m", "service", "worker"], (core,), env=environment, stderr=file)
    try:
        until = time.monotonic() + START_SECONDS
        while b"works on what was accepted" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(log.read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def _model() -> Iterator[str]:
    """A model in a process of its own; its base URL."""
    command = [sys.executable, "-m", "evals.bench.workers", "model"]
    process = subprocess.Popen(command, cwd=machine.ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    with first_line(process) as url:
        yield url


def _serve() -> None:
    sys.path.insert(0, str(machine.ROOT / "tests"))
    from model_server import ModelServer, says

    with ModelServer(says(None, refusal="no", pause=PAUSE)) as server:  # one call a message: no check finds fault with a refusal
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve() if sys.argv[1:] == ["model"] else main()
