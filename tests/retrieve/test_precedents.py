"""Approved replies come back beside messages that ask the same, for the same brand, without anybody's personal data."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from builders import TODAY

from service import pipeline, precedents
from service.draft.facts import order_values
from service.imports import import_knowledge
from service.masking import LEAST_NAME, PARTICLES
from service.messages import Customer, Feedback, Message, Order, Triage
from service.parts import Parts, build_parts

ASKED = "Habt ihr in Göteborg einen Laden, in dem ich die Zelte ansehen kann?"
ALIKE = "Gibt es in Göteborg ein Geschäft, wo man eure Zelte anschauen kann?"
OTHER = "Ich habe mein Passwort vergessen und komme nicht mehr in mein Konto."
REPLY = "Hallo Priya, in Göteborg haben wir leider keinen Laden. Ausgestellt sind die Zelte in Groningen. Grüße, Tom"
MASKED = "Hallo [name], in Göteborg haben wir leider keinen Laden. Ausgestellt sind die Zelte in Groningen. Grüße, [name]"
PRIYA, LENA = {"customer_id": "C-1043"}, {"customer_id": "C-1042"}


@pytest.fixture
async def own(settings_in: Any, data_dir: Path) -> AsyncIterator[Parts]:
    async with build_parts(settings_in(data_dir), today=TODAY) as parts:
        yield parts


@pytest.fixture
async def calling(own: Parts, client_on: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with client_on(own) as client:
        yield client


async def made(parts: Parts, text: str, author: dict[str, str] | None = None, **more: Any) -> Triage:
    given = {"text": text, "channel": "whatsapp", "author": author or {}} | more
    return await pipeline.triage(Message.model_validate(given), parts)


async def approved(parts: Parts, text: str = ASKED, reply: str = REPLY, author: dict[str, str] = PRIYA, **more: Any) -> str:
    """The id of a triage whose reply was sent by Tom and approved."""
    triage = await made(parts, text, author, **more)
    given = Feedback(action="edited", text=reply, agent="Tom")
    entry = await precedents.prepared(parts, triage.id, given)
    await parts.records.feedback.put(triage.id, given)
    await parts.records.put_precedent(entry)
    await parts.follow()
    return triage.id


async def texts(parts: Parts, text: str = ALIKE, **more: Any) -> list[str]:
    return [one.text for one in (await made(parts, text, LENA, **more)).context.precedents]


async def test_an_approved_reply_comes_back_masked_with_its_language_and_likeness(own: Parts) -> None:
    triage_id = await approved(own)
    (found,) = (await made(own, ALIKE, LENA)).context.precedents
    assert (found.triage_id, found.text, found.language) == (triage_id, MASKED, "de")
    assert 0.5 <= found.score < 1


async def test_a_reply_is_used_only_after_its_approval(own: Parts) -> None:
    triage = await made(own, ASKED, PRIYA)
    await own.records.feedback.put(triage.id, Feedback(action="edited", text=REPLY, agent="Tom"))
    await own.follow()
    assert await texts(own) == []


async def test_a_message_about_something_else_gets_none(own: Parts) -> None:
    await approved(own)
    assert await texts(own, OTHER) == []


async def test_replies_in_the_customers_language_come_first_and_others_say_theirs(own: Parts) -> None:
    await approved(own, ALIKE, "Hello Priya, there is no shop in Gothenburg, I'm afraid.", language="en")
    await approved(own)
    found = (await made(own, ALIKE, LENA)).context.precedents
    assert [(one.language, one.score) for one in found] == [("de", found[0].score), ("en", pytest.approx(1, abs=0.01))]
    assert found[0].score < found[1].score, "the nearer one is in another language"
    english = (await made(own, "Is there a shop in Gothenburg where I can see the tents?", LENA)).context.precedents
    assert [one.language for one in english] == ["en", "de"]


async def test_at_most_three_are_shown_and_no_text_twice(own: Parts) -> None:
    for number in range(5):
        await approved(own, reply=f"Nein, in Göteborg gibt es keinen Laden.{' Leider!' * (number // 2)}")
    assert sorted(await texts(own)) == [f"Nein, in Göteborg gibt es keinen Laden.{' Leider!' * n}" for n in range(3)]
    await approved(own, reply="Noch einer.")
    assert len(await texts(own)) == 3


async def test_another_brands_replies_are_not_shown(own: Parts) -> None:
    await import_knowledge(own, "other", ['{"id": "hours", "question": "When are you open?", "answer": "We open at nine."}'])
    await own.follow()
    await approved(own)
    assert await texts(own, brand="other") == []
    await approved(own, brand="other", reply="Von other.")
    assert await texts(own, brand="other") == ["Von other."]
    assert await texts(own) == [MASKED]


async def test_a_draft_is_the_same_with_and_without_them(own: Parts) -> None:
    at = {"received_at": "2026-11-22T09:00:00Z", "id": "m-1"}
    before = await made(own, ALIKE, LENA, **at)
    await approved(own)
    after = await made(own, ALIKE, LENA, **at)
    assert after.context.precedents
    assert after.draft == before.draft
    assert after.escalation == before.escalation


async def test_a_removed_one_is_forgotten_and_the_next_start_does_not_know_it(own: Parts, settings_in: Any) -> None:
    kept, gone = await approved(own), await approved(own, reply="Der zweite.")
    assert sorted(await texts(own)) == ["Der zweite.", MASKED]
    assert await own.records.remove_precedents([gone], "other") == 0
    assert await own.records.remove_precedents([gone, "tri_none"], "demo") == 1
    await own.follow()
    assert await texts(own) == [MASKED]
    async with build_parts(settings_in(own.settings.data_dir), today=TODAY) as again:
        assert [one.triage_id for one in (await made(again, ALIKE, LENA)).context.precedents] == [kept]


async def test_with_another_embedders_vector_it_waits_for_a_refit(own: Parts) -> None:
    await approved(own)
    ((at, stored),) = await own.records.precedents("demo")
    other = replace(stored, embedder="another", vectors=np.zeros((1, 8), np.float32))
    await own.records.put_precedent(other, at)
    await own.follow()
    assert await texts(own) == []
    assert (await own.records.precedents("demo"))[0][0] == at


class TestFeedback:
    async def send(self, client: httpx.AsyncClient, triage_id: str, **given: Any) -> httpx.Response:
        return await client.post(f"/v1/triages/{triage_id}/feedback", json=given)

    async def test_approves_and_says_how_the_reply_will_be_seen(self, own: Parts, calling: httpx.AsyncClient) -> None:
        triage = await made(own, ASKED, PRIYA)
        plain = await self.send(calling, triage.id, action="edited", text=REPLY, agent="Tom")
        assert plain.json()["precedent"] is None
        response = await self.send(calling, triage.id, action="edited", text=REPLY, agent="Tom", approve=True)
        assert (response.status_code, response.json()["precedent"]) == (201, MASKED)
        await own.follow()
        assert await texts(own) == [MASKED]

    async def test_approves_the_draft_as_it_was_where_it_was_accepted(self, own: Parts, calling: httpx.AsyncClient) -> None:
        for more, kind in (({}, "private"), ({"channel": "instagram"}, "public")):
            triage = await made(own, "Wie wasche ich eine Daunenjacke?", {}, **more)
            assert triage.draft is not None
            text = getattr(triage.draft, kind).text
            response = await self.send(calling, triage.id, action="accepted", approve=True)
            assert response.json()["precedent"] == text

    async def test_a_rejection_takes_it_back(self, own: Parts, calling: httpx.AsyncClient) -> None:
        triage_id = await approved(own)
        assert (await self.send(calling, triage_id, action="rejected", approve=True)).status_code == 422
        assert (await self.send(calling, triage_id, action="accepted")).status_code == 201
        assert await own.records.precedents("demo")
        assert (await self.send(calling, triage_id, action="rejected")).status_code == 201
        await own.follow()
        assert await texts(own) == []

    @pytest.mark.parametrize(
        "message",
        [{"text": "@nina schau mal 😍", "channel": "instagram"}, {"text": ASKED, "options": {"draft": False}}],
        ids=["a message that wants no answer", "no draft was asked for"],
    )
    async def test_approving_nothing_is_refused_and_kept_nowhere(
        self, own: Parts, calling: httpx.AsyncClient, wrong: Any, message: dict[str, Any]
    ) -> None:
        triage_id = (await calling.post("/v1/triage", json=message)).json()["id"]
        response = await self.send(calling, triage_id, action="accepted", approve=True)
        assert response.status_code == 422
        assert wrong(response)["errors"][0]["pointer"] == "/text"
        assert await own.records.feedback.of(triage_id) == []


def values_of(customer: Customer, orders: list[Order]) -> set[str]:
    """Everything the record of a customer says that could be told to somebody else."""
    found = {customer.customer_id, customer.email or "", *customer.handles.values(), customer.name or ""}
    found |= {handle.lstrip("@") for handle in customer.handles.values()}
    found |= {part for part in (customer.name or "").split() if len(part) >= LEAST_NAME} - PARTICLES
    for order in orders:
        found |= {order.order_id, order.order_id.removeprefix("A-"), order.tracking or ""}
        for language in ("en", "de", "nl", "sv", "fr", "es"):
            told, _ = order_values(order, language)
            found |= {value for name, value in told.items() if name != "order"}
        found |= {f"{order.total.amount:.2f}", f"{order.total.amount:.2f}".replace(".", ",")} if order.total else set()
    return found - {""}


def reply_with(values: set[str], number: int) -> str:
    """A careless reply: every value of the record in it, in an order and among words that change with `number`."""
    rng = np.random.default_rng(number)
    told = [str(value) for value in rng.permutation(sorted(values))]
    joints = [", ", " (", ") und ", ": ", "\n", " – ", "; "]
    text = "In Göteborg gibt es keinen Laden. " + "".join(value + str(rng.choice(joints)) for value in told)
    return [text, text.lower(), text.upper()][number % 3] + "."


async def test_no_value_of_a_record_is_told_to_another_customer(own: Parts) -> None:
    """Of each customer of the demo in turn all of the record is in a reply that is approved, and another customer asks."""
    lines = (Path(__file__).parents[2] / "knowledge/demo/customers.jsonl").read_text(encoding="utf-8").splitlines()
    customers = [Customer.model_validate(json.loads(line)) for line in lines if line.strip()]
    assert len(customers) > 50
    before = datetime.now(UTC)
    for number, customer in enumerate(customers):
        known = await own.records.known("demo", customer.customer_id, before)
        values = values_of(customer, list(known.orders))
        reply = reply_with(values, number)
        author = {
            "customer_id": customer.customer_id,
            "handle": next(iter(customer.handles.values()), "@x"),
            "name": customer.name,
        }
        triage_id = await approved(own, reply=reply, author={k: v for k, v in author.items() if v})
        other = customers[(number + 7) % len(customers)]
        triage = await made(own, ALIKE, {"customer_id": other.customer_id})
        (found,) = triage.context.precedents
        assert found.text.lower().startswith("in göteborg gibt es keinen laden")
        left = [value for value in values if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", found.text, re.IGNORECASE)]
        assert left == [], (customer.customer_id, left, found.text)
        stored = triage.context.model_dump_json(exclude={"orders", "history", "passages", "suggestions"})
        assert customer.customer_id not in stored
        await own.records.remove_precedents([triage_id])
        await own.follow()
