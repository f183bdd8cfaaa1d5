"""A reply that others read again says in brackets what was taken out. For cases of the evals: tests/evals/test_importing.py."""

from __future__ import annotations

import pytest
from builders import message, order
from hypothesis import given, settings
from hypothesis import strategies as st

from service.masking import Mask
from service.messages import Customer

LENA = Customer(customer_id="C-1042", name="Lena van Vogt", email="lena.vogt@mail.example", handles={"instagram": "@lena"})
ORDERS = (
    order(
        placed_at="2026-11-01", total={"amount": 1219.5, "currency": "EUR"}, tracking="RP48210077DE",
        replacement_at="2026-12-03",
        refund={"amount": 40.0, "currency": "GBP", "at": "2026-11-30"},
        timeline=[{"at": "2026-11-17T08:00:00Z", "event": "scan"}],
    ),
)  # fmt: skip


def masked(text: str, customer: Customer | None = LENA, people: tuple[str, ...] = ("Tom",)) -> str:
    return Mask(message(), customer, ORDERS if customer else (), ["@tarnandtimber"], people, marked=True).text(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Lena, frau van Vogt, LENA VOGTS Paket", "[name], frau van [name], [name] [name]S Paket"),
        ("an lena.vogt@mail.example oder jo@x.example", "an [e-mail] oder [e-mail]"),
        ("@lena, lena und @tarnandtimber", "[handle], [name] und @tarnandtimber"),
        ("A-1001, a-1001, 1001, RP48210077DE, C-1042, B-7788", "[number], [number], [number], [number], [number], [number]"),
        ("auf DE89 3704 0044 0532 0130 00, 0151 2345678", "auf [account], [number]"),
        ("Lindenstraße 14b, Storgatan 4, 12 rue de la République, Calle Mayor 5", "[address], [address], [address], [address]"),
        ("22 Acacia Avenue und Keizersgracht 12", "[address] und [address]"),
        ("24. November, 24 novembre, November 24, 24.11.", "[date], [date], [date], [date]."),
        ("2026-11-24, 24/11/26", "[date], [date]"),
        ("1.219,50 €, €1,219.50, 1219,50, £40, 40 GBP, 40,00", "[amount], [amount], [amount], [amount], [amount], [amount]"),
        ("am 3 december, 17. November und 30 nov", "am [date], [date] und 30 nov"),
        ("Tom hat es gesehen", "[name] hat es gesehen"),
    ],
)  # fmt: skip
def test_values_of_the_record_and_patterns_are_marked(text: str, left: str) -> None:
    assert masked(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hallo Marta,\ndanke.", "Hallo [name],\ndanke."),
        ("Dear Mr. O'Neill Smith, thanks", "Dear Mr. [name], thanks"),
        ("Bonjour Madame Dupont, c’est fait. Cordialement, Théo", "Bonjour Madame [name], c’est fait. Cordialement, [name]"),
        ("Hola, Lucía: ya está. ¡Saludos! Marta", "Hola, [name]: ya está. ¡Saludos! [name]"),
        ("Fixed.\n\nBest wishes,\nJess", "Fixed.\n\nBest wishes,\n[name]"),
        ("Das machen wir. Viele Grüße von Jana Weiß!", "Das machen wir. Viele Grüße von [name]!"),
        ("Liebe Ane, gern.", "Liebe [name], gern."),
        ("Where is it?\n\nJess O'Neill", "Where is it?\n\n[name]"),
        ("It is late. Bye, Jess", "It is late. Bye, [name]"),
        ("Wann kommt es? LG Jana", "Wann kommt es? LG [name]"),
    ],
)
def test_names_that_no_record_knows_are_found_where_letters_begin_and_end(text: str, left: str) -> None:
    assert masked(text, None, ()) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hi, I'm Jess O'Neill, and Jess is my name.", "Hi, I'm [name], and [name] is my name."),
        ("my name is jess, order 2", "my name is [name], order 2"),
        ("This is Dr. Ann B. Smith speaking", "This is Dr. [name] speaking"),
        ("Ich heiße Jana Weiß. Meine Jana", "Ich heiße [name]. Meine [name]"),
        ("ich bin Jana von der Weide und warte", "ich bin [name] und warte"),
        ("Je m’appelle Théo Dupont et j'attends", "Je m’appelle [name] et j'attends"),
        ("Hola, me llamo Lucía de la Cruz y espero", "Hola, me llamo [name] y espero"),
        ("Hej, jag heter Åsa Öberg!", "Hej, jag heter [name]!"),
        ("Mijn naam is Wietske van der Laan.", "Mijn naam is [name]."),
        ("Frau Keller sagte es, Mr Smith auch, señora López no", "Frau [name] sagte es, Mr [name] auch, señora [name] no"),
        ("My husband Tom ordered it, my wife called", "My husband [name] ordered it, my wife called"),
        ("Name: Jana Weiß\nTel: 0151 2345678", "Name: [name]\nTel: [number]"),
        ("Name: jana.weiss@mail.example", "Name: [e-mail]"),
        ("221 Baker St, Baker Street 221 and 10 Downing Street", "[address], [address] and [address]"),
        ("Alte Straße 5; rue de la Paix 5; c/ Mayor 5; Flat 2", "[address]; [address]; [address]; [address]"),
        ("Apt. 656, P.O. Box 12, PLZ 1010, SW1A 1AA, 7412 SL", "[address], [address], [address], [address], [address]"),
        ("345-899-3560x4587", "[number]"),
    ],
)
def test_people_and_places_that_a_message_names_itself(text: str, left: str) -> None:
    assert masked(text, None, ()) == left


@pytest.mark.parametrize(
    "text",
    [
        "Guten Tag\n\nDaune wird bei 30 °C gewaschen, 20 Minuten.\n\nBeste Grüße\ndein Team von Tarn & Timber",
        "Hallo, Wir haben bis 18 Uhr offen.\nLiebe Grüße, Dein Team",
        "Hello there, returns are free for 30 days. Thanks for asking, your Tarn & Timber team",
        "Guten Morgen\nIch bin Kundin und im Keller steht das Zelt, im Mai war Frau und Kind dabei.",
        "I'm so happy! I'm NOT sorry. This is Ridiculous service, the flat 2 person tent costs 1499 KR.",
        "My name is wrong on the order, je suis à la rue depuis 3 jours, soy de Madrid",
        "Hej! Leverans kostar 49 SEK och tar 3–5 dagar. Vänliga hälsningar, ditt Tarn & Timber-team",
    ],
)
def test_what_says_nothing_about_anybody_stays(text: str) -> None:
    assert masked(text, None, ()) == text


VALUES = [
    "Lena", "Vogt", "lena.vogt@mail.example", "@lena", "A-1001", "RP48210077DE", "C-1042", "24. November", "1.219,50 €", "40.00",
    "1 December", "3 December",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=8),
    st.lists(st.text(st.characters(exclude_categories=("L", "N", "C")), min_size=1, max_size=3), min_size=9, max_size=9),
    st.sampled_from([str.lower, str.upper, str]),
)  # fmt: skip
def test_no_value_is_left_whatever_stands_around_it(values: list[str], around: list[str], form: type[str]) -> None:
    text = "".join(f" {gap} {form(value)} " for gap, value in zip(around, values, strict=False))
    left = masked(text).casefold()
    for value in {"lena", "vogt", "a-1001", "rp48210077de", "c-1042", "24. november", "1.219,50", "40.00", "3 december"}:
        assert value not in left, left
