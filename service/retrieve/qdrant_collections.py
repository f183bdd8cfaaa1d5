"""An installation's collections on a Qdrant server: named, made, switched behind an alias, dropped when nobody uses them.

Vectors of one embedder under one correction of the ranking are a space. Processes of different spaces (an upgrade that
restarts them one by one, heads fitted anew) must not search each other's vectors, so each space has an alias of its own,
`PREFIX-SPACE`, with the collection `PREFIX-SPACE-GENERATION` behind it.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from qdrant_client import AsyncQdrantClient, models

from service.understand.classifier import Heads

VECTOR = "text"
# A point without a vector in each collection; its payload tells when a process last used it.
MARKER = str(uuid.UUID("3d0c8a56-52b1-4a7e-8f0e-8f5a1c5d6b11"))
UNUSED = timedelta(days=1)  # after which a collection is dropped; within it, going back to the former heads costs nothing
PAYLOAD = ("brand", "entry_id", "kind", "mark")  # what each point carries


def space_of(embedder: str, dimension: int, heads: Heads) -> str:
    """Names the space of the vectors: 12 hex digits over the embedder's fingerprint and all that is done to its vectors."""
    digest = hashlib.sha256(f"{embedder} {dimension}".encode())
    for part in (heads.query_mean, heads.passage_mean, heads.ranking):
        digest.update(part.tobytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Collections:
    """Those of one installation (`prefix`) on a server, seen from a process that works in one space."""

    client: AsyncQdrantClient
    prefix: str
    space: str
    dimension: int

    @property
    def alias(self) -> str:
        """The name that points are written, read and searched under."""
        return f"{self.prefix}-{self.space}"

    def next(self) -> str:
        """A name for a generation that is not there yet."""
        return f"{self.alias}-{datetime.now(UTC):%Y%m%d%H%M%S%f}"

    async def current(self) -> str | None:
        """The collection behind the alias."""
        return (await self._aliases()).get(self.alias)

    async def fits(self, name: str) -> bool:
        """Whether a collection holds vectors of our dimension."""
        vectors: Any = (await self.client.get_collection(name)).config.params.vectors
        return isinstance(vectors, dict) and VECTOR in vectors and vectors[VECTOR].size == self.dimension

    async def make(self, name: str) -> None:
        """Makes a collection ready to be filled; goes on with one that is there, which another process may be filling too."""
        if not await self.client.collection_exists(name):
            try:
                await self._create(name)
            except Exception:
                if not await self.client.collection_exists(name):  # else another process was first
                    raise
        # Before the first point: a server arranges points by tenant as they come in.
        for field in PAYLOAD:
            kind = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=field == "brand")
            await self.client.create_payload_index(name, field, field_schema=kind)
        await self.touch(name)

    async def _create(self, name: str) -> None:
        # Searches are exact, as the embedded engine's are: a graph (m > 0) would be built and never used.
        await self.client.create_collection(
            name,
            vectors_config={VECTOR: models.VectorParams(size=self.dimension, distance=models.Distance.DOT)},
            hnsw_config=models.HnswConfigDiff(m=0),
        )

    async def touch(self, name: str) -> None:
        """Says that the collection is in use."""
        used = models.PointStruct(id=MARKER, vector={}, payload={"used_at": datetime.now(UTC).isoformat()})
        await self.client.upsert(name, [used])

    async def switch(self, name: str) -> None:
        """Puts a collection behind the alias, in one step."""
        operations: list[Any] = []
        if await self.current() is not None:
            operations.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=self.alias)))
        made = models.CreateAlias(collection_name=name, alias_name=self.alias)
        await self.client.update_collection_aliases([*operations, models.CreateAliasOperation(create_alias=made)])

    async def drop(self, name: str) -> None:
        """Drops a collection of ours that no alias leads to; any other is left alone."""
        if self._ours(name) and name not in (await self._aliases()).values():
            await self.client.delete_collection(name)

    async def drop_unused(self) -> None:
        """Drops what no process has used for a day: former spaces, and what a killed process left half filled."""
        aliases = await self._aliases()
        for name in [one.name for one in (await self.client.get_collections()).collections if self._ours(one.name)]:
            leading = [alias for alias, to in aliases.items() if to == name]
            if self.alias in leading or await self._used_lately(name):
                continue
            await self.client.update_collection_aliases(
                [models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)) for alias in leading]
            )
            await self.client.delete_collection(name)

    def _ours(self, name: str) -> bool:
        return re.fullmatch(rf"{re.escape(self.prefix)}-[0-9a-f]{{12}}-\d+", name) is not None

    async def _used_lately(self, name: str) -> bool:
        found = await self.client.retrieve(name, [MARKER], with_payload=True)
        if not found:
            return True  # just being made, or not made by us
        return datetime.now(UTC) - datetime.fromisoformat(str((found[0].payload or {})["used_at"])) < UNUSED

    async def _aliases(self) -> dict[str, str]:
        return {one.alias_name: one.collection_name for one in (await self.client.get_aliases()).aliases}
