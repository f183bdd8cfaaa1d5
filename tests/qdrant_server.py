"""A stand-in for a Qdrant server on loopback: REST and gRPC over real sockets, qdrant-client's in-memory mode behind them.

It can be told to be slow, to fail, to want another key, and be stopped and started again with or without what it held.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import grpc
import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import TypeAdapter
from qdrant_client import AsyncQdrantClient, models
from qdrant_client import grpc as wire
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

Answer = Callable[..., Awaitable[Any]]


class QdrantServer:
    """A server on free ports, running from `start` to `stop`; what is set on it counts from the next request."""

    def __init__(self) -> None:
        self.store = AsyncQdrantClient(":memory:")
        self.delay = 0.0  # seconds before each answer
        self.status = 200  # else what each request is answered with
        self.only: frozenset[str] = frozenset()  # operations that the two above are for; none named: all
        self.key: str | None = None  # the key that callers must have
        self.asked: Counter[str] = Counter()  # by operation
        self.sent = 0  # points with a vector that came
        self.largest = 0  # points of the largest request
        self.indexed: dict[str, dict[str, Any]] = {}  # by collection: payload indexes, and how many points were there first
        self.rest_port, self.grpc_port = _free_port(), _free_port()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ending = asyncio.Event()

    @property
    def url(self) -> str:
        """Where REST is spoken."""
        return f"http://127.0.0.1:{self.rest_port}"

    def settings(self, protocol: str) -> dict[str, Any]:
        """Settings of an installation that uses it, by `rest` or `grpc`; the stand-in's searches are slow beside a server's."""
        ports = {"qdrant_grpc": protocol == "grpc", "qdrant_grpc_port": self.grpc_port}
        return {"qdrant_url": self.url, "qdrant_timeout_seconds": 20.0} | ports

    def start(self, *, empty: bool = False) -> None:
        """Listens on the same ports as before; `empty` with nothing in it."""
        if empty:
            self.store = AsyncQdrantClient(":memory:")
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(20)

    def stop(self) -> None:
        """Closes every connection and listens no more."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join(20)
            assert not self._thread.is_alive()
            self._thread = None

    async def holding(self, brand: str = "b") -> dict[str, int]:
        """How many points of each entry of a brand are behind the only alias there is."""
        alias = (await self.store.get_aliases()).aliases[0].collection_name
        mine = models.Filter(must=[models.FieldCondition(key="brand", match=models.MatchValue(value=brand))])
        points, _ = await self.store.scroll(alias, mine, limit=100_000)
        return dict(Counter(point.payload["entry_id"] for point in points if point.payload))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        config = uvicorn.Config(self._rest(), log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        rest = uvicorn.Server(config)
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.rest_port))
        serving = asyncio.create_task(rest.serve(sockets=[listening]))
        speaking = grpc.aio.server()
        wire.add_CollectionsServicer_to_server(_Grpc(self), speaking)
        wire.add_PointsServicer_to_server(_Grpc(self), speaking)
        speaking.add_insecure_port(f"127.0.0.1:{self.grpc_port}")
        await speaking.start()
        while not rest.started:
            await asyncio.sleep(0.01)
        ready.set()
        await self._ending.wait()
        await speaking.stop(0)
        rest.should_exit = rest.force_exit = True
        await serving

    async def admit(self, operation: str, key: str | None) -> int:
        """What is told to a caller: 200, or what is wrong."""
        self.asked[operation] += 1
        meant = not self.only or operation in self.only
        if self.delay and meant:
            await asyncio.sleep(self.delay)
        if self.key is not None and key != self.key:
            return 401
        return self.status if meant else 200

    async def upsert(self, name: str, points: list[models.PointStruct]) -> None:
        self.sent += sum(bool(point.vector) for point in points)
        self.largest = max(self.largest, len(points))
        await self.store.upsert(name, points)

    async def query(self, name: str, asked: models.QueryRequest) -> models.QueryResponse:
        assert asked.params is not None
        assert asked.params.exact, "a search that is not exact finds others than the embedded engine"
        return await self.store.query_points(
            name, asked.query, using=asked.using, query_filter=asked.filter, limit=asked.limit, with_payload=asked.with_payload
        )

    def _rest(self) -> FastAPI:
        app = FastAPI()
        store = lambda: self.store  # noqa: E731

        def answer(method: str, path: str, operation: str, work: Answer) -> None:
            async def endpoint(request: Request) -> Response:
                status = await self.admit(operation, request.headers.get("api-key"))
                if status != 200:
                    return Response(json.dumps({"status": {"error": "as told"}}), status)
                body = await request.body()
                try:
                    result = await work(request.path_params.get("name", ""), json.loads(body or b"null"))
                except ValueError as error:
                    return Response(json.dumps({"status": {"error": str(error)}}), 404 if "not found" in str(error) else 400)
                content = TypeAdapter(Any).dump_json({"result": result, "status": "ok", "time": 0.0}, exclude_none=True)
                return Response(content, media_type="application/json")

            app.add_api_route(path, endpoint, methods=[method])

        done = {"operation_id": 1, "status": "completed"}

        async def aliases(_: str, __: Any) -> Any:
            return await store().get_aliases()

        async def change_aliases(_: str, body: Any) -> bool:
            return await self.store.update_collection_aliases(models.ChangeAliasesOperation.model_validate(body).actions)

        async def collections(_: str, __: Any) -> Any:
            return await store().get_collections()

        async def exists(name: str, _: Any) -> Any:
            return {"exists": await store().collection_exists(name)}

        async def create(name: str, body: Any) -> bool:
            return await store().create_collection(name, vectors_config=models.CreateCollection.model_validate(body).vectors)

        async def info(name: str, _: Any) -> Any:
            return await store().get_collection(name)

        async def drop(name: str, _: Any) -> bool:
            return await store().delete_collection(name)

        async def field(name: str, body: Any) -> Any:
            await self.index(name, body["field_name"], body["field_schema"])
            return done

        async def upsert(name: str, body: Any) -> Any:
            await self.upsert(name, models.PointsList.model_validate(body).points)
            return done

        async def delete(name: str, body: Any) -> Any:
            await store().delete(name, models.FilterSelector.model_validate(body))
            return done

        async def scroll(name: str, body: Any) -> Any:
            asked = models.ScrollRequest.model_validate(body)
            points, page = await store().scroll(
                name, asked.filter, limit=asked.limit, offset=asked.offset, with_payload=asked.with_payload
            )
            return {"points": points, "next_page_offset": page}

        async def count(name: str, body: Any) -> Any:
            return await store().count(name, models.CountRequest.model_validate(body).filter)

        async def query(name: str, body: Any) -> Any:
            asked = models.QueryRequest.model_validate(body)
            return await self.query(name, asked)

        async def retrieve(name: str, body: Any) -> Any:
            return await store().retrieve(name, models.PointRequest.model_validate(body).ids)

        one = "/collections/{name}"
        answer("GET", "/aliases", "aliases", aliases)
        answer("POST", "/collections/aliases", "change_aliases", change_aliases)
        answer("GET", "/collections", "collections", collections)
        answer("GET", f"{one}/exists", "exists", exists)
        answer("PUT", one, "create", create)
        answer("GET", one, "info", info)
        answer("DELETE", one, "drop", drop)
        answer("PUT", f"{one}/index", "field", field)
        answer("PUT", f"{one}/points", "upsert", upsert)
        answer("POST", f"{one}/points/delete", "delete", delete)
        answer("POST", f"{one}/points/scroll", "scroll", scroll)
        answer("POST", f"{one}/points/count", "count", count)
        answer("POST", f"{one}/points/query", "query", query)
        answer("POST", f"{one}/points", "retrieve", retrieve)
        return app

    async def index(self, name: str, field: str, schema: Any) -> None:
        there = (await self.store.count(name)).count
        self.indexed.setdefault(name, {})[field] = (schema, there)


class _Grpc(wire.CollectionsServicer, wire.PointsServicer):  # type: ignore[misc]
    """The same over gRPC."""

    def __init__(self, server: QdrantServer) -> None:
        self._server = server

    async def _admit(self, operation: str, context: Any) -> AsyncQdrantClient:
        given = dict(context.invocation_metadata())
        status = await self._server.admit(operation, given.get("api-key"))
        if status != 200:
            code = grpc.StatusCode.UNAUTHENTICATED if status == 401 else grpc.StatusCode.INTERNAL
            await context.abort(code, "as told")
        return self._server.store

    async def _found(self, store: AsyncQdrantClient, name: str, context: Any) -> None:
        if not await store.collection_exists(name) and name not in {a.alias_name for a in (await store.get_aliases()).aliases}:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Collection `{name}` doesn't exist!")

    async def ListAliases(self, request: Any, context: Any) -> Any:
        store = await self._admit("aliases", context)
        found = (await store.get_aliases()).aliases
        return wire.ListAliasesResponse(aliases=[RestToGrpc.convert_alias_description(one) for one in found])

    async def UpdateAliases(self, request: Any, context: Any) -> Any:
        store = await self._admit("change_aliases", context)
        await store.update_collection_aliases([GrpcToRest.convert_alias_operations(one) for one in request.actions])
        return wire.CollectionOperationResponse(result=True)

    async def List(self, request: Any, context: Any) -> Any:
        store = await self._admit("collections", context)
        names = [one.name for one in (await store.get_collections()).collections]
        return wire.ListCollectionsResponse(collections=[wire.CollectionDescription(name=name) for name in names])

    async def CollectionExists(self, request: Any, context: Any) -> Any:
        store = await self._admit("exists", context)
        there = await store.collection_exists(request.collection_name)
        return wire.CollectionExistsResponse(result=wire.CollectionExists(exists=there))

    async def Create(self, request: Any, context: Any) -> Any:
        store = await self._admit("create", context)
        vectors = GrpcToRest.convert_vectors_config(request.vectors_config)
        await store.create_collection(request.collection_name, vectors_config=vectors)
        return wire.CollectionOperationResponse(result=True)

    async def Get(self, request: Any, context: Any) -> Any:
        if isinstance(request, wire.GetPoints):
            store = await self._admit("retrieve", context)
            found = await store.retrieve(request.collection_name, [GrpcToRest.convert_point_id(one) for one in request.ids])
            return wire.GetResponse(result=[RestToGrpc.convert_retrieved_point(one) for one in found])
        store = await self._admit("info", context)
        await self._found(store, request.collection_name, context)
        told = await store.get_collection(request.collection_name)
        return wire.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(told))

    async def Delete(self, request: Any, context: Any) -> Any:
        if isinstance(request, wire.DeletePoints):
            store = await self._admit("delete", context)
            chosen = GrpcToRest.convert_points_selector(request.points)
            await store.delete(request.collection_name, chosen)
            return wire.PointsOperationResponse(result=wire.UpdateResult(operation_id=1, status=wire.Completed))
        store = await self._admit("drop", context)
        await store.delete_collection(request.collection_name)
        return wire.CollectionOperationResponse(result=True)

    async def CreateFieldIndex(self, request: Any, context: Any) -> Any:
        await self._admit("field", context)
        tenant = request.field_index_params.keyword_index_params.is_tenant
        await self._server.index(request.collection_name, request.field_name, {"type": "keyword", "is_tenant": tenant})
        return wire.PointsOperationResponse(result=wire.UpdateResult(operation_id=1, status=wire.Completed))

    async def Upsert(self, request: Any, context: Any) -> Any:
        store = await self._admit("upsert", context)
        await self._found(store, request.collection_name, context)
        points = [GrpcToRest.convert_point_struct(point) for point in request.points]
        await self._server.upsert(request.collection_name, points)
        return wire.PointsOperationResponse(result=wire.UpdateResult(operation_id=1, status=wire.Completed))

    async def Scroll(self, request: Any, context: Any) -> Any:
        store = await self._admit("scroll", context)
        await self._found(store, request.collection_name, context)
        after = GrpcToRest.convert_point_id(request.offset) if request.HasField("offset") else None
        points, page = await store.scroll(
            request.collection_name, GrpcToRest.convert_filter(request.filter), limit=request.limit, offset=after
        )
        following = None if page is None else RestToGrpc.convert_extended_point_id(page)
        result = [RestToGrpc.convert_retrieved_point(one) for one in points]
        return wire.ScrollResponse(result=result, next_page_offset=following)

    async def Count(self, request: Any, context: Any) -> Any:
        store = await self._admit("count", context)
        await self._found(store, request.collection_name, context)
        there = await store.count(request.collection_name, GrpcToRest.convert_filter(request.filter))
        return wire.CountResponse(result=wire.CountResult(count=there.count))

    async def Query(self, request: Any, context: Any) -> Any:
        store = await self._admit("query", context)
        await self._found(store, request.collection_name, context)
        asked = GrpcToRest.convert_query_points(request)
        try:
            found = await self._server.query(request.collection_name, asked)
        except ValueError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return wire.QueryResponse(result=[RestToGrpc.convert_scored_point(one) for one in found.points])


@contextlib.contextmanager
def qdrant_server() -> Iterator[QdrantServer]:
    """A server that runs."""
    server = QdrantServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
