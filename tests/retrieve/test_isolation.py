"""Two brands with the same FAQs, orders and customers on one installation: neither ever sees a point of the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_server import qdrant_server

from service import pipeline
from service.knowledge import Kind
from service.messages import Customer, Message, Order
from service.parts import Parts, build_parts
from service.retrieve import index
from service.retrieve.index import Point

OTHER = "other"
TODAY = date(2026, 11, 22)
FAQS = ("late-parcel", "refund-time", "delivery-times")
QUERIES = st.sampled_from(
    ["Wo bleibt mein Paket?", "quand serai-je remboursée", "how long is delivery", "¿y mi dinero?", "hm"]
) | st.text(min_size=1, max_size=60).filter(lambda text: bool(text.strip("\x00 \n\t")))  # fmt: skip


@pytest.fixture(scope="module", params=["embedded", "qdrant"])
async def two(
    request: pytest.FixtureRequest, settings_in: Any, tmp_path_factory: pytest.TempPathFactory, parts: Parts
) -> AsyncIterator[Parts]:
    """An installation with `one` and `other`: the demo's FAQs about parcels and money, with ids that tell them apart."""
    with qdrant_server() if request.param == "qdrant" else nullcontext() as server:
        more = server.settings("rest") if server else {}
        async with build_parts(settings_in(tmp_path_factory.mktemp("two"), demo=False, **more), today=TODAY) as built:
            await _fill(built, parts)
            assert built.index.trouble is None
            assert type(built.index).__name__.lower().startswith(request.param)
            yield built


async def _fill(built: Parts, parts: Parts) -> None:
    faqs = [one for one in await parts.records.faqs("demo") if one.content.entry in FAQS]
    assert len(faqs) == 18
    for brand in ("one", OTHER):
        rows = [
            replace(
                one,
                brand=brand,
                content=one.content.model_copy(update={"id": f"{brand}.{one.content.id}", "origin": "import"}),
            )
            for one in faqs
        ]
        await built.records.put_brand(brand, None, upserts=rows)
        order = Order(order_id="A-1001", customer_id="C-1", status="in_transit", note=f"of {brand}")
        person = Customer(customer_id="C-1", name=brand, handles={"instagram": "@lena"})
        await built.records.put_purchases(brand, [order], [person])
    await built.follow()


async def strangers(parts: Parts, brand: str, query: str, language: str | None) -> list[str]:
    """Ids of another brand among what a search of `brand` finds in the index and shows."""
    vector = parts.heads.centred_queries(await parts.embedding.queries([query]))[0]
    hits = [hit.entry_id for hit in await parts.index.search(parts.heads.ranked(vector), brand, "faq", 200)]
    shown = [passage.id for passage in await parts.passages.search(brand, vector, language, 20, TODAY)]
    nearest = [passage.id for passage in await parts.passages.nearest(brand, vector, language, 20, TODAY)]
    assert hits
    assert nearest
    return [found for found in (*hits, *shown, *nearest) if not found.startswith(f"{brand}.")]


@given(query=QUERIES, brand=st.sampled_from(["one", OTHER]), language=st.sampled_from([None, "de", "fr"]))
@settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
async def test_a_search_never_finds_a_point_of_another_brand(two: Parts, query: str, brand: str, language: str | None) -> None:
    assert await strangers(two, brand, query, language) == []


async def test_without_the_brand_filter_that_check_fails(two: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = index.only_brand
    assert await strangers(two, "one", "Wo bleibt mein Paket?", None) == []

    def any_brand(brand: str, kind: Kind) -> dict[str, str]:
        return {field: value for field, value in whole(brand, kind).items() if field != "brand"}

    monkeypatch.setattr(index, "only_brand", any_brand)
    assert any(found.startswith(f"{OTHER}.") for found in await strangers(two, "one", "Wo bleibt mein Paket?", None))


@pytest.mark.parametrize("brand", ["one", OTHER])
async def test_a_triage_shows_its_own_brands_passages_orders_and_customer(two: Parts, brand: str) -> None:
    message = Message(text="Wo bleibt mein Paket A-1001?", brand=brand, channel="instagram", author={"handle": "@lena"})
    made = await pipeline.triage(message, two)
    assert made.context.passages
    assert all(passage.id.startswith(f"{brand}.") for passage in made.context.passages)
    assert [order.note for order in made.context.orders] == [f"of {brand}"]
    assert made.context.customer is not None
    assert made.context.customer.name == brand


async def test_history_stays_within_the_brand(two: Parts) -> None:
    for brand in ("one", OTHER):
        author = {"customer_id": "C-history"}
        await pipeline.triage(Message(text="first", brand=brand, author=author, received_at="2026-11-20T09:00:00Z"), two)
    made = await pipeline.triage(Message(text="again", brand="one", author=author, received_at="2026-11-22T09:00:00Z"), two)
    assert len(made.context.history) == 1


async def test_removing_a_faq_of_one_brand_leaves_the_others(two: Parts) -> None:
    vector = np.eye(1, two.embedding.embedder.dimension, dtype=np.float32)[0]
    for brand in ("one", OTHER):
        await two.index.put([Point(brand, "same-id", "product", 0, vector)])
    await two.index.remove("one", ["same-id"])
    assert await two.index.search(vector, "one", "product", 5) == []
    assert [hit.entry_id for hit in await two.index.search(vector, OTHER, "product", 5)] == ["same-id"]
    assert await two.index.search(vector, OTHER, "macro", 5) == []
