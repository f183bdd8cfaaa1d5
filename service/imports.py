"""What the command line does with knowledge, orders and brands' folders."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.brand_check import file_of
from service.brands import brand_folders, read_brand
from service.documents.reading import Reading
from service.errors import SettingsNotUsable, UnknownBrand
from service.knowledge import StoredEntry
from service.knowledge_import import FEW_TOGETHER, Done, Plan, plan_import, planned, refuse_much, vectors_of
from service.messages import Passage
from service.parts import Parts, heads_file, model_folder
from service.records.queries import Records
from service.retrieve.ingest import Report, export_line, read_faq_lines
from service.settings import Settings
from service.similar import Pair, pairs
from service.understand.classifier import Heads, load_heads
from service.understand.vector_cache import VectorCache


async def plan(records: Records, folders: Mapping[str, Path], brand: str, path: Path, source: str | None) -> Plan:
    """What importing a file or folder would change of a brand; nothing is written."""
    identity = read_brand(brand, folders.get(brand)).identity
    return await asyncio.to_thread(plan_import, path, source, identity, await _faqs(records, brand))


async def import_path(
    parts: Parts, brand: str, path: Path, source: str | None, much: bool, done: Done
) -> tuple[Plan, list[Pair]]:
    """Puts what lies at a path into a brand, which is created where it is new; what it did, and what is now told twice.

    Raises SettingsNotUsable where most of the source would vanish and `much` does not allow it.
    """
    made = await plan(parts.records, parts.folders, brand, path, source)
    if made.removes_much and not much:
        refuse_much(made)
    await _put(parts, brand, made, done)
    new = {entry.id for entry in made.fresh}
    return made, await similar(parts.records, parts.heads, brand, new) if new else []


async def dry_run(records: Records, settings: Settings, brand: str, path: Path, source: str | None) -> Plan:
    """The plan of an import without the parts of a running service: no model is loaded, nothing is written."""
    folders = brand_folders(settings.knowledge_dir, demo=settings.demo)
    return await plan(records, folders, brand, path, source)


async def check(records: Records, settings: Settings, brand: str) -> tuple[int, list[Pair]]:
    """How many FAQs a brand has, and which of them say the same or contradict each other; raises UnknownBrand."""
    known = await records.brands()
    if brand not in known:
        raise UnknownBrand(brand, list(known))
    faqs = await _faqs(records, brand)
    if not faqs:
        return 0, []
    return len(faqs), await similar(records, load_heads(heads_file(settings), faqs[0].embedder), brand)


async def similar(records: Records, heads: Heads, brand: str, only: Set[str] | None = None) -> list[Pair]:
    """Entries of a brand that say the same, or that contradict each other; with `only`, those that one of these is part of."""
    return await asyncio.to_thread(pairs, await _faqs(records, brand), heads, only)


async def import_knowledge(
    parts: Parts, brand: str, lines: Iterable[str], *, serving: bool = False, dry_run: bool = False
) -> Report:
    """Puts FAQs of JSON Lines into a brand, which is created where it is new; unchanged ones are not embedded again.

    In a process that is `serving`, entries of the brand's folder are refused, and texts are embedded a few at a time, so
    that messages need not wait.
    """
    report = Report()
    identity = (parts.brands.get(brand) or read_brand(brand, None)).identity
    entries = {entry.id: entry for entry in read_faq_lines(lines, identity.languages, report)}
    stored = await parts.records.faqs(brand, list(entries))
    for one in stored:
        if serving and one.content.origin == "folder":
            del entries[one.content.id]
            report.problems.append(f"id {one.content.id} belongs to the brand's folder: edit {file_of(one.content)} there")
    faqs = [one for one in stored if one.content.kind == "faq"]
    made = planned(Reading(None, entries, report.problems), faqs)
    if not dry_run:
        await _put(parts, brand, made, lambda _, __: None, serving=serving)
    report.added, report.changed, report.unchanged = len(made.added), len(made.changed), made.unchanged
    return report


async def _put(parts: Parts, brand: str, made: Plan, done: Done, *, serving: bool = False) -> None:
    """One transaction at the end: whatever ends it before leaves the knowledge as it was."""
    if serving:  # no file of 15 MB is read for a text or two
        rows = await vectors_of(brand, made, parts.embedding, lambda _, __: {}, done, FEW_TOGETHER)
    else:
        cache = VectorCache(model_folder(parts.settings), parts.embedding.embedder.fingerprint)
        rows = await vectors_of(brand, made, parts.embedding, cache.kept, done)
    await parts.records.put_brand(brand, None, upserts=rows, removed=[entry.id for entry in made.removed])


async def _faqs(records: Records, brand: str) -> list[StoredEntry]:
    return [one for one in await records.faqs(brand) if one.content.kind == "faq"]


async def export_knowledge(parts: Parts, brand: str, path: Path) -> int:
    """Writes a brand's FAQs as JSON Lines and returns how many."""
    _known(parts, brand)
    faqs = await _faqs(parts.records, brand)
    try:
        path.write_text("".join(export_line(one.content) + "\n" for one in faqs), encoding="utf-8")
    except OSError as error:
        raise SettingsNotUsable(f"{path} can't be written: {error.strerror}") from None
    return len(faqs)


async def search(parts: Parts, brand: str, query: str, language: str | None, limit: int) -> list[Passage]:
    """The nearest passages of a brand, whatever their relevance."""
    _known(parts, brand)
    vector = parts.heads.centred_queries(await parts.embedding.queries([query]))[0]
    return await parts.passages.nearest(brand, vector, language, limit, datetime.now(UTC).date(), query)


async def search_lines(parts: Parts, brand: str, lines: Iterable[str], limit: int) -> tuple[list[dict[str, Any]], list[str]]:
    """A hit list for each query line, and what was wrong with the others."""
    found, problems = list[dict[str, Any]](), list[str]()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            asked = json.loads(line)
            hits = await search(parts, brand, str(asked["query"]), asked.get("language"), limit)
            found.append({"id": asked["id"], "hits": [{"id": hit.id, "score": hit.score} for hit in hits]})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f'line {number}: a line is {{"id", "query", "language"?}} ({type(error).__name__}: {error})')
    return found, problems


def _known(parts: Parts, brand: str) -> None:
    if brand not in parts.brands:
        raise UnknownBrand(brand, list(parts.brands))
