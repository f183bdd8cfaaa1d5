"""POST /v1/messages, its GET, and signed webhooks: 202 means kept, and whatever is wrong is told in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from service.imports import import_knowledge
from service.parts import Parts
from service.records.signing import new_secret

JSON = {"content-type": "application/json"}
ASKED = {"text": "Wo ist mein Paket?", "channel": "email"}


async def test_a_message_is_kept_and_its_state_can_be_asked_for(calling: httpx.AsyncClient) -> None:
    response = await calling.post("/v1/messages", json=ASKED | {"id": "ext-1"})
    assert response.status_code == 202
    receipt = response.json()
    assert receipt == {
        "id": receipt["id"], "message_id": "ext-1", "duplicate": False, "location": f"/v1/messages/{receipt['id']}",
    }  # fmt: skip
    assert response.headers["location"] == receipt["location"]
    state = (await calling.get(response.headers["location"])).json()
    assert {name: state[name] for name in ("id", "message_id", "brand", "state", "triage")} == {
        "id": receipt["id"], "message_id": "ext-1", "brand": "demo", "state": "accepted", "triage": None,
    }  # fmt: skip
    again = await calling.post("/v1/messages", json=ASKED | {"id": "ext-1"})
    assert (again.status_code, again.json()) == (202, receipt | {"duplicate": True})


async def test_a_batch_is_kept_whole_in_its_order(calling: httpx.AsyncClient) -> None:
    batch = [ASKED | {"id": f"b-{number}"} for number in range(1_000)]
    response = await calling.post("/v1/messages", json=batch)
    assert response.status_code == 202
    receipts = response.json()["messages"]
    assert [receipt["message_id"] for receipt in receipts] == [one["id"] for one in batch]
    assert len({receipt["id"] for receipt in receipts}) == 1_000


async def test_one_wrong_message_of_a_batch_refuses_it_and_names_each(own: Parts, calling: httpx.AsyncClient, wrong: Any) -> None:
    batch = [ASKED | {"id": "good"}, {"text": ""}, ASKED | {"channel": "myspace"}, 5]
    response = await calling.post("/v1/messages", json=batch)
    assert response.status_code == 422
    assert [error["pointer"] for error in wrong(response)["errors"]] == ["/1", "/2/channel", "/3"]
    assert (await own.records.inbox.backlog()).waiting == 0
    unknown = await calling.post("/v1/messages", json=[ASKED, ASKED | {"brand": "nobody"}])
    assert [error["pointer"] for error in wrong(unknown)["errors"]] == ["/1/brand"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("[]", 422, "1 to 1,000 messages"),
        (json.dumps([ASKED] * 1_001), 422, "this one has 1,001"),
        ("", 400, "not valid JSON"),
        ('{"text": "a"', 400, "not valid JSON"),
        (b'{"text": "\xff"}', 400, "it is not UTF-8"),
        ("[" * 100_000, 400, "nested too deep"),
        ('{"text": "a", "metadata": ' + '{"a":' * 500 + "1" + "}" * 500 + "}", 422, "nested more than 20 deep"),
        ("null", 422, "must be a JSON object"),
        (json.dumps(ASKED | {"id": "i" * 10_000}), 422, "at most 500 characters"),
        (json.dumps(ASKED | {"chanel": "x"}), 422, "unknown field"),
        (" " * 17 * 1024 * 1024, 413, "the body is over"),
    ],
)
async def test_a_body_that_cant_be_read_is_refused_in_words(
    client: httpx.AsyncClient, wrong: Any, body: Any, status: int, said: str
) -> None:
    response = await client.post("/v1/messages", content=body, headers=JSON)
    assert response.status_code == status, response.text[:300]
    assert said in wrong(response)["detail"]


async def test_a_request_sent_again_with_its_key_is_answered_again(calling: httpx.AsyncClient, wrong: Any) -> None:
    headers = {"idempotency-key": "8a9d"}
    first = await calling.post("/v1/messages", json=[ASKED, ASKED], headers=headers)
    again = await calling.post("/v1/messages", content=json.dumps([ASKED, ASKED], indent=2), headers=headers | JSON)
    assert (again.status_code, again.content) == (202, first.content)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = await calling.post("/v1/messages", json=ASKED, headers=headers)
    assert other.status_code == 422
    assert "use a new key" in wrong(other)["detail"]
    for bad in ("", "k" * 256):
        assert (await calling.post("/v1/messages", json=ASKED, headers={"idempotency-key": bad})).status_code == 422


async def test_a_foreign_message_is_as_unknown_as_one_that_never_was(own: Parts, calling: httpx.AsyncClient) -> None:
    await import_knowledge(own, "other", ['{"id": "opening", "question": "When are you open?", "answer": "We open at nine."}'])
    ours, theirs = [{"authorization": f"Bearer {await own.records.api_keys.make(name, name)}"} for name in ("demo", "other")]
    kept = (await calling.post("/v1/messages", json=ASKED, headers=ours)).json()["id"]
    assert (await calling.get(f"/v1/messages/{kept}", headers=ours)).status_code == 200
    foreign, unknown = [await calling.get(f"/v1/messages/{one}", headers=theirs) for one in (kept, "msg_none")]
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["detail"] == unknown.json()["detail"]
    refused = await calling.post("/v1/messages", json=[ASKED | {"brand": "other"}, ASKED], headers=theirs)
    assert refused.status_code == 422
    assert (await calling.post("/v1/messages", json=ASKED)).status_code == 401


@pytest.fixture
async def secret(own: Parts) -> str:
    """The secret of a connection named shop."""
    return await own.records.connections.add("shop", "standard", "demo")


def webhook(data: Any, secret: str, webhook_id: str = "wh_1", at: datetime | None = None, kind: str = "message.created") -> Any:
    """Body and headers of a signed webhook."""
    at = at or datetime.now(UTC)
    body = json.dumps({"type": kind, "timestamp": at.isoformat(), "data": data})
    signed = Webhook(secret).sign(webhook_id, at, body)
    times = {"webhook-id": webhook_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signed}
    return {"content": body, "headers": JSON | times}


async def test_a_signed_webhook_brings_messages_of_its_brand(own: Parts, calling: httpx.AsyncClient, secret: str) -> None:
    await own.records.api_keys.make("somebody", None)  # a signature is enough, a key is not asked for
    sent = webhook([ASKED | {"id": "1"}, ASKED | {"id": "2"}], secret)
    response = await calling.post("/v1/webhooks/standard/shop", **sent)
    assert response.status_code == 202, response.text
    first, second = response.json()["messages"]
    kept = await own.records.inbox.one(second["id"])
    assert kept is not None
    assert (kept.brand, kept.source, kept.external_id) == ("demo", "standard:shop", "2")
    again = await calling.post("/v1/webhooks/standard/shop", **sent)
    assert again.json() == response.json()
    assert again.headers["idempotent-replayed"] == "true"
    resent = await calling.post("/v1/webhooks/standard/shop", **webhook(ASKED | {"id": "1"}, secret, "wh_2"))
    assert [(one["id"], one["duplicate"]) for one in resent.json()["messages"]] == [(first["id"], True)]


async def test_a_webhook_of_another_type_is_taken_and_means_nothing(own: Parts, calling: httpx.AsyncClient, secret: str) -> None:
    response = await calling.post("/v1/webhooks/standard/shop", **webhook({"a": 1}, secret, kind="order.paid"))
    assert (response.status_code, response.json()) == (202, {"type": "order.paid", "messages": []})
    assert (await own.records.inbox.backlog()).waiting == 0


async def test_a_webhook_that_nobody_we_know_signed_is_refused_without_a_word_more(
    calling: httpx.AsyncClient, wrong: Any, secret: str
) -> None:
    now = datetime.now(UTC)
    good = webhook(ASKED, secret)
    for sent in (
        webhook(ASKED, new_secret()), webhook(ASKED, secret, at=now - timedelta(minutes=6)),
        webhook(ASKED, secret, at=now + timedelta(minutes=6)), {"content": good["content"], "headers": JSON},
        good | {"content": good["content"] + " "}, good | {"headers": good["headers"] | {"webhook-signature": "v1,,,"}},
        {"content": b"\xff", "headers": good["headers"]}, {"content": "[" * 100_000, "headers": good["headers"]},
    ):  # fmt: skip
        response = await calling.post("/v1/webhooks/standard/shop", **sent)
        assert response.status_code == 401
        assert wrong(response)["detail"] == "the webhook's signature can't be verified"
    assert (await calling.post("/v1/webhooks/standard/elsewhere", **good)).status_code == 404


async def test_what_is_wrong_in_a_signed_webhook_is_named(calling: httpx.AsyncClient, wrong: Any, secret: str) -> None:
    for number, (data, pointer) in enumerate(
        [
            ({"text": ""}, "/data"),
            ([ASKED, ASKED | {"channel": "myspace"}], "/data/1/channel"),
            (ASKED | {"brand": "other"}, "/data/brand"),
            ([], "/data"),
            ("hello", "/data"),
        ]
    ):
        response = await calling.post("/v1/webhooks/standard/shop", **webhook(data, secret, f"wh_{number}"))
        assert response.status_code == 422
        assert [error["pointer"] for error in wrong(response)["errors"]] == [pointer]


async def test_a_secret_is_changed_without_losing_a_webhook(own: Parts, calling: httpx.AsyncClient, secret: str) -> None:
    new = await own.records.connections.rotate("shop", timedelta(hours=1))
    for number, one in enumerate((secret, new)):
        sent = webhook(ASKED, one, f"wh_{number}")
        assert (await calling.post("/v1/webhooks/standard/shop", **sent)).status_code == 202
    newest = await own.records.connections.rotate("shop", timedelta(0))
    for number, (one, status) in enumerate(((secret, 401), (new, 401), (newest, 202))):
        sent = webhook(ASKED, one, f"wh_later_{number}")
        assert (await calling.post("/v1/webhooks/standard/shop", **sent)).status_code == status
