"""`python -m evals.bench.scale`: retrieval, start and memory as an installation grows, and how long large imports take."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evals.bench import filler, machine, texts
from evals.bench.client import serving
from evals.bench.figures import Figure, Section, Target, percentile, plain
from evals.bench.filler import Size
from service.parts import build_parts
from service.settings import Settings

SIZES = (Size(1_000, 300, 1_000), Size(10_000, 3_000, 10_000), Size(100_000, 30_000, 100_000))
CHUNKS, ORDERS = 5_000, 100_000  # of the imports
COMMAND = str(Path(sys.executable).parent / "firstreply")

METHOD = f"""Invented data, the same on every run: a brand with so many orders, FAQ chunks (two vectors each) and past
messages, and three small brands beside it, on SQLite. Retrieval: what a customer has is read from the records, and passages
are found, of 400 real messages of known customers, one by one on one core, without the embedding. Start: from the start of
`firstreply serve` to the first 200 of `/readyz` on one core; memory: VmRSS then. Imports: the command line on all cores, of
{CHUNKS:,} chunks of 430 characters into a new brand, and of {ORDERS:,} orders with their customers, on SQLite and on a
Postgres on the same machine that syncs its log."""


def main() -> None:
    """Measures the sizes asked for, by default all, and the imports; prints the table."""
    sizes = [size for size in SIZES if not sys.argv[1:] or str(size.orders) in sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="firstreply-bench-") as temporary:
        folder = Path(temporary)
        print(machine.describe(folder), flush=True)
        sections = []
        for size in sizes:
            title = f"{size.orders:,} orders, {size.chunks:,} chunks, {size.messages:,} messages"
            sections.append(Section(title, "", _grown(folder, size)))
            print(plain(sections[-1:]), flush=True)
        sections.append(Section("Imports", METHOD, tuple(_imports(folder))))
        machine.note_load("scale")
        print(plain(sections[-1:]))
    for name in machine.noisy:
        print(f"others were busy: {name}")


def _grown(folder: Path, size: Size) -> tuple[Figure, ...]:
    data = folder / str(size.orders)
    asyncio.run(_fill(data, size))
    machine.settle(f"retrieval at {size.orders:,}")
    taken = machine.measured_by("evals.bench.searching", str(data), str(size.customers))
    both = [records + knowledge for records, knowledge in zip(taken["records"], taken["knowledge"], strict=True)]
    with serving([COMMAND, "serve"], _environment(data) | {"FIRSTREPLY_WORKER": "false"}, folder / "log") as server:
        seconds, resident = server.seconds, server.resident_mb()
    largest = size == SIZES[-1]

    def figure(name: str, value: float, unit: str, most: float, digits: int = 1) -> Figure:
        return Figure(name, value, unit, Target(most=most) if largest else None, digits)

    return (
        figure("retrieval, p50", percentile(both, 50), "ms", 10),
        figure("retrieval, p95", percentile(both, 95), "ms", 20),
        Figure("of it the records, p50", percentile(taken["records"], 50), "ms"),
        figure("start", seconds, "s", 8),
        figure("memory", resident, "MB", 2_000, 0),
    )


async def _fill(data: Path, size: Size) -> None:
    settings = Settings(data_dir=data, models_dir=texts.model_folder().parent)
    async with build_parts(settings) as parts:
        await filler.fill(parts, size)


def _imports(folder: Path) -> Iterable[Figure]:
    sys.path.insert(0, str(machine.ROOT / "tests"))
    from postgres_server import postgres_server

    rng, said = random.Random(3), filler.sentences()
    faqs = [
        {"id": one.id, "question": one.title, "answer": one.answer, "language": "en"}
        for one in (filler.chunk(number, said, rng) for number in range(CHUNKS))
    ]
    people = filler.customers(ORDERS // filler.ORDERS_EACH)
    orders = [filler.order(number, rng, len(people)) for number in range(ORDERS)]
    chunks = _written(folder / "faqs.jsonl", faqs)
    bought = _written(folder / "orders.jsonl", (one.model_dump(mode="json", exclude={"late", "why"}) for one in orders))
    known = _written(folder / "customers.jsonl", (one.model_dump(mode="json") for one in people))
    words = ("orders", "import", "--brand", "new", "--customers", str(known), str(bought))
    put = ("knowledge", "import", "--brand", "new", str(chunks))
    yield Figure(f"{CHUNKS:,} FAQ chunks", _seconds(folder / "a", *put), "s", Target(most=60))
    yield Figure(f"{ORDERS:,} orders, SQLite", _seconds(folder / "b", *words), "s", Target(most=90))
    with postgres_server(synced=True) as url:
        yield Figure(f"{ORDERS:,} orders, Postgres", _seconds(folder / "c", *words, DATABASE_URL=url), "s", Target(most=90))


def _written(path: Path, lines: Iterable[Mapping[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return path


def _seconds(data: Path, *words: str, **more: str) -> float:
    """How long a command takes, its start included, after one that has made the installation."""
    environment = os.environ | _environment(data) | {f"FIRSTREPLY_{name}": value for name, value in more.items()}
    subprocess.run([COMMAND, "triage", "hello", "--json"], env=environment, check=True, stdout=subprocess.DEVNULL)
    machine.settle(" ".join(words[:2]))
    start = time.perf_counter()
    done = subprocess.run([COMMAND, *words], env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2_000:])
    return time.perf_counter() - start


def _environment(data: Path) -> dict[str, str]:
    return {"FIRSTREPLY_DATA_DIR": str(data), "FIRSTREPLY_MODELS_DIR": str(texts.model_folder().parent)}


if __name__ == "__main__":
    main()
