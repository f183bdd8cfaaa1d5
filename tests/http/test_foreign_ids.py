"""Another brand's id is answered like one that nobody has, on every route with an id in its path; a new route must be covered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.imports import import_knowledge
from service.parts import Parts
from service.settings import Settings

OURS, THEIRS = "demo", "other"
PATHS = create_app(Settings(data_dir=Path("nowhere"))).openapi()["paths"]
WITH_ID = {
    operation["operationId"]: (method.upper(), path)
    for path, methods in PATHS.items() for method, operation in methods.items() if "{" in path
}  # fmt: skip
WITH_BRAND = {
    operation["operationId"]: (method.upper(), path)
    for path, methods in PATHS.items() for method, operation in methods.items()
    if any(parameter["name"] == "brand" for parameter in operation.get("parameters", []))
}  # fmt: skip
SIGNED = {"acceptWebhook"}  # takes no key: the name in its path is a connection's, its signature says whose
PUTTING = {"putFaq", "putOrder", "putCustomer"}  # an id is of its brand: another brand's is free to be taken
UNKNOWN = {
    "triage_id": "tri_000000000000000000000000",
    "message_id": "msg_000000000000000000000000",
    "faq_id": "faq-nobody",
    "order_id": "Z-9999",
    "customer_id": "Z-nobody",
    "conversation_id": "conv-nobody",
    "delivery_id": "dlv_000000000000000000000000",
}
BODIES: dict[str, Any] = {
    "redraft": {"tone": "brief"},
    "translate": {"language": "en"},
    "giveFeedback": {"action": "accepted"},
    "claimConversation": {},
    "answerConversation": {},
    "resolveConversation": {},
    "reopenConversation": {},
    "putFaq": {"question": "Where are we?", "answer": "Here.", "language": "en"},
    "putOrder": {"customer_id": "C-1042", "status": "placed", "placed_at": "2026-11-12"},
    "putCustomer": {"name": "Ours"},
}


@pytest.fixture
async def theirs(own: Parts, calling: httpx.AsyncClient) -> Mapping[str, str]:
    """An id of the other brand for each name of a parameter."""
    await import_knowledge(own, THEIRS, ['{"id": "faq-theirs", "question": "When are you open?", "answer": "We open at nine."}'])
    await own.follow()
    query = f"?brand={THEIRS}"
    placed = {"customer_id": "C-theirs", "status": "placed", "placed_at": "2026-11-12"}
    assert (await calling.put(f"/v1/customers/C-theirs{query}", json={"name": "Theirs"})).status_code == 201
    assert (await calling.put(f"/v1/orders/T-7001{query}", json=placed)).status_code == 201
    triage = await calling.post(
        "/v1/triage", json={"text": "When are you open?", "brand": THEIRS, "conversation_id": "conv-theirs"}
    )
    message = await calling.post("/v1/messages", json={"text": "When are you open?", "brand": THEIRS})
    endpoint, _ = await own.records.endpoints.add(THEIRS, "https://told.example/", ["triage.done"])
    return {
        "triage_id": triage.json()["id"], "message_id": message.json()["id"], "faq_id": "faq-theirs", "order_id": "T-7001",
        "customer_id": "C-theirs", "conversation_id": "conv-theirs",
        "delivery_id": await own.records.deliveries.test(endpoint, THEIRS),
    }  # fmt: skip


@pytest.fixture
async def key(own: Parts, theirs: Mapping[str, str]) -> str:
    """A key of our brand with every scope."""
    made = await own.records.api_keys.make("ours", OURS)
    await asyncio.sleep(1.1)
    return made


async def called(client: httpx.AsyncClient, operation: str, ids: Mapping[str, str], key: str | None = None) -> httpx.Response:
    method, path = WITH_ID[operation]
    body = {"json": BODIES[operation]} if operation in BODIES else {}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return await client.request(method, path.format_map(ids), headers=headers, **body)


def told(response: httpx.Response, ids: Mapping[str, str]) -> str:
    """The body without the request's own id and the id that was asked for."""
    text = re.sub(r'"(request_id|instance)":"[^"]*"', "", response.text)
    for value in ids.values():
        text = text.replace(value, "ID")
    return text


def test_the_sweep_knows_an_id_of_every_route() -> None:
    names = {name for operation, (_, path) in WITH_ID.items() if operation not in SIGNED for name in re.findall(r"{(\w+)}", path)}
    assert names <= set(UNKNOWN), "give the fixture `theirs` and UNKNOWN an id for it"
    writing = {
        operation["operationId"] for path, methods in PATHS.items() for operation in methods.values()
        if "{" in path and "requestBody" in operation
    } - SIGNED  # fmt: skip
    assert writing == set(BODIES), "give BODIES a body that is right, so that only the id is wrong"


async def test_a_foreign_id_is_answered_like_an_unknown_one(
    own: Parts, calling: httpx.AsyncClient, theirs: Mapping[str, str], key: str
) -> None:
    swept = 0
    for operation in WITH_ID.keys() - SIGNED - PUTTING:
        foreign = await called(calling, operation, theirs, key)
        unknown = await called(calling, operation, UNKNOWN, key)
        assert foreign.status_code == unknown.status_code == 404, (operation, foreign.text, unknown.text)
        assert told(foreign, theirs) == told(unknown, UNKNOWN), operation
        swept += 1
    assert swept >= 10
    assert await own.records.feedback.of(theirs["triage_id"]) == []
    assert await own.records.redrafts(theirs["triage_id"]) == []
    assert await own.records.customer(THEIRS, theirs["customer_id"]) is not None
    assert await own.records.order(THEIRS, theirs["order_id"]) is not None


async def test_what_another_brand_has_under_an_id_neither_shows_nor_changes(
    own: Parts, calling: httpx.AsyncClient, theirs: Mapping[str, str], key: str
) -> None:
    for operation in sorted(PUTTING):
        foreign = await called(calling, operation, theirs, key)
        unknown = await called(calling, operation, UNKNOWN, key)
        assert (foreign.status_code, unknown.status_code) == (201, 201), (operation, foreign.text, unknown.text)
        assert told(foreign, theirs) == told(unknown, UNKNOWN)
    person = await own.records.customer(THEIRS, theirs["customer_id"])
    assert person is not None
    assert person.name == "Theirs"
    (faq,) = await own.records.faqs(THEIRS, [theirs["faq_id"]])
    assert faq.content.answer == "We open at nine."
    order = await own.records.order(THEIRS, theirs["order_id"])
    assert order is not None
    assert order.customer_id == "C-theirs"


async def test_the_ids_are_there_for_whoever_may_see_them(
    own: Parts, calling: httpx.AsyncClient, theirs: Mapping[str, str]
) -> None:
    found = {}
    for operation, (method, path) in WITH_ID.items():
        if method == "GET":
            found[operation] = (await calling.get(path.format_map(theirs), params={"brand": THEIRS})).status_code
    assert set(found.values()) == {200}, found


async def test_another_brand_is_answered_like_one_that_is_not_there(calling: httpx.AsyncClient, key: str) -> None:
    ids = {name: value for name, value in UNKNOWN.items()}
    for operation, (method, path) in WITH_BRAND.items():
        answers = []
        for brand in (THEIRS, "nobody"):
            params = {"brand": brand, "q": "a", "channel": "x", "handle": "@a"}
            body: dict[str, Any] = {"json": BODIES.get(operation, [])} if method in ("POST", "PUT") else {}
            headers = {"authorization": f"Bearer {key}"}
            answers.append(await calling.request(method, path.format_map(ids), params=params, headers=headers, **body))
        theirs_said, unknown = answers
        assert theirs_said.status_code == unknown.status_code == 422, operation
        assert told(theirs_said, {}).replace(repr(THEIRS), "B") == told(unknown, {}).replace("'nobody'", "B"), operation
