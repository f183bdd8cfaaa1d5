"""Every check on a draft: what passes it, and what it stops."""

from __future__ import annotations

from typing import Any

import pytest
from builders import DEMO, message, order

from service.draft.checks import check
from service.messages import Check, Context, Customer, DraftText

LENA = Customer(
    customer_id="C-1042", name="Lena Vogt", email="lena.vogt@mail.example", language="de", country="DE", handles={"x": "@lena_v"}
)
CONTEXT = Context(orders=(order(),), customer=LENA)
GOOD_PUBLIC = "Das tut uns leid. Schick @tarntimber_help bitte eine Direktnachricht, dann sehen wir uns das gleich an."
GOOD_PRIVATE = "Hallo Lena, deine Bestellung A-1001 (Skarn 2) kommt voraussichtlich am 24. November bei dir an."
SOURCES = ["A-1001 (Skarn 2)", "24. November"]
NAMES = (
    "language", "within_limit", "no_personal_data_in_public", "facts_cited", "only_known_links", "no_foreign_order",
    "no_placeholder", "not_empty",
)  # fmt: skip


def text(said: str, limit: int | None = 2200) -> DraftText:
    return DraftText(text=said, length=len(said), limit=limit, unit="chars")


def checks(public: str | None = GOOD_PUBLIC, private: str | None = GOOD_PRIVATE, **more: Any) -> dict[str, Check]:
    given: dict[str, Any] = {
        "language": "de", "sources": SOURCES, "context": CONTEXT, "message": message(channel="x", author={"name": "Lena V."}),
        "brand": DEMO,
    } | more  # fmt: skip
    found = check(text(public) if public is not None else None, text(private) if private is not None else None, **given)
    return {c.check: c for c in found}


def failed(public: str | None = GOOD_PUBLIC, private: str | None = GOOD_PRIVATE, **more: Any) -> list[str]:
    return [name for name, c in checks(public, private, **more).items() if not c.passed]


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

    def test_a_short_text_is_not_judged(self) -> None:
        assert failed(public="Thanks a lot, see you soon!") == []

    def test_the_brands_own_name_does_not_make_a_text_english(self) -> None:
        assert failed(private="Danke, Lena, wir kümmern uns darum und melden uns.\n\ndein Team von Tarn & Timber") == []


class TestLimit:
    def test_at_the_limit_passes_and_one_more_fails(self) -> None:
        arguments: dict[str, Any] = {
            "language": "de", "sources": SOURCES, "context": CONTEXT, "message": message(), "brand": DEMO,
        }  # fmt: skip
        exact = {c.check: c for c in check(text(GOOD_PUBLIC, len(GOOD_PUBLIC)), text(GOOD_PRIVATE), **arguments)}
        over = {c.check: c for c in check(text(GOOD_PUBLIC, len(GOOD_PUBLIC) - 1), text(GOOD_PRIVATE), **arguments)}
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

    @pytest.mark.parametrize("link", ["https://help.tarnandtimber.example/de/return-item", "https://tarnandtimber.example"])
    def test_to_the_brands_hosts_pass(self, link: str) -> None:
        assert checks(private=f"Sieh hier nach ({link}), bitte.")["only_known_links"].passed is True


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
        assert failed(private="A-1002 ist unterwegs.", context=Context(), sources=[]) == ["facts_cited"]


class TestPlaceholders:
    @pytest.mark.parametrize(
        "said", ["Hallo {name}, danke.", "Hallo {}, danke.", "Hallo [[Name]], danke.", "Hallo <name>, danke."]
    )
    def test_left_in_a_text_fail(self, said: str) -> None:
        assert checks(private=said)["no_placeholder"].passed is False

    @pytest.mark.parametrize("said", ["Danke [wirklich] (sehr).", "Wir <3 dich.", "5 < 6 > 4"])
    def test_brackets_and_hearts_are_none(self, said: str) -> None:
        assert checks(private=said)["no_placeholder"].passed is True


class TestEmpty:
    @pytest.mark.parametrize("said", ["", "  \n "])
    def test_an_empty_text_fails(self, said: str) -> None:
        assert "not_empty" in failed(public=said)
        assert "not_empty" in failed(private=said)


def test_a_detail_names_at_most_three_problems() -> None:
    found = checks(private="1 2 3 4 5 6 7")["facts_cited"]
    assert str(found.detail).count("is in no source") == 3
