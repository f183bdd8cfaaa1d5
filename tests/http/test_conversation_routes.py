"""Agents and other systems claim, answer, resolve and reopen a conversation; a customer's message opens it again."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import httpx
import pytest

from service.imports import import_knowledge
from service.parts import Parts


async def arrived(client: httpx.AsyncClient, conversation_id: str, **more: Any) -> dict[str, Any]:
    message = {"text": "Where is my parcel?", "conversation_id": conversation_id, "channel": "whatsapp"} | more
    made: dict[str, Any] = (await client.post("/v1/triage", json=message)).json()
    return made


async def step(client: httpx.AsyncClient, conversation_id: str, name: str, **given: Any) -> httpx.Response:
    return await client.post(f"/v1/conversations/{conversation_id}/{name}", json=given)


@pytest.fixture
def conversation_id() -> str:
    return f"conv-{secrets.token_hex(6)}"


async def test_a_conversation_goes_its_way_and_comes_back_with_the_customer(
    client: httpx.AsyncClient, conversation_id: str
) -> None:
    made = await arrived(client, conversation_id)
    new = (await client.get(f"/v1/conversations/{conversation_id}")).json()
    assert (new["state"], new["agent"], new["version"], new["last_triage_id"]) == ("new", None, 1, made["id"])
    assert new["respond_by"] == made["escalation"]["respond_by"]
    for name, agent, state in (("claim", "mira", "claimed"), ("answer", None, "answered"), ("resolve", None, "resolved")):
        moved = await step(client, conversation_id, name, **({"agent": agent} if agent else {}))
        assert (moved.status_code, moved.json()["state"], moved.json()["agent"]) == (200, state, "mira")
    assert moved.json()["version"] == 4
    again = await arrived(client, conversation_id)
    opened = (await client.get(f"/v1/conversations/{conversation_id}")).json()
    assert (opened["state"], opened["agent"], opened["last_triage_id"]) == ("new", None, again["id"])
    assert opened["resolved_at"] == moved.json()["resolved_at"]


async def test_a_message_in_a_claimed_one_leaves_it_with_its_agent(client: httpx.AsyncClient, conversation_id: str) -> None:
    await arrived(client, conversation_id)
    await step(client, conversation_id, "claim", agent="mira")
    await arrived(client, conversation_id)
    kept = (await client.get(f"/v1/conversations/{conversation_id}")).json()
    assert (kept["state"], kept["agent"]) == ("claimed", "mira")


async def test_of_agents_who_claim_at_the_same_moment_one_has_it(
    client: httpx.AsyncClient, conversation_id: str, wrong: Any
) -> None:
    await arrived(client, conversation_id, text="Secret words of the customer: where is my parcel?")
    agents = [f"agent {number}" for number in range(8)]
    answers = await asyncio.gather(*(step(client, conversation_id, "claim", agent=agent) for agent in agents))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    has_it = next(answer.json()["agent"] for answer in answers if answer.status_code == 200)
    for answer in answers:
        if answer.status_code == 409:
            assert wrong(answer)["detail"].startswith(f"{has_it} has claimed the conversation")
            assert "Secret" not in answer.text
    again = await step(client, conversation_id, "claim", agent=has_it)
    assert (again.status_code, again.json()["version"]) == (200, 2)


async def test_a_step_that_cant_be_is_refused_in_words(client: httpx.AsyncClient, conversation_id: str, wrong: Any) -> None:
    await arrived(client, conversation_id)
    await step(client, conversation_id, "resolve")
    for name in ("claim", "answer"):
        refused = await step(client, conversation_id, name, agent="mo")
        assert refused.status_code == 409
        assert wrong(refused)["detail"] == "the conversation is resolved: reopen it first"
    assert (await step(client, conversation_id, "reopen")).json()["state"] == "new"


async def test_a_version_that_has_passed_is_refused(client: httpx.AsyncClient, conversation_id: str, wrong: Any) -> None:
    await arrived(client, conversation_id)
    assert (await step(client, conversation_id, "claim", agent="mo", version=1)).json()["version"] == 2
    refused = await step(client, conversation_id, "resolve", version=1)
    assert refused.status_code == 409
    assert "it is 2 now" in wrong(refused)["detail"]
    assert (await step(client, conversation_id, "resolve", version=2)).status_code == 200


async def test_a_claim_without_a_name_is_the_keys(client: httpx.AsyncClient, conversation_id: str) -> None:
    await arrived(client, conversation_id)
    assert (await step(client, conversation_id, "claim")).json()["agent"] == "local"


async def test_an_id_may_have_slashes_and_signs(client: httpx.AsyncClient) -> None:
    for conversation_id in ("post/117/comments", "a b", "ü%", "claim"):
        await arrived(client, conversation_id)
        url = httpx.URL("http://firstreply", path=f"/v1/conversations/{conversation_id}/claim")
        response = await client.post(url, json={"agent": "mo"})
        assert (response.status_code, response.json()["conversation_id"]) == (200, conversation_id)


async def test_an_unknown_one_and_another_brands_are_not_found_alike(own: Parts, calling: httpx.AsyncClient, wrong: Any) -> None:
    await import_knowledge(own, "other", ['{"id": "hours", "question": "When are you open?", "answer": "We open at nine."}'])
    await own.follow()
    await arrived(calling, "of-demo")
    for conversation_id in ("of-demo", "of-nobody"):
        calls = [calling.get(f"/v1/conversations/{conversation_id}?brand=other")]
        calls += [
            calling.post(f"/v1/conversations/{conversation_id}/{name}?brand=other", json={})
            for name in ("claim", "answer", "resolve", "reopen")
        ]
        for answer in await asyncio.gather(*calls):
            assert answer.status_code == 404
            assert wrong(answer)["detail"] == "no conversation with this id"
    assert (await calling.get("/v1/conversations/of-demo")).json()["version"] == 1


async def test_a_resolved_conversation_ends_the_episode_of_complaints(own: Parts, calling: httpx.AsyncClient) -> None:
    async def complained(number: int) -> dict[str, Any]:
        text = ("Mein Zelt ist immer noch nicht da, das ist eine Frechheit!", "Der Rucksack ist kaputt, ich bin richtig sauer!",
                "Schon wieder falsch geliefert, so ein Mist!")[number]  # fmt: skip
        made = await arrived(calling, f"episode-{number}", text=text, author={"customer_id": "C-1060"})
        assert made["understanding"]["label"] == "frustration"
        return made

    await complained(0)
    assert (await step(calling, "episode-0", "resolve")).status_code == 200
    after = await complained(1)
    assert [past["resolved"] for past in after["context"]["history"][:1]] == [True]
    assert "repeat_contact" not in [reason["code"] for reason in after["escalation"]["reasons"]]
    open_still = await complained(2)
    assert "repeat_contact" in [reason["code"] for reason in open_still["escalation"]["reasons"]]
