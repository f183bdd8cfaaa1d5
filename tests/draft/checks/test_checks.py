"""Every check on a draft: what passes it, and what it stops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import DEMO, made, message, order, passage

from service.brands import Brand
from service.draft.checks import NAMES, Made, check
from service.messages import Check, Context, Customer, DraftText

LENA = Customer(
    customer_id="C-1042", name="Lena Vogt", email="lena.vogt@mail.example", language="de", country="DE", handles={"x": "@lena_v"}
)
CONTEXT = Context(orders=(order(),), customer=LENA)
GOOD_PUBLIC = "Das tut uns leid. Schick @tarntimber_help bitte eine Direktnachricht, dann sehen wir uns das gleich an."
GOOD_PRIVATE = "Hallo Lena, deine Bestellung A-1001 (Skarn 2) kommt voraussichtlich am 24. November bei dir an."
SOURCES = ["A-1001 (Skarn 2)", "24. November"]


def text(said: str, limit: int | None = 2200) -> DraftText:
    return DraftText(text=said, length=len(said), limit=limit, unit="chars")


def draft(public: str | None = GOOD_PUBLIC, private: str | None = GOOD_PRIVATE, **more: Any) -> Made:
    sources = more.pop("sources", SOURCES)
    said = more.pop("message", message(channel="x", author={"name": "Lena V."}))
    given = {
        "context": CONTEXT,
        "values": (*sources, *(value for value in (DEMO.identity.contact.email, DEMO.identity.contact.phone) if value)),
    }
    found = made(None, None, said=said, **given | more)
    return found.with_texts(*(text(said) if said is not None else None for said in (public, private)))


def checks(public: str | None = GOOD_PUBLIC, private: str | None = GOOD_PRIVATE, **more: Any) -> dict[str, Check]:
    return {c.check: c for c in check(draft(public, private, **more))}


def failed(public: str | None = GOOD_PUBLIC, private: str | None = GOOD_PRIVATE, **more: Any) -> list[str]:
    return [name for name, c in checks(public, private, **more).items() if not c.passed]


def language(made_of: Made) -> bool:
    return {c.check: c for c in check(made_of)}["language"].passed


def test_a_good_draft_passes_every_check() -> None:
    assert failed() == []
    assert tuple(checks()) == NAMES
    assert all(c.detail is None for c in checks().values())


def test_each_text_may_be_missing() -> None:
    assert failed(public=None) == []
    assert failed(private=None) == []


class TestLanguage:
    WRONG = "We are sorry about this, please send us a direct message and we will look into it for you."

    @pytest.mark.parametrize("side", ["public", "private"])
    def test_another_language_fails(self, side: str) -> None:
        found = checks(**{side: self.WRONG})["language"]
        assert (found.passed, found.detail) == (False, "reads as en, not de")

    @pytest.mark.parametrize("said", ["Super, prima!", "Ok, bis dann!", "Top! Klasse!"])
    def test_a_text_of_few_words_that_say_little_is_not_judged(self, said: str) -> None:
        assert failed(public=said) == []

    @pytest.mark.parametrize(
        ("said", "language"),
        [
            ("Thanks a lot, see you soon!", "en"),
            ("Das tut uns leid. Please let us know if you have any further questions.", "en"),
            ("Das tut uns leid, we are looking into it and will get back to you.", "en"),
            ("Das tut uns leid. Nous revenons vers vous dès que possible.", "fr"),
            ("Das tut uns leid. Te escribimos en cuanto sepamos algo más.", "es"),
            ("Das tut uns leid. Мы скоро вам ответим.", "cyrillic"),
        ],
    )
    def test_a_part_in_another_language_fails(self, said: str, language: str) -> None:
        found = checks(public=said)["language"]
        assert found.passed is False
        assert language in str(found.detail)

    @pytest.mark.parametrize(
        "said",
        [
            "Wähle beim Bezahlen „Gift card or voucher“ aus, dann klappt es mit dem Code.",
            "Du schreibst „where is my parcel“, das klären wir gern für dich.",
            "Das Team von Tarn & Timber kümmert sich um deine Frage.",
        ],
    )
    def test_quotes_and_names_may_be_in_another_language(self, said: str) -> None:
        given = message("where is my parcel", channel="x")
        assert checks(public=said, message=given)["language"].passed is True

    def test_a_passage_of_another_language_may_be_quoted_over_several_sentences(self) -> None:
        quote = "You can pay by card, by invoice or with a gift card. We take no cash and no cheques at the moment."
        found = draft(private=f"Hallo Lena, das haben wir dazu:\n\n{quote}\n\nDein Team")
        assert language(found) is False
        assert language(replace(found, foreign_quotes=(quote,))) is True

    def test_the_brands_own_name_does_not_make_a_text_english(self) -> None:
        assert failed(private="Danke, Lena, wir kümmern uns darum und melden uns.\n\ndein Team von Tarn & Timber") == []


class TestLimit:
    def test_at_the_limit_passes_and_one_more_fails(self) -> None:
        exact, over = (
            {c.check: c for c in check(draft().with_texts(text(GOOD_PUBLIC, len(GOOD_PUBLIC) - less), text(GOOD_PRIVATE)))}
            for less in (0, 1)
        )
        assert exact["within_limit"].passed is True
        assert over["within_limit"].passed is False
        assert over["within_limit"].detail == f"{len(GOOD_PUBLIC)} of {len(GOOD_PUBLIC) - 1} chars"


class TestPersonalData:
    @pytest.mark.parametrize(
        ("said", "what"),
        [
            ("Hallo Lena, das tut uns leid.", "name"),
            ("Liebe Frau VOGT, das tut uns leid.", "name"),
            ("Wir schreiben an lena.vogt@mail.example.", "email"),
            ("Wir schreiben an Jemand.Anderes@post.example.", "email"),
            ("Deine Nummer ist C-1042.", "customer id"),
            ("A-1001 ist unterwegs.", "order number"),
            ("a-1001 ist unterwegs.", "order number"),
            ("Die Sendung RP48210077DE ist unterwegs.", "tracking number"),
            ("Wir rufen unter +49 170 1234567 an.", "a long number"),
            ("Wir rufen unter 0170-1234567 an.", "a long number"),
            ("Wir buchen auf DE89 3704 0044 0532 0130 00.", "a long number"),
            ("Wir buchen auf NL91 ABNA 0417 1643 00.", "a long number"),
            ("Wir buchen auf NL91ABNA0417164300.", "a long number"),
            ("Die Karte 4111 1111 1111 1111 ist belastet.", "a long number"),
        ],
    )
    def test_fails_in_public_by_what_it_is(self, said: str, what: str) -> None:
        given = {"message": message(channel="x", author={"customer_id": "C-1042", "name": "Lena V."})}
        found = checks(public=said, **given)["no_personal_data_in_public"]
        assert found.passed is False
        assert what in str(found.detail)
        assert said not in str(found.detail)

    def test_is_allowed_in_private(self) -> None:
        private = "Hallo Lena Vogt, A-1001 mit RP48210077DE ist unterwegs, wir schreiben an lena.vogt@mail.example."
        assert failed(private=private, sources=[private]) == []

    @pytest.mark.parametrize(
        "said",
        [
            "Schreib uns bitte an help@tarnandtimber.example.",
            "Ruf uns gern unter +31 50 555 0142 an.",
            "Schick @tarntimber_help bitte eine Direktnachricht.",
            "Wir lenaken die Vögte, das sind andere Wörter.",
            "In 3 bis 5 Tagen, ab 60 € kostenlos.",
        ],
    )
    def test_our_own_contacts_and_other_words_are_none(self, said: str) -> None:
        assert checks(public=said)["no_personal_data_in_public"].passed is True

    def test_the_name_the_author_goes_by_counts_too(self) -> None:
        unknown = message(channel="x", author={"name": "Maike Petersen"})
        assert "no_personal_data_in_public" in failed(public="Hallo Maike, das tut uns leid.", context=Context(), message=unknown)

    @pytest.mark.parametrize("said", ["Wir rufen unter 0170/1234567 an.", "Wir rufen unter +49.170.1234567 an."])
    def test_a_number_written_otherwise_is_stopped_by_some_check(self, said: str) -> None:
        assert failed(public=said)


class TestPersonalDataInOtherSpellings:
    @pytest.mark.parametrize(
        ("said", "what"),
        [
            ("Bestellung A 1001 ist da.", "order number"),
            ("Bestellung 1001 ist da.", "order number"),
            ("Die Sendung RP 4821 0077 DE ist da.", "tracking number"),
            ("Wir liefern in die Hauptstraße 12.", "address"),
            ("Dein Skarn 2 ist unterwegs.", "what was bought"),
            ("Die 219 € sind da.", "the sum of an order"),
            ("Die 219,00 EUR sind da.", "the sum of an order"),
            ("Es kommt am 24.11. an.", "a day of an order"),
            ("Schreib an lena [at] mail.example.", "email"),
        ],
    )
    def test_fail_in_public(self, said: str, what: str) -> None:
        found = checks(public=said)["no_personal_data_in_public"]
        assert found.passed is False
        assert what in str(found.detail)

    def test_what_the_message_says_of_the_purchase_may_be_said_back(self) -> None:
        given = message("mein Skarn 2 für 219 € ist nicht da", channel="x")
        said = "Schade, dass dein Skarn 2 für 219 € noch nicht da ist."
        assert checks(public=said, message=given)["no_personal_data_in_public"].passed is True


class TestFacts:
    @pytest.mark.parametrize(
        "said",
        [
            "Es kommt am 25. November an.",
            "Du bekommst 219,00 € zurück.",
            "Das dauert 3 Tage.",
            "Wir melden uns bis 17:30 Uhr.",
        ],
    )
    def test_a_number_from_nowhere_fails(self, said: str) -> None:
        found = checks(private=said)["facts_cited"]
        assert found.passed is False
        assert "is in no source" in str(found.detail)

    @pytest.mark.parametrize(
        ("said", "source"),
        [
            ("Du bekommst 219,00\u00a0€ zurück.", "219,00 €"),
            ("Das kostet 1\u202f219,50 €.", "1\u00a0219,50 €"),
            ("Das dauert 3-4 Werktage.", "in 3–4 Werktagen"),
            ("Wir melden uns bis 17:30 Uhr.", "17:30"),
            ("A-1001 kommt am 24.", "A-1001, 24. November"),
        ],
    )
    def test_a_number_of_a_source_passes(self, said: str, source: str) -> None:
        assert checks(private=said, sources=[source])["facts_cited"].passed is True

    def test_part_of_a_number_is_not_the_number(self) -> None:
        assert "facts_cited" in failed(private="Du bekommst 19 € zurück.", sources=["219 €", "19,95 €"])


class TestLinks:
    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.example/refund",
            "http://tarnandtimber.example.evil.example/x",
            "https://tarnandtimber.example@evil.example/",
            "https://sub.tarnandtimber.example/",
            "HTTPS://EVIL.EXAMPLE/refund",
            "www.evil.example/refund",
        ],
    )
    def test_to_other_hosts_fail(self, link: str) -> None:
        assert checks(private=f"Sieh hier nach: {link} bitte.")["only_known_links"].passed is False

    @pytest.mark.parametrize(
        "link",
        [
            "https://help.tarnandtimber.example/de/return-item",
            "help.tarnandtimber.example/de/return-item/",
            "https://tarnandtimber.example",
        ],
    )
    def test_to_the_brand_and_to_pages_of_the_sources_pass(self, link: str) -> None:
        found = Context(orders=CONTEXT.orders, customer=LENA, passages=(passage("return-item"),))
        assert checks(private=f"Sieh hier nach ({link}), bitte.", context=found)["only_known_links"].passed is True

    @pytest.mark.parametrize("link", ["https://help.tarnandtimber.example/de/geld-sofort", "tarnandtimber.example/refund?now"])
    def test_to_a_page_of_the_brand_that_no_source_names_fail(self, link: str) -> None:
        assert checks(private=f"Sieh hier nach: {link} bitte.")["only_known_links"].passed is False


class TestForeignOrders:
    @pytest.mark.parametrize(
        "said",
        [
            "A-1002 ist unterwegs.",
            "Deine Bestellung (A-1019) ist da.",
            "Ist es A-2001?",
            "„A-1003“ fehlt.",
            "a-1002 ist da.",
            "#A-1002 ist da.",
        ],
    )
    def test_an_order_of_somebody_else_fails(self, said: str) -> None:
        found = checks(private=said, sources=[said])["no_foreign_order"]
        assert found.passed is False
        assert "is not this customer's" in str(found.detail)

    @pytest.mark.parametrize("said", ["A-1001 ist unterwegs.", "Deine Bestellung (A-1001), ist da.", "Schreib an B-Team 1001."])
    def test_an_own_order_and_other_words_pass(self, said: str) -> None:
        assert checks(private=said)["no_foreign_order"].passed is True

    def test_where_no_order_is_known_the_number_is_in_no_source(self) -> None:
        assert failed(private="A-1002 ist unterwegs.", context=Context(), sources=[]) == ["facts_cited", "no_foreign_data"]


class TestPlaceholders:
    @pytest.mark.parametrize(
        "said",
        [
            "Hallo {name}, danke.",
            "Hallo {}, danke.",
            "Hallo [[Name]], danke.",
            "Hallo <name>, danke.",
            "Hallo [Name], danke.",
            "Hallo [Ihr Name], danke.",
            "Siehe [insert link here].",
            "Hallo {{ name }}, danke.",
            "Hallo XXX, danke.",
            "Hallo ____, danke.",
            "Hallo [NAME_1], danke.",
            "Hallo %s, danke.",
            "Hallo [Vorname Nachname], danke.",
        ],
    )
    def test_left_in_a_text_fail(self, said: str) -> None:
        assert checks(private=said)["no_placeholder"].passed is False

    @pytest.mark.parametrize("said", ["Danke [wirklich] (sehr).", "Wir <3 dich.", "5 < 6 > 4", "Größe XXL ist da."])
    def test_brackets_and_hearts_are_none(self, said: str) -> None:
        assert checks(private=said)["no_placeholder"].passed is True


class TestMarkup:
    MARKS = (
        "Das ist **wichtig**.", "# Überschrift\nText", "* eins\n* zwei",
        "Sieh [hier](https://tarnandtimber.example) nach.", "```\nText\n```",
        "Das ist *wichtig* für dich.", "| a | b |", "> Zitat", "__wichtig__",
    )  # fmt: skip

    @pytest.mark.parametrize("said", [*MARKS, "Das ist <b>wichtig</b>.", "Eins<br/>zwei", "Tarn &amp; Timber"])
    def test_fails_where_the_channel_shows_it_as_it_is_written(self, said: str) -> None:
        assert checks(private=said)["no_markup"].passed is False

    @pytest.mark.parametrize("said", MARKS)
    def test_passes_where_the_channel_makes_type_of_it(self, said: str) -> None:
        assert checks(private=said, message=message(channel="reddit"))["no_markup"].passed is True

    @pytest.mark.parametrize("said", ["Das <b>auch</b> hier.", "Eins<br>zwei"])
    def test_html_fails_everywhere(self, said: str) -> None:
        assert checks(private=said, message=message(channel="reddit"))["no_markup"].passed is False

    @pytest.mark.parametrize(
        "said", ["- eins\n- zwei", "1. eins\n2. zwei", "2 * 3 ist 6", "snake_case_wort", "a#1 & b", "5 > 4", "Prima :*"]
    )
    def test_plain_signs_are_none(self, said: str) -> None:
        assert checks(private=said)["no_markup"].passed is True


class TestForeignData:
    @pytest.mark.parametrize(
        "said",
        [
            "Schreib an maria.lopez@mail.example.",
            "Ruf +49 170 1234567 an.",
            "Frag @jemand_anderes.",
            "Die Sendung ist ZX99120034DE.",
            "Hallo Mareike, danke.",
            "Liebe Sabine Kunz, danke.",
        ],
    )
    def test_of_nobody_known_here_fails(self, said: str) -> None:
        assert checks(private=said)["no_foreign_data"].passed is False

    @pytest.mark.parametrize(
        "said",
        [
            "Hallo Lena, danke.",
            "Liebe Lena Vogt, danke.",
            "Hallo zusammen, danke.",
            "Hallo Frau Vogt, danke.",
            "Guten Tag, danke.",
            "Hi, deine Bestellung A-1001 mit RP48210077DE ist unterwegs.",
            "Schreib an help@tarnandtimber.example.",
            "Schick @tarntimber_help eine Nachricht.",
            "Wir schreiben an lena.vogt@mail.example.",
        ],
    )
    def test_the_customers_and_the_brands_own_pass(self, said: str) -> None:
        assert checks(private=said)["no_foreign_data"].passed is True

    def test_what_the_customer_wrote_may_be_said_back(self) -> None:
        given = message("meine neue Adresse ist neu@mail.example, Nummer ZX99120034DE", channel="x")
        said = "Danke, wir haben neu@mail.example und ZX99120034DE notiert."
        assert checks(private=said, message=given)["no_foreign_data"].passed is True


def voiced(**more: Any) -> Brand:
    """The demo with another German voice."""
    return DEMO.model_copy(update={"voices": DEMO.voices | {"de": DEMO.voice("de").model_copy(update=more)}})


class TestForbiddenPhrases:
    @pytest.mark.parametrize("said", ["Das ist billig.", "BILLIG ist das.", "Dafür gibt es nur keine Chance."])
    def test_the_brands_own_list_holds_in_any_case_and_as_whole_words(self, said: str) -> None:
        found = checks(private=said, brand=voiced(never_say=("billig", "keine Chance")))["no_forbidden_phrase"]
        assert found.passed is False
        assert (
            checks(private="Die Billigung steht aus.", brand=voiced(never_say=("billig",)))["no_forbidden_phrase"].passed is True
        )

    def test_an_oath_of_the_customer_may_be_said_back_in_quotes(self) -> None:
        given = message("scheiß Paketdienst", channel="x")
        said = "Dass du „scheiß Paketdienst“ schreibst, können wir verstehen."
        assert checks(private=said, message=given)["no_forbidden_phrase"].passed is True
        assert checks(private=said)["no_forbidden_phrase"].passed is False


class TestHumans:
    @pytest.mark.parametrize(
        "said", ["Danke.\n\nViele Grüße\nAnna", "Danke.\n\nLiebe Grüße,\nTom Berger", "Hier schreibt Sabine."]
    )
    def test_a_person_as_the_writer_fails(self, said: str) -> None:
        assert checks(private=said)["no_human_claim"].passed is False

    @pytest.mark.parametrize(
        "said",
        [
            "Danke.\n\nViele Grüße\ndein Team von Tarn & Timber", "Jemand aus unserem Team meldet sich bei dir.",
            "Deine Antwort von unserem Team ist unterwegs.", "Eine Kollegin oder ein Kollege schreibt dir.",
        ],
    )  # fmt: skip
    def test_the_team_and_somebody_of_it_pass(self, said: str) -> None:
        assert checks(private=said)["no_human_claim"].passed is True

    def test_the_disclosure_must_stand_where_the_brand_wants_one(self) -> None:
        brand = voiced(disclosure="Mit KI geschrieben.")
        assert checks(brand=brand)["disclosed"].passed is False
        ending = "\n\nMit KI geschrieben."
        assert checks(GOOD_PUBLIC + ending, GOOD_PRIVATE + ending, brand=brand)["disclosed"].passed is True


class TestEmpty:
    @pytest.mark.parametrize("said", ["", "  \n "])
    def test_an_empty_text_fails(self, said: str) -> None:
        assert "not_empty" in failed(public=said)
        assert "not_empty" in failed(private=said)


def test_a_detail_names_at_most_three_problems() -> None:
    found = checks(private="1 Foto, 2 Fotos, 3 Fotos, 4 Fotos, 5 Fotos")["facts_cited"]
    assert str(found.detail).count("is in no source") == 3
