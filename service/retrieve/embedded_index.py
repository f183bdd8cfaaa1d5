"""The embedded engine: every vector of a brand compared with the query, in this process; filled from SQL at each start.

A scan needs no structure that could be out of date, and finds exactly the nearest. Measured beside an engine with an
index: docs/decisions/0021-scan.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, get_args

import numpy as np
import simsimd
from numpy.typing import NDArray

from service.knowledge import Kind
from service.retrieve import index
from service.retrieve.index import Hit, Point

LEAST_ROWS = 16  # of a segment; it doubles when it is full
LARGEST = 127  # of an int8; a vector's largest number becomes this
ROUNDING = 1e-5  # of a cosine reckoned in float32, with room to spare


class Segment:
    """The vectors of a brand's entries of one kind, one under the other: float32, and int8 codes to find the nearest by."""

    def __init__(self, dimension: int) -> None:
        self._vectors = np.empty((LEAST_ROWS, dimension), np.float32)
        self._codes = np.empty((LEAST_ROWS, dimension), np.int8)
        self._scales = np.empty(LEAST_ROWS, np.float32)  # of each row: what a code is to be multiplied by
        self._off = np.empty(LEAST_ROWS, np.float32)  # of each row: the length of what its codes leave out of its vector
        self._owners: list[str] = []  # of each row, the entry
        self._rows: dict[str, list[int]] = {}  # by entry

    def __len__(self) -> int:
        return len(self._owners)

    def add(self, owners: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Adds vectors [n, d] with the entry of each."""
        start, end = len(self), len(self) + len(owners)
        if end > len(self._vectors):
            more = max(end, 2 * len(self._vectors)) - len(self._vectors)
            self._vectors, self._codes, self._scales, self._off = (
                np.concatenate([held, np.empty((more, *held.shape[1:]), held.dtype)]) for held in self._held()
            )
        for held, given in zip(self._held(), (vectors, *coded(vectors)), strict=True):
            held[start:end] = given
        for row, owner in enumerate(owners, start):
            self._owners.append(owner)
            self._rows.setdefault(owner, []).append(row)

    def remove(self, owner: str) -> None:
        """Removes the vectors of an entry; the last ones take their rows."""
        for row in sorted(self._rows.pop(owner, ()), reverse=True):
            last = len(self) - 1
            moved = self._owners.pop()
            if row != last:
                for held in self._held():
                    held[row] = held[last]
                self._owners[row] = moved
                rows = self._rows[moved]
                rows[rows.index(last)] = row

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[Hit]:
        """The `limit` nearest, best first: those that can be by their codes, told exactly by their whole vectors."""
        rows = np.arange(len(self))
        if limit < len(rows):
            (code,), (scale,), (off,) = coded(vector[None])
            products = np.asarray(simsimd.cdist(code[None], self._codes[: len(self)], "dot"))[0]
            about = products.astype(np.float32) * (self._scales[: len(self)] * scale)
            # v·w - v'·w' = v·(w - w') + (v - v')·w', and no product is more than that of the lengths (Cauchy and Schwarz).
            length = float(np.linalg.norm(vector))
            most_off = self._off[: len(self)] * length + (1 + self._off[: len(self)]) * off + ROUNDING
            least = np.partition(about - most_off, -limit)[-limit]
            rows = np.flatnonzero(about + most_off >= least)
        cosines = self._vectors[rows] @ vector
        best = np.argsort(-cosines, kind="stable")[:limit]
        return [Hit(self._owners[rows[at]], float(cosines[at])) for at in best]

    def _held(self) -> tuple[NDArray[Any], ...]:
        """All that is held by row."""
        return self._vectors, self._codes, self._scales, self._off


def coded(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.float32]]:
    """Vectors [n, d] as codes [n, d], with the scale of each and the length of what the codes leave out, both [n]."""
    scales = np.maximum(np.abs(vectors).max(axis=1), np.finfo(np.float32).tiny) / LARGEST
    codes = np.rint(vectors / scales[:, None]).astype(np.int8)
    return codes, scales, np.linalg.norm(vectors - codes * scales[:, None], axis=1)


class EmbeddedIndex:
    """The vectors of all brands in this process; exact search. Its coroutines never wait: a search takes milliseconds."""

    trouble = None

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._holding: dict[tuple[str, str], set[Segment]] = {}  # by field of a filter and its value
        self._segments: dict[tuple[str, Kind], Segment] = {}

    async def open(self, progress: Callable[[str], None]) -> None:
        """Nothing to do: it is ready as it is."""

    async def put(self, points: Sequence[Point]) -> None:
        """Puts entries in place of what they had."""
        for brand, entry_id in {(point.brand, point.entry_id) for point in points}:
            self._remove(brand, entry_id)
        for (brand, kind), group in groupby(sorted(points, key=_segment_of), _segment_of):
            mine = list(group)
            self._segment(brand, kind).add([point.entry_id for point in mine], np.stack([point.vector for point in mine]))

    async def remove(self, brand: str, entry_ids: Iterable[str]) -> None:
        """Removes every point of these entries."""
        for entry_id in entry_ids:
            self._remove(brand, entry_id)

    def _remove(self, brand: str, entry_id: str) -> None:
        for kind in get_args(Kind):
            if (segment := self._segments.get((brand, kind))) is not None:
                segment.remove(entry_id)

    def _segment(self, brand: str, kind: Kind) -> Segment:
        if (brand, kind) not in self._segments:
            made = self._segments[brand, kind] = Segment(self._dimension)
            for field in index.only_brand(brand, kind).items():
                self._holding.setdefault(field, set()).add(made)
        return self._segments[brand, kind]

    async def search(self, vector: NDArray[np.float32], brand: str, kind: Kind, limit: int) -> list[Hit]:
        """The `limit` nearest points of a brand's entries of this kind, best first."""
        fields = index.only_brand(brand, kind).items()
        segments = set.intersection(*(self._holding.get(field, set()) for field in fields))
        found = [hit for segment in segments for hit in segment.nearest(vector, limit)]
        return sorted(found, key=lambda hit: -hit.cosine)[:limit]

    async def rebuild(self, progress: Callable[[str], None]) -> int | None:
        """Nothing to do: every start makes it anew."""
        return None

    async def close(self) -> None:
        """Nothing to let go of: it goes with the process."""


def _segment_of(point: Point) -> tuple[str, Kind]:
    return point.brand, point.kind
