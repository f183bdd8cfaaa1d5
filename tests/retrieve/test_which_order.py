"""Which of a customer's orders a message is about, by what it says of its state and of today."""

from __future__ import annotations

import pytest
from builders import message, order, understanding

from service.messages import Customer, Known, Order
from service.retrieve.orders import own_orders


def first(text: str, topic: str, *orders: Order, language: str = "en", **fields: object) -> Order:
    known = Known(customer=Customer(customer_id="C-1042"), orders=orders)
    return own_orders(message(text), understanding(language=language, topic=topic, **fields), known)[0]


MISSING = order(order_id="A-1002", status="delivered", issue="not_received", items=[{"name": "Gale Shell"}], late=False)
OUT = order(order_id="A-1003", status="out_for_delivery", items=[{"name": "Wren Kid"}], late=False)
CANCELLED = order(order_id="A-1004", status="cancelled", issue="cancelled_by_us", items=[{"name": "Fell 65"}], late=False)
LOST = order(order_id="A-1005", status="lost", items=[{"name": "Heath Zip"}], due_at=None)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Is the kids' stuff still coming today?", "en"),
        ("Kommt heute noch was für die Kinder?", "de"),
        ("Komt het vandaag nog?", "nl"),
        ("Kommer det i dag?", "sv"),
        ("Ça arrive bien aujourd’hui ?", "fr"),
        ("¿Llega hoy o no?", "es"),
    ],
)
def test_what_comes_today_is_the_order_that_is_out_for_delivery(text: str, language: str) -> None:
    found = first(text, "delivery", MISSING, OUT, language=language)
    assert (found.order_id, found.why) == ("A-1003", "due_today")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("You lost my parcel and I want my money", "en"),
        ("Das Paket ist verloren, ich will mein Geld", "de"),
        ("Het pakket is kwijt, geef me mijn geld", "nl"),
        ("Paketet är borttappat, jag vill ha pengarna", "sv"),
        ("Le colis est perdu, rendez-moi l’argent", "fr"),
        ("El paquete se ha perdido, quiero el dinero", "es"),
    ],
)
def test_a_parcel_that_is_called_lost_is_the_lost_one(text: str, language: str) -> None:
    assert first(text, "refund", CANCELLED, LOST, language=language).order_id == "A-1005"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("When is the money for the cancelled one back?", "en"),
        ("Wann ist das Geld für die stornierte Bestellung da?", "de"),
        ("Wanneer komt het geld van de geannuleerde bestelling?", "nl"),
        ("När kommer pengarna för det jag avbeställde? Den är avbeställd.", "sv"),
        ("L’argent de la commande annulée, c’est pour quand ?", "fr"),
        ("¿Cuándo vuelve el dinero del pedido cancelado?", "es"),
    ],
)
def test_an_order_that_is_called_cancelled_is_the_cancelled_one(text: str, language: str) -> None:
    pending = order(order_id="A-1006", status="refund_pending", items=[{"name": "Kelp Wind"}], late=False)
    assert first(text, "refund", pending, CANCELLED.model_copy(update={"issue": None}), language=language).order_id == "A-1004"


def test_who_would_like_to_cancel_speaks_of_no_cancelled_order() -> None:
    placed = order(order_id="A-1007", status="placed", items=[{"name": "Tuft Crew"}], late=False)
    assert (
        first("Can I still cancel my order?", "order", CANCELLED.model_copy(update={"issue": None}), placed).why
        != "state_in_text"
    )
