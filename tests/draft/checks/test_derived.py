"""What follows from the sources may be said, and what only looks as if it did may not. Today is Sunday, 22 November 2026."""

from __future__ import annotations

import pytest
from builders import made, message, order, passage

from service.draft.checks.cited import uncited
from service.messages import Item, OrderEvent

DELIVERED = order(
    status="delivered", delivered_at="2026-11-07", promised_at="2026-11-05", shipped_at="2026-11-03", due_at=None, late=False,
    placed_at="2026-11-02", items=[Item(name="Skarn 2", price=219.0), Item(name="Peat Mug", price=14.9, quantity=4)],
    timeline=[OrderEvent(at="2026-11-20", event="return_received")],
)  # fmt: skip


def said(text: str, language: str = "en", entry: str | None = "return-item", customer: str = "hello?") -> list[str]:
    passages = (passage(entry, language),) if entry else ()
    return uncited(text, made(text, said=message(customer, channel="email"), language=language, passages=passages, of=DELIVERED))


@pytest.mark.parametrize(
    ("language", "entry", "text"),
    [
        ("en", "return-item", "It came on 7 November, so you can send it back until 7 December."),
        ("de", "return-item", "Seit dem 7.11. ist es bei dir, zurück kann es also bis zum 7. Dezember."),
        ("nl", "return-item", "Het is op 7 november bezorgd, dus je hebt tot en met 7 december."),
        ("sv", "return-item", "Den kom den 7 november, så du har till den 7 december på dig."),
        ("fr", "return-item", "Livré le 7 novembre, il peut revenir jusqu’au 7 décembre."),
        ("es", "return-item", "Llegó el 7 de noviembre, así que tienes hasta el 7 de diciembre."),
        ("en", "refund-time", "Your return got here on Friday; 5 business days take us to 27 November."),
        ("en", "missed-delivery", "They try again on the next business day, that is Monday."),
        ("de", "refund-time", "Bis zu 5 Werktage, also eine Woche."),
        ("en", None, "You’ve had it for over two weeks."),
        ("sv", None, "Det är 15 dagar sedan den kom."),
        ("fr", None, "Elle est arrivée deux jours plus tard que prévu, avant-hier le retour était là."),
        ("en", None, "That’s €29.80 for two of the mugs, and €219 for the tent."),
        ("es", None, "En total son 278,60 €."),
    ],
)
def test_what_follows_may_be_said(language: str, entry: str | None, text: str) -> None:
    assert said(text, language, entry) == []


@pytest.mark.parametrize(
    ("language", "entry", "text"),
    [
        ("en", "return-item", "It came on 7 November, so you can send it back until 9 December."),
        ("de", "return-item", "Seit dem 7.11. ist es bei dir, zurück kann es also bis zum 14. Dezember."),
        ("en", "refund-time", "Your return got here on Friday, and we refund you by 2 December."),
        ("en", "refund-time", "We’ll have it refunded by Friday, 4 December."),
        ("nl", None, "Je hebt het al vijf weken in huis."),
        ("en", None, "This takes 48 hours."),
        ("fr", None, "Cela fait 31,20 € pour deux mugs."),
    ],
)
def test_what_does_not_follow_may_not(language: str, entry: str | None, text: str) -> None:
    assert said(text, language, entry)


@pytest.mark.parametrize(
    ("language", "entry", "text"),
    [
        ("en", "contact-hours", "Tomorrow we’re there from 9 to 6."),
        ("nl", "contact-hours", "Op werkdagen zijn we er van 9 tot 6."),
        ("de", "contact-hours", "Samstags nicht mehr nach 16 Uhr."),
        ("en", "holiday-returns", "Ordered up to Christmas Eve, it can come back until 31 January."),
        ("en", None, "Two ways:\n1. Wait for it.\n2. Send it back.\nWe’d understand if you took number 1."),
    ],
)
def test_hours_feasts_lists_and_the_days_from_an_order_follow(language: str, entry: str | None, text: str) -> None:
    assert said(text, language, entry) == []


@pytest.mark.parametrize(
    ("language", "entry", "text"),
    [
        ("en", "contact-hours", "We’re there from 8 to 11."),
        ("en", "contact-hours", "You’ll have it tomorrow."),
        ("en", None, "Two ways:\n1. Wait for it.\n2. Send it back.\nWe’d understand if you took number 9."),
    ],
)
def test_other_hours_feasts_and_days_do_not(language: str, entry: str | None, text: str) -> None:
    assert said(text, language, entry)


def test_a_long_span_begins_with_the_order() -> None:
    recent = order(placed_at="2026-11-20", due_at=None, promised_at=None, shipped_at=None)
    entry = passage("invoice-copy", "en")  # the company's name can be added for 14 days

    def uncited_of(text: str) -> list[str]:
        return uncited(
            text, made(text, said=message("I need an invoice", channel="email"), passages=(entry,), of=recent, language="en")
        )

    assert uncited_of("Send us the company’s name by 4 December.") == []
    assert uncited_of("Send us the company’s name by 6 December.")


def test_a_number_that_the_customer_gave_is_no_day() -> None:
    assert said("¡Gracias por el 10!", "es", customer="Les pongo un 10 de 10") == []
    assert said("Te lo devolvemos el 10.", "es", customer="Les pongo un 10 de 10")


def test_a_weekday_that_the_customer_names_is_a_beginning() -> None:
    text = "You have 14 days from the order to have the name changed, so until 30 November."
    assert said(text, entry="invoice-copy", customer="I ordered last Monday and need an invoice for my company") == []
    assert said(text, entry="invoice-copy", customer="I need an invoice for my company")


def test_a_passage_that_was_found_is_a_source_for_what_it_says_of_the_same_thing() -> None:
    from service.messages import Context

    found = passage("warranty-repair", "en")
    text = "Tents and other outdoor gear have 3 years of warranty from the day of delivery."
    draft = made(text, said=message("hello?", channel="email"), language="en", context=Context(passages=(found,)))
    assert uncited(text, draft) == []
    other = "The shop opens again in 3 years."
    assert uncited(other, draft.with_texts(None, None))
