"""Finds passages that answer a message, the macro and the precedents that fit it, products it speaks of: its language first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from datetime import date

import numpy as np

from service.knowledge import Entry, Kind, StoredEntry
from service.messages import Label, Macro, Passage, Precedent
from service.retrieve.asked_before import ALIKE
from service.retrieve.index import Point, VectorIndex
from service.retrieve.lexical import Lexicon, faq_text
from service.retrieve.names import Names
from service.retrieve.reranker import Rerank, reranked
from service.understand.classifier import NEAREST, Heads, Vectors, near
from service.understand.relevance import Asked, pair_features

POINTS = 80  # nearest points looked at; a FAQ has about eight a language
FEW_POINTS = 36  # the same for macros, products and precedents, of which one to three are wanted
NAMED = 0.3  # what a name of an entry in the text, or an order in a state that it explains, adds to its score
FOREIGN = 0.9  # of the relevance of a passage that is not there in the customer's language
RELEVANT = 0.03  # probability below which a passage is noise to an agent
NEAR_BEST = 0.03  # share of the best passage's relevance below which another is left out


class Passages:
    """The knowledge of every brand, in memory: a cache of SQL with an index over its vectors."""

    def __init__(self, index: VectorIndex, heads: Heads, rerank: Rerank | None = None) -> None:
        self._index = index
        self._heads = heads
        self.rerank = rerank  # reads the best FAQs of a search anew; none where no model is set
        self._entries: dict[tuple[str, str], Entry] = {}
        # By brand, kind and entry: how many vectors each translation has.
        self._translations: dict[tuple[str, Kind, str], dict[str, int]] = {}
        self._lexicons: defaultdict[tuple[str, str], Lexicon] = defaultdict(Lexicon)  # of the FAQs, by brand and language
        self._kinds: Counter[tuple[str, Kind]] = Counter()  # entries by brand and kind
        self._public: Counter[str] = Counter()  # FAQs that customers may be told, by brand
        self._names: defaultdict[str, Names] = defaultdict(Names)  # of the FAQs that customers may be told, by brand
        self._explains: dict[tuple[str, str], set[str]] = {}  # by brand and state of an order: names of entries

    async def put(self, stored: Iterable[StoredEntry]) -> None:
        """Inserts entries or replaces those with the same id; a precedent with another embedder's vectors is left out."""
        put: list[StoredEntry] = []
        for one in stored:
            if one.content.kind != "precedent" or one.embedder == self._heads.embedder:
                put.append(one)
            elif (one.brand, one.content.id) in self._entries:
                await self.remove(one.brand, one.content.id)
        points = points_of(put, self._heads)
        for one in put:
            entry = one.content
            self._forget(one.brand, entry.id)
            self._entries[one.brand, entry.id] = entry
            self._kinds[one.brand, entry.kind] += 1
            self._public[one.brand] += _tellable(entry)
            self._translations.setdefault((one.brand, entry.kind, entry.entry), {})[entry.id] = len(one.vectors)
            for state in entry.states:
                self._explains.setdefault((one.brand, state), set()).add(entry.entry)
        self._read_words(put)
        await self._index.put(points)

    def _read_words(self, put: Sequence[StoredEntry]) -> None:
        """Takes over the words and names of FAQs, those of a brand and language together."""
        texts: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        told: defaultdict[str, list[Entry]] = defaultdict(list)
        for one in put:
            entry = one.content
            if entry.kind == "faq":
                texts[one.brand, entry.language][entry.id] = faq_text(entry.title, entry.answer, entry.questions)
            if _tellable(entry):
                told[one.brand].append(entry)
        for spoken, read in texts.items():
            self._lexicons[spoken].put(read)
        for brand, entries in told.items():
            self._names[brand].put(entries)

    async def remove(self, brand: str, *entry_ids: str) -> None:
        """Removes entries; one that is not there is no error."""
        for entry_id in entry_ids:
            self._forget(brand, entry_id)
        await self._index.remove(brand, entry_ids)

    def _forget(self, brand: str, entry_id: str) -> None:
        entry = self._entries.pop((brand, entry_id), None)
        if entry is not None:
            self._kinds[brand, entry.kind] -= 1
            self._public[brand] -= _tellable(entry)
            self._translations[brand, entry.kind, entry.entry].pop(entry_id, None)
            if entry.kind == "faq":
                self._lexicons[brand, entry.language].remove(entry_id)
                self._names[brand].remove(entry)
            for state in entry.states:
                if not any(state in self._entries[brand, i].states for i in self._translations[brand, entry.kind, entry.entry]):
                    self._explains[brand, state].discard(entry.entry)

    def __len__(self) -> int:
        return len(self._entries)

    def tellable(self, brand: str) -> int:
        """How many FAQs of the brand a customer may be told, those that don't hold today too."""
        return self._public[brand]

    def get(self, brand: str, entry_id: str) -> Entry | None:
        """The entry with this id."""
        return self._entries.get((brand, entry_id))

    async def search(
        self,
        brand: str,
        query: Vectors,
        language: str | None,
        limit: int,
        today: date,
        asked: Asked | None = None,
        text: str = "",
        states: Iterable[str] = (),
    ) -> list[Passage]:
        """The passages of `brand` relevant to a centred query vector, best first, at most `limit`.

        The words of the query's `text` count, and so do the `states` of the order that the message is about.

        All translations of a FAQ are searched and one is shown, in the customer's language where there is one; nothing
        that has expired or is meant for agents only.
        """
        ranked = await self._ranked(brand, query, language, today, asked, text, states=set(states))
        floor = max(RELEVANT, NEAR_BEST * ranked[0][1]) if ranked else 1.0
        return await self._passages(ranked, text, limit, floor)

    async def nearest(
        self,
        brand: str,
        query: Vectors,
        language: str | None,
        limit: int,
        today: date,
        text: str = "",
        asked: Asked | None = None,
    ) -> list[Passage]:
        """The nearest passages whatever their relevance, for a search a person makes."""
        ranked = await self._ranked(brand, query, language, today, asked, text, max(POINTS, limit * 24))
        return await self._passages(ranked, text, limit)

    async def _passages(self, ranked: Sequence[tuple[Entry, float]], text: str, limit: int, floor: float = 0.0) -> list[Passage]:
        """The first `limit` entries of this relevance at least as passages; a reranker may bring others into their places."""
        if self.rerank is None:
            return [passage_of(shown, score) for shown, score in ranked[:limit] if score >= floor]
        passages = await reranked([passage_of(shown, score) for shown, score in ranked], text, self.rerank)
        return [passage for passage in passages if passage.score >= floor][:limit]

    async def macro(self, brand: str, query: Vectors, language: str, label: Label) -> Macro | None:
        """The macro that is written for messages nearest to this one and for its label, in this language."""
        for shown, score in await self._entries_near(brand, query, "macro", language, FEW_POINTS):
            if label in shown.labels and shown.language == language:
                return Macro(
                    id=shown.entry, language=language, texts=(shown.answer, *shown.wordings), publics=shown.publics,
                    score=round(self._heads.like(score), 4),
                )  # fmt: skip
        return None

    async def products(self, brand: str, query: Vectors, language: str, limit: int) -> list[tuple[str, float]]:
        """Ids of the products nearest to a query, each with its relevance, best first."""
        found = await self._entries_near(brand, query, "product", language, FEW_POINTS)
        return [(shown.entry, round(self._heads.like(score), 4)) for shown, score in found][:limit]

    async def precedents(self, brand: str, query: Vectors, language: str, limit: int) -> list[Precedent]:
        """Approved replies to messages that ask the same, those in this language first; no text twice."""
        if not self._kinds[brand, "precedent"]:
            return []  # most brands have none, and a search on a server takes a millisecond
        found: dict[str, Precedent] = {}
        for shown, score in await self._entries_near(brand, query, "precedent", language, FEW_POINTS):
            if score >= ALIKE:
                likeness = round(min(score, 1.0), 4)
                same = Precedent(triage_id=shown.id, text=shown.answer, score=likeness, language=shown.language)
                found.setdefault(shown.answer, same)
        return sorted(found.values(), key=lambda one: (one.language != language, -one.score, one.triage_id))[:limit]

    async def _ranked(
        self,
        brand: str,
        query: Vectors,
        language: str | None,
        today: date,
        asked: Asked | None,
        text: str,
        points: int = POINTS,
        states: Set[str] = frozenset(),
    ) -> list[tuple[Entry, float]]:
        """The FAQs near a query, each with its relevance, best first."""
        explained = (name for state in states for name in self._explains.get((brand, state), ()))
        said = self._names[brand].said(text) | dict.fromkeys(explained, 1.0)
        day = today.isoformat()
        found = [
            (shown, score + NAMED * said.get(shown.entry, 0.0))
            for shown, score in await self._entries_near(brand, query, "faq", language, points, said)
            if _tellable(shown) and _holds(shown, day)
        ]
        if not found:
            return []
        nearness = np.array([score for _, score in found], np.float32)
        same = [asked.topic_score if asked and asked.topic == shown.topic else 0.0 for shown, _ in found]
        shares = self._shares(brand, text, [shown for shown, _ in found], language)
        probable = self._heads.relevance.of(pair_features(nearness, shares, np.array(same, np.float32)), asked)
        ranked = [
            (shown, round(float(one) * (FOREIGN if language is not None and shown.language != language else 1.0), 4))
            for (shown, _), one in zip(found, probable, strict=True)
        ]
        return sorted(ranked, key=lambda pair: (-pair[1], pair[0].id))

    def _shares(self, brand: str, text: str, shown: Sequence[Entry], language: str | None) -> Vectors:
        """How much of the text stands in each entry word for word, [n]; in any translation where its language is not known."""
        read: dict[str, list[tuple[int, str]]] = {}  # by language: entries to be read, each with its place in `shown`
        for at, entry in enumerate(shown):
            for entry_id in (entry.id,) if language is not None else self._translations[brand, "faq", entry.entry]:
                read.setdefault(self._entries[brand, entry_id].language, []).append((at, entry_id))
        shares = np.zeros(len(shown), np.float32)
        for spoken, entries in read.items():
            places = [at for at, _ in entries]
            found = self._lexicons[brand, spoken].shares(text, [entry_id for _, entry_id in entries])
            shares[places] = np.maximum(shares[places], found)
        return shares

    async def _entries_near(
        self, brand: str, query: Vectors, kind: Kind, language: str | None, points: int, also: Iterable[str] = ()
    ) -> list[tuple[Entry, float]]:
        """The entries with the nearest vectors and those named in `also`, best first, each in one language with its score."""
        hits = await self._index.search(self._heads.ranked(query), brand, kind, points)
        if not hits:
            return []
        near_by: dict[str, list[tuple[Entry, float]]] = {}
        for hit in hits:
            entry = self._entries.get((brand, hit.entry_id))
            if entry is not None and entry.kind == kind:  # a server may be behind what this process knows
                near_by.setdefault(entry.entry, []).append((entry, hit.cosine))
        for name in also:
            for entry_id in self._translations[brand, kind, name]:
                near_by.setdefault(name, [(self._entries[brand, entry_id], hits[-1].cosine)])
        found = []
        for name, mine in near_by.items():
            translations = self._translations[brand, kind, name]
            cosines = [cosine for _, cosine in mine]
            # What of an entry is not among the hits is no nearer than the last of them.
            count = sum(translations.values())
            cosines += [hits[-1].cosine] * min(NEAREST, count - len(cosines))
            own = next((e for i in translations if (e := self._entries[brand, i]).language == language), None)
            found.append((own or mine[0][0], near(cosines, count)))
        return sorted(found, key=lambda pair: (-pair[1], pair[0].id))

    def codes(self, brand: str, text: str) -> frozenset[str]:
        """The codes in a text that the brand's FAQs speak of: models, parts and faults, no order numbers."""
        return self._names[brand].coded(text)


def points_of(stored: Sequence[StoredEntry], heads: Heads) -> list[Point]:
    """The points of entries, their vectors as a search compares them."""
    if not stored:
        return []
    told = np.concatenate([one.vectors[: len(one.content.passages)] for one in stored])
    asked = np.concatenate([one.vectors[len(one.content.passages) :] for one in stored])
    # All at once: an entry at a time takes twenty times as long.
    passages, queries = (iter(heads.ranked(vectors)) for vectors in (heads.centred_passages(told), heads.centred_queries(asked)))
    points = []
    for one in stored:
        split = len(one.content.passages)
        for at in range(len(one.vectors)):
            vector = next(passages if at < split else queries)
            points.append(Point(one.brand, one.content.id, one.content.kind, at, vector, one.digest))
    return points


def passage_of(faq: Entry, score: float) -> Passage:
    """A FAQ as a context carries it."""
    return Passage(
        id=faq.id, title=faq.title, text=faq.answer, language=faq.language, score=score, url=faq.url, topic=faq.topic,
        short=faq.short, wordings=faq.wordings, issue=faq.issue,
    )  # fmt: skip


def _tellable(entry: Entry) -> bool:
    return entry.kind == "faq" and entry.audience == "public"


def _holds(faq: Entry, today: str) -> bool:
    return (not faq.valid_from or faq.valid_from <= today) and (not faq.valid_until or today <= faq.valid_until)
