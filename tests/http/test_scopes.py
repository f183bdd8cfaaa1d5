"""What a key was made for is all it may do, and every route says what it needs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from service.app import create_app
from service.http.scopes import NEEDED
from service.parts import Parts
from service.records.keys import SCOPES, Scope
from service.settings import Settings

OPERATIONS = {
    operation["operationId"]: (method.upper(), path)
    for path, methods in create_app(Settings(data_dir=Path("nowhere"))).openapi()["paths"].items()
    for method, operation in methods.items()
}
KEYED = {name: scope for name, scope in NEEDED.items() if scope is not None}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def called(client: httpx.AsyncClient, operation: str, key: str) -> httpx.Response:
    """One call of an operation with an empty body and a made-up id: what comes after the key is none of its concern."""
    method, path = OPERATIONS[operation]
    for name in ("triage_id", "message_id", "faq_id", "order_id", "customer_id", "conversation_id", "delivery_id"):
        path = path.replace("{" + name + "}", "none")
    body: dict[str, Any] = {"json": {}} if method in ("POST", "PUT") else {}
    return await client.request(method, path, headers=bearer(key), **body)


def test_every_route_says_which_scope_it_needs_and_no_other_does() -> None:
    assert set(NEEDED) == set(OPERATIONS)


def test_only_signed_webhooks_and_operations_need_no_key() -> None:
    assert {name for name, scope in NEEDED.items() if scope is None} == {"acceptWebhook", "live", "ready", "metrics"}


def test_the_description_names_the_scope_and_what_a_key_may_be_told() -> None:
    paths = create_app(Settings(data_dir=Path("nowhere"))).openapi()["paths"]
    for methods in paths.values():
        for operation in methods.values():
            scope = NEEDED[operation["operationId"]]
            assert ({"403", "429"} <= set(operation["responses"])) == (scope is not None)
            if scope is not None:
                assert operation["description"].endswith(f"Scope: `{scope}`.")


async def test_a_key_with_one_scope_opens_what_needs_it_and_nothing_else(
    own: Parts, calling: httpx.AsyncClient, wrong: Any
) -> None:
    held: dict[Scope, str] = {scope: await own.records.api_keys.make(scope, None, [scope]) for scope in SCOPES}
    await asyncio.sleep(1.1)
    for operation, needed in KEYED.items():
        for scope, key in held.items():
            response = await called(calling, operation, key)
            if scope == needed:
                assert response.status_code not in (401, 403), (operation, scope)
            else:
                assert response.status_code == 403, (operation, scope)
                assert needed in wrong(response)["detail"]
                assert wrong(response)["type"].endswith(":missing-scope")


async def test_a_key_with_several_scopes_may_do_all_of_it(own: Parts, calling: httpx.AsyncClient) -> None:
    key = await own.records.api_keys.make("desk", None, ["read", "feedback"])
    assert (await called(calling, "getTriage", key)).status_code == 404
    assert (await called(calling, "giveFeedback", key)).status_code == 422
    assert (await called(calling, "triageMessage", key)).status_code == 403


async def test_a_missing_scope_says_nothing_of_whether_an_id_is_there(own: Parts, calling: httpx.AsyncClient) -> None:
    triage_id = (await calling.post("/v1/triage", json={"text": "hi"})).json()["id"]
    key = await own.records.api_keys.make("intake", None, ["ingest"])
    await asyncio.sleep(1.1)
    there = await calling.get(f"/v1/triages/{triage_id}", headers=bearer(key))
    nowhere = await calling.get("/v1/triages/tri_none", headers=bearer(key))
    assert (there.status_code, nowhere.status_code) == (403, 403)
    assert there.json()["detail"] == nowhere.json()["detail"]
