"""A customer is erased everywhere: no file of the data directory holds a word of theirs, and everybody else's words are there."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import DATABASE
from sqlalchemy import select

from service.imports import import_knowledge
from service.parts import Parts, build_parts
from service.records.tables import audit

BRAND = "demo"
GONE, KEPT = "Quibbelstein", "Wurzelbrunn"  # stand in everything of the one and of the other customer


def words(mark: str) -> list[str]:
    """Every string of a customer that must be found nowhere, or everywhere."""
    return [
        f"Ödön {mark}", f"{mark}@mail.example", f"{mark}straße 7", f"{mark}-parcel", f"{mark}-asked", f"{mark}-early",
        f"{mark}-answered", f"{mark}-shorter", f"{mark}-waits", f"C-{mark}", f"O-{mark}", f"handle.{mark}", f"conv-{mark}",
        f"ext-{mark}", f"thread-{mark}", f"meta-{mark}",
    ]  # fmt: skip


async def lives(client: httpx.AsyncClient, mark: str) -> dict[str, str]:
    """A customer with an order, messages of all kinds, drafts, feedback and a precedent; the ids that were given."""
    person = {"name": f"Ödön {mark}", "email": f"{mark}@mail.example", "handles": {"instagram": f"@handle.{mark}"}}
    assert (await client.put(f"/v1/customers/C-{mark}", json=person)).status_code == 201
    order = {
        "customer_id": f"C-{mark}", "status": "in_transit", "placed_at": "2026-11-12", "tracking": f"{mark}-parcel",
        "items": [{"name": f"Zelt für {mark}straße 7", "quantity": 1, "price": 9.0}],
    }  # fmt: skip
    assert (await client.put(f"/v1/orders/O-{mark}", json=order)).status_code == 201
    message = {
        "text": f"{mark}-asked: wie lange dauert die Lieferung in die {mark}straße 7?", "id": f"ext-{mark}",
        "channel": "instagram", "visibility": "private", "conversation_id": f"conv-{mark}",
        "author": {"handle": f"@handle.{mark}", "name": f"Ödön {mark}"}, "metadata": {"note": f"meta-{mark}"},
        "thread": [{"role": "customer", "text": f"thread-{mark}"}],
    }  # fmt: skip
    triage = (await client.post("/v1/triage", json=message)).json()
    assert triage["context"]["orders"], "the order is not shown, so nothing of it is in the triage"
    feedback = {"action": "edited", "text": f"Hallo {mark}-answered, drei Tage.", "approve": True, "reason": f"{mark}-shorter"}
    assert (await client.post(f"/v1/triages/{triage['id']}/feedback", json=feedback)).status_code == 201
    assert (await client.post(f"/v1/triages/{triage['id']}/redraft", json={"tone": "brief"})).status_code == 201
    early = message | {"text": f"{mark}-early", "id": None, "author": {}}
    assert (await client.post("/v1/triage", json=early)).status_code == 200
    waiting = message | {"text": f"{mark}-waits", "author": {"customer_id": f"C-{mark}"}}
    handed = await client.post("/v1/messages", json=waiting, headers={"idempotency-key": f"key-{triage['id']}"})
    assert handed.status_code == 202
    return {"triage": triage["id"], "message": handed.json()["id"], "answered": triage["draft"]["private"]["text"]}


def spellings(text: str) -> Iterator[bytes]:
    """The text as files may hold it, in small letters: UTF-8, UTF-16, and within JSON that is ASCII."""
    for spelt in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), json.dumps(text)[1:-1].encode()):
        yield spelt.lower()


def holding(folder: Path, texts: list[str]) -> dict[str, list[str]]:
    """Which of the texts stand in the files of a folder, in capital or small letters, and in which files."""
    found: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        held = path.read_bytes().rstrip(b"\0").lower() if path.is_file() else b""  # the index keeps room for much more
        for text in texts:
            if any(spelt in held for spelt in spellings(text)):
                found.setdefault(text, []).append(str(path.relative_to(folder)))
    return found


@pytest.mark.sqlite
async def test_no_file_holds_a_word_of_an_erased_customer(own: Parts, calling: httpx.AsyncClient, data_dir: Path) -> None:
    ids = await lives(calling, GONE)
    await lives(calling, KEPT)
    assert not set(words(GONE)) - holding(data_dir, words(GONE)).keys()
    await own.follow()
    hits = len(own.passages)

    answer = await calling.delete(f"/v1/customers/C-{GONE}", params={"brand": BRAND})
    assert answer.status_code == 200
    receipt = answer.json()
    assert receipt["compacted"] is True
    assert receipt["erased"].pop("audit") >= 4, "recorded twice, feedback, redraft"
    assert receipt["erased"] == {
        "conversations": 1, "precedents": 1, "feedback": 1, "redrafts": 1, "deliveries": 0, "idempotency": 1, "inbox": 1,
        "triages": 2, "contacts": 0, "orders": 1, "handles": 1, "customers": 1,
    }  # fmt: skip
    assert GONE.lower() not in answer.text.lower()
    (told,) = await own.records.all(select(audit).where(audit.c.action == "erased"))
    assert (told.brand, told.actor, told.detail["erasure"]) == (BRAND, "local", receipt["id"])

    assert holding(data_dir, [*words(GONE), GONE]) == {}
    assert not set(words(KEPT)) - holding(data_dir, words(KEPT)).keys(), "somebody else's words are gone"
    assert len(own.passages) == hits - 1, "the precedent's vector is still searched"
    for path in (
        f"/v1/customers/C-{GONE}",
        f"/v1/orders/O-{GONE}",
        f"/v1/triages/{ids['triage']}",
        f"/v1/messages/{ids['message']}",
    ):
        assert (await calling.get(path)).status_code == 404, path
    again = await calling.delete(f"/v1/customers/C-{GONE}")
    unknown = await calling.delete("/v1/customers/C-nobody")
    assert (again.status_code, unknown.status_code) == (404, 404)
    assert again.json()["detail"] == unknown.json()["detail"]


async def test_a_process_forgets_the_words_that_it_kept_in_memory(own: Parts, calling: httpx.AsyncClient) -> None:
    from service.draft.checks import made

    asked = f"{GONE}: wo ist mein Zelt?"
    await calling.put("/v1/customers/C-1", json={"name": "Ada"})
    await calling.post("/v1/triage", json={"text": asked, "author": {"customer_id": "C-1"}})
    assert asked in own.embedding.remembered()
    assert made.bare.cache_info().currsize > 0
    assert (await calling.delete("/v1/customers/C-1")).status_code == 200
    assert own.embedding.remembered() == set()
    assert made.bare.cache_info().currsize == 0


@pytest.mark.sqlite
async def test_what_was_deleted_earlier_and_never_overwritten_goes_too(calling: httpx.AsyncClient, data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / DATABASE)) as database:
        database.execute("PRAGMA secure_delete = OFF")
        with database:
            database.executemany("INSERT INTO customers VALUES ('demo', ?, ?)", [(f"C-{n}", GONE * 50) for n in range(50)])
        with database:
            database.execute("DELETE FROM customers WHERE data LIKE ?", (f"{GONE}%",))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert holding(data_dir, [GONE]) == {GONE: [DATABASE]}
    assert (await calling.delete("/v1/customers/C-1042")).json()["compacted"] is True
    assert holding(data_dir, [GONE]) == {}


def test_caches_without_a_bound_never_keep_what_somebody_wrote() -> None:
    """Those are left as they are: they keep files, asked for by a language or a folder, or what is in a phrase of a file."""
    asked_by = {
        (kept.__module__, name)
        for module_name, module in list(sys.modules.items())
        if module_name.startswith("service.")
        for kept in vars(module).values()
        if isinstance(kept, functools._lru_cache_wrapper) and kept.cache_info().maxsize is None
        for name in inspect.signature(kept).parameters
    }
    known = {"language", "code", "right", "folder", "dialect"}
    assert {(module, name) for module, name in asked_by if name not in known} == {("service.draft.phrases", "text")}


async def test_other_processes_forget_too(settings_in: Any, data_dir: Path, client_on: Any) -> None:
    async with build_parts(settings_in(data_dir)) as one, build_parts(settings_in(data_dir)) as two, client_on(one) as client:
        await client.put("/v1/customers/C-1", json={"name": "Ada"})
        await two.embedding.queries(["something Ada said"])
        await client.delete("/v1/customers/C-1")
        await two.follow()
        assert two.embedding.remembered() == set()


async def test_erasing_while_others_read_and_write_loses_none_of_theirs(own: Parts, calling: httpx.AsyncClient) -> None:
    await lives(calling, GONE)
    erasing = asyncio.create_task(calling.delete(f"/v1/customers/C-{GONE}"))
    made = [calling.post("/v1/triage", json={"text": f"Wie lange dauert die Lieferung, Nummer {n}?"}) for n in range(30)]
    answers = await asyncio.gather(*made)
    assert (await erasing).status_code == 200
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        assert (await calling.get(f"/v1/triages/{answer.json()['id']}")).content == answer.content


async def test_an_erased_customer_does_not_come_back_with_the_brands_folder(
    settings_in: Any, data_dir: Path, client_on: Any
) -> None:
    async with build_parts(settings_in(data_dir), today=date(2026, 11, 22)) as parts, client_on(parts) as client:
        assert (await client.get("/v1/customers/C-1042")).status_code == 200
        assert (await client.delete("/v1/customers/C-1042")).status_code == 200
    async with build_parts(settings_in(data_dir), today=date(2026, 11, 23)) as parts, client_on(parts) as client:
        assert (await client.get("/v1/customers/C-1043")).status_code == 200
        assert (await client.get("/v1/orders/A-1002")).status_code == 200, "the folder was not read anew"
        assert (await client.get("/v1/customers/C-1042")).status_code == 404
        assert (await client.get("/v1/orders/A-1001")).status_code == 404
        history = await parts.records.known(BRAND, "C-1042", datetime.now(UTC))
        assert (history.customer, history.orders, history.history) == (None, (), ())


@pytest.mark.sqlite
async def test_somebody_without_an_account_is_erased_by_handle(calling: httpx.AsyncClient, data_dir: Path, wrong: Any) -> None:
    stranger = {"text": f"{GONE} was here", "channel": "x", "author": {"handle": f"@{GONE}"}}
    assert (await calling.post("/v1/triage", json=stranger)).status_code == 200
    gone = await calling.delete("/v1/customers", params={"channel": "x", "handle": GONE.lower()})
    assert (gone.status_code, gone.json()["erased"]["triages"]) == (200, 1)
    assert holding(data_dir, [GONE]) == {}
    assert (await calling.delete("/v1/customers", params={"channel": "x", "handle": GONE})).status_code == 404
    linked = await calling.delete("/v1/customers", params={"channel": "instagram", "handle": "@lena"})
    assert linked.status_code == 409
    assert "C-1042" in wrong(linked)["detail"]
    assert (await calling.get("/v1/customers/C-1042")).status_code == 200


async def test_another_brands_customer_of_the_same_id_stays(own: Parts, calling: httpx.AsyncClient) -> None:
    await import_knowledge(own, "other", ['{"id": "opening", "question": "When are you open?", "answer": "We open at nine."}'])
    await own.follow()
    assert (await calling.put("/v1/customers/C-1042", params={"brand": "other"}, json={"name": "Otto"})).status_code == 201
    assert (await calling.delete("/v1/customers/C-1042", params={"brand": BRAND})).status_code == 200
    assert (await calling.get("/v1/customers/C-1042", params={"brand": "other"})).json()["name"] == "Otto"
