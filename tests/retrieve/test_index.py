"""Both engines find the same: the same points, queries and filters give the same entries with the same cosines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient

from service.knowledge import Kind
from service.retrieve.embedded_index import EmbeddedIndex
from service.retrieve.index import Hit, Point, VectorIndex
from service.retrieve.qdrant_collections import Collections
from service.retrieve.qdrant_index import QdrantIndex

pytestmark = pytest.mark.filterwarnings(
    "ignore:Payload indexes have no effect:UserWarning", "ignore:Local mode performs exact:UserWarning"
)
DIMENSION = 24
SAME = 1e-5
BRANDS, KINDS = ("one", "other", "ön-e"), ("faq", "macro", "product")
ENTRY = st.tuples(st.sampled_from(BRANDS), st.integers(0, 5), st.sampled_from(KINDS), st.integers(1, 4))
STEP = st.one_of(
    st.tuples(st.just("put"), st.lists(ENTRY, min_size=1, max_size=6, unique_by=lambda entry: entry[:2])),
    st.tuples(st.just("remove"), st.lists(ENTRY, min_size=1, max_size=3, unique_by=lambda entry: entry[:2])),
)  # fmt: skip


def unit(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    vectors = rng.normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Stored:
    """What SQL would hold, and both engines that follow it."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, str], list[Point]] = {}
        client = AsyncQdrantClient(":memory:")
        self.qdrant = QdrantIndex(Collections(client, "test", "0" * 12, DIMENSION), self.load, timeout=30)
        self.engines: tuple[VectorIndex, VectorIndex] = (EmbeddedIndex(DIMENSION), self.qdrant)

    async def load(self, keys: Sequence[tuple[str, str]]) -> list[Point]:
        return [point for key in keys for point in self.points.get(key, [])]

    async def put(self, *entries: list[Point]) -> None:
        for points in entries:
            self.points[points[0].brand, points[0].entry_id] = points
        for engine in self.engines:
            await engine.put([point for points in entries for point in points])

    async def remove(self, brand: str, *entry_ids: str) -> None:
        for entry_id in entry_ids:
            self.points.pop((brand, entry_id), None)
        for engine in self.engines:
            await engine.remove(brand, entry_ids)


@asynccontextmanager
async def stored() -> AsyncIterator[Stored]:
    made = Stored()
    for engine in made.engines:
        await engine.open(lambda _: None)
        assert engine.trouble is None
    try:
        yield made
    finally:
        for engine in made.engines:
            await engine.close()


def agree(one: list[Hit], other: list[Hit]) -> None:
    """The same cosines in the same order, and the same entries, those at the same distance in any order."""
    assert [hit.cosine for hit in one] == pytest.approx([hit.cosine for hit in other], abs=SAME)
    if one:
        last = one[-1].cosine + 2 * SAME  # of ties at the end, each engine shows the ones it came to first
        ahead = [sorted((round(h.cosine, 4), h.entry_id) for h in hits if h.cosine > last) for hits in (one, other)]
        assert [entry for _, entry in ahead[0]] == [entry for _, entry in ahead[1]]


@given(steps=st.lists(STEP, min_size=1, max_size=8), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
async def test_both_engines_find_the_same_after_any_changes(
    steps: list[tuple[str, list[tuple[str, int, Kind, int]]]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    async with stored() as both:
        for number, (what, entries) in enumerate(steps):
            if what == "put":
                await both.put(
                    *(
                        [Point(brand, f"e{e}", kind, at, v, f"{number}") for at, v in enumerate(unit(rng, count))]
                        for brand, e, kind, count in entries
                    )
                )
            elif what == "remove":
                for brand, e, _, _ in entries:
                    await both.remove(brand, f"e{e}")
            assert both.qdrant.trouble is None
            for query in unit(rng, 2):
                for brand in BRANDS:
                    for kind in KINDS:
                        embedded, server = [await engine.search(query, brand, kind, 7) for engine in both.engines]
                        agree(embedded, server)
                        there = [p for points in both.points.values() for p in points if (p.brand, p.kind) == (brand, kind)]
                        assert len(embedded) == min(7, len(there))


async def test_both_engines_find_the_same_among_thousands() -> None:
    rng = np.random.default_rng(7)
    async with stored() as both:
        entries = [
            [Point(f"brand-{e % 3}", f"e{e}", "faq", at, v, "a") for at, v in enumerate(unit(rng, 5))] for e in range(1_000)
        ]
        await both.put(*entries)
        for query in unit(rng, 20):
            for brand in ("brand-0", "brand-1", "nobody"):
                agree(*[await engine.search(query, brand, "faq", 80) for engine in both.engines])


@given(dimension=st.sampled_from([8, 24, 384]), seed=st.integers(0, 2**32 - 1), narrow=st.floats(0, 30), limit=st.integers(1, 90))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
async def test_a_scan_by_codes_misses_none_of_the_nearest(dimension: int, seed: int, narrow: float, limit: int) -> None:
    """`narrow`: how much all vectors have in common, at the most so much that codes can't tell them apart."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(401, dimension)).astype(np.float32) + np.float32(narrow)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    engine = EmbeddedIndex(dimension)
    await engine.put([Point("one", f"e{at}", "faq", 0, vector) for at, vector in enumerate(vectors[:400])])
    found = await engine.search(vectors[400], "one", "faq", limit)
    exact = vectors[:400].astype(np.float64) @ vectors[400].astype(np.float64)
    assert [hit.cosine for hit in found] == pytest.approx(np.sort(exact)[::-1][:limit].tolist(), abs=1e-6)
    assert [exact[int(hit.entry_id[1:])] for hit in found] == pytest.approx([hit.cosine for hit in found], abs=1e-6)


async def test_an_entry_that_has_fewer_points_than_before_keeps_none_of_the_old() -> None:
    rng = np.random.default_rng(1)
    async with stored() as both:
        await both.put([Point("one", "e", "faq", at, v, "a") for at, v in enumerate(unit(rng, 4))])
        await both.put([Point("one", "e", "faq", 0, unit(rng, 1)[0], "b")])
        for engine in both.engines:
            assert len(await engine.search(unit(rng, 1)[0], "one", "faq", 10)) == 1


async def test_an_entry_that_changes_its_kind_is_found_as_the_new_one_only() -> None:
    vector = unit(np.random.default_rng(2), 1)[0]
    async with stored() as both:
        await both.put([Point("one", "e", "faq", 0, vector, "a")])
        await both.put([Point("one", "e", "macro", 0, vector, "b")])
        for engine in both.engines:
            assert await engine.search(vector, "one", "faq", 10) == []
            assert [hit.entry_id for hit in await engine.search(vector, "one", "macro", 10)] == ["e"]


async def test_a_points_id_is_the_same_everywhere() -> None:
    vector = np.zeros(1, np.float32)
    assert Point("demo", "faq-1", "faq", 0, vector).id == "8c6309de-95aa-52f8-afaa-34c3ac6fdeb5"
    ids = {Point(b, e, "faq", n, vector).id for b in ("a", "ab") for e in ("c", "bc") for n in (0, 1)}
    assert len(ids) == 8
