"""`python -m evals.bench.searching DATA_DIR`: milliseconds that the retrieval of messages takes, one by one in this process."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path

from evals.bench import filler, texts
from service.messages import Message
from service.parts import build_parts
from service.retrieve.context import retrieve
from service.retrieve.customers import known_of
from service.settings import Settings
from service.understand.understanding import texts_of, understand

MESSAGES, WARM = 400, 20


async def measure(data: Path, customers: int) -> dict[str, list[float]]:
    """By stage, milliseconds of each message: what the customer has, read from the records, and what the brand knows."""
    settings = Settings(data_dir=data, models_dir=texts.model_folder().parent)
    rng = random.Random(2)
    taken: dict[str, list[float]] = {"records": [], "knowledge": []}
    async with build_parts(settings) as parts:
        brand = parts.brands[filler.BRAND]
        who = brand.identity
        for given in texts.whole(WARM + MESSAGES):
            author = {"customer_id": f"C-{rng.randrange(customers)}"}
            message = Message.model_validate(given | {"brand": filler.BRAND, "author": author})
            read = texts_of(message)
            vectors = await parts.embedding.queries(read.all)
            start = time.perf_counter()
            known = await known_of(message, parts.sources.known)
            known_at = time.perf_counter()
            seen = understand(message, read, vectors, parts.heads, parts.rules, who.languages, topics=brand.topic_ids)
            understood_at = time.perf_counter()
            found = await retrieve(message, seen, known, read, vectors, parts.heads, parts.sources, brand)
            end = time.perf_counter()
            if not (found.passages and known.orders):
                taken.setdefault("empty", []).append(0)
            taken["records"].append((known_at - start) * 1000)
            taken["knowledge"].append((end - understood_at) * 1000)
    return {stage: values[WARM:] for stage, values in taken.items()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), int(sys.argv[2])))))
