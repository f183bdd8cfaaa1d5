"""`python -m evals.bench.asked_again [banking77.jsonl]`: from which likeness two messages ask the same, and what that finds.

`asked_again.jsonl` says of 150 pairs of an earlier turn and the message after it (the nearest ones of at least four words
in the labelled examples) whether the message asks the same again. Pairs of different conversations of one industry and
language are what a customer's other contacts look like. banking77 (77 fine intents of one bank) is the hardest.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evals.bench.texts import model_folder
from evals.suites import find_suite, read_suite
from service.files import shipped
from service.parts import heads_file
from service.settings import read_settings
from service.understand.classifier import load_heads
from service.understand.embedder import load_embedder

LIKENESSES = (0.4, 0.45, 0.5, 0.55, 0.6)
ASKS = ("frustration", "information_seeking")
LABELLED = Path(__file__).with_name("asked_again.jsonl")
SUITES, LEAST_WORDS = ("understanding", "escalation"), 3
PRECEDENTS = 300  # of banking77, the rest are messages that look for one


def main() -> None:
    """Measures and prints a table."""
    settings = read_settings()
    embedder = load_embedder(model_folder(), settings.runtime, settings.threads)
    heads = load_heads(heads_file(settings), embedder.fingerprint)

    def vectors(texts: Sequence[str]) -> Any:
        return heads.ranked(heads.centred_queries(embedder.queries(list(texts))))

    examples = {
        one["id"]: one
        for path in sorted(shipped("knowledge/examples").glob("*.jsonl"))
        for one in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    }
    pairs = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    pairs = [pair for pair in pairs if examples[pair["id"]]["label"] in ASKS]
    earlier = [[t["text"] for t in examples[p["id"]]["thread"] if t["role"] == "customer"][p["turn"]] for p in pairs]
    now = [examples[pair["id"]]["text"] for pair in pairs]
    likeness, same = (vectors(earlier) * vectors(now)).sum(axis=1), np.array([pair["same"] for pair in pairs])
    print(f"one conversation: {len(pairs)} labelled pairs, {same.sum()} ask the same")
    for at in LIKENESSES:
        found = likeness >= at
        print(f"  {at}: precision {same[found].mean():.2f} of {found.sum()}, recall {found[same].mean():.2f}")

    asking = [one for one in examples.values() if one["label"] in ASKS]
    groups = [(one["language"], one["industry"]) for one in asking]
    _apart("other conversations of one industry and language", vectors([one["text"] for one in asking]), groups)
    cases = [case for name in SUITES for case in read_suite(find_suite(name)).cases if case.slices.get("label") in ASKS]
    said = sorted({(case.message.content, case.path.stem) for case in cases if len(case.message.content.split()) > LEAST_WORDS})
    _apart("messages of the suites in one language", vectors([text for text, _ in said]), [language for _, language in said])
    if len(sys.argv) > 1:
        _banking(Path(sys.argv[1]), vectors)


def _apart(name: str, vectors: Any, groups: Sequence[Any]) -> None:
    """How many pairs of one group are alike although they are of different people."""
    cosines = []
    for group in sorted(set(groups)):
        mine = vectors[[at for at, one in enumerate(groups) if one == group]]
        cosines.append((mine @ mine.T)[np.triu_indices(len(mine), 1)])
    every = np.concatenate(cosines)
    print(f"{name}: {len(every)} pairs")
    print("  " + ", ".join(f"{at}: {10_000 * (every >= at).mean():.2f} of 10,000" for at in LIKENESSES))


def _banking(path: Path, vectors: Any) -> None:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][:3_000]
    found, topics = vectors([line["text"] for line in lines]), np.array([line["topic"] for line in lines])
    cosines = found @ found.T
    upper = np.triu_indices(len(lines), 1)
    same, likeness = (topics[:, None] == topics[None])[upper], cosines[upper]
    order = np.random.default_rng(0).permutation(len(lines))
    stored, asked = order[:PRECEDENTS], order[PRECEDENTS:]
    nearest = cosines[np.ix_(asked, stored)]
    best, right = nearest.max(axis=1), topics[stored][nearest.argmax(axis=1)] == topics[asked]
    print(f"banking77: {len(same)} pairs, {same.sum()} of one intent; {PRECEDENTS} precedents, {len(asked)} messages")
    for at in LIKENESSES:
        print(
            f"  {at}: recall {(likeness[same] >= at).mean():.2f}, false {(likeness[~same] >= at).mean():.4f}; "
            f"precedent shown {(best >= at).mean():.2f}, of the same intent {right[best >= at].mean():.2f}"
        )


if __name__ == "__main__":
    main()
