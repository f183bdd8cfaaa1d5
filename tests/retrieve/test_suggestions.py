"""Suggestions: what goes with what a customer names or has, help for owners, and never a product to somebody cross."""

from __future__ import annotations

import pytest
from builders import DEMO, message, order, understanding

from service.knowledge import Entry
from service.messages import Order, Suggestion, Understanding
from service.retrieve.suggestions import MOST, named, suggestions

ASKING = understanding("information_seeking", "en", topic="product")
TENT = order(items=[{"name": "Skarn 2", "sku": "TT-2041", "price": 219.0}], why="latest")


def entry(name: str) -> Entry | None:
    kind = "product" if name.startswith("product-") else "faq"
    return Entry(
        id=f"{name}-en", kind=kind, entry=name, language="en", topic=None, title=name, answer="a", url="https://x.example"
    )


def found(
    text: str,
    what: Understanding = ASKING,
    orders: tuple[Order, ...] = (),
    hits: tuple[tuple[str, float], ...] = (),
    used: tuple[str, ...] = (),
) -> tuple[Suggestion, ...]:
    return suggestions(message(text), what, DEMO.catalogue, orders, hits, used, entry)


def test_what_goes_with_a_named_product_comes_first_then_help_for_it() -> None:
    product, article = found("Is the Skarn 2 waterproof?")
    assert (product.id, product.why, product.kind, product.personal) == (
        "product-drift-mat",
        "goes with Skarn 2",
        "product",
        False,
    )
    assert (article.id, article.why, article.kind, article.url) == (
        "faq-tent-care-en",
        "help for Skarn 2",
        "help",
        "https://x.example",
    )


def test_what_was_bought_counts_where_nothing_is_named_and_is_personal() -> None:
    product = found("What mat would you take with it?", orders=(TENT,))[0]
    assert (product.why, product.personal) == ("goes with Skarn 2", True)


def test_nothing_that_the_customer_has_is_suggested() -> None:
    both = TENT.model_copy(update={"items": (*TENT.items, order(items=[{"name": "Drift Mat", "sku": "TT-2210"}]).items[0])})
    ids = [s.id for s in found("Is the Skarn 2 waterproof?", orders=(both,))]
    assert "product-drift-mat" not in ids
    assert any(name.startswith("product-") for name in ids)


def test_what_fits_the_question_where_it_is_near_enough() -> None:
    assert [s.id for s in found("a warm blanket for the sofa?", hits=(("birk-blanket", 0.7), ("ember-lamp", 0.3)))] == [
        "product-birk-blanket"
    ]
    assert found("a warm blanket for the sofa?", hits=(("birk-blanket", 0.4),)) == ()


@pytest.mark.parametrize("what", [
    understanding("frustration", "en", topic="product"),
    understanding("information_seeking", "en", topic="product", also=("frustration",)),
    understanding("information_seeking", "en", topic="refund"),
])  # fmt: skip
def test_no_product_for_the_cross_or_where_money_is_the_matter(what: Understanding) -> None:
    assert [s for s in found("My Skarn 2!", what, orders=(TENT,)) if s.kind == "product"] == []


def test_an_article_that_is_in_the_context_is_not_suggested_again() -> None:
    assert [s.id for s in found("Skarn 2?", used=("faq-tent-care-en",)) if s.kind == "help"] == ["faq-spare-parts-en"]


def test_never_more_than_two() -> None:
    for text in ("Skarn 2 or Skarn 3 or Fell 45 or Moor Mid?", "Gale Shell and Brae Down?"):
        assert len(found(text)) == MOST == 2


def test_a_name_is_a_whole_word() -> None:
    assert [p.id for p in named("my SKARN 2, not skarn 22", DEMO.catalogue)] == ["skarn-2"]
