"""The list for a desk and the explanation of a triage, over HTTP."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from service.imports import import_knowledge
from service.parts import Parts

MARK = "Zypresse"  # a word that stands in messages and must stand in no list
TEXTS = (
    f"Wo bleibt mein Paket A-1001? {MARK}", f"I want to speak to a real person, now! {MARK}", f"Danke euch, {MARK}!",
    f"Hoe lang duurt de levering? {MARK}", f"Das ist eine Frechheit, ich gehe zum Anwalt! {MARK}",
)  # fmt: skip


@pytest.fixture
async def desk(own: Parts, calling: httpx.AsyncClient) -> httpx.AsyncClient:
    """A service with five triages of the demo brand and one of another."""
    await import_knowledge(own, "other", ['{"id": "hours", "question": "When are you open?", "answer": "We open at nine."}'])
    await own.follow()
    for number, text in enumerate(TEXTS):
        message = {"text": text, "conversation_id": f"c{number}", "channel": "whatsapp"}
        await calling.post("/v1/triage", json=message | {"author": {"customer_id": "C-1042", "name": MARK}})
    await calling.post("/v1/triage", json={"text": "hello", "brand": "other"})
    return calling


async def page(client: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    response = await client.get("/v1/triages", params=asked)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_it_lists_what_is_due_first_a_page_at_a_time_without_a_word(desk: httpx.AsyncClient) -> None:
    whole = await page(desk)
    assert len(whole["triages"]) == 5
    assert whole["next"] is None
    due = [one["respond_by"] for one in whole["triages"]]
    assert due == sorted(due)
    assert MARK not in json.dumps(whole)
    for sort in ("respond_by", "received_at"):
        ids, cursor = [], None
        while True:
            found = await page(desk, sort=sort, limit=2, **({"cursor": cursor} if cursor else {}))
            assert len(found["triages"]) <= 2
            ids += [one["id"] for one in found["triages"]]
            if (cursor := found["next"]) is None:
                break
        assert ids == [one["id"] for one in (await page(desk, sort=sort))["triages"]]
        assert len(set(ids)) == 5


async def test_it_is_narrowed_down(desk: httpx.AsyncClient) -> None:
    escalated = (await page(desk, escalate="true"))["triages"]
    assert {one["conversation_id"] for one in escalated} >= {"c1", "c4"}
    assert all(one["escalate"] and one["reasons"] for one in escalated)
    assert [one["conversation_id"] for one in (await page(desk, language="nl"))["triages"]] == ["c3"]
    assert len((await page(desk, customer_id="C-1042"))["triages"]) == 5
    assert (await page(desk, customer_id="C-1"))["triages"] == []
    assert len((await page(desk, brand="other"))["triages"]) == 1
    await desk.post("/v1/conversations/c1/claim", json={"agent": "mira"})
    claimed = (await page(desk, state="claimed", escalate="true"))["triages"]
    assert [(one["conversation_id"], one["agent"]) for one in claimed] == [("c1", "mira")]
    first = (await page(desk, limit=1))["triages"][0]
    assert (await page(desk, due_before=first["respond_by"]))["triages"] == []
    assert (await page(desk, queue=first["queue"], priority=first["priority"], label=first["label"]))["triages"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": 201}, "limit"), ({"limit": 0}, "limit"), ({"state": "done"}, "state"), ({"sort": "id"}, "sort"),
        ({"label": "anger"}, "label"), ({"due_before": "soon"}, "due_before"), ({"cursor": "x"}, "cursor"),
        ({"cursor": "é" * 20}, "cursor"), ({"cursor": "a" * 600}, "cursor"), ({"brand": "nope"}, "brand"),
        ({"cursor": base64.urlsafe_b64encode(b'["received_at", "2026-01-01T00:00:00+00:00", "tri_1"]').decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b'["respond_by", "0001-01-01T00:00:00+23:00", "tri_1"]').decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b'["respond_by", 5, {}]').decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"[" * 300).decode()}, "cursor"),
    ],
    ids=str,
)  # fmt: skip
async def test_what_cant_be_listed_names_the_parameter(
    client: httpx.AsyncClient, wrong: Any, asked: dict[str, Any], field: str
) -> None:
    response = await client.get("/v1/triages", params=asked)
    assert response.status_code == 422, response.text
    assert [error["pointer"].split("/")[-1] for error in wrong(response)["errors"]] == [field]


async def test_a_triage_is_explained_in_the_order_it_came_about(calling: httpx.AsyncClient) -> None:
    message = {"text": "Wo bleibt mein Zelt A-1001? Schon zum dritten Mal!", "author": {"customer_id": "C-1042"}}
    made = (await calling.post("/v1/triage", json=message | {"channel": "whatsapp"})).json()
    await calling.post(f"/v1/triages/{made['id']}/redraft", json={"tone": "brief"})
    await calling.post(f"/v1/conversations/{made['id']}/claim", json={"agent": "mira"})
    await calling.post(f"/v1/triages/{made['id']}/feedback", json={"action": "accepted", "agent": "mira", "approve": True})
    await calling.post(f"/v1/conversations/{made['id']}/resolve", json={})
    told = (await calling.get(f"/v1/triages/{made['id']}/explain")).json()
    assert told["message"]["text"] == message["text"]
    for same in ("versions", "timings_ms", "understanding", "escalation", "warnings"):
        assert told[same] == made[same]
    assert [one["id"] for one in told["passages"]] == [one["id"] for one in made["context"]["passages"]]
    assert (told["orders"][0]["order_id"], told["orders"][0]["why"]) == ("A-1001", "number_in_text")
    assert [one["number"] for one in told["drafts"]] == [None, 1]
    assert told["drafts"][0]["checks"] == made["draft"]["checks"]
    assert told["drafts"][1]["wish"]["tone"] == "brief"
    assert [one["feedback"]["action"] for one in told["feedback"]] == ["accepted"]
    assert told["conversation"]["state"] == "resolved"
    assert [(one["actor"], one["action"]) for one in told["happened"]] == [
        ("local", "recorded"), ("local", "redrafted"), ("mira", "claim"), ("mira", "feedback"), ("mira", "answer"),
        ("mira", "approved"), ("local", "resolve"),
    ]  # fmt: skip
    moments = [datetime.fromisoformat(one["at"]) for one in told["happened"]]
    assert moments == sorted(moments)


async def test_the_name_of_a_key_stands_in_the_audit(own: Parts, calling: httpx.AsyncClient) -> None:
    key = await own.records.api_keys.make("web shop", None)
    bearer = {"authorization": f"Bearer {key}"}
    for path in ("/v1/triage", "/v1/triage/stream"):
        await calling.post(path, json={"text": "hello", "conversation_id": path}, headers=bearer)
        await calling.post(f"/v1/conversations/{path}/resolve", json={}, headers=bearer)
        lines = await own.records.audit.lines("demo", conversation_id=path)
        assert [(line.actor, line.action) for line in lines] == [("web shop", "recorded"), ("web shop", "resolve")]


async def test_an_unknown_triage_and_another_brands_are_explained_and_listed_alike(
    own: Parts, calling: httpx.AsyncClient, wrong: Any
) -> None:
    scoped, every = [{"authorization": f"Bearer {await own.records.api_keys.make('desk', brand)}"} for brand in ("other", None)]
    made = (await calling.post("/v1/triage", json={"text": "hello"}, headers=every)).json()
    for triage_id in (made["id"], "tri_none"):
        for route in ("explain", "feedback"):
            response = await calling.get(f"/v1/triages/{triage_id}/{route}", headers=scoped)
            assert response.status_code == 404
            assert wrong(response)["detail"] == "no triage with this id"
    assert (await calling.get("/v1/triages?brand=demo", headers=scoped)).status_code == 422
