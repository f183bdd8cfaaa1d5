"""A customer's order is found by what customers call the thing, in any language and form of the word."""

from __future__ import annotations

from pathlib import Path

import pytest

from service import pipeline
from service.catalogue import read_catalogue, read_kinds
from service.messages import Message, Order
from service.parts import Parts
from service.retrieve.named_products import kind_words, names_product, of_the_kind

DEMO = Path(__file__).parents[2] / "knowledge" / "demo"
KINDS = read_kinds(DEMO, read_catalogue(DEMO))
SKUS = {"tent": "TT-2041", "down bag": "TT-2326", "lights": "TT-5216", "chair": "TT-5416", "socks": "TT-4216", "stove": "TT-6040"}


def orders(*things: str) -> list[Order]:
    return [
        Order.model_validate(
            {"order_id": thing, "customer_id": "C-1", "status": "delivered", "items": [{"name": "Plain", "sku": SKUS[thing]}]}
        )
        for thing in things
    ]


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("Mein Schlafsack ist immer noch nicht da!", "down bag"),
        ("Var är sovsäcken?", "down bag"),
        ("ljusslingorna blinkar inte längre", "lights"),
        ("Two of the chairs have bent legs", "chair"),
        ("einer der Stühle wackelt", "chair"),
        ("Die Socken kratzen so", "socks"),
        ("der Kocher zündet nicht", "stove"),
        ("la tienda llegó rota", "tent"),
        ("Waar blijft mijn tent??", "tent"),
        ("ma guirlande ne s'allume plus", "lights"),
        ("Das 2-Personen-Zelt leckt", "tent"),
    ],
)
def test_the_order_of_the_thing_is_meant(text: str, thing: str) -> None:
    assert of_the_kind(orders(*SKUS), text, KINDS) == {thing}


def test_a_message_that_names_no_thing_means_no_order_more_than_another() -> None:
    assert of_the_kind(orders(*SKUS), "Where is my order? It was due on Monday", KINDS) == frozenset()
    assert of_the_kind(orders("tent"), "my tent", {}) == frozenset()


def test_the_noun_of_a_phrase_tells_the_kind() -> None:
    assert kind_words(["sleeping bag for two", "leichter Schlafsack"], "en") == {"schlafsack"}
    assert kind_words(["saco de dormir", "petite lampe"], "fr") == {"saco", "lampe"}


def test_a_name_is_found_with_a_typo_and_only_where_it_is_long_enough() -> None:
    (order,) = orders("tent")
    named = order.model_copy(update={"items": (order.items[0].model_copy(update={"name": "Skarn Two"}),)})
    assert names_product(named, "my SKARM two leaks")
    assert not names_product(named, "my tent leaks")
    short = order.model_copy(update={"items": (order.items[0].model_copy(update={"name": "Sk"}),)})
    assert not names_product(short, "Sk sk sk")


async def test_of_two_things_of_a_kind_the_one_whose_price_is_named_is_meant(parts: Parts) -> None:
    text = "Dicen que me entregaron la chaqueta y no estaba en casa. 189 euros tirados"
    message = Message.model_validate(
        {"text": text, "channel": "webchat", "author": {"customer_id": "C-1069"}, "received_at": "2026-11-22T09:00:00Z"}
    )
    triage = await pipeline.triage(message, parts)
    first = triage.context.orders[0]
    assert (first.order_id, first.why) == ("A-1054", "amount_in_text")


async def test_nobody_who_complains_is_answered_with_an_offer(parts: Parts) -> None:
    text = "C'est une honte, je commande un Fell 65 et vous annulez. Et mes sous, ils sont où ?"
    message = Message.model_validate({"text": text, "channel": "webchat", "received_at": "2026-11-22T09:00:00Z"})
    triage = await pipeline.triage(message, parts)
    assert triage.understanding.has("frustration")
    assert triage.draft is not None
    assert "%" not in triage.draft.private.text  # type: ignore[union-attr]
