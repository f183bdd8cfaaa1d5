"""API keys: open on loopback without one, closed with one, and a key of one brand sees that brand only."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import httpx

from service.imports import import_knowledge
from service.parts import Parts

ASKED = {"text": "How long does delivery take?"}
REVOKED_WITHIN = 2.0  # seconds


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def status_within(client: httpx.AsyncClient, wanted: int, headers: dict[str, str]) -> int:
    until = time.monotonic() + REVOKED_WITHIN
    while True:
        status = (await client.post("/v1/triage", json=ASKED, headers=headers)).status_code
        if status == wanted or time.monotonic() > until:
            return status
        await asyncio.sleep(0.1)


async def test_without_any_key_this_machine_is_let_in(calling: httpx.AsyncClient) -> None:
    assert (await calling.post("/v1/triage", json=ASKED)).status_code == 200


async def test_with_a_key_only_its_holder_is_let_in(own: Parts, calling: httpx.AsyncClient, wrong: Any) -> None:
    key = await own.records.api_keys.make("desk", None)
    for headers in (
        {}, bearer("fr_wrong"), bearer(""), {"authorization": key}, {"authorization": f"Basic {key}"}, bearer(key[:-1]),
        bearer(key.lower()), {"authorization": "Bearer"}, {"authorization": "\u00e9"},
    ):  # fmt: skip
        raw = {name: value.encode() for name, value in headers.items()}
        response = await calling.post("/v1/triage", json=ASKED, headers=raw)
        assert response.status_code == 401, headers
        assert response.headers["www-authenticate"] == "Bearer"
        assert "firstreply keys create" in wrong(response)["detail"]
    assert (await calling.post("/v1/triage", json=ASKED, headers=bearer(key))).status_code == 200


async def test_every_route_of_v1_wants_the_key_and_operations_do_not(own: Parts, calling: httpx.AsyncClient) -> None:
    triage_id = (await calling.post("/v1/triage", json=ASKED)).json()["id"]
    key = await own.records.api_keys.make("desk", None)
    assert await status_within(calling, 401, {}) == 401
    assert (await calling.get(f"/v1/triages/{triage_id}")).status_code == 401
    assert (await calling.post(f"/v1/triages/{triage_id}/feedback", json={"action": "accepted"})).status_code == 401
    assert (await calling.get(f"/v1/triages/{triage_id}", headers=bearer(key))).status_code == 200
    for path in ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json"):
        assert (await calling.get(path)).status_code == 200, path


async def test_a_revoked_key_is_refused_within_two_seconds(own: Parts, calling: httpx.AsyncClient) -> None:
    await own.records.api_keys.make("other", None)
    key = await own.records.api_keys.make("desk", None)
    assert await status_within(calling, 200, bearer(key)) == 200
    assert await own.records.api_keys.revoke(2)
    assert await status_within(calling, 401, bearer(key)) == 401


async def test_revoking_the_only_key_lets_nobody_in(own: Parts, calling: httpx.AsyncClient) -> None:
    key = await own.records.api_keys.make("desk", None)
    assert await status_within(calling, 401, {}) == 401
    assert await own.records.api_keys.revoke(1)
    assert await status_within(calling, 401, bearer(key)) == 401
    await asyncio.sleep(1.2)
    assert (await calling.post("/v1/triage", json=ASKED, headers=bearer(key))).status_code == 401


async def test_a_key_of_one_brand_sees_that_brand_only(own: Parts, calling: httpx.AsyncClient, wrong: Any) -> None:
    await import_knowledge(own, "other", ['{"id": "opening", "question": "When are you open?", "answer": "We open at nine."}'])
    await own.follow()
    everything = await own.records.api_keys.make("all", None)
    scoped = await own.records.api_keys.make("other only", "other")
    await asyncio.sleep(1.1)
    foreign = (await calling.post("/v1/triage", json=ASKED, headers=bearer(everything))).json()["id"]
    mine = await calling.post("/v1/triage", json=ASKED | {"brand": "other"}, headers=bearer(scoped))
    assert mine.status_code == 200
    assert (await calling.get(f"/v1/triages/{mine.json()['id']}", headers=bearer(scoped))).content == mine.content

    refused = await calling.post("/v1/triage", json=ASKED | {"brand": "demo"}, headers=bearer(scoped))
    unknown = await calling.post("/v1/triage", json=ASKED | {"brand": "nope"}, headers=bearer(scoped))
    assert (refused.status_code, unknown.status_code) == (422, 422)
    assert told(refused).replace("'demo'", "'nope'") == told(unknown)

    for method, path in (("GET", "/v1/triages/{}"), ("POST", "/v1/triages/{}/feedback")):
        body = {"json": {"action": "accepted"}} if method == "POST" else {}
        known = await calling.request(method, path.format(foreign), headers=bearer(scoped), **body)
        never = await calling.request(method, path.format("tri_" + "0" * 24), headers=bearer(scoped), **body)
        assert (known.status_code, never.status_code) == (404, 404)
        wrong(known)
        assert told(known) == told(never)
    assert await own.records.feedback.of(foreign) == []


def told(response: httpx.Response) -> str:
    """The body without what belongs to the one request."""
    return re.sub(r'"(request_id|instance)":"[^"]*"', "", response.text)
