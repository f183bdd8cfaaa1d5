"""What else may help: at most two products or help articles that fit the message and what the customer has bought."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from service.catalogue import Product
from service.knowledge import Entry
from service.messages import Message, Order, Suggestion, Understanding

MOST = 2
FITS = 0.6  # relevance from which a product counts as what the message asks for
TOPICS = frozenset({"product", "offers", "other"})  # of messages in which a product is not out of place

HELPFUL = TOPICS | {"warranty"}  # of messages whose agent may want to read about a product's care


def suggestions(
    message: Message,
    understanding: Understanding,
    catalogue: Sequence[Product],
    orders: Sequence[Order],
    hits: Iterable[tuple[str, float]],
    used: Iterable[str],
    entry: Callable[[str], Entry | None],
) -> tuple[Suggestion, ...]:
    """Suggestions, the best first; `hits` are product ids with their relevance, `used` ids of the passages already there.

    `entry` finds an entry by "faq-return-item" or "product-skarn-2" in the customer's language. A product that goes with
    what the message names, or with what it is about, comes first; then what fits the question; then help for owners.
    """
    if understanding.has("frustration") or not catalogue:
        products: list[tuple[Product, str, bool]] = []
    else:
        products = _products(message, understanding, catalogue, orders, hits)
    articles = _articles(message, understanding, catalogue, orders)
    found: list[Suggestion] = []
    for product, why, personal in products:
        if text := entry(f"product-{product.id}"):
            found.append(Suggestion(id=f"product-{product.id}", title=text.title, why=why, personal=personal))
    helping: list[Suggestion] = []
    for name, why, personal in articles:
        if (text := entry(f"faq-{name}")) and text.id not in used:
            helping.append(Suggestion(id=text.id, title=text.title, why=why, kind="help", url=text.url, personal=personal))
    return (*found[: MOST - 1], *helping[:1], *found[MOST - 1 :], *helping[1:])[:MOST]


def asks_for_product(understanding: Understanding, catalogue: Sequence[Product]) -> bool:
    """Whether products are worth a search: a question about one, from somebody who has no cause to complain."""
    asks = understanding.topic.label == "product" and understanding.has("information_seeking")
    return asks and bool(catalogue) and not understanding.has("frustration")


def named(text: str, catalogue: Iterable[Product]) -> list[Product]:
    """The products whose name stands in the text."""
    flat = text.casefold()
    return [p for p in catalogue if len(p.name) > 3 and re.search(rf"(?<!\w){re.escape(p.name.casefold())}(?!\w)", flat)]


def _products(
    message: Message,
    understanding: Understanding,
    catalogue: Sequence[Product],
    orders: Sequence[Order],
    hits: Iterable[tuple[str, float]],
) -> list[tuple[Product, str, bool]]:
    if understanding.topic.label not in TOPICS and understanding.label != "praise":
        return []
    by_id = {product.id: product for product in catalogue}
    said = named(message.content, catalogue)
    owned = _owned(orders, catalogue)
    have = {product.id for product in (*said, *owned)}
    found: dict[str, tuple[Product, str, bool]] = {}
    for product, personal in (*((p, False) for p in said), *((p, True) for p in owned[:1] if not said)):
        for other in product.goes_with:
            if other not in have:
                found.setdefault(other, (by_id[other], f"goes with {product.name}", personal))
    if asks_for_product(understanding, catalogue) and not said:
        for name, score in hits:
            if score >= FITS and name in by_id and name not in have:
                found.setdefault(name, (by_id[name], "fits what is asked for", False))
    return list(found.values())


def _articles(
    message: Message, understanding: Understanding, catalogue: Sequence[Product], orders: Sequence[Order]
) -> list[tuple[str, str, bool]]:
    if understanding.topic.label not in HELPFUL:
        return []
    said = named(message.content, catalogue)
    about = said or _owned(orders[:1], catalogue)
    return [(name, f"help for {product.name}", not said) for product in about for name in product.help]


def _owned(orders: Iterable[Order], catalogue: Iterable[Product]) -> list[Product]:
    by_sku = {product.sku: product for product in catalogue if product.sku}
    skus = dict.fromkeys(item.sku for order in orders for item in order.items if item.sku)
    return [by_sku[sku] for sku in skus if sku in by_sku]
