"""FAQs over HTTP: what is put is found at once, also by other processes; what the folder holds is edited there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.parts import Parts

FAQ = {"question": "Where are the bagpipes kept?", "answer": "On the third shelf.", "language": "en"}
PATH = "/v1/knowledge/faqs/bagpipes"
NDJSON = {"content-type": "application/x-ndjson"}
WITHIN = 1.5  # seconds: half a second between two looks, and a triage


async def told(client: httpx.AsyncClient, url: str = "") -> dict[str, str]:
    answer = await client.post(f"{url}/v1/triage", json={"text": FAQ["question"]})
    return {passage["id"]: passage["text"] for passage in answer.json()["context"]["passages"]}


async def test_a_faq_that_is_put_is_found_by_the_next_triage_and_a_deleted_one_is_not(calling: httpx.AsyncClient) -> None:
    put = await calling.put(PATH, json=FAQ)
    assert put.status_code == 201, put.text
    assert (await told(calling))["bagpipes"] == "On the third shelf."
    got = await calling.get(PATH)
    assert got.json() == put.json()
    again = await calling.put(PATH, json=got.json() | {"answer": "In the attic."})
    assert again.status_code == 200
    assert (await told(calling))["bagpipes"] == "In the attic."
    same = await calling.put(PATH, json=again.json())
    assert (same.status_code, same.json()) == (200, again.json())
    hits = (await calling.get("/v1/knowledge/search", params={"q": "bagpipes kept where", "limit": 3})).json()["hits"]
    assert len(hits) == 3
    assert hits[0]["id"] == "bagpipes"
    assert (await calling.delete(PATH)).status_code == 204
    assert "bagpipes" not in await told(calling)
    assert {(await calling.get(PATH)).status_code, (await calling.delete(PATH)).status_code} == {404}


async def test_what_the_folder_holds_is_neither_changed_nor_deleted(own: Parts, calling: httpx.AsyncClient, wrong: Any) -> None:
    before = await own.records.faq_digests("demo")
    for faq_id, file in (
        ("faq-late-parcel-de", "faqs/de/late-parcel.md"),
        ("macro-praise-product-en", "macros/en/praise-product.md"),
    ):
        path = f"/v1/knowledge/faqs/{faq_id}"
        for answer in (await calling.put(path, json=FAQ), await calling.delete(path)):
            assert answer.status_code == 409
            assert file in wrong(answer)["detail"]
        imported = await calling.post("/v1/knowledge/import", json=[FAQ | {"id": faq_id}])
        assert imported.json()["refused"] == 1
        assert file in imported.json()["problems"][0]["detail"]
    assert await own.records.faq_digests("demo") == before
    assert (await calling.get("/v1/knowledge/faqs/faq-late-parcel-de")).status_code == 200
    assert (await calling.get("/v1/knowledge/faqs/macro-praise-product-en")).status_code == 404


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"question": "?"}, "/answer"), (FAQ | {"anser": "x"}, "/anser"), (FAQ | {"audience": "all"}, "/audience"),
        (FAQ | {"valid_until": "soon"}, "/valid_until"), (FAQ | {"id": "other"}, "/id"),
        (FAQ | {"answer": "a" * 20_001}, "/answer"),
    ],
    ids=str,
)  # fmt: skip
async def test_a_wrong_faq_is_refused_by_field(calling: httpx.AsyncClient, wrong: Any, given: Any, pointer: str) -> None:
    answer = await calling.put(PATH, json=given)
    assert answer.status_code == 422
    assert [error["pointer"] for error in wrong(answer)["errors"]] == [pointer]


async def test_an_import_takes_what_is_good_and_names_the_rest(calling: httpx.AsyncClient) -> None:
    rows = [FAQ | {"id": "bagpipes"}, {"id": "x"}, FAQ | {"id": "lutes", "question": "Where are the lutes?"}]
    body = {"content": "\n".join([json.dumps(rows[0]), "", *map(json.dumps, rows[1:]), "nonsense"]), "headers": NDJSON}
    tried = await calling.post("/v1/knowledge/import", params={"dry_run": True}, **body)  # type: ignore[arg-type]
    assert (await calling.get(PATH)).status_code == 404
    done = await calling.post("/v1/knowledge/import", **body)  # type: ignore[arg-type]
    report = done.json()
    assert done.status_code == 200
    assert tried.json() | {"dry_run": False} == report
    assert [report[name] for name in ("added", "changed", "unchanged", "refused")] == [2, 0, 0, 2]
    assert sorted(problem["line"] for problem in report["problems"]) == [3, 5]
    assert "bagpipes" in await told(calling)
    again = await calling.post("/v1/knowledge/import", json=rows)
    assert again.json()["unchanged"] == 2


async def test_a_new_brand_is_made_by_its_first_import(calling: httpx.AsyncClient) -> None:
    words = {"brand": "shed"}
    assert (await calling.put(PATH, params=words, json=FAQ)).status_code == 422
    assert (await calling.post("/v1/knowledge/import", params=words, json=[FAQ | {"id": "bagpipes"}])).status_code == 200
    answer = await calling.post("/v1/triage", json={"text": FAQ["question"], "brand": "shed"})
    assert [passage["id"] for passage in answer.json()["context"]["passages"]] == ["bagpipes"]
    assert (await calling.get(PATH)).status_code == 404, "another brand's"


async def test_what_cant_be_stored_is_taken_out(calling: httpx.AsyncClient) -> None:
    body = '{"question": "a\\u0000b \\ud800?", "answer": "On\\u0000 the shelf.", "language": "en", "topic": "x\\ud800"}'
    answer = await calling.put(PATH, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 201
    assert answer.json()["answer"] == "On the shelf."


async def test_another_process_finds_within_a_second_what_was_put_here(start_server: Any, data_dir: Path) -> None:
    with start_server(data_dir) as one, start_server(data_dir) as two:
        async with httpx.AsyncClient(timeout=60) as client:
            assert (await client.put(f"{one.url}{PATH}", json=FAQ)).status_code == 201
            assert "bagpipes" in await told(client, one.url)
            until = time.monotonic() + WITHIN
            while "bagpipes" not in await told(client, two.url):
                assert time.monotonic() < until
            assert (await client.delete(f"{two.url}{PATH}")).status_code == 204
            until = time.monotonic() + WITHIN
            while "bagpipes" in await told(client, one.url):
                assert time.monotonic() < until
