"""The engine for a Qdrant server or cluster, which several processes may share.

SQL is the truth. Every process tells the server what it sees change; ids are the same everywhere, so that telling it twice
does no harm. Each point carries a mark of its entry, by which a process that starts, or finds the server back after it was
away, sees what is missing and sends that alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import cast

import numpy as np
import structlog
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, models

from service.errors import FirstReplyError, IndexUnavailable
from service.knowledge import Kind
from service.retrieve import index
from service.retrieve.index import Hit, Point
from service.retrieve.qdrant_collections import VECTOR, Collections
from service.retrieve.qdrant_faults import FAILURES, Nothing, told
from service.retrieve.qdrant_points import BATCH, Held, Key, ServerPoints, equal, held_of, parts_of

ENTRIES = 64  # read from SQL at a time: a few batches of points
WRITE_SECONDS = 30  # for anything but a search
# How long an old collection stays after the switch: what other processes sent to it just before is found in SQL by then.
OVERLAP_SECONDS = 2.0
CHECK_SECONDS = 60.0  # between looks at whether the server still holds what it should
TOUCH_SECONDS = 3_600.0  # between notes that the collection is in use
SOONEST, LATEST = 0.25, 5.0  # seconds between attempts while the server is away, doubled from one to the other
SETTLED = 30.0  # seconds without trouble after which attempts are made soon again

Load = Callable[[Sequence[Key]], Awaitable[list[Point]]]
log = structlog.get_logger()


def connect_qdrant(url: str, key: str | None, *, grpc_port: int | None) -> AsyncQdrantClient:
    """A client; nothing is opened yet. `grpc_port` None speaks REST."""
    return AsyncQdrantClient(
        url=url,
        # As a header: as `api_key` it would print a warning for http://, which is how a private network is often used.
        headers={"api-key": key} if key else None,
        prefer_grpc=grpc_port is not None,
        grpc_port=grpc_port or 6334,
        # gRPC itself would wait up to two minutes before it tries a server again that was away.
        grpc_options={"grpc.initial_reconnect_backoff_ms": 200, "grpc.max_reconnect_backoff_ms": 2_000},
        timeout=WRITE_SECONDS,
        check_compatibility=False,  # a thread that asks for the version and warns where the server is away
    )


class QdrantIndex:
    """A collection behind an alias on a Qdrant server; exact search. `load` reads the points of entries from SQL.

    Puts and removals never fail and never wait for a server that is away: what it missed is sent when it is back.
    `timeout` is that of a search, in seconds.
    """

    def __init__(self, collections: Collections, load: Load, timeout: float) -> None:
        self.trouble: str | None = "Qdrant has not answered yet"
        self._collections = collections
        self._alias = collections.alias
        self._points = ServerPoints(collections.client)
        self._load = load
        self._timeout = timeout
        self._wanted: dict[Key, Held] = {}
        self._late: set[Key] = set()  # changed while they could not be sent
        self._aligning = False
        self._doubted = True  # whether the server may hold something else than is known
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._touched = self._well_since = float("-inf")
        self._delay = SOONEST
        self._task: asyncio.Task[None] | None = None

    async def open(self, progress: Callable[[str], None] = lambda _: None) -> None:
        """Brings the server in line where it answers, and keeps it so until `close`."""
        await self._attempt(progress)
        if self.trouble:
            progress(f"starting without passages: {self.trouble}")
        self._task = asyncio.create_task(self._tend_forever())

    async def close(self) -> None:
        """Ends the connection."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._collections.client.close()

    async def put(self, points: Sequence[Point]) -> None:
        """Puts entries in place of what they had."""
        put = held_of(points)
        self._wanted |= put
        await self._or_later(put, lambda: self._points.send(self._alias, points))

    async def remove(self, brand: str, entry_ids: Iterable[str]) -> None:
        """Removes every point of these entries."""
        keys = [(brand, entry_id) for entry_id in entry_ids]
        for key in keys:
            self._wanted.pop(key, None)
        await self._or_later(keys, lambda: self._points.delete(self._alias, keys))

    async def _or_later(self, keys: Iterable[Key], write: Callable[[], Awaitable[None]]) -> None:
        if not self.trouble and not self._aligning:
            async with self._writing:
                if not self.trouble:
                    try:
                        return await write()
                    except Exception as error:  # whatever a server does, it must not end the follower
                        self._fail(error)
        self._late.update(keys)

    async def search(self, vector: NDArray[np.float32], brand: str, kind: Kind, limit: int) -> list[Hit]:
        """The `limit` nearest points of a brand's entries of this kind, best first; raises IndexUnavailable."""
        if self.trouble:
            raise IndexUnavailable(self.trouble)
        try:
            found = await self._query(vector, brand, kind, limit)
            if not found and self._points.entries[brand, kind]:
                raise Nothing
        except Exception as error:
            self._fail(error)
            raise IndexUnavailable(told(error, self._timeout)) from error
        return found

    async def _query(self, vector: NDArray[np.float32], brand: str, kind: Kind, limit: int) -> list[Hit]:
        confined = [equal(field, value) for field, value in index.only_brand(brand, kind).items()]
        async with asyncio.timeout(self._timeout):
            answer = await self._collections.client.query_points(
                self._alias,
                query=vector.tolist(),
                using=VECTOR,
                query_filter=models.Filter(must=confined),
                search_params=models.SearchParams(exact=True),
                limit=limit,
                with_payload=["entry_id"],
            )
        return [Hit(str((point.payload or {})["entry_id"]), float(point.score)) for point in answer.points]

    async def rebuild(self, progress: Callable[[str], None]) -> int:
        """Fills a new collection from SQL, puts it behind the alias and drops the old one; searches go on meanwhile."""
        try:
            async with self._writing:
                old = await self._collections.current()
                await self._fill(self._collections.next(), progress)
            await asyncio.sleep(OVERLAP_SECONDS)
            async with self._writing:
                await self._align(self._alias, progress)
                if old is not None:
                    await self._collections.drop(old)
                await self._collections.drop_unused()
                await self._caught_up()
        except (*FAILURES, FirstReplyError) as error:
            self._doubted = True
            raise IndexUnavailable(f"the index could not be made anew: {told(error, self._timeout)}") from error
        return sum(held.count for held in self._points.there.values())

    # Keeping the server in line

    async def _tend_forever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._delay if self.trouble else CHECK_SECONDS)
            if self.trouble and time.monotonic() - self._well_since < SETTLED:
                await asyncio.sleep(self._delay)  # it was well a moment ago: a server that comes and goes is not pressed
            await self._attempt()
            self._wake.clear()

    async def _attempt(self, progress: Callable[[str], None] = lambda _: None) -> None:
        try:
            async with self._writing:
                await self._tend(progress)
                await self._caught_up()
        except Exception as error:  # nothing may end the one task by which the index recovers
            self._fail(error)
            self._delay = min(self._delay * 2, LATEST)

    async def _tend(self, progress: Callable[[str], None]) -> None:
        """One look at the server: a collection is made, filled or brought in line where it has to be."""
        async with asyncio.timeout(self._timeout):
            name = await self._collections.current()
        if name is None or not await self._collections.fits(name):
            # The first generation has the same name everywhere: processes that start together fill it together.
            await self._fill(f"{self._alias}-1" if name is None else self._collections.next(), progress)
        elif self._doubted or await self._points.count(self._alias) != sum(h.count for h in self._points.there.values()):
            await self._align(self._alias, progress)
        if self.trouble and self._points.entries:  # a search that is like a message's: is it answered in time?
            brand, kind = next(iter(self._points.entries))
            await self._query(np.eye(1, self._collections.dimension, dtype=np.float32)[0], brand, cast(Kind, kind), 1)
        if time.monotonic() - self._touched > TOUCH_SECONDS:
            await self._collections.touch(self._alias)
            await self._collections.drop_unused()
            self._touched = time.monotonic()

    async def _fill(self, name: str, progress: Callable[[str], None]) -> None:
        await self._collections.make(name)
        if not await self._collections.fits(name):
            name = self._collections.next()
            await self._collections.make(name)
        await self._align(name, progress)
        await self._collections.switch(name)

    async def _align(self, collection: str, progress: Callable[[str], None]) -> None:
        """Sends what the collection lacks and removes what it should not hold."""
        self._aligning = True
        try:
            self._late.clear()
            await self._points.look(collection)
            there = self._points.there
            lacking = [key for key, wanted in self._wanted.items() if there.get(key) != wanted]
            if len(lacking) > ENTRIES:
                progress(f"sending {len(lacking)} entries to Qdrant")
            await self._bring(collection, lacking, [key for key in there if key not in self._wanted])
            self._doubted = False
        finally:
            self._aligning = False

    async def _caught_up(self) -> None:
        """Sends what changed meanwhile; then all is well."""
        while self._late:
            late, self._late = self._late, set()
            await self._bring(self._alias, sorted(late & self._wanted.keys()), sorted(late - self._wanted.keys()))
        self._recovered()  # nothing is awaited between the last look at `_late` and this

    async def _bring(self, collection: str, lacking: Sequence[Key], strange: Sequence[Key]) -> None:
        for part in parts_of(lacking, ENTRIES):
            await self._points.send(collection, await self._load(part))
        for part in parts_of(strange, BATCH):
            # What SQL has, another process has sent: this one has only not heard of it yet.
            stored = {(point.brand, point.entry_id) for point in await self._load(part)}
            await self._points.delete(collection, [key for key in part if key not in stored])

    # Trouble

    def _fail(self, error: Exception) -> None:
        reason = told(error, self._timeout)
        if not isinstance(error, (*FAILURES, FirstReplyError)):  # the latter is SQL's, which `load` reads
            log.error("index_failed_oddly", exc_info=error)
        if not self.trouble:
            log.warning("index_unavailable", reason=reason)
        self.trouble = reason
        # A server that was only slow holds what it held.
        self._doubted = self._doubted or not isinstance(error, TimeoutError)
        self._wake.set()

    def _recovered(self) -> None:
        now = time.monotonic()
        if self.trouble:
            if self._task is not None:
                log.info("index_available")
            self._well_since = now
            self.trouble = None
        elif now - self._well_since > SETTLED:
            self._delay = SOONEST
