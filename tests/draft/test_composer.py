"""Drafts made of phrases, passages and orders: right in every language, on every channel, for every state of an order."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest
from builders import DEMO, LANGUAGES, NOW, PHRASES, escalation, message, order, passage, reason, understanding
from hypothesis import given, settings
from hypothesis import strategies as st

from service.brands import HelpLine
from service.draft.write import compose
from service.escalate.policy import HARD
from service.files import shipped
from service.messages import (
    Context,
    Customer,
    Draft,
    Escalation,
    Message,
    Order,
    OrderStatus,
    PastTriage,
    ReasonCode,
    Suggestion,
    Understanding,
)
from service.order_numbers import order_numbers
from service.understand.embedder import sentences
from service.understand.language import identify

ORDERS = [
    Order.model_validate(json.loads(line) | {"why": "number_in_text"})
    for line in shipped("knowledge/demo/orders.jsonl").read_text(encoding="utf-8").splitlines()
]
CUSTOMERS = {
    customer["customer_id"]: Customer.model_validate(customer)
    for customer in map(json.loads, shipped("knowledge/demo/customers.jsonl").read_text(encoding="utf-8").splitlines())
}
CHANNELS = ("x", "instagram", "tiktok", "sms", "google_review")
# Said by the customer; no word or number of it may come back in a draft.
COMPLAINTS = {
    "en": "my order was meant to be here last week, what on earth is going on",
    "de": "meine bestellung sollte letzte woche da sein, was ist denn da los",
    "nl": "mijn bestelling had er vorige week moeten zijn, wat is er aan de hand",
    "sv": "min beställning skulle ha kommit förra veckan, vad är det som händer",
    "fr": "ma commande devait arriver la semaine dernière, que se passe-t-il donc",
    "es": "mi pedido tenía que llegar la semana pasada, qué está pasando con él",
}


def draft(
    written: Message | None = None,
    given: Understanding | None = None,
    context: Context | None = None,
    to: Escalation | None = None,
) -> Draft:
    made, _ = compose(written or message(), given or understanding(), context or Context(), to or escalation(), DEMO, PHRASES)
    return made


def sound(found: Draft, language: str) -> None:
    """What holds for every draft there is."""
    assert [(c.check, c.detail) for c in found.checks if not c.passed] == []
    assert "draft_replaced_by_holding_text" not in found.warnings
    assert found.language == language
    for side in (found.public, found.private):
        if side is None:
            continue
        assert side.limit is not None
        assert 0 < side.length <= side.limit
        assert not set("{}") & set(side.text)
        assert "  " not in side.text
        assert side.text == side.text.strip()
        assert not any(mark in side.text for mark in ("..", " .", " ,", "( ", " )"))
        if len(side.text.split()) >= 12:
            told = identify(side.text, said=None, supported=LANGUAGES)
            assert told.code == language, side.text
    for citation in found.citations:
        assert any(side and citation.quote in side.text for side in (found.public, found.private)), citation


def impersonal(found: Draft, *orders: Order) -> None:
    """Nothing that belongs to the customer stands in public."""
    if found.public is None:
        return
    for one in orders:
        customer = CUSTOMERS.get(one.customer_id)
        secret = [one.order_id, one.tracking, *(item.name for item in one.items)]
        secret += [*customer.name.split(), customer.email] if customer and customer.name else []
        assert [s for s in secret if s and len(s) > 2 and s.casefold() in found.public.text.casefold()] == [], found.public.text


class TestOrders:
    def test_the_demo_orders_cover_every_status(self) -> None:
        assert {o.status for o in ORDERS} == set(get_args(OrderStatus))

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("one", ORDERS, ids=lambda o: f"{o.order_id}-{o.status}")
    def test_every_state_is_told_everywhere(self, one: Order, language: str) -> None:
        context = Context(orders=(one,), customer=CUSTOMERS[one.customer_id])
        for channel, visibility, label in product(CHANNELS, ("public", "private"), ("frustration", "information_seeking")):
            written = message(COMPLAINTS[language], channel=channel, visibility=visibility)
            found = draft(written, understanding(label, language), context)
            sound(found, language)
            impersonal(found, one)
            assert found.action == "reply"
            assert (found.public is not None) is (visibility == "public")
            assert found.private is not None
            assert one.order_id in found.private.text
            assert f"{one.order_id}.status" in found.order_fields
            assert found == draft(written, understanding(label, language), context)

    def test_the_new_date_and_where_to_follow_it_stand_in_the_private_text(self) -> None:
        one = order()
        found = draft(message(COMPLAINTS["de"], channel="whatsapp"), understanding("frustration"), Context(orders=(one,)))
        assert found.private is not None
        for fact in ("A-1001 (Skarn 2)", "24. November", "Rappid", "RP48210077DE"):
            assert fact in found.private.text
        assert set(found.order_fields) >= {"A-1001.status", "A-1001.due_at", "A-1001.carrier", "A-1001.tracking"}

    def test_only_the_first_order_is_spoken_of(self) -> None:
        context = Context(orders=(ORDERS[0], ORDERS[18]), customer=CUSTOMERS["C-1042"])
        found = draft(message(COMPLAINTS["de"], channel="whatsapp"), understanding("frustration"), context)
        assert found.private is not None
        assert order_numbers(found.private.text) == ["A-1001"]

    @pytest.mark.parametrize("channel", ["x", "google_review"])
    def test_public_goes_on_in_private_where_the_channel_has_it_and_by_mail_elsewhere(self, channel: str) -> None:
        written = message(COMPLAINTS["de"], channel=channel)
        found = draft(written, understanding("frustration"), Context(orders=(order(),)))
        assert found.public is not None
        contact = "@tarntimber_help" if channel == "x" else "help@tarnandtimber.example"
        assert contact in found.public.text

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_number_that_is_not_theirs_is_asked_about_and_never_repeated(self, language: str) -> None:
        for channel, visibility in product(CHANNELS, ("public", "private")):
            written = message("A-1019 " + COMPLAINTS[language], channel=channel, visibility=visibility)
            found = draft(written, understanding("frustration", language), Context(customer=CUSTOMERS["C-1042"]))
            sound(found, language)
            assert found.action == "ask"
            assert "A-1019" not in f"{found.public}{found.private}"
            assert found.order_fields == ()

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_stranger_is_asked_for_the_order_number(self, language: str) -> None:
        for channel, visibility in product(CHANNELS, ("public", "private")):
            written = message(COMPLAINTS[language], channel=channel, visibility=visibility)
            found = draft(written, understanding("frustration", language))
            sound(found, language)
            assert (found.action, found.order_fields) == ("ask", ())

    @given(
        st.builds(
            lambda status, name, carrier, tracking, days: order(
                status=status,
                items=[{"name": name}],
                carrier=carrier,
                tracking=tracking,
                **dict(zip(("placed_at", "promised_at", "shipped_at", "due_at"), days, strict=True)),
            ),
            st.sampled_from(get_args(OrderStatus)),
            st.text(min_size=1, max_size=500),
            st.none() | st.text(max_size=80),
            st.none() | st.text(max_size=80),
            st.lists(st.sampled_from([None, "", "soon", "2026-11-20", "2026-12-01T08:00:00Z"]), min_size=4, max_size=4),
        ),
        st.sampled_from(CHANNELS),
        st.sampled_from(["public", "private"]),
        st.sampled_from(LANGUAGES),
        st.text(max_size=60),
    )
    @settings(deadline=None, max_examples=150)
    def test_whatever_an_order_holds_a_draft_comes_out_within_its_limits(
        self, one: Order, channel: str, visibility: str, language: str, name: str
    ) -> None:
        written = message(COMPLAINTS[language], channel=channel, visibility=visibility, author={"name": name})
        found = draft(written, understanding("frustration", language), Context(orders=(one,)))
        assert found.action in ("reply", "handoff")
        for side in (found.public, found.private):
            if side is not None:
                assert side.text.strip()
                assert side.limit is not None
                assert side.length <= side.limit
        final = [c for c in found.checks if not c.passed]
        assert ("draft_replaced_by_holding_text" in found.warnings) is bool(final)
        if found.public is not None:
            assert one.order_id not in found.public.text


class TestAnswers:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_question_is_answered_in_full_in_private_and_in_short_in_public(self, language: str) -> None:
        best = passage("jacket-care", language)
        for channel, visibility in product(CHANNELS, ("public", "private")):
            written = message(COMPLAINTS[language], channel=channel, visibility=visibility)
            given = understanding("information_seeking", language, topic="product")
            found = draft(written, given, Context(passages=(best,), answers=((best,),)))
            sound(found, language)
            assert found.action == "reply"
            assert {c.source for c in found.citations} == {best.id}
            if found.public is not None and channel in ("x", "instagram", "google_review"):
                assert best.short is not None
                assert best.short in found.public.text
            if channel in ("x", "google_review"):
                assert found.private is not None
                assert best.text in found.private.text

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_two_different_questions_are_both_answered_and_cited(self, language: str) -> None:
        one, two = passage("jacket-care", language), passage("payment-methods", language)
        for channel, visibility in (
            ("x", "private"),
            ("instagram", "public"),
            ("google_review", "public"),
            ("webchat", "private"),
        ):
            written = message(COMPLAINTS[language], channel=channel, visibility=visibility)
            given = understanding("information_seeking", language, topic="product")
            found = draft(written, given, Context(passages=(one, two), answers=((one, two), (two, one))))
            sound(found, language)
            assert {c.source for c in found.citations} == {one.id, two.id}
            if channel != "instagram":
                assert found.private is not None
                assert one.text in found.private.text
                assert two.short is not None
                assert two.short in found.private.text, "the second in short"

    def test_the_same_answer_to_two_questions_is_given_once(self) -> None:
        best = passage("jacket-care")
        context = Context(passages=(best,), answers=((best,), (best,)))
        found = draft(message(channel="webchat"), understanding(topic="product"), context)
        assert found.private is not None
        assert found.private.text.count(best.text) == 1

    @pytest.mark.parametrize("entry", ["jacket-care", "payment-methods"])
    def test_a_passage_in_another_language_is_never_handed_out_unmarked(self, entry: str) -> None:
        best = passage(entry, "en")
        found = draft(message(channel="webchat"), understanding(topic="product"), Context(passages=(best,), answers=((best,),)))
        assert found.private is not None
        marked = "passage_in_another_language" in found.warnings
        assert marked is (best.text in found.private.text)
        assert marked or "draft_replaced_by_holding_text" in found.warnings

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_question_nothing_answers_is_asked_back(self, language: str) -> None:
        for channel, visibility in product(CHANNELS, ("public", "private")):
            written = message(COMPLAINTS[language], channel=channel, visibility=visibility)
            found = draft(written, understanding("information_seeking", language, topic="product"))
            sound(found, language)
            assert (found.action, found.citations) == ("ask", ())

    def test_an_attachment_without_words_is_asked_about(self) -> None:
        written = message("", attachments=[{"kind": "image"}], channel="whatsapp")
        found = draft(written, understanding("other", topic="other"))
        assert found.action == "ask"
        assert found.private is not None
        assert any(said in found.private.text for said in PHRASES["de"].variants["ask.attachment"])


class TestHandoff:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("code", [*sorted(HARD), "payment_dispute", "strong_frustration", "no_grounding"])
    def test_what_escalates_is_held_with_a_text_that_promises_no_facts(self, code: ReasonCode, language: str) -> None:
        to = escalation(reason(code, "hard" if code in HARD else "soft"))
        for channel, visibility in product(CHANNELS, ("public", "private")):
            written = message(COMPLAINTS[language], channel=channel, visibility=visibility)
            found = draft(written, understanding("frustration", language, signals=[code]), Context(), to)
            sound(found, language)
            assert found.action == "handoff"
            assert found.citations == ()

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_despair_is_answered_with_help_and_nothing_about_business(self, language: str) -> None:
        context = Context(orders=(order(),), customer=CUSTOMERS["C-1042"])
        to = escalation(reason("self_harm", "hard"), reason("legal_threat", "hard"))
        written = message(COMPLAINTS[language], channel="x", visibility="public")
        found = draft(written, understanding("frustration", language, signals=["self_harm"]), context, to)
        sound(found, language)
        assert found.public is not None
        assert found.private is not None
        assert "0800 111 0 111" in found.private.text  # the customer lives in Germany, whatever the language
        assert "112" in found.private.text
        assert "112" in found.public.text
        assert "A-1001" not in found.private.text
        assert found.order_fields == found.citations == ()

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("signal", ["emergency", "someone_hurt", None])
    def test_people_in_danger_are_answered_with_help_and_nothing_about_business_or_a_product(
        self, signal: str | None, language: str
    ) -> None:
        answer = passage("return-item", language, score=0.99)
        context = Context(
            orders=(order(),), customer=CUSTOMERS["C-1042"], passages=(answer,), answers=((answer,),),
            suggestions=(Suggestion(id="product-tent", title="Skarn 3", why="fits"),),
        )  # fmt: skip
        topic = "product" if signal else "service"
        signals = ["safety_risk", *([signal] if signal else [])]
        given = understanding("frustration", language, also=("information_seeking",), signals=signals, topic=topic)
        to = escalation(reason("safety_risk", "hard"), priority="critical")
        recalls = PHRASES[language].variants["handoff.safety.private"] + PHRASES[language].variants["handoff.safety.public"]
        for channel, visibility in product(CHANNELS, ("public", "private")):
            written = message(COMPLAINTS[language], channel=channel, visibility=visibility)
            found = draft(written, given, context, to)
            sound(found, language)
            assert found.action == "handoff"
            assert (found.order_fields, found.citations, found.macro) == ((), (), None)
            for text in (found.public, found.private):
                if text is not None:
                    assert "112" in text.text
                    assert not any(said.split("{", maxsplit=1)[0] in text.text for said in recalls)
                    assert "Skarn" not in text.text

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_thing_that_is_dangerous_and_hurt_nobody_is_put_aside(self, language: str) -> None:
        to = escalation(reason("safety_risk", "hard"))
        given = understanding("frustration", language, signals=["safety_risk"], topic="product")
        found = draft(message(COMPLAINTS[language], channel="whatsapp"), given, Context(), to)
        assert found.private is not None
        said = PHRASES[language].variants["handoff.safety.private"]
        assert any(text.split("{", maxsplit=1)[0] in found.private.text for text in said)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_brands_help_line_for_such_cases_stands_in_the_private_text_only(self, language: str) -> None:
        lines = [*DEMO.identity.help_lines, HelpLine(country="DE", name="Giftnotruf", phone="030 19240", matter="safety")]
        brand = DEMO.model_copy(update={"identity": DEMO.identity.model_copy(update={"help_lines": lines})})
        given = understanding("frustration", language, signals=["safety_risk", "emergency"])
        written = message(COMPLAINTS[language], channel="instagram", visibility="public")
        context = Context(customer=CUSTOMERS["C-1042"])  # who lives in Germany
        found, _ = compose(written, given, context, escalation(reason("safety_risk", "hard")), brand, PHRASES)
        sound(found, language)
        assert found.private is not None
        assert found.public is not None
        assert "Giftnotruf, 030 19240" in found.private.text
        assert "19240" not in found.public.text
        assert "0800 111 0 111" not in found.private.text, "that one is for people in despair"

    @pytest.mark.parametrize(
        ("language", "phone"), [("en", "116 123"), ("de", "0800"), ("nl", "113"), ("sv", "90101"), ("fr", "3114"), ("es", "024")]
    )
    def test_the_help_line_of_a_stranger_is_that_of_the_language(self, language: str, phone: str) -> None:
        written = message(COMPLAINTS[language], channel="whatsapp")
        found = draft(written, understanding("frustration", language), Context(), escalation(reason("self_harm", "hard")))
        assert found.private is not None
        assert phone in found.private.text

    @pytest.mark.parametrize("code", ["safety_risk", "fraud_or_security", "self_harm"])
    def test_grave_matters_say_nothing_of_an_order(self, code: ReasonCode) -> None:
        context = Context(orders=(order(),), customer=CUSTOMERS["C-1042"])
        found = draft(message(channel="whatsapp"), understanding("frustration"), context, escalation(reason(code, "hard")))
        assert found.private is not None
        assert "A-1001" not in found.private.text

    def test_the_promise_lies_in_opening_hours_and_is_written_in_the_brands_zone(self) -> None:
        # Sunday: due within half an hour, promised for Monday, two hours after opening.
        to = escalation(reason("explicit_human_request", "hard"), respond_by=NOW + timedelta(minutes=30))
        found = draft(message(channel="whatsapp"), understanding("frustration"), Context(), to)
        assert found.private is not None
        assert "11:00" in found.private.text
        assert "morgen" in found.private.text

    def test_a_draft_that_fails_its_checks_becomes_a_holding_text(self) -> None:
        bad = passage("jacket-care", text="Sieh hier nach: https://evil.example/care, das hilft bestimmt weiter.", short=None)
        context = Context(passages=(bad,), answers=((bad,),))
        found = draft(message(channel="webchat"), understanding(topic="product"), context)
        assert found.action == "handoff"
        assert found.warnings == ("draft_replaced_by_holding_text",)
        assert [c.check for c in found.checks if not c.passed] == ["only_known_links"]
        assert found.private is not None
        assert "evil" not in found.private.text
        assert found.citations == ()


class TestNothingToSay:
    @pytest.mark.parametrize("addressed", ["not_us", "spam"])
    @pytest.mark.parametrize("label", ["frustration", "information_seeking", "praise", "other"])
    def test_what_is_not_for_us_gets_no_draft(self, label: str, addressed: str) -> None:
        found = draft(given=understanding(label, addressed=addressed))
        assert (found.action, found.public, found.private, found.checks) == ("none", None, None, ())

    def test_a_friend_called_over_gets_none_even_if_asked_something(self) -> None:
        given = understanding("information_seeking", addressed="mention", signals=["friend_tag"])
        assert draft(given=given).action == "none"

    def test_a_threat_is_answered_whoever_it_is_for(self) -> None:
        given = understanding("frustration", addressed="spam", signals=["self_harm"])
        assert draft(given=given, to=escalation(reason("self_harm", "hard"))).action == "handoff"

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_praise_is_thanked_for_without_a_word_on_orders(self, language: str) -> None:
        for topic, (channel, visibility) in product(
            ("delivery", "product", "service", "account"), product(CHANNELS, ("public", "private"))
        ):
            written = message(COMPLAINTS[language], channel=channel, visibility=visibility)
            given = understanding("praise", language, topic=topic, signals=["thanks"])
            found = draft(written, given, Context(orders=(order(why="latest"),), customer=CUSTOMERS["C-1042"]))
            sound(found, language)
            assert (found.action, found.order_fields) == ("reply", ())


class TestLanguages:
    def test_an_unsupported_language_is_answered_in_the_brands_own_and_says_so(self) -> None:
        found = draft(message(channel="whatsapp"), understanding("frustration", "pl"))
        assert (found.language, found.warnings) == ("en", ("language_not_supported",))

    def test_an_undetermined_language_is_no_warning(self) -> None:
        found = draft(message("😡", channel="whatsapp"), understanding("frustration", "und"))
        assert (found.language, found.warnings) == ("en", ())


class TestTone:
    def text(self, tone: str, language: str = "de", **more: Any) -> str:
        written = message(COMPLAINTS[language], channel="webchat", author={"name": "Lena Vogt"}, options={"tone": tone})
        given = understanding("frustration", language, **({"frustration_level": "mild"} | more))
        best = passage("return-item", language)
        found = draft(written, given, Context(passages=(best,), answers=((best,),), history=(self.past(),)))
        sound(found, language)
        assert found.private is not None
        return found.private.text

    def past(self) -> PastTriage:
        return PastTriage.model_validate(
            {"triage_id": "tri_1", "at": NOW - timedelta(days=4), "label": "frustration", "outcome": "drafted"}
        )

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_formal_greets_and_closes_formally(self, language: str) -> None:
        phrases, team = PHRASES[language], DEMO.voice(language).team
        text = self.text("formal", language)
        assert text.startswith(tuple(phrases.options("greeting.formal_named", {"name": "Lena"})))
        assert text.endswith(tuple(phrases.options("signoff_formal", {"team": team})))
        warm = self.text("warm", language)
        assert warm.startswith(tuple(phrases.options("greeting.named", {"name": "Lena"})))
        assert warm.endswith(tuple(phrases.options("signoff", {"team": team})))

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_brief_leaves_out_mild_regret_and_earlier_contacts(self, language: str) -> None:
        brief, warm = self.text("brief", language), self.text("warm", language)
        assert len(brief) < len(warm)
        regrets = PHRASES[language].variants["empathy.delivery.mild"]
        assert any(said in warm for said in regrets)
        assert not any(said in brief for said in regrets)

    def test_brief_still_says_sorry_where_it_must(self) -> None:
        strong = self.text("brief", frustration_level="strong")
        assert any(said in strong for said in PHRASES["de"].variants["empathy.delivery.strong"])

    def test_an_earlier_contact_is_referred_to_by_its_day(self) -> None:
        assert "18. November" in self.text("warm")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "greeted"),
        [
            ("Lena Vogt", "Lena"),
            ("LENA", "Lena"),
            ("lena vogt", "Lena"),
            ("lena", None),
            ("Gäst", None),
            ("Frau Schulte", None),
            ("Anne-Marie Petit", "Anne-Marie"),
            ("O’Brien", "O’Brien"),
            ("Åsa", "Åsa"),
            ("x_gamer_99", None),
            ("https://evil.example", None),
            ("{when}", None),
            ("J. Reimers", None),
            ("😀 Lena", None),
            ("", None),
        ],
    )
    def test_only_what_looks_like_a_first_name_is_used(self, name: str, greeted: str | None) -> None:
        found = draft(message(channel="webchat", author={"name": name}), understanding("frustration"))
        assert found.private is not None
        first = found.private.text.split("\n")[0]
        if greeted is None:
            assert first in PHRASES["de"].variants["greeting.plain"]
        else:
            assert first in PHRASES["de"].options("greeting.named", {"name": greeted})

    def test_the_record_goes_before_the_profile(self) -> None:
        context = Context(customer=CUSTOMERS["C-1042"])
        found = draft(message(channel="webchat", author={"name": "Sunny"}), understanding("frustration"), context)
        assert found.private is not None
        assert "Lena" in found.private.text
        assert "Sunny" not in found.private.text


class TestAlternatives:
    def test_say_the_same_in_other_words(self) -> None:
        written = message(COMPLAINTS["de"], channel="instagram", options={"alternatives": 2})
        found = draft(written, understanding("frustration"), Context(orders=(order(),)))
        texts = [found.private, *(a.private for a in found.alternatives)]
        publics = [found.public, *(a.public for a in found.alternatives)]
        assert len(found.alternatives) == 2
        for side in (texts, publics):
            assert len({t.text for t in side if t}) == 3
        for text in texts:
            assert text is not None
            assert "24. November" in text.text
            assert text.limit is not None
            assert text.length <= text.limit

    def test_are_none_unless_asked_for(self) -> None:
        assert draft(given=understanding("frustration")).alternatives == ()


def test_other_messages_get_other_words() -> None:
    openings = {
        found.private.text
        for n in range(12)
        if (found := draft(message(f"Wo bleibt es? {n}", channel="webchat"), understanding("frustration"))).private
    }
    assert len(openings) >= 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_regret_is_one_sentence_beside_few_of_substance(language: str) -> None:
    feelings = set()
    for number in range(12):
        said = message("A-1001?", id=f"m-{number}", channel="whatsapp", author={"customer_id": "C-1042"})
        angry = understanding("frustration", language, frustration_level="strong")
        found = draft(said, angry, Context(orders=(order(late=False, status="out_for_delivery"),)))
        assert found.private is not None
        feeling = found.private.text.split("\n\n")[1]
        options = PHRASES[language].variants["empathy.delivery.strong"]
        used = [option for option in options if option in feeling]
        assert used, feeling
        feelings.add(used[0])
    assert all(len(sentences(feeling)) == 1 for feeling in feelings)
    assert len(feelings) > 1
