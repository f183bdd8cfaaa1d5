"""The points of entries on a Qdrant server: listed, sent, deleted, counted; and what is known to be there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from qdrant_client import AsyncQdrantClient, models

from service.retrieve.index import Point
from service.retrieve.qdrant_collections import MARKER, PAYLOAD, VECTOR

BATCH = 256  # points in a request: 0.4 MB of 384 dimensions
PAGE = 1_000  # points in a page of a listing, which brings no vectors

Key = tuple[str, str]  # brand and entry id
T = TypeVar("T")


@dataclass(frozen=True)
class Held:
    """What there is of an entry: `mark` is the same for all its points, and another one when anything of it changes."""

    kind: str
    mark: str
    count: int


def held_of(points: Iterable[Point]) -> dict[Key, Held]:
    """By entry, what there is once these points, all that the entries have, are sent."""
    points = list(points)
    counts = Counter((point.brand, point.entry_id) for point in points)
    return {
        key: Held(point.kind, f"{point.digest}.{counts[key]}", counts[key])
        for point in points
        for key in [(point.brand, point.entry_id)]
    }


class ServerPoints:
    """Those of a collection, and `there`, what it holds as far as this process knows."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client
        self.there: dict[Key, Held] = {}
        self.entries: Counter[tuple[str, str]] = Counter()  # by brand and kind

    async def look(self, collection: str) -> None:
        """Reads what the collection holds."""
        found: dict[Key, Held] = {}
        page: Any = None
        while True:
            points, page = await self._client.scroll(
                collection, scroll_filter=_no_marker(), limit=PAGE, offset=page, with_payload=list(PAYLOAD), with_vectors=False
            )
            for point in points:
                brand, entry_id, kind, mark = (str((point.payload or {}).get(field, "")) for field in PAYLOAD)
                before = found.get((brand, entry_id), Held(kind, mark, 0))
                same = (before.kind, before.mark) == (kind, mark)
                found[brand, entry_id] = Held(kind, mark if same else "mixed", before.count + 1)
            if page is None:
                break
        self.there = found
        self.entries = Counter((brand, held.kind) for (brand, _), held in found.items())

    async def count(self, collection: str) -> int:
        """How many points the collection holds now."""
        return int((await self._client.count(collection, count_filter=_no_marker(), exact=True)).count)

    async def send(self, collection: str, points: Sequence[Point]) -> None:
        """Puts entries, all their points in one call; what an entry had beyond them goes after they are there."""
        sent = held_of(points)
        batches = list(parts_of(points, BATCH))
        for number, batch in enumerate(batches, 1):
            structs = []
            for point in batch:
                key = point.brand, point.entry_id
                payload = dict(zip(PAYLOAD, (*key, point.kind, sent[key].mark), strict=True))
                structs.append(models.PointStruct(id=point.id, vector={VECTOR: point.vector.tolist()}, payload=payload))
            await self._client.upsert(collection, structs, wait=number == len(batches))
        replaced = [key for key, held in sent.items() if key in self.there and self.there[key].mark != held.mark]
        await self._delete(collection, replaced, but=[sent[key].mark for key in replaced])
        for key, held in sent.items():
            self._note(key, held)

    async def delete(self, collection: str, keys: Sequence[Key]) -> None:
        """Deletes all points of entries."""
        await self._delete(collection, keys, but=[])
        for key in keys:
            self._note(key, None)

    async def _delete(self, collection: str, keys: Iterable[Key], but: Sequence[str]) -> None:
        by_brand: dict[str, list[str]] = defaultdict(list)
        for brand, entry_id in keys:
            by_brand[brand].append(entry_id)
        kept = [models.FieldCondition(key="mark", match=models.MatchAny(any=list(but)))] if but else []
        for brand, entry_ids in by_brand.items():
            for part in parts_of(entry_ids, BATCH):
                named = models.FieldCondition(key="entry_id", match=models.MatchAny(any=list(part)))
                mine = models.Filter(must=[equal("brand", brand), named], must_not=kept)
                await self._client.delete(collection, models.FilterSelector(filter=mine))

    def _note(self, key: Key, held: Held | None) -> None:
        before = self.there.pop(key, None)
        if before is not None:
            self.entries[key[0], before.kind] -= 1
        if held is not None:
            self.there[key] = held
            self.entries[key[0], held.kind] += 1


def equal(field: str, value: str) -> models.FieldCondition:
    """The condition that a payload field has this value."""
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def parts_of(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values in pieces of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _no_marker() -> models.Filter:
    return models.Filter(must_not=[models.HasIdCondition(has_id=[MARKER])])
