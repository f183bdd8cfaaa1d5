"""Facts that weigh, and reasons that rest on the policy's figures: money at stake, an unanswered conversation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import DEMO, NOW, message, order, understanding

from service.escalate.facts import facts_of, reasons_by_policy
from service.messages import Context, Customer, Message, Order, Reason, Signal, Turn, Understanding

POLICY = DEMO.policy
ANGRY = understanding("frustration")
DEAR = {"total": {"amount": 640.0, "currency": "EUR"}, "status": "lost", "late": False}


def found(given: Understanding = ANGRY, context: Context | None = None, written: Message | None = None) -> dict[str, Reason]:
    reasons = reasons_by_policy(written or message(), given, context or Context(), POLICY)
    assert len({r.code for r in reasons}) == len(reasons)
    return {r.code: r for r in reasons}


def of(*orders: Order, vip: bool = False) -> Context:
    return Context(orders=orders, customer=Customer(customer_id="C-1042", vip=vip))


class TestFacts:
    def test_name_what_holds_with_its_weight(self) -> None:
        given = understanding("frustration", trajectory="rising")
        facts = facts_of(given, of(order(), vip=True), POLICY)
        assert [(f.fact, f.weight, f.detail) for f in facts] == [
            ("late_order", 0.15, "A-1001 was due on 2026-11-18"),
            ("rising", 0.15, "more frustrated than in the turn before"),
            ("vip", 0.2, "on the list of VIP customers"),
        ]

    @pytest.mark.parametrize(
        "given",
        [understanding(), understanding("praise"), understanding("frustration", addressed="not_us")],
        ids=["calm", "praise", "not ours"],
    )
    def test_weigh_nothing_where_nobody_is_frustrated_with_us(self, given: Understanding) -> None:
        facts = facts_of(given, of(order(), vip=True), POLICY)
        assert [(f.fact, f.weight) for f in facts] == [("late_order", 0), ("vip", 0)]

    def test_an_order_that_the_message_is_not_about_is_none(self) -> None:
        assert facts_of(understanding("frustration", topic="technical"), of(order(why="late")), POLICY) == ()
        assert facts_of(understanding("frustration", topic="technical"), of(order(why="number_in_text")), POLICY) != ()


class TestValueAtStake:
    def test_a_dear_order_of_a_frustrated_customer_is_a_large_loss(self) -> None:
        one = found(context=of(order(**DEAR)))["high_value_loss"]
        assert (one.kind, one.evidence, one.detail) == ("soft", "A-1001", "order of 640.00 EUR, lost")

    @pytest.mark.parametrize(
        ("given", "fields"),
        [
            (understanding(), {}),
            (understanding("praise"), {}),
            (understanding("frustration", topic="account"), {"why": "latest"}),
            (ANGRY, {"total": {"amount": 499.99, "currency": "EUR"}}),
            (ANGRY, {"total": {"amount": 90_000.0, "currency": "JPY"}}),
            (ANGRY, {"total": None}),
            (ANGRY, {"status": "refunded"}),
        ],
        ids=["calm", "praise", "about something else", "less", "a currency without an amount", "no total", "money back"],
    )
    def test_anything_else_is_none(self, given: Understanding, fields: dict[str, Any]) -> None:
        assert "high_value_loss" not in found(given, of(order(**DEAR | fields)))

    @pytest.mark.parametrize(("at", "status", "expected"), [
        ("2026-11-18", "pending", True), ("2026-11-22", "pending", True), ("2026-11-23", "pending", False),
        ("2026-11-18", "done", False), (None, "pending", False),
    ])  # fmt: skip
    def test_so_is_a_promised_refund_that_is_due(self, at: str | None, status: str, expected: bool) -> None:
        refund = {"amount": 512.5, "currency": "EUR", "at": at, "status": status}
        reasons = found(context=of(order(status="refund_pending", refund=refund)))
        assert ("high_value_loss" in reasons) is expected
        if expected:
            assert reasons["high_value_loss"].detail == f"refund of 512.50 EUR due on {at}"


class TestConversation:
    def written(self, *turns: tuple[str, str, float | None], **fields: Any) -> Message:
        thread = tuple(
            Turn(role=role, text=text, at=None if hours is None else NOW - timedelta(hours=hours))  # type: ignore[arg-type]
            for role, text, hours in turns
        )
        return message(thread=thread, **fields)

    def test_an_answer_that_was_due_long_ago_makes_a_repeated_contact(self) -> None:
        one = found(written=self.written(("customer", "Wo bleibt mein Paket?", 30), ("customer", "Hallo?", 2)))["repeat_contact"]
        assert (one.evidence, one.detail) == ("Wo bleibt mein Paket?", "no answer since 2026-11-21")

    @pytest.mark.parametrize(
        ("turns", "fields"),
        [
            ((("customer", "Wo bleibt mein Paket?", 23),), {}),
            ((("customer", "Wo bleibt mein Paket?", 30), ("brand", "Wir schauen nach.", 29)), {}),
            ((("customer", "Wo bleibt mein Paket?", None),), {}),
            ((("customer", "Wo ist mein Paket?", 30),), {}),
        ],
        ids=["still in time", "answered", "at a time nobody knows", "the message itself"],
    )
    def test_otherwise_an_earlier_turn_is_none(self, turns: Any, fields: dict[str, Any]) -> None:
        assert "repeat_contact" not in found(written=self.written(*turns, **fields))

    def test_the_targets_of_the_channel_count(self) -> None:
        two_hours = (("customer", "Wo bleibt mein Paket?", 2.0),)
        assert "repeat_contact" in found(written=self.written(*two_hours, channel="x"))
        assert "repeat_contact" not in found(written=self.written(*two_hours, channel="trustpilot"))

    @pytest.mark.parametrize(
        ("code", "detail"),
        [("repeat_in_thread", "said earlier in the conversation"), ("complained_before", "third complaint of the conversation")],
    )
    def test_what_was_said_before_counts_for_a_customer_who_is_still_frustrated(self, code: str, detail: str) -> None:
        signal = Signal(code=code, evidence="zum dritten Mal")
        one = found(understanding("frustration", signals=[signal]))["repeat_contact"]
        assert (one.evidence, one.detail) == ("zum dritten Mal", detail)
        for calm in (understanding(signals=[signal]), understanding("praise", signals=[signal])):
            assert "repeat_contact" not in found(calm)
