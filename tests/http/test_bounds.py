"""What is built to wear the service out is refused in words, without being read whole: nesting, size, compression, long ids."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

JSON = {"content-type": "application/json"}
LONG = "i" * 10_000
DEEP = 1_000
WRITING = [
    ("POST", "/v1/triage"),
    ("POST", "/v1/triage/stream"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/triages/tri_1/redraft"),
    ("POST", "/v1/triages/tri_1/translate"),
    ("POST", "/v1/triages/tri_1/feedback"),
    ("PUT", "/v1/knowledge/faqs/one"),
    ("PUT", "/v1/orders/A-1"),
    ("PUT", "/v1/customers/C-1"),
    ("POST", "/v1/knowledge/import"),
    ("POST", "/v1/orders/import"),
]
SMALL = [(method, path) for method, path in WRITING if not path.endswith(("/import", "/messages"))]


def deep(shape: str, depth: int) -> bytes:
    opening, closing = ('{"text":', "}") if shape == "objects" else ("[", "]")
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize("shape", ["objects", "arrays"])
@pytest.mark.parametrize("depth", [DEEP, 100_000])
@pytest.mark.parametrize(("method", "path"), WRITING)
async def test_deep_nesting_is_refused_in_words(
    client: httpx.AsyncClient, wrong: Any, method: str, path: str, shape: str, depth: int
) -> None:
    response = await client.request(method, path, content=deep(shape, depth), headers=JSON)
    assert response.status_code == 400, response.text[:300]
    assert "nested" in wrong(response)["detail"]
    assert len(response.content) < 2_000


async def test_a_line_nested_deep_is_named_and_the_rest_goes_in(client: httpx.AsyncClient) -> None:
    lines = deep("arrays", DEEP) + b"\n" + deep("objects", 100_000) + b"\n"
    response = await client.post(
        "/v1/orders/import?dry_run=true", content=lines, headers={"content-type": "application/x-ndjson"}
    )
    assert response.status_code == 200
    assert [problem["line"] for problem in response.json()["problems"]] == [1, 2]
    assert len(response.content) < 2_000


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in pieces"])
@pytest.mark.parametrize(("method", "path"), SMALL)
async def test_ten_megabytes_are_refused_before_they_are_read(
    client: httpx.AsyncClient, wrong: Any, method: str, path: str, declared: bool
) -> None:
    pulled = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal pulled
        for _ in range(160):
            pulled += 65_536
            yield b" " * 65_536

    length = {"content-length": str(160 * 65_536)} if declared else {}
    response = await client.request(method, path, content=pieces(), headers=JSON | length)
    assert response.status_code == 413
    assert "1048576" in wrong(response)["detail"]
    assert pulled <= (0 if declared else 2 * 1_048_576), "more was read than may come"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP"])
@pytest.mark.parametrize(("method", "path"), WRITING)
async def test_a_compressed_bomb_is_refused_before_it_is_read(
    client: httpx.AsyncClient, wrong: Any, method: str, path: str, encoding: str
) -> None:
    pulled = 0

    async def bomb() -> AsyncIterator[bytes]:  # of half a megabyte, 512 MB unpacked
        nonlocal pulled
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        for _ in range(512):
            pulled += 1
            yield packer.compress(bytes(1_048_576))

    response = await client.request(method, path, content=bomb(), headers=JSON | {"content-encoding": encoding})
    assert response.status_code == 415
    assert "compressed" in wrong(response)["detail"]
    assert pulled == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/v1/triages/{LONG}"),
        ("GET", f"/v1/triages/{LONG}/drafts"),
        ("GET", f"/v1/messages/{LONG}"),
        ("GET", f"/v1/knowledge/faqs/{LONG}"),
        ("DELETE", f"/v1/knowledge/faqs/{LONG}"),
        ("GET", f"/v1/orders/{LONG}"),
        ("DELETE", f"/v1/orders/{LONG}"),
        ("GET", f"/v1/customers/{LONG}"),
        ("DELETE", f"/v1/customers/{LONG}"),
        ("GET", f"/v1/orders/A-1001?brand={LONG}"),
        ("GET", f"/v1/knowledge/search?q={LONG}"),
        ("GET", f"/v1/knowledge/search?q=a&brand={LONG}"),
        ("DELETE", f"/v1/customers?channel={LONG}&handle=a"),
        ("DELETE", f"/v1/customers?channel=x&handle={LONG}"),
    ],
    ids=lambda value: value.replace(LONG, "LONG"),
)
async def test_an_id_of_10_000_characters_in_the_address_is_refused(
    client: httpx.AsyncClient, wrong: Any, method: str, path: str
) -> None:
    response = await client.request(method, path)
    problem = wrong(response)
    assert response.status_code in (404, 422)
    assert LONG not in json.dumps({name: value for name, value in problem.items() if name != "instance"})


@pytest.mark.parametrize(
    ("method", "path"), [(method, path.replace("tri_1", LONG)) for method, path in WRITING if "tri_1" in path]
    + [("PUT", f"/v1/{kind}/{LONG}") for kind in ("knowledge/faqs", "orders", "customers")],
    ids=lambda value: value.replace(LONG, "LONG"),
)  # fmt: skip
async def test_an_id_of_10_000_characters_is_refused_where_something_is_written(
    client: httpx.AsyncClient, wrong: Any, method: str, path: str
) -> None:
    response = await client.request(method, path, json={"question": "a?", "answer": "b"})
    wrong(response)
    assert response.status_code in (404, 422)


@pytest.mark.parametrize("name", ["id", "brand", "conversation_id"])
async def test_an_id_of_10_000_characters_in_a_message_is_refused(client: httpx.AsyncClient, wrong: Any, name: str) -> None:
    for path in ("/v1/triage", "/v1/messages"):
        response = await client.post(path, json={"text": "hi", name: LONG})
        assert response.status_code == 422
        assert wrong(response)["errors"][0]["pointer"] == f"/{name}"
        assert LONG not in response.text


async def test_long_headers_are_refused_or_replaced(client: httpx.AsyncClient, wrong: Any) -> None:
    given = await client.post("/v1/messages", json={"text": "hi"}, headers={"idempotency-key": LONG})
    assert given.status_code == 422
    assert LONG not in str(wrong(given))
    named = await client.get("/livez", headers={"x-request-id": LONG})
    assert len(named.headers["x-request-id"]) < 100
    kind = await client.post("/v1/triage", content=b"{}", headers={"content-type": LONG})
    assert kind.status_code == 415
    assert len(kind.content) < 2_000


async def test_a_key_of_10_000_characters_is_no_key(calling: httpx.AsyncClient, own: Any, wrong: Any) -> None:
    await own.records.api_keys.make("desk", None)
    response = await calling.get("/v1/triages/tri_1", headers={"authorization": f"Bearer {LONG}"})
    assert response.status_code == 401
    assert LONG not in str(wrong(response))
