"""The vector index, a cache of SQL: one Protocol, two engines, in this process or on a Qdrant server."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.knowledge import Kind

_SPACE = uuid.UUID("6f1c1f0e-5b0c-4a51-9f4b-0b1df1e7a9c4")  # of the points' ids, so that the same point gets the same id


@dataclass(frozen=True)
class Hit:
    """A point found: the entry it belongs to and the cosine of its vector with the query."""

    entry_id: str
    cosine: float


@dataclass(frozen=True)
class Point:
    """One vector of an entry, unit length; an entry has several, such as a FAQ's text, its title and its sample questions.

    `digest` is the entry's: an engine that outlives its process tells by it what it holds already.
    """

    brand: str
    entry_id: str
    kind: Kind
    number: int
    vector: NDArray[np.float32]
    digest: str = ""

    @property
    def id(self) -> str:
        """A UUID that is the same for the same point in every process."""
        return str(uuid.uuid5(_SPACE, f"{self.brand}\x1f{self.entry_id}\x1f{self.number}"))


class VectorIndex(Protocol):
    """An engine: `EmbeddedIndex` in this process, `QdrantIndex` on a server. Both search exactly and find the same."""

    @property
    def trouble(self) -> str | None:
        """What keeps it from finding all that is known; None while all is well."""

    async def open(self, progress: Callable[[str], None]) -> None:
        """Makes it ready for searches, with what was put by then; it may be in trouble after that, and raises nothing."""

    async def put(self, points: Sequence[Point]) -> None:
        """Puts entries: all points that an entry has come in one call and replace those that it had."""

    async def remove(self, brand: str, entry_ids: Iterable[str]) -> None:
        """Removes every point of these entries; one that has none is no error."""

    async def search(self, vector: NDArray[np.float32], brand: str, kind: Kind, limit: int) -> list[Hit]:
        """The `limit` nearest points of a brand's entries of this kind, best first; raises IndexUnavailable."""

    async def rebuild(self, progress: Callable[[str], None]) -> int | None:
        """Makes it anew while searches go on; how many points it has then, None where every start makes it anew."""

    async def close(self) -> None:
        """Lets go of everything it holds in this process."""


def only_brand(brand: str, kind: Kind) -> dict[str, str]:
    """The one place where a search is confined to a brand: what its points must carry. No search is made without it."""
    return {"brand": brand, "kind": kind}
