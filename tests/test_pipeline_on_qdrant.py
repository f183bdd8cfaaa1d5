"""The whole pipeline on a Qdrant server: the same triages as with the embedded engine, and what becomes of them without it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from qdrant_server import QdrantServer, qdrant_server

from service import pipeline
from service.imports import import_knowledge, search
from service.messages import Message
from service.parts import Parts, build_parts

TODAY = date(2026, 11, 22)
RECOVERED_WITHIN = 60.0  # seconds: the stand-in is filled with the demo brand anew
MESSAGES = (
    {"text": "Wo bleibt mein Paket? Es sollte am Freitag da sein!", "channel": "instagram", "author": {"customer_id": "C-1042"}},
    {"text": "Do you ship to Norway? And how long do I have to send things back?", "channel": "x"},
    {"text": "Love my new jacket, thank you so much!", "channel": "facebook"},
    {"text": "quel sac à dos me conseillez-vous pour la randonnée ?", "channel": "email"},
    {"text": "¿puedo pagar con PayPal?", "channel": "whatsapp"},
    {"text": "Kan jag betala med Swish?", "channel": "messenger"},
    {"text": "Do you know a good recipe for goulash?", "channel": "webchat"},
    {"text": "and to Sweden?", "channel": "webchat", "thread": [{"role": "customer", "text": "what is shipping to Norway?"}]},
    {"text": "", "attachments": [{"kind": "image"}]},
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[QdrantServer]:
    with qdrant_server() as made:
        yield made


@pytest.fixture(scope="module", params=["rest", "grpc"])
async def on_qdrant(
    request: pytest.FixtureRequest, server: QdrantServer, settings_in: Any, parts: Parts, _copied: Any, tmp_path_factory: Any
) -> AsyncIterator[Parts]:
    folder = _copied(tmp_path_factory.mktemp("on-qdrant"))
    async with build_parts(settings_in(folder, **server.settings(request.param)), today=TODAY) as built:
        yield built


async def made(message: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """The triage but for what differs from one call to the next."""
    given = Message.model_validate({"received_at": "2026-11-22T09:00:00Z"} | message)
    async for stage in pipeline.stages(given, parts):
        grown = stage.triage
    found: dict[str, Any] = grown.model_dump(mode="json", exclude={"id", "timings_ms", "versions"})
    return found


async def test_both_engines_make_the_same_triages(parts: Parts, on_qdrant: Parts) -> None:
    assert on_qdrant.index.trouble is None
    for message in MESSAGES:
        assert await made(message, on_qdrant) == await made(message, parts)


async def test_a_second_start_sends_nothing(server: QdrantServer, on_qdrant: Parts) -> None:
    before = server.sent
    async with build_parts(on_qdrant.settings, today=TODAY) as again:
        assert again.index.trouble is None
        assert server.sent == before


async def test_an_import_is_found_on_the_server(server: QdrantServer, on_qdrant: Parts) -> None:
    line = '{"id": "bagpipe", "language": "en", "question": "Where is the bagpipe kept?", "answer": "In the attic."}'
    await import_knowledge(on_qdrant, "demo", [line])
    await on_qdrant.follow()
    assert [passage.id for passage in await search(on_qdrant, "demo", "Where is the bagpipe kept?", "en", 1)] == ["bagpipe"]
    assert (await server.holding("demo"))["bagpipe"] == 2
    await on_qdrant.records.put_brand("demo", None, removed=["bagpipe"])
    await on_qdrant.follow()
    assert "bagpipe" not in await server.holding("demo")


async def test_without_the_server_a_triage_has_a_warning_and_no_passages_and_comes_in_time(
    server: QdrantServer, on_qdrant: Parts, client_on: Callable[[Parts], httpx.AsyncClient]
) -> None:
    order = {"text": "Wo bleibt mein Paket?", "author": {"customer_id": "C-1042"}}
    async with client_on(on_qdrant) as client:
        whole = (await client.post("/v1/triage", json={"text": "Do you ship to Norway?"})).json()
        assert whole["context"]["passages"]
        assert whole["warnings"] == []
        counted = unavailable(await client.get("/metrics"))
        server.stop()
        try:
            start = time.monotonic()
            response = await client.post("/v1/triage", json={"text": "Do you ship to Norway?"})
            assert time.monotonic() - start < 20
            assert response.status_code == 200
            without = response.json()
            assert without["warnings"] == ["retrieval_unavailable"]
            assert without["context"]["passages"] == []
            assert without["understanding"] == whole["understanding"]
            [reason] = [one for one in without["escalation"]["reasons"] if one["code"] == "no_grounding"]
            assert reason["detail"] == "the knowledge could not be searched"
            assert without["draft"]["action"] == "handoff"

            known = (await client.post("/v1/triage", json=order)).json()
            assert known["context"]["orders"], "orders don't come from the index"
            assert known["warnings"] == ["retrieval_unavailable"]

            ready = await client.get("/readyz")
            assert ready.status_code == 200
            assert ready.json()["status"] == "degraded"
            assert ready.json()["checks"]["index"].startswith("degraded: Qdrant can't be reached")
            assert unavailable(await client.get("/metrics")) == counted + 2
        finally:
            server.start()
        end = time.monotonic() + RECOVERED_WITHIN
        while (ready := (await client.get("/readyz")).json())["status"] != "ok":
            assert time.monotonic() < end, ready
            await asyncio.sleep(0.1)
        assert (await client.post("/v1/triage", json={"text": "Do you ship to Norway?"})).json()["context"] == whole["context"]


def unavailable(metrics: httpx.Response) -> float:
    lines = [line for line in metrics.text.splitlines() if line.startswith("triage_retrieval_unavailable_total ")]
    return float(lines[0].split()[1])


def test_a_service_starts_degraded_without_the_server_and_recovers_when_it_comes(start_server: Any, data_dir: Path) -> None:
    made = QdrantServer()
    names = {name.upper(): str(value).lower() for name, value in made.settings("grpc").items()}
    with start_server(data_dir, **names) as serving:
        assert "starting without passages: Qdrant can't be reached by gRPC" in serving.stderr()
        ready = httpx.get(f"{serving.url}/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        made.start()
        try:
            end = time.monotonic() + RECOVERED_WITHIN
            while httpx.get(f"{serving.url}/readyz").json()["status"] != "ok":
                assert time.monotonic() < end
                time.sleep(0.1)
            answered = httpx.post(f"{serving.url}/v1/triage", json={"text": "Do you ship to Norway?"}, timeout=60).json()
            assert answered["context"]["passages"]
            assert '"event": "index_available"' in serving.stderr()
        finally:
            made.stop()


def test_commands_say_what_is_wrong_with_the_server(run: Any, data_dir: Path) -> None:
    nobody = {"data_dir": data_dir, "QDRANT_URL": "http://127.0.0.1:9", "QDRANT_GRPC": "false"}
    told = "Qdrant can't be reached: see whether it runs and FIRSTREPLY_QDRANT_URL leads to it"
    searched = run("knowledge", "search", "refund", **nobody)
    assert searched.returncode == 2
    assert searched.stderr.splitlines() == [f"starting without passages: {told}", f"firstreply: {told}"]
    triaged = run("triage", "Do you ship to Norway?", **nobody)
    assert triaged.returncode == 0, triaged.stderr
    assert "warning: retrieval unavailable" in triaged.stdout
    renewed = run("knowledge", "reindex", **nobody)
    assert renewed.returncode == 2
    assert renewed.stderr.splitlines()[-1] == f"firstreply: the index could not be made anew: {told}"


def test_reindexing_the_embedded_engine_says_that_there_is_nothing_to_do(run: Any, data_dir: Path) -> None:
    done = run("knowledge", "reindex", data_dir=data_dir)
    assert (done.returncode, done.stderr) == (
        0, "nothing to do: without FIRSTREPLY_QDRANT_URL every start makes the index anew\n",
    )  # fmt: skip


@pytest.mark.parametrize("url", ["localhost:6333", "grpc://host:6334", "http://", "http://key@host:6333", "http://host:port"])
def test_an_address_that_is_none_is_refused(run: Any, url: str) -> None:
    refused = run("brands", "list", QDRANT_URL=url)
    assert refused.returncode == 2
    assert refused.stderr.startswith("firstreply: FIRSTREPLY_QDRANT_URL: write it as http://host:6333 or https://host:6333")
