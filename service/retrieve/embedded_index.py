"""The embedded engine: Qdrant's own, run in process, private to it and made anew at each start."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from service.knowledge import Kind
from service.retrieve import index
from service.retrieve.index import Hit, Point

_PREFIX = "index-"
_OWNED = "owned"  # locked as long as the folder's process lives


def _filter(equal: dict[str, str]) -> edge.Filter:
    return edge.Filter(must=[edge.FieldCondition(field, match=edge.MatchValue(value)) for field, value in equal.items()])


class EmbeddedIndex:
    """Qdrant's engine in this process, in a folder of its own under `parent` that goes with it; exact search.

    Its coroutines never wait: a search takes 0.1 ms, less than handing it to a thread would.
    """

    trouble = None

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
        self._there: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    async def open(self, progress: Callable[[str], None]) -> None:
        """Nothing to do: it is ready as it is."""

    async def put(self, points: Sequence[Point]) -> None:
        """Puts entries in place of what they had."""
        batch = [
            edge.Point(
                point.id,
                {"text": point.vector.tolist()},
                {"brand": point.brand, "entry_id": point.entry_id, "kind": point.kind},
            )
            for point in points
        ]
        entries = {(point.brand, point.entry_id) for point in points}
        with self._lock:
            for brand, entry_id in entries & self._there:
                self._remove(brand, entry_id)
            self._there |= entries
            if batch:
                self._shard.update(edge.UpdateOperation.upsert_points(batch))

    async def remove(self, brand: str, entry_ids: Iterable[str]) -> None:
        """Removes every point of these entries."""
        with self._lock:
            for entry_id in entry_ids:
                self._remove(brand, entry_id)
                self._there.discard((brand, entry_id))

    def _remove(self, brand: str, entry_id: str) -> None:
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(_filter({"brand": brand, "entry_id": entry_id})))

    async def search(self, vector: NDArray[np.float32], brand: str, kind: Kind, limit: int) -> list[Hit]:
        """The `limit` nearest points of a brand's entries of this kind, best first."""
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(vector.tolist(), using="text"),
            filter=_filter(index.only_brand(brand, kind)),
            with_payload=["entry_id"],
            params=edge.SearchParams(exact=True),
        )
        with self._lock:
            found = self._shard.query(request)
        return [Hit(str((point.payload or {})["entry_id"]), float(point.score)) for point in found]

    async def rebuild(self, progress: Callable[[str], None]) -> int | None:
        """Nothing to do: every start makes it anew."""
        return None

    async def close(self) -> None:
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
