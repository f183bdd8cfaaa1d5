"""What a draft answers and what of an order it tells: a question is answered, an order's state stands where it matters."""

from __future__ import annotations

from typing import Any

import pytest
from builders import DEMO, LANGUAGES, PHRASES, escalation, message, order, passage, understanding

from service.draft.answering import LIKELY, answering
from service.draft.plan import plan
from service.draft.write import compose
from service.messages import Context, Message, Order, Passage, PastTriage, Understanding

TODAY = {"due_at": "2026-11-24", "promised_at": "2026-11-24"}  # on time
BACK = {"amount": 79, "currency": "EUR", "at": "2026-11-18", "status": "done"}
DUE = BACK | {"at": "2026-11-26", "status": "pending"}


def asked(*passages: Passage, orders: tuple[Order, ...] = (), **fields: Any) -> Context:
    """One question that these passages answer, the best first."""
    return Context(passages=passages, answers=(passages,), orders=orders, **fields)


def drafted(context: Context, what: Understanding, said: Message | None = None) -> str:
    language = what.language.code
    found, _ = compose(said or message(channel="webchat"), what, context, escalation(), DEMO, PHRASES)
    assert found.private is not None
    assert "draft_replaced_by_holding_text" not in found.warnings, (language, found.checks)
    return found.private.text


class TestQuestions:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_question_about_something_else_is_answered_and_the_parcel_left_out(self, language: str) -> None:
        answer = passage("invoice-copy", language, score=0.6)
        text = drafted(asked(answer, orders=(order(),)), understanding(language=language, topic="payment"))
        assert answer.text in text or any(wording in text for wording in answer.wordings)
        assert "A-1001" not in text

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_change_is_answered_with_how_far_the_order_is(self, language: str) -> None:
        answer = passage("change-or-cancel-order", language, score=0.5)
        packed = order(status="packed", shipped_at=None, late=False, **TODAY)
        text = drafted(asked(answer, orders=(packed,)), understanding(language=language, topic="order"))
        assert "A-1001" in text
        assert "30" in text, "what is packed can be sent back"

    def test_a_complaint_hears_of_its_order_beside_the_answer(self) -> None:
        answer = passage("invoice-copy", score=0.6)
        both = understanding("frustration", also=("information_seeking",), topic="payment")
        assert "A-1001" in drafted(asked(answer, orders=(order(),)), both)

    def test_a_question_that_nothing_answers_is_left_to_the_order(self) -> None:
        answer = passage("invoice-copy", score=0.6)
        two = Context(passages=(answer,), answers=((), (answer,)), orders=(order(),))
        text = drafted(two, understanding(topic="payment"))
        assert "A-1001" in text
        assert "Rechnung" in text

    @pytest.mark.parametrize(("score", "topic", "answered"), [
        (LIKELY + 0.01, "offers", True), (LIKELY - 0.06, "offers", False), (LIKELY + 0.01, "product", False),
    ])  # fmt: skip
    def test_the_likeliest_passage_answers_where_its_topic_fits(self, score: float, topic: str, answered: bool) -> None:
        weak = passage("price-drop", score=score)
        context = Context(passages=(weak,), answers=((),))
        assert any(answering(understanding(topic=topic), context)) is answered

    def test_somebody_cross_who_asks_what_holds_for_everybody_is_asked_for_no_order(self) -> None:
        general = passage("return-item", score=0.7)
        both = understanding("frustration", also=("information_seeking",), topic="returns")
        assert plan(message(), both, asked(general), escalation()).ask is None
        late = passage("late-parcel", score=0.7, issue="late")
        assert plan(message(), both, asked(late), escalation()).ask == "order"


class TestOutOfPlace:
    @pytest.mark.parametrize(
        ("entry", "topic", "fields", "found"),
        [
            ("late-parcel", "delivery", {"issue": "late"}, order(status="out_for_delivery", **TODAY)),
            ("refund-time", "refund", {"issue": "refund_wait"}, order(status="cancelled", refund=DUE)),
            ("refund-time", "refund", {"issue": "refund_wait"}, order(status="damaged", refund=DUE)),
            ("refund-time", "refund", {"issue": "refund_wait"}, order(status="refunded", refund=BACK)),
            ("double-charge", "payment", {"issue": "double_charge"}, order(issue="double_charge", refund=BACK)),
            ("damaged-or-wrong-item", "warranty", {}, order(status="damaged", replacement_at="2026-11-24")),
            ("spare-parts", "warranty", {}, order(status="damaged", delivered_at="2026-11-20")),
            ("delivery-times", "warranty", {}, order(status="delivered", delivered_at="2026-11-20")),
            ("lamp-battery", "order", {}, order(status="placed", shipped_at=None, **TODAY)),
            ("holiday-returns", "returns", {}, order(status="return_in_transit")),
        ],
    )
    def test_what_the_order_tells_or_contradicts_is_not_quoted(
        self, entry: str, topic: str, fields: dict[str, Any], found: Order
    ) -> None:
        context = asked(passage(entry, score=0.95, **fields), orders=(found,))
        planned = plan(message(), understanding(topic=topic), context, escalation())
        assert planned.passages == ()
        assert planned.order == found

    def test_the_next_passage_takes_the_place_of_one_that_the_order_contradicts(self) -> None:
        late, missed = passage("late-parcel", score=0.8, issue="late"), passage("missed-delivery", score=0.6)
        context = asked(late, missed, orders=(order(status="out_for_delivery", **TODAY),))
        assert plan(message(), understanding(), context, escalation()).passages == (missed,)

    def test_an_offer_answers_no_question_about_an_order(self) -> None:
        offer = Passage(id="offer-tents-de", title="Zelte", text="20 % auf Zelte.", language="de", score=0.9, topic="offers")
        assert answering(understanding(topic="warranty"), asked(offer)) == ((),)
        assert answering(understanding(topic="offers"), asked(offer)) == ((offer,),)

    def test_of_a_return_on_its_way_the_refund_is_told_however_little_else_speaks_for_it(self) -> None:
        refund = passage("refund-time", score=0.12, issue="refund_wait")
        context = Context(passages=(refund,), answers=((),), orders=(order(status="return_in_transit"),))
        assert plan(message(), understanding(topic="delivery"), context, escalation()).passages == (refund,)


class TestOrders:
    @pytest.mark.parametrize("why", ["kind_in_text", "amount_in_text", "state_in_text", "due_today"])
    def test_an_order_that_the_words_point_at_is_told_where_the_topic_is_a_guess(self, why: str) -> None:
        guess = understanding(topic={"label": "account", "score": 0.3})
        assert plan(message(), guess, Context(orders=(order(why=why),)), escalation()).order is not None
        sure = understanding(topic="account")
        assert plan(message(), sure, Context(orders=(order(why=why),)), escalation()).order is None

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_number_of_an_order_stands_once(self, language: str) -> None:
        found = order(status="cancelled", refund=DUE)
        assert drafted(Context(orders=(found,)), understanding(language=language, topic="refund")).count("A-1001") == 1

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_refund_that_is_overdue_is_told_as_late(self, language: str) -> None:
        found = order(status="refund_pending", refund=BACK | {"status": "pending"})
        text = drafted(Context(orders=(found,)), understanding(language=language, topic="refund"))
        said = PHRASES[language].variants["next.refund_overdue"]
        assert any(step in text for step in said)

    def test_a_repeated_contact_is_regretted_where_the_record_shows_one(self) -> None:
        from builders import reason

        cross = understanding("frustration", topic="service", signals=["repeat_contact"])
        past = PastTriage(triage_id="t", at="2026-11-20T09:00:00Z", label="frustration", outcome="drafted", topic="service")
        said = PHRASES["de"].variants["repeat"]
        for history, regretted in (((), False), ((past,), True)):
            context = Context(history=history)
            found, _ = compose(message(channel="webchat"), cross, context, escalation(reason("repeat_contact")), DEMO, PHRASES)
            assert found.private is not None
            assert any(phrase in found.private.text for phrase in said) is regretted
