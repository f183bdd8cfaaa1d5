"""Orders are their owner's, and a passage is shown to customers only while it holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service import pipeline
from service.imports import import_knowledge
from service.messages import Message, Order, Triage
from service.parts import Parts, build_parts

AT = "2026-11-22T09:00:00Z"


async def made(parts: Parts, text: str, **more: Any) -> Triage:
    return await pipeline.triage(Message.model_validate({"text": text, "received_at": AT} | more), parts)


def shown(triage: Triage) -> list[str]:
    return [order.order_id for order in triage.context.orders]


@pytest.mark.parametrize(
    ("text", "author"),
    [
        ("Wo ist A-1001?", {"customer_id": "C-1043"}),
        ("Wo ist a-1001?", {"handle": "@priyaoutside"}),
        ("Meine Bestellung A-1001 und das Gale Shell", {"customer_id": "C-1043"}),
    ],
)
async def test_a_message_that_names_someone_elses_order_shows_no_order(parts: Parts, text: str, author: dict[str, str]) -> None:
    triage = await made(parts, text, author=author, channel="instagram", visibility="private")
    assert shown(triage) == []
    assert triage.draft is not None
    assert triage.draft.order_fields == ()
    assert not [word for word in ("Skarn", "24. November", "219.0", "219,00", "Lena") if word in triage.model_dump_json()]


async def test_an_order_number_without_a_customer_shows_no_order(parts: Parts) -> None:
    assert shown(await made(parts, "Wo ist A-1001?", channel="instagram")) == []
    assert shown(await made(parts, "Wo ist A-1001?", channel="instagram", author={"name": "Lena Vogt"})) == []


async def test_a_handle_is_linked_on_its_own_channel_only(parts: Parts) -> None:
    assert shown(await made(parts, "Wo ist mein Zelt?", channel="instagram", author={"handle": "@lena"})) == ["A-1001"]
    assert shown(await made(parts, "Wo ist mein Zelt?", channel="instagram", author={"handle": "LENA"})) == ["A-1001"]
    assert shown(await made(parts, "Wo ist mein Zelt?", channel="x", author={"handle": "@lena_v"})) == ["A-1001"]
    for channel, handle in (
        ("x", "@lena"),
        ("instagram", "@lena_v"),
        ("tiktok", "@lena"),
        ("other", "@lena"),
        ("instagram", "@len"),
    ):
        assert shown(await made(parts, "Wo ist mein Zelt?", channel=channel, author={"handle": handle})) == [], (channel, handle)


async def test_a_customer_id_goes_before_a_handle(parts: Parts) -> None:
    author = {"customer_id": "C-1043", "handle": "@lena"}
    assert shown(await made(parts, "Where is my order?", channel="instagram", author=author)) == ["A-1013"]


async def test_a_customer_sees_every_order_of_theirs_and_no_other(parts: Parts) -> None:
    for customer in [f"C-{number}" for number in range(1031, 1051)]:
        triage = await made(parts, "What about my order?", author={"customer_id": customer})
        assert {order.customer_id for order in triage.context.orders} <= {customer}
        known = await parts.records.known("demo", customer, datetime.now(UTC))
        assert len(triage.context.orders) == len(known.orders)
    assert set(shown(await made(parts, "mon colis ?", author={"customer_id": "C-1034"}))) == {"A-1005", "A-1018"}


async def test_a_customer_without_a_record_owns_their_orders(parts: Parts) -> None:
    kept = Order(order_id="A-9001", customer_id="C-unrecorded", status="delayed", due_at="2026-11-25")
    await parts.records.put_brand("demo", None, bought=[kept])
    assert (await parts.records.known("demo", "C-unrecorded", datetime.now(UTC))).customer is None
    assert shown(await made(parts, "where is A-9001?", author={"customer_id": "C-unrecorded"})) == ["A-9001"]
    assert shown(await made(parts, "where is A-9001?", author={"customer_id": "C-1043"})) == []
    assert shown(await made(parts, "where is my parcel?", author={"customer_id": "C-nobody"})) == []


async def test_a_customer_id_is_compared_exactly(parts: Parts) -> None:
    for customer in ("c-1042", "C-1042 ", "C-1042\u200b", "%", "C-104_"):
        assert shown(await made(parts, "Wo ist mein Zelt?", author={"customer_id": customer})) == [], customer


@pytest.fixture(scope="module")
async def shop(settings_in: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parts]:
    """A brand with one FAQ that holds, one that has expired, one that ends today and one for agents."""
    asked = "What is the code for a free garden tour?"
    lines = [
        {"id": "expired", "answer": "The code is EXPIRED.", "valid_until": "2026-11-21"},
        {"id": "today", "answer": "The code is TODAY.", "valid_until": "2026-11-22"},
        {"id": "agents", "answer": "The code is AGENTS.", "audience": "agents"},
        {"id": "open", "answer": "The code is OPEN."},
    ]
    async with build_parts(settings_in(tmp_path_factory.mktemp("shop"), demo=False)) as built:
        report = await import_knowledge(
            built, "shop", [json.dumps(line | {"question": asked, "language": "en"}) for line in lines]
        )
        assert (report.added, report.problems) == (4, [])
        await built.follow()
        yield built


@pytest.mark.parametrize(
    ("at", "found"),
    [("2026-11-22T23:00:00Z", {"today", "open"}), ("2026-11-21T09:00:00Z", {"expired", "today", "open"}),
     ("2026-11-23T00:00:01Z", {"open"})],
)  # fmt: skip
async def test_a_passage_is_shown_while_it_holds_and_one_for_agents_never(shop: Parts, at: str, found: set[str]) -> None:
    triage = await made(shop, "what is the code for a free garden tour?", brand="shop", received_at=at)
    assert {passage.id for passage in triage.context.passages} == found
    assert "AGENTS" not in triage.model_dump_json()
