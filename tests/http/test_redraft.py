"""POST /v1/triages/{id}/redraft and /translate: what an agent asks for beside accepting, editing and rejecting."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from model_server import Asked, ModelServer, fails, says

from service.llm.client import connect
from service.llm.provider import Provider
from service.parts import Parts

LATE = {
    "text": "Hallo, wo bleibt meine Bestellung A-1002? Das nervt langsam.", "brand": "demo", "channel": "instagram",
    "author": {"customer_id": "C-1031", "name": "Jonas Reimers"}, "received_at": "2026-11-22T09:00:00Z",
}  # fmt: skip


async def triaged(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/v1/triage", json=LATE | fields)
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


async def redrafted(client: httpx.AsyncClient, triage: dict[str, Any], **wish: Any) -> dict[str, Any]:
    response = await client.post(f"/v1/triages/{triage['id']}/redraft", json=wish)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as made:
        yield made


@pytest.fixture
async def with_model(parts: Parts, server: ModelServer, client_on: Any) -> AsyncIterator[httpx.AsyncClient]:
    provider = Provider(connect(server.url, None, None, 50), "test-model")
    async with client_on(replace(parts, provider=provider, _prompts={})) as made:
        yield made
    await provider.close()


async def test_another_draft_is_worded_otherwise_and_numbered_and_the_triage_stays(client: httpx.AsyncClient) -> None:
    triage = await triaged(client)
    first, second = await redrafted(client, triage), await redrafted(client, triage)
    texts = [made["draft"]["private"]["text"] for made in (triage, first, second)]
    assert len(set(texts)) == 3
    assert all("A-1002" in text for text in texts)
    assert [first["number"], second["number"]] == [1, 2]
    assert first["escalation"] == triage["escalation"]
    assert (await client.get(f"/v1/triages/{triage['id']}")).json() == triage
    assert (await client.get(f"/v1/triages/{triage['id']}/drafts")).json() == [first, second]


@pytest.mark.parametrize("wish", [{"tone": "formal"}, {"instruction": "more formal"}, {"instruction": "Bitte förmlicher."}])
async def test_the_composer_follows_a_tone_and_what_means_one(client: httpx.AsyncClient, wish: dict[str, str]) -> None:
    made = await redrafted(client, await triaged(client), **wish)
    assert made["draft"]["engine"] == "composer"
    assert made["draft"]["warnings"] == []
    assert made["draft"]["private"]["text"].startswith(("Guten Tag", "Sehr geehrte", "Hallo"))


async def test_shorter_is_shorter(client: httpx.AsyncClient) -> None:
    thanks = await triaged(client, text="Schade, dass A-1002 noch nicht da ist. Wo ist die Bestellung?")
    made = await redrafted(client, thanks, instruction="shorter, please")
    assert made["draft"]["private"]["length"] < thanks["draft"]["private"]["length"]


async def test_what_approved_phrases_can_not_follow_is_said(client: httpx.AsyncClient) -> None:
    made = await redrafted(client, await triaged(client), instruction="mention that the warehouse is closed on Monday")
    assert made["draft"]["warnings"] == ["instruction_not_followed"]


async def test_a_reply_that_is_accepted_is_the_latest_draft(own: Parts, calling: httpx.AsyncClient) -> None:
    triage = await triaged(calling)
    made = await redrafted(calling, triage)
    given = {"action": "accepted", "agent": "Kim", "approve": True}
    receipt = (await calling.post(f"/v1/triages/{triage['id']}/feedback", json=given)).json()
    words = made["draft"]["public"]["text"].split()[:4]
    assert receipt["precedent"].split()[:4] == words
    assert triage["draft"]["public"]["text"].split()[:4] != words


async def test_a_foreign_or_unknown_triage_has_no_drafts(client: httpx.AsyncClient) -> None:
    for path in ("redraft", "translate"):
        assert (await client.post(f"/v1/triages/tri_none/{path}", json={})).status_code == 404
    assert (await client.get("/v1/triages/tri_none/drafts")).status_code == 404


async def test_what_wants_no_reply_has_no_draft_to_change(client: httpx.AsyncClient) -> None:
    triage = await triaged(client, text="@kim schau mal 😍", author={"handle": "@lotta"})
    assert triage["draft"]["action"] == "none"
    response = await client.post(f"/v1/triages/{triage['id']}/redraft", json={})
    assert response.status_code == 409
    assert "no draft to change" in response.json()["detail"]


async def test_a_model_hears_what_the_agent_asks_and_what_was_there_before(
    with_model: httpx.AsyncClient, server: ModelServer
) -> None:
    server.answer = fails(500)
    triage = await triaged(with_model)
    private = "Hallo,\n\ndeine Bestellung [ORDER_1] ist unterwegs zu dir gepackt.\n\nDein Team von Tarn & Timber"
    said = {"action": "reply", "public": "Schreib uns bitte privat.", "private": private, "claims": [], "alternatives": []}
    server.answer = says(json.dumps(said))
    made = await redrafted(with_model, triage, instruction="Sag Jonas Reimers, dass A-1002 gepackt ist")
    assert made["number"] == 1
    heard = server.requests[-1].prompt
    assert "dass [ORDER_1] gepackt ist" in heard
    assert "Reimers" not in heard
    assert "The one before:" in heard


async def test_a_message_is_translated_without_its_personal_data(with_model: httpx.AsyncClient, server: ModelServer) -> None:
    server.answer = fails(500)
    triage = await triaged(with_model)

    def translates(asked: Asked) -> Any:
        assert "A-1002" not in asked.prompt
        assert "Swedish" in asked.prompt
        return says("Hej, var är min beställning [ORDER_1]? Det börjar irritera mig.")(asked)

    server.answer = translates
    response = await with_model.post(f"/v1/triages/{triage['id']}/translate", json={"language": "sv"})
    assert response.status_code == 200
    assert response.json()["text"] == "Hej, var är min beställning A-1002? Det börjar irritera mig."


async def test_without_a_model_or_when_it_fails_there_is_no_translation(
    client: httpx.AsyncClient, with_model: httpx.AsyncClient, server: ModelServer
) -> None:
    triage = await triaged(client)
    refused = await client.post(f"/v1/triages/{triage['id']}/translate", json={})
    assert refused.status_code == 409
    assert "FIRSTREPLY_LLM_BASE_URL" in refused.json()["detail"]
    server.answer = fails(500)
    failed = await with_model.post(f"/v1/triages/{triage['id']}/translate", json={"language": "nl"})
    assert failed.status_code == 503
    wrong = await with_model.post(f"/v1/triages/{triage['id']}/translate", json={"language": "zzz"})
    assert wrong.status_code == 422
