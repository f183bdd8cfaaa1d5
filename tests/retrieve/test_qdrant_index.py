"""A Qdrant server over real sockets, by REST and by gRPC: filled once, kept in line, and every way in which it can fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from qdrant_client import models
from qdrant_server import QdrantServer, qdrant_server

from service.errors import IndexUnavailable, Unavailable
from service.retrieve import qdrant_index
from service.retrieve.index import Point
from service.retrieve.qdrant_collections import MARKER, Collections
from service.retrieve.qdrant_index import QdrantIndex, connect_qdrant

DIMENSION = 8
TIMEOUT = 1.0  # seconds of a search
RECOVERED_WITHIN = 15.0  # seconds, on a busy machine
SPACE, OTHER_SPACE = "0" * 12, "1" * 12
QUERY = np.eye(1, DIMENSION, dtype=np.float32)[0]


@pytest.fixture
def server() -> Iterator[QdrantServer]:
    with qdrant_server() as made:
        yield made


@pytest.fixture(params=["rest", "grpc"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Sql:
    """The truth that an index is made from."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, str], list[Point]] = {}
        self.away = False

    async def load(self, keys: Sequence[tuple[str, str]]) -> list[Point]:
        if self.away:
            raise Unavailable("the records can't be read: try again")
        return [point for key in keys for point in self.points.get(key, [])]

    def entry(self, entry_id: str, count: int = 3, digest: str = "a") -> list[Point]:
        """Stores an entry and returns its points."""
        vectors = np.random.default_rng(len(entry_id) + count).normal(size=(count, DIMENSION)).astype(np.float32)
        made = [Point("b", entry_id, "faq", at, one / np.linalg.norm(one), digest) for at, one in enumerate(vectors)]
        self.points["b", entry_id] = made
        return made

    def all(self) -> list[Point]:
        return [point for points in self.points.values() for point in points]


@pytest.fixture
def sql() -> Sql:
    made = Sql()
    for number in range(20):
        made.entry(f"e{number}")
    return made


@asynccontextmanager
async def opened(
    server: QdrantServer, sql: Sql, protocol: str = "rest", key: str | None = None, space: str = SPACE, dimension: int = DIMENSION
) -> AsyncIterator[QdrantIndex]:
    """The index of a process that starts with what SQL has."""
    client = connect_qdrant(server.url, key, grpc_port=server.grpc_port if protocol == "grpc" else None)
    made = QdrantIndex(Collections(client, "test", space, dimension), sql.load, TIMEOUT)
    await made.put(sql.all())
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def found(made: QdrantIndex) -> set[str]:
    return {hit.entry_id for hit in await made.search(QUERY, "b", "faq", 100)}


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + RECOVERED_WITHIN
    while not await what():
        assert time.monotonic() < end, f"not within {RECOVERED_WITHIN:g} s"
        await asyncio.sleep(0.05)


async def well(made: QdrantIndex) -> None:
    async def is_well() -> bool:
        return made.trouble is None

    await until(is_well)


async def fails(made: QdrantIndex, told: str) -> None:
    """A search ends inside its timeout with an error that tells what to do; so does the next, at once."""
    start = time.monotonic()
    with pytest.raises(IndexUnavailable, match=told):
        await made.search(QUERY, "b", "faq", 5)
    assert time.monotonic() - start < TIMEOUT + 1.0
    assert made.trouble is not None


def names(server: QdrantServer) -> dict[str, str]:
    return dict(server.store._client.aliases)  # type: ignore[attr-defined]


def collections(server: QdrantServer) -> set[str]:
    return set(server.store._client.collections)  # type: ignore[attr-defined]


# Filling


async def test_a_first_start_fills_a_collection_and_then_puts_it_behind_the_alias(
    server: QdrantServer, sql: Sql, protocol: str
) -> None:
    async with opened(server, sql, protocol) as made:
        assert made.trouble is None
        assert names(server) == {f"test-{SPACE}": f"test-{SPACE}-1"}
        assert await server.holding() == {f"e{number}": 3 for number in range(20)}
        assert await found(made) == {f"e{number}" for number in range(20)}


async def test_payload_indexes_are_there_before_the_first_point_and_the_brand_is_the_tenant(
    server: QdrantServer, sql: Sql, protocol: str
) -> None:
    async with opened(server, sql, protocol):
        indexed = server.indexed[f"test-{SPACE}-1"]
        assert set(indexed) == {"brand", "entry_id", "kind", "mark"}
        assert {there for _, there in indexed.values()} == {0}
        assert [field for field, (schema, _) in indexed.items() if schema.get("is_tenant")] == ["brand"]


async def test_a_start_sends_nothing_that_the_server_holds_already(server: QdrantServer, sql: Sql, protocol: str) -> None:
    async with opened(server, sql, protocol):
        assert server.sent == 60
    sql.entry("e7", digest="b")  # changed while nobody ran
    sql.entry("new")
    del sql.points["b", "e3"]
    async with opened(server, sql, protocol) as made:
        assert server.sent == 60 + 6
        assert "e3" not in await found(made)
        assert await server.holding() == {key[1]: 3 for key in sql.points}


async def test_thousands_of_points_go_in_batches(server: QdrantServer, sql: Sql) -> None:
    async with opened(server, sql) as made:
        many = [point for number in range(900) for point in sql.entry(f"m{number}")]
        await made.put(many)
        assert (server.sent, server.largest) == (60 + 2_700, qdrant_index.BATCH)
        assert len(await server.holding()) == 920


async def test_what_changes_while_it_runs_is_sent_at_once(server: QdrantServer, sql: Sql, protocol: str) -> None:
    async with opened(server, sql, protocol) as made:
        await made.put(sql.entry("e1", count=1, digest="b"))
        await made.remove("b", ["e2", "never there"])
        assert await server.holding() == {f"e{n}": 3 for n in range(20) if n not in (1, 2)} | {"e1": 1}


async def test_a_process_that_has_not_heard_of_a_change_leaves_what_another_one_sent(server: QdrantServer, sql: Sql) -> None:
    async with opened(server, sql) as one:
        await one.put(sql.entry("news"))
        behind = Sql()
        behind.points = {key: points for key, points in sql.points.items() if key[1] != "news"}
        client = connect_qdrant(server.url, None, grpc_port=None)
        other = QdrantIndex(Collections(client, "test", SPACE, DIMENSION), sql.load, TIMEOUT)
        await other.put(behind.all())
        await other.open()
        assert await server.holding() == {key[1]: 3 for key in sql.points}
        await other.close()


async def test_points_that_are_lost_are_missed_and_sent_again(
    server: QdrantServer, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qdrant_index, "CHECK_SECONDS", 0.1)
    async with opened(server, sql):
        lost = models.FieldCondition(key="entry_id", match=models.MatchAny(any=[f"e{number}" for number in range(9)]))
        await server.store.delete(f"test-{SPACE}", models.FilterSelector(filter=models.Filter(must=[lost])))

        async def whole() -> bool:
            return len(await server.holding()) == 20

        await until(whole)


# Re-indexing


async def test_re_indexing_fills_a_new_collection_and_searches_go_on(server: QdrantServer, sql: Sql, protocol: str) -> None:
    async with opened(server, sql, protocol) as made, opened(server, sql, protocol) as neighbour:
        task = asyncio.create_task(made.rebuild(lambda _: None))
        searches = 0
        while not task.done():
            assert await found(neighbour) >= {f"e{number}" for number in range(20)}
            if searches == 0:
                await made.put(sql.entry("during"))
            searches += 1
            await asyncio.sleep(0.01)
        assert searches > 10
        assert await task == 63
        assert list(names(server)) == [f"test-{SPACE}"]
        assert collections(server) == set(names(server).values()) != {f"test-{SPACE}-1"}
        assert "during" in await found(neighbour)


async def test_a_re_index_that_fails_leaves_the_former_collection_in_use(server: QdrantServer, sql: Sql) -> None:
    async with opened(server, sql) as made:
        sql.away = True
        with pytest.raises(IndexUnavailable, match="could not be made anew: the records can't be read"):
            await made.rebuild(lambda _: None)
        assert names(server) == {f"test-{SPACE}": f"test-{SPACE}-1"}
        sql.away = False
        assert len(await found(made)) == 20


async def test_another_space_has_vectors_of_its_own_and_the_former_stays_for_a_day(server: QdrantServer, sql: Sql) -> None:
    async with opened(server, sql) as old:
        async with opened(server, sql, space=OTHER_SPACE) as new:
            assert set(names(server)) == {f"test-{SPACE}", f"test-{OTHER_SPACE}"}
            assert await found(old) == await found(new)
    await server.store.create_collection("test-of-somebody", vectors_config=models.VectorParams(size=4, distance="Dot"))
    await server.store.create_collection(f"test-{OTHER_SPACE}-7", vectors_config={})  # being made just now: no marker yet
    neighbour = f"test-2-{SPACE}-1"  # of an installation whose prefix is test-2
    await server.store.create_collection(neighbour, vectors_config={})
    long_ago = (datetime.now(UTC) - timedelta(days=1, minutes=1)).isoformat()
    for name in (f"test-{SPACE}", neighbour):
        await server.store.upsert(name, [models.PointStruct(id=MARKER, vector={}, payload={"used_at": long_ago})])
    async with opened(server, sql, space=OTHER_SPACE):
        assert set(names(server)) == {f"test-{OTHER_SPACE}"}
        assert collections(server) == {f"test-{OTHER_SPACE}-1", f"test-{OTHER_SPACE}-7", "test-of-somebody", neighbour}


# Faults


async def test_a_server_that_is_away_is_told_of_and_what_changed_meanwhile_arrives(
    server: QdrantServer, sql: Sql, protocol: str
) -> None:
    async with opened(server, sql, protocol) as made:
        server.stop()
        await fails(made, "can't be reached by gRPC" if protocol == "grpc" else "can't be reached")
        await made.put(sql.entry("meanwhile"))
        del sql.points["b", "e5"]
        await made.remove("b", ["e5"])
        server.start()
        await well(made)
        assert await server.holding() == {key[1]: 3 for key in sql.points}
        assert "meanwhile" in await found(made)


async def test_a_server_that_comes_back_empty_is_filled_again(server: QdrantServer, sql: Sql, protocol: str) -> None:
    async with opened(server, sql, protocol) as made:
        server.stop()
        server.start(empty=True)
        with pytest.raises(IndexUnavailable):
            await found(made)
        await well(made)
        assert len(await found(made)) == 20


async def test_a_start_without_the_server_is_in_trouble_and_recovers(server: QdrantServer, sql: Sql, protocol: str) -> None:
    server.stop()
    async with opened(server, sql, protocol) as made:
        await fails(made, "can't be reached")
        server.start()
        await well(made)
        assert len(await found(made)) == 20


async def test_a_slow_server_costs_one_search_its_timeout_and_is_used_again_when_it_answers(
    server: QdrantServer, sql: Sql, protocol: str
) -> None:
    async with opened(server, sql, protocol) as made:
        server.only, server.delay = frozenset({"query"}), 30.0
        await fails(made, r"doesn't answer within 1 s \(FIRSTREPLY_QDRANT_TIMEOUT_SECONDS\)")
        start = time.monotonic()
        with pytest.raises(IndexUnavailable):
            await made.search(QUERY, "b", "faq", 5)
        assert time.monotonic() - start < 0.2
        await asyncio.sleep(2.0)
        assert made.trouble is not None, "a server whose searches are slow is not well because it can count"
        await made.put(sql.entry("meanwhile"))
        server.delay = 0.0
        await well(made)
        assert "meanwhile" in await found(made)
        assert server.sent == 63, "a server that was slow holds what it held"


async def test_a_server_that_fails_is_told_of_and_recovers(server: QdrantServer, sql: Sql, protocol: str) -> None:
    async with opened(server, sql, protocol) as made:
        server.status = 500
        await fails(made, "answers with an error .*see its log")
        server.status = 200
        await well(made)


async def test_a_wrong_key_is_told_of(server: QdrantServer, sql: Sql, protocol: str) -> None:
    server.key = "right"
    async with opened(server, sql, protocol, key="wrong") as made:
        await fails(made, "refuses the key: set FIRSTREPLY_QDRANT_API_KEY")
    async with opened(server, sql, protocol, key="right") as made:
        assert len(await found(made)) == 20


async def test_vectors_of_the_wrong_dimension_are_replaced(server: QdrantServer, sql: Sql, protocol: str) -> None:
    wrong = {"text": models.VectorParams(size=DIMENSION + 1, distance=models.Distance.DOT)}
    await server.store.create_collection("test-of-somebody", vectors_config=wrong)
    alias = models.CreateAlias(collection_name="test-of-somebody", alias_name=f"test-{SPACE}")
    await server.store.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
    async with opened(server, sql, protocol) as made:
        assert len(await found(made)) == 20
        await server.store.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
        await fails(made, "answers with an error|finds nothing")
        await well(made)
        assert len(await found(made)) == 20
    assert "test-of-somebody" in collections(server), "what is not ours is not dropped"


@pytest.mark.parametrize("how", ["emptied", "dropped"])
async def test_a_collection_without_its_points_is_seen_and_filled_again(
    server: QdrantServer, sql: Sql, protocol: str, how: str
) -> None:
    async with opened(server, sql, protocol) as made:
        if how == "dropped":
            await server.store.delete_collection(f"test-{SPACE}-1")
        else:
            await server.store.delete(f"test-{SPACE}", models.FilterSelector(filter=models.Filter()))
        await fails(made, "finds nothing of what it was sent|is gone from Qdrant")
        await well(made)
        assert len(await found(made)) == 20


async def test_a_write_that_fails_is_sent_again_and_again(server: QdrantServer, sql: Sql, protocol: str) -> None:
    async def tried() -> bool:
        return server.asked["upsert"] >= before + 3

    async with opened(server, sql, protocol) as made:
        before = server.asked["upsert"]
        server.only, server.status = frozenset({"upsert"}), 500
        await made.put(sql.entry("e1", digest="b"))
        assert made.trouble is not None
        await until(tried)
        server.status = 200
        await well(made)
        mark = models.FieldCondition(key="mark", match=models.MatchValue(value="b.3"))
        assert (await server.store.count(f"test-{SPACE}", models.Filter(must=[mark]))).count == 3


async def test_records_that_are_away_while_the_server_is_filled_only_delay_it(server: QdrantServer, sql: Sql) -> None:
    sql.away = True
    async with opened(server, sql) as made:
        assert made.trouble == "the records can't be read: try again"
        sql.away = False
        await well(made)
        assert len(await found(made)) == 20


async def test_no_trouble_ends_the_task_that_mends_it(server: QdrantServer, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qdrant_index, "LATEST", 0.5)
    async with opened(server, sql) as made:
        whole = Collections.current

        async def odd(_: Any) -> None:
            raise KeyError("an answer that nobody thought of")

        monkeypatch.setattr(Collections, "current", odd)
        server.status = 500
        with pytest.raises(IndexUnavailable):
            await found(made)
        server.status = 200
        await asyncio.sleep(1.0)
        assert made.trouble is not None
        monkeypatch.setattr(Collections, "current", whole)
        await well(made)
