"""A brand with no FAQ, with a single one, and with FAQs for agents only: what a triage does there, and what it warns of."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from service import pipeline
from service.imports import import_knowledge
from service.messages import Customer, Message, Order, Triage
from service.parts import Parts, build_parts

SHIPPING = {"id": "ship", "question": "Do you ship to Norway?", "answer": "Yes, within five days.", "language": "en"}
SECRET = SHIPPING | {"id": "secret", "answer": "SECRET: by hand.", "audience": "agents"}
UNTOLD = "the brand has no FAQ that a customer may be told"
BRANDS = ("none", "one", "agents")
NONE_TOLD = ("none", "agents")


@pytest.fixture(scope="module")
async def parts_of_three(settings_in: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parts]:
    """The three brands, none of them with a folder; each has a customer with an order."""
    async with build_parts(settings_in(tmp_path_factory.mktemp("three"), demo=False)) as built:
        order = Order(order_id="S-501", customer_id="C-1", status="in_transit", shipped_at="2026-11-20", due_at="2026-11-25")
        for brand in BRANDS:
            await built.records.put_purchases(brand, [order], [Customer(customer_id="C-1", name="Ada Moss")])
        for brand, line in (("one", SHIPPING), ("agents", SECRET)):
            await import_knowledge(built, brand, [json.dumps(line)])
        await built.follow()
        yield built


async def made(parts: Parts, brand: str, text: str, channel: str = "email", **more: Any) -> Triage:
    given = {"text": text, "brand": brand, "channel": channel, "received_at": "2026-11-22T09:00:00Z"} | more
    triage = await pipeline.triage(Message.model_validate(given), parts)
    assert "SECRET" not in triage.model_dump_json()
    assert triage.draft is not None
    assert [check for check in triage.draft.checks if not check.passed] == []
    assert triage.warnings == (("no_knowledge",) if brand in NONE_TOLD else ())
    return triage


def action(triage: Triage) -> str:
    return triage.draft.action if triage.draft else ""


@pytest.mark.parametrize("channel", ["email", "instagram", "google_review", "x"])
@pytest.mark.parametrize("brand", NONE_TOLD)
async def test_a_question_goes_to_a_person_who_is_told_that_there_is_no_faq(
    parts_of_three: Parts, brand: str, channel: str
) -> None:
    triage = await made(parts_of_three, brand, "Do you ship to Norway?", channel)
    assert (action(triage), triage.escalation.escalate, triage.context.passages) == ("handoff", True, ())
    assert [(reason.code, reason.detail) for reason in triage.escalation.reasons] == [("no_grounding", UNTOLD)]
    public = triage.draft.public if triage.draft else None
    assert public is None or "order number" not in public.text, "it would not help"


@pytest.mark.parametrize("channel", ["email", "instagram"])
async def test_a_single_faq_answers_what_it_is_about_and_nothing_else(parts_of_three: Parts, channel: str) -> None:
    asked = await made(parts_of_three, "one", "do you ship to norway", channel)
    assert (action(asked), [one.source for one in asked.draft.citations] if asked.draft else []) == ("reply", ["ship"])
    for text in ("How do I return a bag?", "Is the bag waterproof?", "Kann ich mit PayPal zahlen?"):
        other = await made(parts_of_three, "one", text, channel)
        assert (action(other), other.context.answers) == ("handoff", ((),)), text
        assert [reason.detail for reason in other.escalation.reasons] == ["no passage and no order answers this"]


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("channel", ["email", "instagram", "google_review", "sms"])
@pytest.mark.parametrize(
    "text",
    ["Where is my order?", "Wo ist meine Bestellung?!", "Où est ma commande ?", "Where is my order A-1001?", "Var är min order?",
     "Waar blijft mijn bestelling?", "¿Dónde está mi pedido?"],
)  # fmt: skip
async def test_an_order_is_asked_for_where_it_is_not_known_without_a_handle_or_an_address_too(
    parts_of_three: Parts, brand: str, channel: str, text: str
) -> None:
    triage = await made(parts_of_three, brand, text, channel)
    assert (action(triage), triage.escalation.reasons) == ("ask", ())


@pytest.mark.parametrize("brand", BRANDS)
async def test_what_needs_no_faq_goes_on_as_ever(parts_of_three: Parts, brand: str) -> None:
    assert action(await made(parts_of_three, brand, "thanks, love the bag!", "instagram")) == "reply"
    human = await made(parts_of_three, brand, "I want to talk to a human")
    assert (action(human), human.escalation.reasons[0].code) == ("handoff", "explicit_human_request")
    for channel in ("email", "instagram"):
        mine = await made(parts_of_three, brand, "Where is S-501?", channel, author={"customer_id": "C-1"})
        assert (action(mine), [order.order_id for order in mine.context.orders]) == ("reply", ["S-501"])
        public = mine.draft.public if mine.draft else None
        assert public is None or "private" in public.text


async def test_the_warning_goes_with_the_first_faq_for_customers(parts_of_three: Parts) -> None:
    await import_knowledge(parts_of_three, "late", [json.dumps(SECRET)])
    await parts_of_three.follow()
    asked = Message(text="Do you ship to Norway?", brand="late", language="en")
    assert (await pipeline.triage(asked, parts_of_three)).warnings == ("no_knowledge",)
    await import_knowledge(parts_of_three, "late", [json.dumps(SHIPPING)])
    await parts_of_three.follow()
    assert (await pipeline.triage(asked, parts_of_three)).warnings == ()
    await parts_of_three.records.put_brand("late", None, removed=["ship"])
    await parts_of_three.follow()
    assert (await pipeline.triage(asked, parts_of_three)).warnings == ("no_knowledge",)
