"""Dead letters and deliveries over HTTP: a caller sees and sends again what is its brand's, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from service import pipeline
from service.intake.debounce import HOLD
from service.messages import Message
from service.parts import Parts, build_parts
from service.records.tables import inbox


@pytest.fixture
async def own(settings_in: Any, data_dir: Any) -> AsyncIterator[Parts]:
    """Parts of an installation of its own, where nobody works on what is accepted."""
    async with build_parts(settings_in(data_dir, debounce=False)) as made:
        yield made


@pytest.fixture
async def calling(own: Parts, client_on: Callable[[Parts], httpx.AsyncClient]) -> AsyncIterator[httpx.AsyncClient]:
    async with client_on(own) as made:
        yield made


async def dead(parts: Parts, number: int, brand: str = "demo") -> list[str]:
    """Dead letters of a brand."""
    given = [Message(text=f"Wo ist mein Paket {n}?", id=f"ext-{n}", brand=brand) for n in range(number)]
    ids = [receipt.id for receipt in (await parts.acceptance.accept(given, "api")).receipts]
    triage = await pipeline.triage(given[0].model_copy(update={"brand": "demo"}), parts)
    for kept in await parts.records.inbox.take_due(datetime.now(UTC), HOLD, 100):
        made = triage.model_copy(update={"id": f"tri_{kept.id}", "brand": brand})
        await parts.records.inbox.finish(kept, (kept.message, made), "dead", "RuntimeError in plan.py line 1")
    return ids


async def test_dead_letters_are_paged_and_replayed(own: Parts, calling: httpx.AsyncClient, wrong: Any) -> None:
    ids = await dead(own, 3)
    first = (await calling.get("/v1/dead-letters", params={"limit": 2})).json()
    assert [one["id"] for one in first["dead_letters"]] == ids[:2]
    shown = first["dead_letters"][0]
    assert (shown["message_id"], shown["error"]) == ("ext-0", "RuntimeError in plan.py line 1")
    assert shown["triage_id"] == f"tri_{ids[0]}"
    last = (await calling.get("/v1/dead-letters", params={"cursor": first["next"]})).json()
    assert ([one["id"] for one in last["dead_letters"]], last["next"]) == (ids[2:], None)
    woken: list[int] = []
    own.acceptance.wake = lambda: woken.append(1)
    response = await calling.post(f"/v1/dead-letters/{ids[0]}/replay")
    assert (response.status_code, response.json()) == (202, {"id": ids[0], "location": f"/v1/messages/{ids[0]}"})
    assert woken == [1]
    progress = (await calling.get(f"/v1/messages/{ids[0]}")).json()
    assert progress["state"] == "accepted"
    refused = await calling.post(f"/v1/dead-letters/{ids[0]}/replay", json={})
    assert refused.status_code == 409
    assert "no dead letter" in wrong(refused)["detail"]
    assert len((await calling.get("/v1/dead-letters")).json()["dead_letters"]) == 2
    assert (await calling.get("/v1/dead-letters", params={"cursor": "x"})).status_code == 422


async def test_dead_letters_of_another_brand_are_as_if_they_were_not(own: Parts, calling: httpx.AsyncClient, wrong: Any) -> None:
    (foreign,) = await dead(own, 1)
    key = await own.records.api_keys.make("other", "other")
    theirs = {"Authorization": f"Bearer {key}"}
    assert (await calling.get("/v1/dead-letters", headers=theirs)).json() == {"dead_letters": [], "next": None}
    answers = [await calling.post(f"/v1/dead-letters/{one}/replay", headers=theirs) for one in (foreign, "msg_nobody")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({wrong(answer)["detail"] for answer in answers}) == 1
    (row,) = await own.records.all(select(inbox.c.state))
    assert row.state == "dead"
    assert (await calling.get("/v1/dead-letters")).status_code == 401


async def test_deliveries_are_logged_and_sent_again_for_their_brand_alone(
    own: Parts, calling: httpx.AsyncClient, wrong: Any
) -> None:
    theirs = {"Authorization": f"Bearer {await own.records.api_keys.make('other', 'other')}"}
    calling.headers["Authorization"] = f"Bearer {await own.records.api_keys.make('demo', 'demo')}"
    await own.records.endpoints.add("demo", "https://crm.example/hook", ["triage.done"])
    made = [(await calling.post("/v1/triage", json={"text": f"Wo ist mein Paket {n}?"})).json()["id"] for n in range(3)]
    first = (await calling.get("/v1/deliveries", params={"limit": 2})).json()
    assert [one["triage_id"] for one in first["deliveries"]] == made[:0:-1]
    last = (await calling.get("/v1/deliveries", params={"cursor": first["next"]})).json()
    assert ([one["triage_id"] for one in last["deliveries"]], last["next"]) == (made[:1], None)
    assert "Paket" not in str(first)
    (taken, *_) = await own.records.deliveries.take(datetime.now(UTC), timedelta(seconds=60), 1)
    await own.records.deliveries.tell(taken, "failed", 410, "the endpoint answered 410")
    shown = next(one for one in (await calling.get("/v1/deliveries")).json()["deliveries"] if one["id"] == taken.id)
    assert (shown["status"], shown["last_code"], shown["next_at"]) == ("failed", 410, None)
    assert (await calling.get("/v1/deliveries", headers=theirs)).json() == {"deliveries": [], "next": None}
    answers = [await calling.post(f"/v1/deliveries/{one}/retry", headers=theirs) for one in (taken.id, "dlv_nobody")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({wrong(answer)["detail"] for answer in answers}) == 1
    assert (await calling.post(f"/v1/deliveries/{taken.id}/retry")).status_code == 202
    again = await own.records.deliveries.one(taken.id)
    assert again is not None
    assert (again.status, again.attempts) == ("waiting", 0)


async def test_metrics_say_what_waits(own: Parts, calling: httpx.AsyncClient) -> None:
    await dead(own, 2)
    await own.records.endpoints.add("demo", "https://crm.example/hook", ["triage.done"])
    await calling.post("/v1/triage", json={"text": "Wo ist mein Paket?"})
    await calling.post("/v1/messages", json={"text": "Wo ist mein Paket?"})
    text = (await calling.get("/metrics")).text
    for line in ("intake_waiting 1.0", "intake_dead_letters 2.0", "deliveries_waiting 1.0"):
        assert f"\n{line}\n" in text, line
    oldest = next(float(line.split()[1]) for line in text.splitlines() if line.startswith("intake_oldest_seconds "))
    assert 0 < oldest < 60
