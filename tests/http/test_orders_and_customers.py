"""Orders and customers over HTTP: put, read, removed, imported; by the brand's key and for its brand only."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from service.parts import Parts

ORDER = {"customer_id": "C-1042", "status": "in_transit", "placed_at": "2026-11-12", "items": [{"name": "Zeppelin"}]}
NDJSON = {"content-type": "application/x-ndjson"}


async def shown(client: httpx.AsyncClient, text: str, customer: str = "C-1042") -> list[str]:
    answer = await client.post("/v1/triage", json={"text": text, "author": {"customer_id": customer}})
    assert answer.status_code == 200, answer.text
    return [order["order_id"] for order in answer.json()["context"]["orders"]]


async def test_an_order_that_is_put_is_in_the_next_triage_and_one_that_is_deleted_is_not(calling: httpx.AsyncClient) -> None:
    put = await calling.put("/v1/orders/Z-900", json=ORDER)
    assert put.status_code == 201, put.text
    assert (put.json()["order_id"], put.json()["status"]) == ("Z-900", "in_transit")
    assert not {"late", "why"} & set(put.json())
    assert (await shown(calling, "where is Z-900?"))[0] == "Z-900"
    got = await calling.get("/v1/orders/Z-900")
    assert got.json() == put.json()
    again = await calling.put("/v1/orders/Z-900", json=got.json() | {"status": "lost"})
    assert (again.status_code, again.json()["status"]) == (200, "lost")
    assert (await calling.delete("/v1/orders/Z-900")).status_code == 204
    assert "Z-900" not in await shown(calling, "where is Z-900?")
    assert "Z-900" not in await shown(calling, "where is my Zeppelin?")
    for answer in (await calling.get("/v1/orders/Z-900"), await calling.delete("/v1/orders/Z-900")):
        assert answer.status_code == 404


async def test_an_order_put_for_one_customer_is_shown_to_no_other(calling: httpx.AsyncClient) -> None:
    await calling.put("/v1/orders/Z-901", json=ORDER)
    assert await shown(calling, "where is Z-901?", "C-1031") == []
    await calling.put("/v1/orders/Z-901", json=ORDER | {"customer_id": "C-1031"})
    assert (await shown(calling, "where is Z-901?", "C-1031"))[0] == "Z-901"
    assert await shown(calling, "where is Z-901?") == []


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"customer_id": "C-404"}, "/customer_id", "PUT /v1/customers/{id} first"),
        ({"customer_id": None}, "/customer_id", "string"),
        ({"status": "in-transit"}, "/status", "did you mean 'in_transit'?"),
        ({"placed_at": "2093-01-01"}, "/placed_at", "lies ahead"),
        ({"total": {"amount": -1, "currency": "EUR"}}, "/total/amount", "under 0"),
        ({"total": {"amount": 1, "currency": "ERU"}}, "/total/currency", "no currency"),
        ({"items": [{"name": "a"}, {"name": "b", "price": "x"}]}, "/items/1/price", "number"),
        ({"colour": "red"}, "/colour", "unknown key"),
        ({"order_id": "Z-2"}, "/order_id", "not the id in the path"),
    ],
)
async def test_a_wrong_order_is_refused_by_field(
    calling: httpx.AsyncClient, wrong: Any, change: dict[str, Any], pointer: str, detail: str
) -> None:
    answer = await calling.put("/v1/orders/Z-1", json=ORDER | change)
    assert answer.status_code == 422
    (error,) = wrong(answer)["errors"]
    assert error["pointer"] == pointer
    assert detail in error["detail"]
    assert (await calling.get("/v1/orders/Z-1")).status_code == 404


async def test_a_customer_that_is_put_owns_orders_and_handles(calling: httpx.AsyncClient) -> None:
    person = {"name": "Ada", "handles": {"instagram": "@ada.kvist"}, "language": "en"}
    put = await calling.put("/v1/customers/ada@mail.example", json=person)
    assert put.status_code == 201
    assert (await calling.get("/v1/customers/ada@mail.example")).json() == put.json()
    assert (await calling.put("/v1/customers/ada@mail.example", json=person | {"vip": True})).status_code == 200
    assert (await calling.put("/v1/orders/2026/117", json=ORDER | {"customer_id": "ada@mail.example"})).status_code == 201
    message = {"text": "where is it?", "channel": "instagram", "author": {"handle": "@Ada.Kvist"}}
    orders = (await calling.post("/v1/triage", json=message)).json()["context"]["orders"]
    assert [order["order_id"] for order in orders] == ["2026/117"]
    assert (await calling.get("/v1/customers/nobody")).status_code == 404
    assert (await calling.put("/v1/customers/x", json={"nmae": "A"})).json()["errors"][0]["detail"] == (
        "unknown key, did you mean 'name'?"
    )


async def test_an_import_takes_what_is_good_and_names_the_rest(calling: httpx.AsyncClient) -> None:
    rows = [
        ORDER | {"order_id": "Z-1"},
        ORDER | {"order_id": "Z-2", "status": "flown"},
        ORDER | {"order_id": "Z-3", "customer_id": "C-9"},
    ]
    as_array = {"content": json.dumps([*rows, 5]), "headers": {"content-type": "application/json"}}
    as_lines = {"content": "\n".join([*map(json.dumps, rows), "{"]), "headers": NDJSON}
    for at, body in enumerate((as_array, as_lines)):
        tried = await calling.post("/v1/orders/import", params={"dry_run": True}, **body)  # type: ignore[arg-type]
        assert tried.json()["dry_run"]
        assert (await calling.get("/v1/orders/Z-1")).status_code == (404 if at == 0 else 200)
        done = await calling.post("/v1/orders/import", **body)  # type: ignore[arg-type]
        assert done.status_code == 200, done.text
        report = done.json()
        assert [report[name] for name in ("added", "changed", "unchanged", "refused")] == [1 - at, 0, at, 3]
        assert tried.json() | {"dry_run": False} == report
        assert sorted(problem["line"] for problem in report["problems"]) == [2, 3, 4]
        unknown = next(problem["detail"] for problem in report["problems"] if problem["line"] == 3)
        assert "Z-3" in unknown
        assert "C-9" in unknown
    assert (await shown(calling, "where is my Zeppelin?"))[0] == "Z-1"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{}", "application/json", 422), ("[1,", "application/json", 400), ("x", "text/csv", 415), ("", "application/json", 400),
        (b"\xff", "application/json", 400), ("[" * 100_000, "application/json", 400),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
async def test_a_body_that_is_no_import_is_refused(
    calling: httpx.AsyncClient, wrong: Any, body: Any, kind: str, status: int
) -> None:
    for path in ("/v1/orders/import", "/v1/knowledge/import"):
        answer = await calling.post(path, content=body, headers={"content-type": kind})
        assert answer.status_code == status
        assert ("nested too deep" if body[:2] == "[[" else "ndjson") in wrong(answer)["detail"]


async def test_what_is_nested_too_deep_is_refused(calling: httpx.AsyncClient) -> None:
    deep = "[" * 700 + "]" * 700
    for path, row in (("orders", '{"order_id": "Z-1", "note": %s}'), ("knowledge", '{"id": "z", "answer": %s}')):
        answer = await calling.post(f"/v1/{path}/import", content=f"[{row % deep}]", headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["refused"]) == (200, 1)
    for path in ("/v1/orders/Z-1", "/v1/customers/C", "/v1/knowledge/faqs/z"):
        answer = await calling.put(path, content=f'{{"note": {deep}}}', headers={"content-type": "application/json"})
        assert answer.status_code == 422


async def test_an_import_may_be_larger_than_a_message_but_not_endless(
    calling: httpx.AsyncClient, own: Parts, settings_in: Any, wrong: Any
) -> None:
    line = json.dumps(ORDER | {"order_id": "Z-1", "note": "x" * 1_900}) + "\n"
    answer = await calling.post("/v1/orders/import", content=line * 1_000, headers=NDJSON)
    assert (answer.status_code, answer.json()["added"], answer.json()["refused"]) == (200, 1, 999)
    refused = await calling.post("/v1/orders/import", content=line * 9_000, headers=NDJSON)
    assert refused.status_code == 413
    assert "several requests" in wrong(refused)["detail"]
    assert (await calling.put("/v1/orders/Z-1", content=line, headers=NDJSON)).status_code == 415


async def test_a_key_of_one_brand_reaches_no_other(own: Parts, calling: httpx.AsyncClient) -> None:
    nothing = await calling.post("/v1/orders/import", params={"brand": "shop"}, json=[ORDER | {"order_id": "Z-1"}])
    assert (nothing.json()["refused"], "shop" in await own.records.brands()) == (1, False), "a brand is made of something"
    faq = {"id": "opening", "question": "When are you open?", "answer": "From nine."}
    assert (await calling.post("/v1/knowledge/import", params={"brand": "shop"}, json=[faq])).json()["added"] == 1
    key = await own.records.api_keys.make("shop only", "shop")
    await asyncio.sleep(1.1)
    mine = {"authorization": f"Bearer {key}"}
    for path in ("/v1/orders/A-1001", "/v1/customers/C-1042", "/v1/knowledge/faqs/faq-late-parcel-de"):
        foreign = await calling.get(path, params={"brand": "shop"}, headers=mine)
        unknown = await calling.get(path + "0", params={"brand": "shop"}, headers=mine)
        assert (foreign.status_code, unknown.status_code) == (404, 404)
        assert foreign.json()["detail"] == unknown.json()["detail"]
        for brand in ("demo", "nope"):
            answer = await calling.get(path, params={"brand": brand}, headers=mine)
            assert answer.status_code == 422
            assert answer.json()["detail"] == f"/brand: no brand named {brand!r}; known brands: shop"
    deleted = await calling.delete("/v1/orders/A-1001", params={"brand": "shop"}, headers=mine)
    assert deleted.status_code == 404
    refused = await calling.post("/v1/orders/import", params={"brand": "demo"}, content="", headers=mine | NDJSON)
    assert refused.status_code == 422
    assert await own.records.order("demo", "A-1001") is not None


async def test_every_route_wants_the_key(own: Parts, calling: httpx.AsyncClient) -> None:
    await own.records.api_keys.make("desk", None)
    await asyncio.sleep(1.1)
    for method, path in (
        ("PUT", "/v1/orders/A"), ("GET", "/v1/orders/A"), ("DELETE", "/v1/orders/A"), ("POST", "/v1/orders/import"),
        ("PUT", "/v1/customers/C"), ("GET", "/v1/customers/C"), ("POST", "/v1/knowledge/import"),
        ("PUT", "/v1/knowledge/faqs/a"), ("GET", "/v1/knowledge/faqs/a"), ("DELETE", "/v1/knowledge/faqs/a"),
        ("GET", "/v1/knowledge/search?q=a"),
    ):  # fmt: skip
        answer = await calling.request(method, path, **({"json": {}} if method in ("PUT", "POST") else {}))  # type: ignore[arg-type]
        assert answer.status_code == 401, path


async def test_a_new_brand_has_a_plain_name(calling: httpx.AsyncClient, wrong: Any) -> None:
    answer = await calling.post("/v1/orders/import", params={"brand": "../x"}, content="", headers=NDJSON)
    assert answer.status_code == 422
    assert wrong(answer)["errors"][0]["pointer"] == "/brand"
