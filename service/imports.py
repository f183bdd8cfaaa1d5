"""What the command line does with knowledge, orders and brands' folders."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.brands import read_brand
from service.errors import SettingsNotUsable, UnknownBrand
from service.messages import Passage
from service.parts import Parts, model_folder, with_vectors
from service.retrieve.ingest import (
    Report,
    export_line,
    read_customers,
    read_faq_lines,
    read_orders,
)


async def import_knowledge(parts: Parts, brand: str, lines: Iterable[str]) -> Report:
    """Puts FAQs of JSON Lines into a brand, which is created where it is new; unchanged ones are not embedded again."""
    report = Report()
    identity = (parts.brands.get(brand) or read_brand(brand, None)).identity
    sources = read_faq_lines(lines, identity.languages, report)
    stored = await parts.records.faq_digests(brand)
    fresh = [faq for faq in sources if stored.get(faq.id, ("", "", ""))[0] != faq.digest]
    rows = await with_vectors(brand, fresh, parts.embedding, model_folder(parts.settings))
    await parts.records.put_brand(brand, None, upserts=rows)
    report.changed = sum(faq.id in stored for faq in fresh)
    report.added = len(fresh) - report.changed
    report.unchanged = len(sources) - len(fresh)
    return report


async def export_knowledge(parts: Parts, brand: str, path: Path) -> int:
    """Writes a brand's FAQs as JSON Lines and returns how many."""
    _known(parts, brand)
    faqs = [one for one in await parts.records.faqs(brand) if one.content.kind == "faq"]
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


async def import_orders(parts: Parts, brand: str, lines: Iterable[str], people: Iterable[str]) -> tuple[Report, Report]:
    """Puts orders and customers of JSON Lines into a brand, which is created where it is new; a report on each."""
    report, on_people = Report(), Report()
    customers, bought = read_customers(people, on_people), read_orders(lines, report)
    known = await parts.records.order_ids(brand, [order.order_id for order in bought])
    await parts.records.put_brand(brand, None, people=customers, bought=bought)
    report.changed = len(known)
    report.added = len(bought) - len(known)
    on_people.added = len(customers)
    return report, on_people


def _known(parts: Parts, brand: str) -> None:
    if brand not in parts.brands:
        raise UnknownBrand(brand, list(parts.brands))
