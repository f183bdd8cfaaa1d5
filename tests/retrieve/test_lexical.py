"""What a query says word for word is found in names, numbers, compounds and inflected forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.retrieve.lexical import BUCKETS, Lexicon, documents

TEXTS = {
    "pay": "How can I pay? Card, PayPal, Swish or invoice within 30 days.",
    "return": "How do I return something? Print the label and hand the parcel in.",
    "warranty": "What does the warranty cover? Tears and broken zips for two years.",
    "sizes": "Welche Größe brauche ich? Miss deine Schuhgröße am Abend.",
}


@pytest.fixture
def lexicon() -> Lexicon:
    made = Lexicon()
    made.put(TEXTS)
    return made


def best(lexicon: Lexicon, query: str) -> str:
    return list(TEXTS)[int(lexicon.shares(query, list(TEXTS)).argmax())]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("do you take swish", "pay"),
        ("PAYPAL?", "pay"),
        ("returning a thing", "return"),
        ("my zip has gone, covered?", "warranty"),
        ("Schuhgrößen", "sizes"),
        ("30 day invoice", "pay"),
    ],
)
def test_finds_names_numbers_and_forms_of_words(lexicon: Lexicon, query: str, name: str) -> None:
    assert best(lexicon, query) == name


def test_a_rare_word_is_worth_more_than_one_that_stands_everywhere(lexicon: Lexicon) -> None:
    lexicon.put({"extra": "How do I find the shop"})
    rare, common = lexicon.shares("swish how", ["pay", "return"])
    assert rare > common > 0


def test_the_text_itself_holds_more_of_a_query_than_any_other_and_never_more_than_all(lexicon: Lexicon) -> None:
    for name, text in TEXTS.items():
        shares = lexicon.shares(text, list(TEXTS))
        assert shares.argmax() == list(TEXTS).index(name)
        assert ((shares >= 0) & (shares <= 1)).all()


def test_a_removed_text_leaves_nothing(lexicon: Lexicon) -> None:
    before = lexicon.shares("paypal", ["return", "pay"])
    lexicon.put({"late": "paypal paypal paypal"})
    lexicon.put({"late": "paypal again"})
    lexicon.remove("late")
    lexicon.remove("late")
    assert np.array_equal(lexicon.shares("paypal", ["return", "pay"]), before)
    assert len(lexicon) == len(TEXTS)
    assert lexicon.shares("paypal", ["late"])[0] == 0


def test_nothing_asked_and_nothing_known_share_nothing(lexicon: Lexicon) -> None:
    assert lexicon.shares("🙃 !!", ["pay"]).tolist() == [0]
    assert Lexicon().shares("pay", ["pay"]).tolist() == [0]


@given(st.text(max_size=200))
def test_any_text_has_pieces_of_its_words_alone(text: str) -> None:
    (found,) = documents([text])
    assert found.length == found.counts.sum()
    assert ((found.pieces >= 0) & (found.pieces < BUCKETS)).all()
    assert documents([f"  {text}!  "])[0].length == found.length
    (apart,) = documents([" ".join([text, text])])
    assert np.array_equal(apart.pieces, found.pieces)
