"""no_invented_promise: what the terms, a passage or the order bear may be promised, and nothing else."""

from __future__ import annotations

import pytest
from builders import made, message, order, passage

from service.draft.checks.promises import invented
from service.messages import Refund

REFUND = order(status="refund_pending", refund=Refund(amount=219.0, currency="EUR", at="2026-11-27"), late=False)


def promised(text: str, language: str = "en", entry: str | None = None, *, said: str = "hello?", **more: object) -> list[str]:
    passages = (passage(entry, language),) if entry else ()
    return invented(text, made(text, said=message(said, channel="email"), language=language, passages=passages, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("Once it’s back with us, we’ll refund you within 5 business days.", "refund-time"),
        ("We refund you within five working days of getting your return.", "refund-time"),
        ("If we need it back, you get a free return label.", "damaged-or-wrong-item"),
        ("You’ll get a replacement within 2 business days of sending your photo, at no cost.", "damaged-or-wrong-item"),
        ("100 points give you €5 off.", "loyalty-points"),
        ("You can combine a gift card with one voucher code.", "gift-cards-and-vouchers"),
    ],
)
def test_what_a_passage_promises_may_be_said(text: str, entry: str) -> None:
    assert promised(text, entry=entry) == []


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("We’ll refund you the full amount right away.", "refund-time"),
        ("We’ll refund you the full amount.", "refund-time"),
        ("We have refunded your order.", "refund-time"),
        ("Once it’s back with us, we’ll refund you within 2 business days.", "refund-time"),
        ("You’ll receive a voucher as compensation.", "gift-cards-and-vouchers"),
        ("We’ll send you a gift card for the trouble.", "gift-cards-and-vouchers"),
        ("We’ll give you a discount.", "loyalty-points"),
        ("We’ll send you a replacement.", None),
        ("Don’t worry, we’ll refund you in full.", None),
        ("No problem, we'll make an exception.", None),
        ("Shipping will be free of charge.", None),
        ("We’ll extend your return window.", "return-item"),
        ("We’ve cancelled your order.", None),
    ],
)
def test_what_none_promises_may_not(text: str, entry: str | None) -> None:
    assert promised(text, entry=entry)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We can’t give a discount, unfortunately."),
        ("de", "Einen Rabatt können wir leider nicht geben."),
        ("nl", "We kunnen helaas geen korting geven."),
        ("sv", "Vi kan tyvärr inte ge någon rabatt."),
        ("fr", "Nous ne pouvons malheureusement pas accorder de remise."),
        ("es", "Lo sentimos, no podemos ofrecer un descuento."),
        ("en", "We understand that you’d like a refund."),
        ("de", "Wir verstehen, dass du eine Erstattung möchtest."),
        ("en", "A colleague is checking whether a refund is possible."),
        ("de", "Eine Kollegin prüft, ob eine Erstattung möglich ist."),
        ("fr", "Une collègue vérifie si un remboursement est possible."),
        ("en", "We can’t guarantee a date."),
        ("de", "Garantieren können wir das nicht."),
        ("en", "You asked about a voucher."),
    ],
)
def test_what_is_denied_asked_or_checked_is_no_promise(language: str, text: str) -> None:
    assert promised(text, language) == []


def test_a_refund_of_the_order_may_be_told_and_not_brought_forward() -> None:
    assert promised("We’ll refund you 219 € by 27 November.", of=REFUND) == []
    assert promised("We’ll refund you immediately.", of=REFUND)
    assert promised("We’ll send you a voucher, too.", of=REFUND)


def test_the_customers_words_are_no_source_for_a_promise() -> None:
    said = "i want my 50 € back by friday!!"
    assert promised("We’ll refund your 50 € by Friday.", said=said)
    assert promised("We understand that you want your 50 € back.", said=said) == []


def test_approved_sentences_stand_with_what_they_promise() -> None:
    text = "Tell us what suits you better: a new parcel or a refund. We’ll give you a discount."
    assert promised(text, approved=(text,)) == []
    assert promised(text) != []
