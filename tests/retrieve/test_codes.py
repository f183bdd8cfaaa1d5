"""Messages with codes of models, faults and parts find the FAQs that hold them, in a brand with a single language."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from service import pipeline
from service.imports import import_knowledge
from service.messages import Customer, Message, Order, Triage
from service.order_numbers import plain
from service.parts import Parts, build_parts
from service.yaml_files import load_yaml

GIVEN: dict[str, Any] = load_yaml(Path(__file__).with_name("codes.yaml").read_text(encoding="utf-8"))
FIRST = 0.9  # of the messages, the right FAQ first; .87 where codes are words like any other


@pytest.fixture(scope="module")
async def lights(settings_in: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parts]:
    """The brand of codes.yaml with a customer who has bought an X200, and another one."""
    async with build_parts(settings_in(tmp_path_factory.mktemp("lights"), demo=False)) as built:
        report = await import_knowledge(built, "lights", [json.dumps(faq | {"language": "en"}) for faq in GIVEN["faqs"]])
        assert report.problems == []
        people = [Customer(customer_id="C-1"), Customer(customer_id="C-2")]
        bought = [Order(order_id=number, customer_id=customer, status="placed", placed_at="2026-11-20")
                  for number, customer in (("L-401", "C-1"), ("L-402", "C-2"), ("X300", "C-2"))]  # fmt: skip
        await built.records.put_purchases("lights", bought, people)
        await built.follow()
        yield built


async def made(parts: Parts, text: str, customer: str | None = None) -> Triage:
    author = {"customer_id": customer}
    given = {"text": text, "brand": "lights", "language": "en", "author": author, "received_at": "2026-11-22T09:00:00Z"}
    return await pipeline.triage(Message.model_validate(given), parts)


async def test_the_right_faq_is_first_for_nine_in_ten_messages(lights: Parts) -> None:
    wrong = {}
    for query in GIVEN["queries"]:
        found = [passage.id for passage in (await made(lights, query["text"])).context.passages]
        if found[:1] != [name for name in found[:1] if name in query["right"]] or not found:
            wrong[query["text"]] = found
    assert len(wrong) <= (1 - FIRST) * len(GIVEN["queries"]) + 1e-9, wrong


async def test_what_comes_first_holds_a_code_of_the_message(lights: Parts) -> None:
    for query in GIVEN["queries"]:
        codes = lights.passages.codes("lights", query["text"])
        first = next(iter((await made(lights, query["text"])).context.passages), None)
        held = plain(f"{first.title} {first.text}") if first else ""
        assert not codes or any(code in held for code in codes), query["text"]


async def test_a_code_alone_answers_no_question_that_nothing_answers(lights: Parts) -> None:
    answered = [text for text in GIVEN["unanswered"] if any((await made(lights, text)).context.answers)]
    assert len(answered) <= 1, answered


async def test_a_model_is_no_order_number(lights: Parts) -> None:
    triage = await made(lights, "does the X200 fit the T-15 mount?")
    assert triage.draft is not None
    assert (triage.draft.action, [one.source for one in triage.draft.citations]) == ("reply", ["fit-x200"])
    asked = await made(lights, "where is my X200?", "C-1")
    assert [order.order_id for order in asked.context.orders] == ["L-401"]
    assert (await made(lights, "where is X999?", "C-1")).draft.action == "ask"  # type: ignore[union-attr]


async def test_an_order_that_is_called_like_a_model_is_its_owners(lights: Parts) -> None:
    assert (await made(lights, "where is X300?", "C-2")).context.orders[0].order_id == "X300"
    assert "X300" not in [order.order_id for order in (await made(lights, "where is X300?", "C-1")).context.orders]
    assert (await made(lights, "where is L-402?", "C-1")).context.orders == ()
