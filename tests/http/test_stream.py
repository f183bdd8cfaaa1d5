"""POST /v1/triage/stream: what is known at once, then the draft sentence by sentence, and an end in every case."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from model_server import HANG, ModelServer, delta, in_turn, says, streams

from service.llm.client import connect
from service.llm.provider import Provider
from service.parts import Parts

ASKED = {
    "text": "Hallo, wo bleibt meine Bestellung A-1002?", "brand": "demo", "channel": "instagram", "id": "ext-7",
    "author": {"customer_id": "C-1031"}, "received_at": "2026-11-22T09:00:00Z", "metadata": {"ticket": "T-1"},
}  # fmt: skip
PUBLIC = "Danke für deine Nachricht! Schreib uns bitte privat, dann sehen wir gleich nach."
BODY = "deine Bestellung [ORDER_1] ist bei uns eingegangen. Sie kommt bis 26. November."
PRIVATE = f"Hallo,\n\n{BODY}\n\nDein Team von Tarn & Timber"
CLAIMS = [
    {"text": "ist bei uns eingegangen", "source": "[ORDER_1].status"},
    {"text": "26. November", "source": "[ORDER_1].due_at"},
]
Event = tuple[str, Any]


def answer(**fields: Any) -> str:
    given = {"action": "reply", "public": PUBLIC, "private": PRIVATE, "claims": CLAIMS, "alternatives": []} | fields
    return json.dumps(given, ensure_ascii=False)


def events_of(body: str) -> list[Event]:
    found = []
    for block in body.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def streamed(client: httpx.AsyncClient, message: dict[str, Any]) -> list[Event]:
    response = await client.post("/v1/triage/stream", json=message)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return events_of(response.text)


def told(events: list[Event], side: str) -> str:
    """The text of one side as a client puts it together."""
    text = ""
    for name, data in events:
        if name == "draft.delta":
            text = "" if data["reset"] else text + (data["text"] if data["side"] == side else "")
    return text


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(says(answer(), pieces=40)) as made:
        yield made


@pytest.fixture
async def with_model(parts: Parts, server: ModelServer, client_on: Any) -> AsyncIterator[httpx.AsyncClient]:
    provider = Provider(connect(server.url, None, None, 50), "test-model")
    async with client_on(replace(parts, provider=provider, _prompts={})) as made:
        yield made
    await provider.close()


async def test_the_steps_come_in_order_and_the_end_is_the_recorded_triage(client: httpx.AsyncClient) -> None:
    events = await streamed(client, ASKED)
    names = [name for name, _ in events]
    assert names[:3] == ["understanding", "context", "escalation"]
    assert set(names[3:-1]) == {"draft.delta"}
    assert names[-1] == "draft.done"
    first, last = events[0][1], events[-1][1]
    assert first["understanding"] == last["understanding"]
    assert first["id"] == last["id"]
    assert first["metadata"] == {"ticket": "T-1"}
    assert events[1][1]["context"] == last["context"]
    assert (await client.get(f"/v1/triages/{last['id']}")).json() == last
    assert told(events, "public") == last["draft"]["public"]["text"]
    assert told(events, "private") == last["draft"]["private"]["text"]


async def test_it_is_the_same_triage_as_without_a_stream(client: httpx.AsyncClient) -> None:
    plain = (await client.post("/v1/triage", json=ASKED)).json()
    last = (await streamed(client, ASKED))[-1][1]
    for field in ("understanding", "escalation", "draft"):
        assert last[field] == plain[field]


async def test_without_a_draft_the_end_comes_at_once(client: httpx.AsyncClient) -> None:
    events = await streamed(client, ASKED | {"options": {"draft": False}})
    assert [name for name, _ in events] == ["understanding", "context", "escalation", "draft.done"]
    assert events[-1][1]["draft"] is None


@pytest.mark.parametrize(
    ("message", "status"), [({"text": ""}, 422), (ASKED | {"brand": "nobody"}, 422), ({"txt": "hi"}, 422)]
)  # fmt: skip
async def test_what_is_wrong_with_a_request_is_an_error_and_no_stream(
    client: httpx.AsyncClient, message: dict[str, Any], status: int
) -> None:
    response = await client.post("/v1/triage/stream", json=message)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_model_is_heard_sentence_by_sentence(with_model: httpx.AsyncClient) -> None:
    events = await streamed(with_model, ASKED)
    last = events[-1][1]
    assert last["draft"]["engine"] == "writer"
    assert told(events, "public") == last["draft"]["public"]["text"] == PUBLIC
    assert told(events, "private") == last["draft"]["private"]["text"]
    assert "A-1002" in told(events, "private")
    parts = [data["text"] for name, data in events if name == "draft.delta" and data["side"] == "public"]
    assert parts == ["Danke für deine Nachricht!", " Schreib uns bitte privat, dann sehen wir gleich nach."]


async def test_a_sentence_that_may_not_be_shown_never_is(with_model: httpx.AsyncClient, server: ModelServer) -> None:
    leaking = PUBLIC.replace("Schreib", "Deine Bestellung [ORDER_1] kommt bald. Schreib")
    server.answer = in_turn(says(answer(public=leaking), pieces=30), says(answer()))
    events = await streamed(with_model, ASKED)
    public = [data["text"] for name, data in events if name == "draft.delta" and data["side"] == "public"]
    assert not any("A-1002" in text or "ORDER_1" in text for text in public)
    last = events[-1][1]
    assert last["draft"]["engine"] == "writer"
    assert "writer_repaired" in last["draft"]["warnings"]
    assert told(events, "public") == last["draft"]["public"]["text"]


async def test_a_model_that_breaks_off_is_taken_back_and_the_composer_ends_it(
    with_model: httpx.AsyncClient, server: ModelServer
) -> None:
    begun = answer().split("Schreib")[0]
    server.answer = streams(delta(begun + "Schreib uns. Und"), delta("x", "length"))
    events = await streamed(with_model, ASKED)
    last = events[-1][1]
    assert events[-1][0] == "draft.done"
    assert last["draft"]["engine"] == "composer"
    assert "writer_unavailable" in last["draft"]["warnings"]
    assert told(events, "public") == last["draft"]["public"]["text"]


async def test_a_client_that_leaves_stops_the_model(start_server: Any, data_dir: Any, server: ModelServer) -> None:
    with start_server(data_dir, LLM_BASE_URL=server.url, LLM_MODEL="test-model", LLM_DEADLINE_SECONDS=60) as service:
        assert await server.released(10)  # the call of the start
        before, server.answer = server.calls, streams(delta(answer()[:60]), HANG)
        async with (
            httpx.AsyncClient(base_url=service.url, timeout=60) as client,
            client.stream("POST", "/v1/triage/stream", json=ASKED) as response,
        ):
            async for line in response.aiter_lines():
                if line.startswith("event: escalation"):
                    break
            for _ in range(200):
                if server.calls > before:
                    break
                await asyncio.sleep(0.05)
            assert server.calls == before + 1
        assert await server.released(10)
        assert server.left == 1
