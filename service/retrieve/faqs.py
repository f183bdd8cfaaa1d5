"""Finds the passages that answer a message: in the customer's language first, else in another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np

from service.knowledge import StoredFaq
from service.messages import Passage, Scored
from service.retrieve.index import EmbeddedIndex, Point
from service.understand.classifier import Heads, Vectors

POINTS = 40  # nearest points looked at; a FAQ has about eight
RELEVANT = 0.35  # probability below which a passage is noise to an agent
ENOUGH = 0.5  # probability from which no other language is searched
NEAR_BEST = 0.45  # share of the best passage's relevance below which another is left out


class Passages:
    """The knowledge of every brand, in memory: a cache of SQL with an index over its vectors."""

    def __init__(self, index: EmbeddedIndex, heads: Heads) -> None:
        self._index = index
        self._heads = heads
        self._faqs: dict[tuple[str, str], StoredFaq] = {}

    def put(self, faqs: Iterable[StoredFaq]) -> None:
        """Inserts FAQs or replaces those with the same id."""
        points: list[Point] = []
        for faq in faqs:
            if (faq.brand, faq.id) in self._faqs:
                self._index.remove(faq.brand, faq.id)
            self._faqs[faq.brand, faq.id] = faq
            passage, asked = self._heads.centred_passages(faq.vectors[:1]), self._heads.centred_queries(faq.vectors[1:])
            vectors = np.concatenate([passage, asked])
            points += [Point(faq.brand, faq.id, number, faq.language, vector) for number, vector in enumerate(vectors)]
        self._index.put(points)

    def remove(self, brand: str, faq_id: str) -> None:
        """Removes a FAQ; one that is not there is no error."""
        if self._faqs.pop((brand, faq_id), None) is not None:
            self._index.remove(brand, faq_id)

    def __len__(self) -> int:
        return len(self._faqs)

    def search(
        self, brand: str, query: Vectors, language: str | None, limit: int, today: date, topic: Scored | None = None
    ) -> list[Passage]:
        """The passages of `brand` relevant to a centred query vector, best first, at most `limit`.

        One translation of each FAQ, the customer's language before others; nothing that has expired or is meant
        for agents only.
        """
        own = self._best(brand, query, language, today, topic) if language else {}
        best = max((passage.score for passage in own.values()), default=0.0)
        if best < ENOUGH:
            for entry, passage in self._best(brand, query, None, today, topic).items():
                own.setdefault(entry, passage)
        ranked = sorted(own.values(), key=lambda passage: (-passage.score, passage.id))
        floor = max(RELEVANT, NEAR_BEST * ranked[0].score) if ranked else 1.0
        return [passage for passage in ranked if passage.score >= floor][:limit]

    def nearest(self, brand: str, query: Vectors, language: str | None, limit: int, today: date) -> list[Passage]:
        """The nearest passages whatever their relevance, for a search a person makes."""
        found = self._best(brand, query, language, today, None, points=limit * 12)
        return sorted(found.values(), key=lambda passage: (-passage.score, passage.id))[:limit]

    def _best(
        self, brand: str, query: Vectors, language: str | None, today: date, topic: Scored | None, points: int = POINTS
    ) -> dict[str, Passage]:
        """By entry, the passage whose nearest point is nearest."""
        best: dict[str, Passage] = {}
        for hit in self._index.search(query, brand, language, points):
            faq = self._faqs.get((brand, hit.faq_id))
            if faq is None or faq.entry in best or faq.audience != "public":
                continue
            if faq.valid_until and faq.valid_until < today.isoformat():
                continue
            best[faq.entry] = Passage(
                id=faq.id,
                title=faq.title,
                text=faq.answer,
                language=faq.language,
                score=round(self._heads.relevant(hit.cosine, topic.score if topic and topic.label == faq.topic else 0.0), 4),
                url=faq.url,
                topic=faq.topic,
                short=faq.short,
            )
        return best
