"""The vector index: a cache of SQL, private to its process, in Qdrant's own engine run in process."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from service.knowledge import Kind

_PREFIX = "index-"
_OWNED = "owned"  # locked as long as the folder's process lives
_SPACE = uuid.UUID("6f1c1f0e-5b0c-4a51-9f4b-0b1df1e7a9c4")  # of the points' ids, so that the same point gets the same id


@dataclass(frozen=True)
class Hit:
    """A point found: the entry it belongs to and the cosine of its vector with the query."""

    entry_id: str
    cosine: float


@dataclass(frozen=True)
class Point:
    """One vector of an entry, unit length; an entry has several, such as a FAQ's text, its title and its sample questions."""

    brand: str
    entry_id: str
    kind: Kind
    number: int
    vector: NDArray[np.float32]


def only_brand(brand: str, kind: Kind) -> edge.Filter:
    """The one place where a search is confined to a brand: no search is made without it."""
    must: list[Any] = [_equals("brand", brand), _equals("kind", kind)]
    return edge.Filter(must=must)


def _equals(field: str, value: str) -> edge.FieldCondition:
    return edge.FieldCondition(field, match=edge.MatchValue(value))


class EmbeddedIndex:
    """Qdrant's engine in this process, in a folder of its own under `parent` that goes with it; exact search."""

    def __init__(self, dimension: int, parent: Path | None = None) -> None:
        if parent is not None:
            _remove_abandoned(parent)
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._owned = (self._folder / _OWNED).open("w")
        fcntl.flock(self._owned, fcntl.LOCK_EX)
        params = edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Dot)
        self._shard = edge.EdgeShard.create(
            str(self._folder / "shard"), edge.EdgeConfig(vectors={"text": params}, wal_enabled=False)
        )
        for field in ("brand", "entry_id", "kind"):
            self._shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Keyword))
        self._lock = threading.Lock()

    def put(self, points: Iterable[Point]) -> None:
        """Inserts or replaces points."""
        batch = [
            edge.Point(
                str(uuid.uuid5(_SPACE, f"{point.brand}\x1f{point.entry_id}\x1f{point.number}")),
                {"text": point.vector.tolist()},
                {"brand": point.brand, "entry_id": point.entry_id, "kind": point.kind},
            )
            for point in points
        ]
        if batch:
            with self._lock:
                self._shard.update(edge.UpdateOperation.upsert_points(batch))

    def remove(self, brand: str, entry_id: str) -> None:
        """Removes every point of an entry."""
        mine = edge.Filter(must=[_equals("brand", brand), _equals("entry_id", entry_id)])
        with self._lock:
            self._shard.update(edge.UpdateOperation.delete_points_by_filter(mine))

    def search(self, vector: NDArray[np.float32], brand: str, kind: Kind, limit: int) -> list[Hit]:
        """The `limit` nearest points of a brand's entries of this kind, best first."""
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(vector.tolist(), using="text"),
            filter=only_brand(brand, kind),
            with_payload=["entry_id"],
            params=edge.SearchParams(exact=True),
        )
        with self._lock:
            found = self._shard.query(request)
        return [Hit(str((point.payload or {})["entry_id"]), float(point.score)) for point in found]

    def close(self) -> None:
        """Ends the engine and removes its folder."""
        with self._lock:
            self._shard.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._owned.close()


def _remove_abandoned(parent: Path) -> None:
    """Removes the folders of processes that were killed: those whose lock nobody holds."""
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            with (folder / _OWNED).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, or not yet locked by the process that is making it
