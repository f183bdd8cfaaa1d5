"""Which sentences ask something, with a question mark or without."""

from __future__ import annotations

import pytest

from service.messages import Message
from service.understand.questions import asks
from service.understand.understanding import texts_of


@pytest.mark.parametrize(
    "sentence",
    [
        "Where is it?",
        "and can it go to my neighbour instead, im never in x",
        "Also how long do i have to send it back",
        "I was wondering if you ship to Malta.",
        "Wie lange habe ich Zeit zum Umtauschen",
        "Außerdem wollte ich noch fragen, ob ihr samstags liefert.",
        "kunnen jullie dat ook inpakken",
        "Ik vraag me ook af of het waterdicht is.",
        "Undrar också hur det funkar att betala mot faktura.",
        "går det att ändra",
        "et combien coûte le retour",
        "Je voudrais aussi savoir si vous livrez le samedi.",
        "y cuánto tarda en llegar",
        "También quería saber si tenéis tallas grandes.",
        "متى تصل الطلبية؟",
    ],
)
def test_asks(sentence: str) -> None:
    assert asks(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "My tent is late.",
        "What a lovely jacket",
        "How dare you treat people like that!",
        "Can you believe it!",
        "Wie immer top.",
        "Was für eine Frechheit.",
        "Ik wil mijn geld terug.",
        "Hur bra som helst.",
        "Qué bien me queda.",
        "Is it",
        "",
    ],
)
def test_asks_nothing(sentence: str) -> None:
    assert not asks(sentence)


def test_two_questions_of_which_one_has_its_mark_are_searched_for_apart() -> None:
    message = Message(text="Can I pay part with a gift card? And can it go to a pick-up point instead of my house.")
    assert texts_of(message).questions == (
        "Can I pay part with a gift card?",
        "And can it go to a pick-up point instead of my house.",
    )
