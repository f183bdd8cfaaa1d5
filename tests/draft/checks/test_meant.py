"""Wordings that mean the same: requests for what is known, claims of being human, looser conditions, answers that are none."""

from __future__ import annotations

import pytest
from builders import made, message, order, passage

from service.draft.checks.forbidden import forbidden, human_claims
from service.draft.checks.promises import invented
from service.draft.checks.questions import asks_known, unanswered
from service.messages import Customer

CUSTOMER = Customer(customer_id="C-1042", name="Lena Vogt", email="lena@mail.example", country="DE")
SAID = message("where is it? i sent the photo already", channel="email")


def asked(language: str, text: str) -> list[str]:
    return asks_known(text, made(text, said=SAID, language=language, of=order(), customer=CUSTOMER))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Could you let us have the number of your order?"),
        ("en", "Which item is it about?"),
        ("en", "We’re still missing your e-mail address."),
        ("de", "Unter welcher E-Mail-Adresse hast du bestellt?"),
        ("de", "Um welchen Artikel geht es denn?"),
        ("nl", "Mogen we nog weten hoe je heet?"),
        ("nl", "Wanneer heb je besteld?"),
        ("sv", "Vilket ordernummer gäller det?"),
        ("sv", "Skicka gärna din mejladress."),
        ("fr", "Il nous faudrait le numéro de la commande."),
        ("fr", "Quand avez-vous commandé ?"),
        ("es", "Pásanos el número de pedido, porfa."),
        ("es", "¿Qué día hiciste el pedido?"),
    ],
)
def test_what_is_known_is_asked_for_in_many_words(language: str, text: str) -> None:
    assert asked(language, text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "You don’t need to send us your order number again."),
        ("en", "Your order number is A-1001."),
        ("de", "Deine Bestellnummer brauchen wir nicht noch einmal."),
        ("nl", "Je hoeft je bestelnummer niet opnieuw te sturen."),
        ("sv", "Bilden har kommit fram, så du behöver inte skicka något mer."),
        ("fr", "Votre photo nous est bien parvenue."),
        ("es", "Tu foto nos llegó, gracias. ¿Alguna otra duda?"),
    ],
)
def test_to_speak_of_what_is_known_is_not_to_ask_for_it(language: str, text: str) -> None:
    assert asked(language, text) == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I walked over to the shelf and saw it with my own eyes."),
        ("en", "There’s a living, breathing human at this end."),
        ("de", "Das habe ich im Lager selbst nachgesehen."),
        ("de", "Es ist unterwegs.\n\nLG Marco"),
        ("nl", "Dat heb ik persoonlijk uitgezocht."),
        ("sv", "Jag har själv sovit i det tältet."),
        ("fr", "J’ai moi-même vérifié au dépôt."),
        ("es", "A mí me pasó lo mismo el año pasado."),
    ],
)
def test_who_claims_to_be_human_is_heard(language: str, text: str) -> None:
    assert human_claims(text, made(text, said=SAID, language=language))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Had you read the page first, you wouldn’t have to ask."),
        ("de", "Hättest du vorher genauer hingeschaut oder nachgelesen, wäre das nicht passiert."),
        ("nl", "Als je eerst even had gekeken, was dit niet gebeurd."),
        ("sv", "Du får faktiskt skylla dig själv."),
        ("fr", "Il fallait vérifier avant de payer."),
        ("es", "Haberlo mirado antes, la culpa es tuya."),
    ],
)
def test_nobody_is_blamed(language: str, text: str) -> None:
    assert forbidden(text, made(text, said=SAID, language=language))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "It’s no problem if it has been worn a few times."),
        ("de", "Es ist kein Problem, wenn die Schuhe getragen sind."),
        ("nl", "Dat mag ook als het al gebruikt is."),
        ("sv", "Det gör inget om skorna har använts."),
        ("fr", "Quelques sorties en montagne ne posent pas de problème."),
        ("es", "No pasa nada si lo has llevado unos días."),
        ("en", "You can return it regardless of the condition."),
        ("de", "Das geht, egal wie lange der Kauf her ist."),
    ],
)
def test_no_condition_is_made_looser(language: str, text: str) -> None:
    draft = made(text, said=SAID, language=language, passages=(passage("return-item", language),))
    assert any("terms" in problem for problem in invented(text, draft))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "That’s fine as long as it hasn’t been worn."),
        ("de", "Das ist kein Problem, solange die Schuhe nicht getragen sind."),
        ("fr", "Aucun problème, tant que l’article n’a pas été porté."),
    ],
)
def test_a_condition_that_is_told_stays_one(language: str, text: str) -> None:
    draft = made(text, said=SAID, language=language, passages=(passage("return-item", language),))
    assert invented(text, draft) == []


def test_a_reply_that_names_the_order_and_tells_nothing_of_it_is_no_answer() -> None:
    kind = "Hi Lena, thank you for asking about A-1001, your Skarn 2. We care a lot about every parcel. Have a lovely day!"
    told = "Hi Lena, A-1001 is with Rappid and should reach you on 24 November."
    empty, full = (made(text, said=SAID, language="en", of=order(), customer=CUSTOMER) for text in (kind, told))
    assert empty.private is not None
    assert full.private is not None
    assert unanswered(empty.private, empty)
    assert unanswered(full.private, full) == []
