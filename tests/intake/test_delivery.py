"""Webhooks out: signed so that the reference library verifies them, sent again as long as a day, and to no stranger's network."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from builders import DATABASE
from model_server import HANG, Asked, ModelServer, raw, replies
from sqlalchemy import update
from standardwebhooks import Webhook, WebhookVerificationError

from service import pipeline
from service.intake.delivery import AT_ONCE, OF_AN_ENDPOINT, PAUSES, Courier
from service.messages import Message, Triage
from service.parts import Parts
from service.records.database import connect, migrate
from service.records.deliveries import Delivery
from service.records.queries import Records
from service.records.tables import deliveries, triages

HERE = ("127.0.0.1",)


@pytest.fixture
def crm() -> Iterator[ModelServer]:
    """A system that is told of triages."""
    with ModelServer(replies(b"")) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def said(parts: Parts) -> tuple[Message, Triage]:
    """A message with its triage, to be recorded under other ids."""
    message = Message(text="Wo ist mein Paket?", id="ext-1", conversation_id="conv-9")
    return message, await pipeline.triage(message, parts)


class Own(Records):
    """Records that nothing else is in."""

    said: tuple[Message, Triage]


@pytest.fixture
async def own(said: tuple[Message, Triage], tmp_path: Path) -> AsyncIterator[Own]:
    made = Own(connect(f"sqlite+aiosqlite:///{tmp_path / DATABASE}"))
    made.said = said
    await migrate(made.engine)
    yield made
    await made.close()


async def endpoint_at(records: Own, crm: ModelServer, **more: Any) -> tuple[str, str]:
    return await records.endpoints.add("demo", f"http://127.0.0.1:{crm.port}/hook?a=1", ["triage.done"], **more)


async def made(records: Own) -> Triage:
    """One more triage."""
    message, triage = records.said
    triage = triage.model_copy(update={"id": f"tri_{secrets.token_hex(4)}"})
    await records.put_triages([(message, triage)])
    return triage


async def logged(records: Own) -> Delivery:
    (one,) = await records.deliveries.log(None)
    return one


async def due_now(records: Own) -> None:
    async with records.writing() as connection:
        await connection.execute(update(deliveries).values(next_at=datetime.now(UTC)))


def verified(asked: Asked, secret: str) -> dict[str, Any]:
    """What the reference library makes of a webhook."""
    body: dict[str, Any] = Webhook(secret).verify(asked.content, dict(asked.headers))
    return body


async def test_a_triage_is_told_signed_and_without_a_word_of_the_message(own: Own, crm: ModelServer) -> None:
    _, secret = await endpoint_at(own, crm)
    triage = await made(own)
    await Courier(own, HERE).deliver()
    (asked,) = crm.requests
    assert (asked.path, asked.headers["host"]) == ("/hook?a=1", f"127.0.0.1:{crm.port}")
    told = verified(asked, secret)
    delivery = await logged(own)
    assert asked.headers["webhook-id"] == delivery.id
    assert told["type"] == "triage.done"
    assert told["data"] == {
        "id": None, "message_id": "ext-1", "triage_id": triage.id, "brand": "demo", "conversation_id": "conv-9",
        "state": "done", "escalate": triage.escalation.escalate, "queue": triage.escalation.queue,
        "priority": triage.escalation.priority, "respond_by": f"{triage.escalation.respond_by:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    assert b"Paket" not in asked.content
    assert (delivery.status, delivery.attempts, delivery.last_code) == ("delivered", 1, 200)
    tampered = asked.content.replace(b'"demo"', b'"mode"')
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(tampered, dict(asked.headers))


async def test_the_whole_triage_is_sent_where_that_was_asked_for(own: Own, crm: ModelServer) -> None:
    _, secret = await endpoint_at(own, crm, with_triage=True)
    triage = await made(own)
    await Courier(own, HERE).deliver()
    assert Triage.model_validate(verified(crm.requests[0], secret)["data"]["triage"]).id == triage.id


async def test_both_secrets_sign_while_one_replaces_the_other(own: Own, crm: ModelServer) -> None:
    endpoint_id, old = await endpoint_at(own, crm)
    new = await own.endpoints.rotate(endpoint_id, timedelta(hours=1))
    await made(own)
    await Courier(own, HERE).deliver()
    for secret in (old, new):
        assert verified(crm.requests[0], secret)["type"] == "triage.done"


async def test_a_webhook_that_fails_is_sent_again_later_and_later_under_the_same_id_and_then_no_more(
    own: Own, crm: ModelServer
) -> None:
    await endpoint_at(own, crm)
    await made(own)
    courier = Courier(own, HERE)
    crm.answer = replies(b"", 503)
    pauses = []
    for number in range(1, len(PAUSES) + 1):
        await courier.deliver()
        one = await logged(own)
        assert (one.status, one.attempts, one.last_code) == ("waiting", number, 503)
        pauses.append((one.next_at - datetime.now(UTC)).total_seconds())
        await courier.deliver()
        assert len(crm.requests) == number  # it is not due yet
        await due_now(own)
    assert all(0.7 * planned <= pause <= 1.21 * planned for pause, planned in zip(pauses, PAUSES, strict=True)), pauses
    assert 20 * 3600 < sum(PAUSES) < 24 * 3600
    await courier.deliver()
    one = await logged(own)
    assert (one.status, one.last_error) == ("failed", "the endpoint answered 503")
    await due_now(own)
    await courier.deliver()
    assert len(crm.requests) == len(PAUSES) + 1
    assert len({asked.headers["webhook-id"] for asked in crm.requests}) == 1
    crm.answer = replies(b"", 204)
    assert await own.deliveries.again(one.id)
    await courier.deliver()
    assert (await logged(own)).status == "delivered"


async def test_410_ends_the_endpoint(own: Own, crm: ModelServer) -> None:
    endpoint_id, _ = await endpoint_at(own, crm)
    await made(own)
    await made(own)
    crm.answer = replies(b"", 410)
    await Courier(own, HERE).deliver()
    endpoint = await own.endpoints.one(endpoint_id)
    assert endpoint is not None
    assert not endpoint.enabled
    assert {one.status for one in await own.deliveries.log(None)} == {"failed"}
    await made(own)
    assert len(await own.deliveries.log(None)) == 2


async def test_a_redirect_is_not_followed_and_a_server_that_hangs_is_left(
    own: Own, crm: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await endpoint_at(own, crm)
    await made(own)
    crm.answer = replies(b"", 302, {"Location": f"http://127.0.0.1:{crm.port}/elsewhere"})
    await Courier(own, HERE).deliver()
    assert (await logged(own)).last_error == "the endpoint answered 302"
    assert len(crm.requests) == 1
    monkeypatch.setattr("service.intake.delivery.MOST_SECONDS", 0.5)
    crm.answer = raw(HANG)
    await due_now(own)
    await Courier(own, HERE).deliver()
    one = await logged(own)
    assert (one.status, one.last_code, one.last_error) == ("waiting", None, "it took too long")
    assert await crm.released()


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "https://169.254.169.254/x", "https://[::ffff:10.0.0.1]/x", "https://localhost/x"]
)
async def test_nothing_in_the_own_network_is_reached_unless_it_is_listed(own: Own, url: str) -> None:
    await own.endpoints.add("demo", url, ["triage.done"])
    await made(own)
    await Courier(own, ()).deliver()
    assert (await logged(own)).last_error == "the host is not a public one"


async def test_what_is_erased_or_disabled_meanwhile_is_not_told(own: Own, crm: ModelServer) -> None:
    endpoint_id, _ = await endpoint_at(own, crm)
    await made(own)
    async with own.writing() as connection:
        await connection.execute(triages.delete())
    await Courier(own, HERE).deliver()
    assert (await logged(own)).last_error == "the triage is not there any more"
    assert await own.deliveries.again((await logged(own)).id)
    await own.endpoints.disable(endpoint_id)
    await Courier(own, HERE).deliver()
    one = await logged(own)
    assert (one.status, one.last_error) == ("failed", "the endpoint is disabled or removed")
    assert crm.requests == []


async def test_a_test_says_only_that_it_came(own: Own, crm: ModelServer) -> None:
    endpoint_id, secret = await endpoint_at(own, crm)
    await own.deliveries.test(endpoint_id, "demo")
    await Courier(own, HERE).deliver()
    told = verified(crm.requests[0], secret)
    assert (told["type"], told["data"]) == ("webhook.test", {"endpoint_id": endpoint_id, "brand": "demo"})


async def test_a_slow_endpoint_leaves_room_for_the_others(own: Own, crm: ModelServer) -> None:
    courier = Courier(own, HERE)
    with ModelServer(raw(HANG)) as slow:
        await endpoint_at(own, slow)
        await endpoint_at(own, crm)
        triage = await made(own)
        more = [triage.model_copy(update={"id": f"tri_{n}"}) for n in range(2 * AT_ONCE)]
        await own.put_triages([(Message(text="Wo ist es?"), one) for one in more])
        delivering = asyncio.create_task(courier.deliver())
        async with asyncio.timeout(60):
            while len(crm.requests) < len(more) + 1:
                await asyncio.sleep(0.05)
        assert len(slow.requests) == OF_AN_ENDPOINT
        delivering.cancel()
    await courier.close(60)
    assert {json.loads(asked.content)["data"]["triage_id"] for asked in crm.requests} == {triage.id, *(one.id for one in more)}
