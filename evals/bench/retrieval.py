"""`make bench-retrieval`: whether the right passage is first, and whether it is known when there is none, against floors.

Own queries lie beside this file; third-party sets are not part of the project: `--data` names the folder with them, and a
set that is not there is "not measured". Nothing is fitted on any of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evals import curves
from evals.bench.figures import aligned
from evals.intervals import bootstrap, wilson
from evals.suites import find_suite, read_suite
from service.brands import read_brand
from service.files import shipped
from service.knowledge import Entry
from service.messages import Message, Passage
from service.parts import ensure_model, heads_file
from service.retrieve.context import message_vector
from service.retrieve.embedded_index import EmbeddedIndex
from service.retrieve.faqs import Passages
from service.retrieve.folder import read_folder
from service.retrieve.ingest import Report, embedded, read_faq_lines
from service.settings import read_settings
from service.understand.classifier import load_heads
from service.understand.embedder import EmbeddingThread
from service.understand.relevance import Asked
from service.understand.signals import read_signal_rules
from service.understand.understanding import texts_of, understand

HERE = Path(__file__).parent / "english_only"
LANGUAGES = ("en", "de", "nl", "sv", "fr", "es")
DEMO = "demo"
OFF_TOPIC = 500  # messages of another business that are searched


@dataclass(frozen=True)
class Query:
    """A query and the ids of entries that answer it, none where nothing does; `among`: the only entries that count."""

    text: str
    language: str
    right: frozenset[str]
    among: frozenset[str] | None = None


@dataclass(frozen=True)
class Found:
    """What a search brought, best first."""

    query: Query
    entries: tuple[str, ...]
    relevance: float

    def first(self, most: int) -> bool:
        """Whether a right one is among the first `most`."""
        return bool(set(self.entries[:most]) & self.query.right)


class Bench:
    """Brands in an index of their own, searched as a triage searches."""

    def __init__(self) -> None:
        settings = read_settings()
        self._embedding = EmbeddingThread(ensure_model(settings))
        self._heads = load_heads(heads_file(settings), self._embedding.embedder.fingerprint)
        self._rules = read_signal_rules(shipped("knowledge/signals"))
        self._index = EmbeddedIndex(self._embedding.embedder.dimension)
        self._passages = Passages(self._index, self._heads)
        self._entries: dict[str, int] = {}

    async def put(self, brand: str, entries: Sequence[Entry]) -> None:
        """A brand's entries."""
        embedder = self._embedding
        rows = await embedded(brand, entries, embedder.queries, embedder.passages, embedder.embedder.fingerprint)
        await self._passages.put(rows)
        self._entries[brand] = len({entry.entry for entry in entries})

    async def find(self, brand: str, queries: Sequence[Query]) -> list[Found]:
        """What a search for each query brings, whatever its relevance."""
        topics = read_brand(DEMO, None).topic_ids
        texts = [texts_of(Message(text=query.text, language=query.language)) for query in queries]
        vectors = await self._embedding.queries([text for one in texts for text in one.all])
        found, at = [], 0
        for query, one in zip(queries, texts, strict=True):
            own = vectors[at : at + len(one.all)]
            at += len(one.all)
            message = Message(text=query.text, language=query.language)
            seen = understand(message, one, own, self._heads, self._rules, LANGUAGES, topics=topics)
            asked = Asked.of(seen, query.text)
            whole = message_vector(one, self._heads.centred_queries(own))
            today = datetime.now(UTC).date()
            hits: list[Passage] = await self._passages.nearest(
                brand, whole, query.language, self._entries[brand], today, query.text, asked
            )
            kept = [hit for hit in hits if query.among is None or hit.id in query.among]
            found.append(Found(query, tuple(hit.id for hit in kept), kept[0].score if kept else 0.0))
        return found

    async def close(self) -> None:
        """Ends what runs."""
        await self._index.close()
        self._embedding.close()


def faq_set(folder: Path, name: str, language: str) -> tuple[list[Entry], list[Query]] | None:
    """A third-party set of FAQs with its queries, None where it is not there."""
    corpus, asked = folder / f"{name}.corpus.jsonl", folder / f"{name}.queries.jsonl"
    if not corpus.exists() or not asked.exists():
        return None
    entries = [
        Entry(id=row["id"], entry=row["id"], language=language, topic=None, title=row.get("question") or "", answer=row["answer"])
        for row in _rows(corpus)
    ]
    queries = [
        Query(
            row["query"], language, frozenset(row["relevant_ids"]),
            frozenset(row["candidate_ids"]) if row.get("candidate_ids") else None,
        )
        for row in _rows(asked)
    ]  # fmt: skip
    return entries, queries


def english_only() -> tuple[list[Entry], dict[str, list[Query]]]:
    """Our own English FAQs and the queries of each language."""
    entries = read_faq_lines((HERE / "faqs.jsonl").read_text(encoding="utf-8").splitlines(), ["en"], Report())
    asked = {
        language: [
            Query(row["query"], language, frozenset({row["relevant"]} if row["relevant"] else ()))
            for row in _rows(HERE / f"queries.{language}.jsonl")
        ]
        for language in LANGUAGES
    }
    return entries, asked


def demo_suites() -> list[Query]:
    """The cases of the retrieval suites: FAQs of the demo brand that answer a message, or none."""
    found = []
    for language in LANGUAGES:
        for case in read_suite(find_suite(f"retrieval/{language}")).cases:
            wanted = case.case.expected_output
            named = wanted.passages
            if named is not None and not wanted.order:
                ids = frozenset(f"{name if name.startswith('offer-') else f'faq-{name}'}-{language}" for name in named)
                found.append(Query(case.message.content, language, ids))
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def recall(found: Sequence[Found], most: int) -> tuple[str, float, int]:
    """Share of answerable queries with a right entry among the first, as text with its interval, and the number."""
    mine = [one for one in found if one.query.right]
    hits = sum(one.first(most) for one in mine)
    low, high = wilson(hits, len(mine))
    return f"{low:.3f} to {high:.3f}", hits / len(mine), len(mine)


def answerable(right: Sequence[Found], wrong: Sequence[Found]) -> tuple[str, float, int]:
    """Area under the ROC curve of the best relevance, of what has an answer against what has none."""
    truth = np.array([True] * len(right) + [False] * len(wrong))
    statistic = curves.auc(truth, np.array([one.relevance for one in (*right, *wrong)]))
    low, high = bootstrap(statistic, len(truth), 0)
    return f"{low:.3f} to {high:.3f}", float(statistic(np.ones((1, len(truth))))[0]), len(truth)


async def table(data: Path) -> str:
    """The rows as text."""
    bench = Bench()
    lines = [("set", "n", "measure", "value", "95 % interval", "floor", "")]

    def row(name: str, measure: str, figure: tuple[str, float, int] | None, floor: float | None) -> None:
        least = "" if floor is None else f"{floor:.2f}"
        if figure is None:
            lines.append((name, "", measure, "not measured", "", least, ""))
            return
        interval, value, n = figure
        verdict = "" if floor is None else "met" if value >= floor else "missed"
        lines.append((name, str(n), measure, f"{value:.3f}", interval, least, verdict))

    try:
        for name, language, floors in (("faq_stackfaq_en", "en", (0.75, 0.95)), ("faq_swefaq_sv", "sv", (0.58, 0.90))):
            read = faq_set(data, name, language)
            if read is not None:
                await bench.put(name, read[0])
            found = await bench.find(name, read[1]) if read is not None else None
            for most, floor in zip((1, 5), floors, strict=True):
                row(name, f"R@{most}", recall(found, most) if found else None, floor)
        entries, asked = english_only()
        await bench.put("english", entries)
        ours = {language: await bench.find("english", queries) for language, queries in asked.items()}
        for most, floor in ((1, 0.65), (3, 0.88)):
            for language, found in ours.items():
                row(f"English FAQs asked in {language}", f"R@{most}", recall(found, most), floor)
        everything = [one for found in ours.values() for one in found]
        row("English FAQs, all languages", "R@1", recall(everything, 1), 0.75)
        other = data / "banking77_en.jsonl"
        off_topic = [Query(line["text"], "en", frozenset()) for line in _rows(other)[:OFF_TOPIC]] if other.exists() else []
        right, wrong = [f for f in everything if f.query.right], [f for f in everything if not f.query.right]
        row("English FAQs: has an answer, against own questions without", "AUC", answerable(right, wrong), 0.90)
        measured = partial(bench.find, queries=off_topic)
        row("the same, against banking77", "AUC", answerable(right, await measured("english")) if off_topic else None, 0.90)
        await bench.put(DEMO, [entry for entry in read_folder(shipped("knowledge/demo")) if entry.kind == "faq"])
        demo = await bench.find(DEMO, demo_suites())
        right, wrong = [f for f in demo if f.query.right], [f for f in demo if not f.query.right]
        row("demo brand, retrieval suites", "R@1", recall(right, 1), None)
        row("demo brand, retrieval suites", "R@3", recall(right, 3), None)
        row("demo brand: has an answer, against questions without", "AUC", answerable(right, wrong), 0.90)
        row("the same, against banking77", "AUC", answerable(right, await measured(DEMO)) if off_topic else None, 0.90)
    finally:
        await bench.close()
    return aligned(lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench.retrieval", description="Whether the right passage is found.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the sets, JSON Lines")
    sys.stdout.write(asyncio.run(table(parser.parse_args().data)) + "\n")


if __name__ == "__main__":
    main()
