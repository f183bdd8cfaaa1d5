"""The embedder against sentence-transformers on torch: the same weights, the same texts, one core."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from evals.bench import machine, texts
from evals.bench.figures import Figure, Section, Target, percentile
from service.understand.embedder import Vectors, load_embedder

TOKENS = 40
ROUNDS = 5  # of which the median is kept
SINGLE = 40  # texts a round, one by one
BATCH, BATCHES = 32, 2  # texts of a batch, batches a round
MESSAGES = 200
OTHERS = 2_000
Encode = Callable[[list[str]], Vectors]

METHOD = f"""Both encode the same {TOKENS}-token texts in one process on one core with one thread, in turns: {ROUNDS} rounds of
{SINGLE} single texts and {BATCHES} batches of {BATCH} each; the median of the rounds is kept. Times hold tokenising and all
else between text and unit vector. Agreement is with torch in float32: {MESSAGES} messages in six languages, each with its
own vector from the other runtime (cosine), and the nearest of the demo brand's FAQ passages and of {OTHERS:,} sentences of
other examples in both (same first)."""


def measure() -> Section:
    """Speed on one core, then agreement on all of them."""
    machine.settle("embedder")
    speed = machine.measured_by("evals.bench.embedder", "speed")
    ours, torch = speed["openvino"], speed["torch"]
    same = machine.measured_by("evals.bench.embedder", "agreement", cores=machine.CORES)
    figures = (
        Figure(f"openvino, {TOKENS} tokens, one by one: p50", ours["p50"], "ms", Target(most=7), 2),
        Figure(f"openvino, {TOKENS} tokens, one by one: p95", ours["p95"], "ms", digits=2),
        Figure(f"torch, {TOKENS} tokens, one by one: p50", torch["p50"], "ms", digits=2),
        Figure(f"torch, {TOKENS} tokens, one by one: p95", torch["p95"], "ms", digits=2),
        Figure("times faster than torch, one by one", torch["p50"] / ours["p50"], "x", Target(least=4), 2),
        Figure(f"openvino, batches of {BATCH}", ours["rate"], "texts/s"),
        Figure(f"torch, batches of {BATCH}", torch["rate"], "texts/s"),
        Figure(f"times faster than torch, batches of {BATCH}", ours["rate"] / torch["rate"], "x", digits=2),
        Figure("cosine with torch: mean", same["mean"], "", Target(least=0.999), 6),
        Figure("cosine with torch: least", same["least"], "", Target(least=0.999), 6),
        Figure(f"same first of {same['passages']} FAQ passages", same["first_passage"], "", Target(least=0.98), 3),
        Figure(f"same first of {OTHERS:,} other messages", same["first_other"], "", digits=3),
    )
    return Section("Embedder, one core", METHOD, figures)


def torch_encoder(threads: int) -> Encode:
    """sentence-transformers on torch, as its documentation has it."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    model = SentenceTransformer(str(texts.model_folder()), device="cpu")
    return lambda batch: np.asarray(model.encode(batch, normalize_embeddings=True, show_progress_bar=False))


def _speed() -> dict[str, Any]:
    single = [texts.QUERY + text for text in texts.of_length(TOKENS, ROUNDS * SINGLE)]
    encoders = {"openvino": load_embedder(texts.model_folder()).encode, "torch": torch_encoder(1)}
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in encoders}
    for number in range(ROUNDS):
        for name, encode in encoders.items():
            for text in single[:3]:  # the other runtime has filled the caches
                encode([text])
            taken = [_ms(encode, [text]) for text in single[number * SINGLE : (number + 1) * SINGLE]]
            batched = sum(_ms(encode, single[at * BATCH : (at + 1) * BATCH]) for at in range(BATCHES))
            rate = BATCHES * BATCH / batched * 1000
            rounds[name].append({"p50": percentile(taken, 50), "p95": percentile(taken, 95), "rate": rate})
    return {
        name: {key: statistics.median(r[key] for r in found) for key in ("p50", "p95", "rate")} for name, found in rounds.items()
    }


def _ms(encode: Encode, batch: list[str]) -> float:
    start = time.perf_counter()
    encode(batch)
    return (time.perf_counter() - start) * 1000


def _agreement() -> dict[str, Any]:
    chosen = [example.text for example in texts.examples()[:MESSAGES]]
    others = texts.short(OTHERS, lambda sentence: not any(sentence in message for message in chosen))
    passages = [f"passage: {faq.title}\n{faq.answer}" for faq in texts.faqs()]
    queries = [texts.QUERY + text for text in chosen + others]
    made: list[tuple[Vectors, Vectors, Vectors]] = []
    for encode in (load_embedder(texts.model_folder(), threads=len(machine.CORES)).encode, torch_encoder(len(machine.CORES))):
        vectors = encode(queries)
        made.append((vectors[:MESSAGES], vectors[MESSAGES:], encode(passages)))
    (ours, our_others, our_passages), (theirs, their_others, their_passages) = made
    cosines = (ours * theirs).sum(axis=1)
    return {
        "mean": float(cosines.mean()),
        "least": float(cosines.min()),
        "passages": len(passages),
        "first_passage": _same_first(ours @ our_passages.T, theirs @ their_passages.T),
        "first_other": _same_first(ours @ our_others.T, theirs @ their_others.T),
    }


def _same_first(ours: Vectors, theirs: Vectors) -> float:
    return float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean())


if __name__ == "__main__":
    print(json.dumps(_speed() if sys.argv[1] == "speed" else _agreement()))
