"""The embedded engine: every vector of a brand compared with the query, in this process; filled from SQL at each start.

A scan needs no structure that could be out of date, and finds exactly the nearest. Measured beside an engine with an
index: docs/decisions/0021-scan.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import get_args

import numpy as np
import simsimd
from numpy.typing import NDArray

from service.knowledge import Kind
from service.retrieve import index
from service.retrieve.index import Hit, Point

ROUNDING = 2.0**-11  # of a float16, as a share of it
LANES = 8  # products that a processor adds up side by side, at least; some of them round each sum to float16
LEAST_ROWS = 16  # of a segment; it doubles when it is full


class Segment:
    """The vectors of a brand's entries of one kind, one under the other: float32, and float16 to find the nearest by."""

    def __init__(self, dimension: int) -> None:
        self._vectors = np.empty((LEAST_ROWS, dimension), np.float32)
        self._halves = np.empty((LEAST_ROWS, dimension), np.float16)
        # How far a cosine of halves is off at most: both vectors were rounded, and so is each sum of a lane and of all lanes.
        self._off = (2 + dimension / LANES + LANES) * ROUNDING
        self._owners: list[str] = []  # of each row, the entry
        self._rows: dict[str, list[int]] = {}  # by entry

    def __len__(self) -> int:
        return len(self._owners)

    def add(self, owners: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Adds vectors [n, d] with the entry of each."""
        start, end = len(self), len(self) + len(owners)
        if end > len(self._vectors):
            more = max(end, 2 * len(self._vectors)) - len(self._vectors)
            self._vectors = np.concatenate([self._vectors, np.empty((more, vectors.shape[1]), np.float32)])
            self._halves = np.concatenate([self._halves, np.empty((more, vectors.shape[1]), np.float16)])
        self._vectors[start:end] = vectors
        self._halves[start:end] = vectors
        for row, owner in enumerate(owners, start):
            self._owners.append(owner)
            self._rows.setdefault(owner, []).append(row)

    def remove(self, owner: str) -> None:
        """Removes the vectors of an entry; the last ones take their rows."""
        for row in sorted(self._rows.pop(owner, ()), reverse=True):
            last = len(self) - 1
            moved = self._owners.pop()
            if row != last:
                self._vectors[row], self._halves[row] = self._vectors[last], self._halves[last]
                self._owners[row] = moved
                rows = self._rows[moved]
                rows[rows.index(last)] = row

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[Hit]:
        """The `limit` nearest, best first: those that can be by their halves, told exactly by their whole vectors."""
        rows = np.arange(len(self))
        if limit < len(rows):
            about = np.asarray(simsimd.cdist(vector.astype(np.float16)[None], self._halves[: len(self)], "dot"))[0]
            rows = np.flatnonzero(about >= np.partition(about, -limit)[-limit] - 2 * self._off)
        cosines = self._vectors[rows] @ vector
        best = np.argsort(-cosines, kind="stable")[:limit]
        return [Hit(self._owners[rows[at]], float(cosines[at])) for at in best]


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
