"""Which texts of a message are embedded beside the whole of it."""

from __future__ import annotations

import pytest
from builders import message

from service.understand.understanding import MIXED, MOST_SENTENCES, texts_of

LONG = "The heater that we bought from you in March began to smoke last night while we slept."


def test_a_message_is_read_without_its_first_short_sentence_too() -> None:
    found = texts_of(message(f"What a joke of a company. {LONG} I am so angry!"))
    assert found.without == (f"{LONG} I am so angry!",)
    assert found.all == [*found.windows, *found.without]


@pytest.mark.parametrize(
    "text",
    [
        "I am so angry!",
        f"Hello. {LONG}",
        f"{LONG} Can you send me one?",
        f"{LONG} {LONG}",
        "I am so angry now! " * (MOST_SENTENCES + 1),
        f"I am so angry! {LONG * (MIXED // len(LONG) + 1)}",
    ],
    ids=["alone", "greeting", "question", "none short", "many sentences", "long"],
)
def test_nothing_is_left_out_of_others(text: str) -> None:
    assert texts_of(message(text)).without == ()


def test_earlier_turns_stay_the_last_texts() -> None:
    thread = [{"role": "customer", "text": "Where is it?"}]
    found = texts_of(message(f"What a joke of a company. {LONG}", thread=thread))
    assert found.all[-1:] == ["Where is it?"]
    assert found.without == (LONG,)
