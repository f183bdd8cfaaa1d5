"""A passage is quoted in whole sentences, without those that ask for an order number we have."""

from __future__ import annotations

import pytest
from builders import LANGUAGES, passage

from service.draft.checks.wording import plain, words_of
from service.draft.quoting import quoted

TEXT = "We refund you within 5 days. Still nothing? Send us your order number privately. Your bank may need 3 days."


def test_a_sentence_that_asks_for_the_number_goes_with_the_question_before_it() -> None:
    assert quoted(TEXT, "en", known=True, photo=False) == ("We refund you within 5 days.", "Your bank may need 3 days.")


def test_everything_stays_where_no_order_is_known() -> None:
    assert quoted(TEXT, "en", known=False, photo=True) == (TEXT,)


@pytest.mark.parametrize("photo", [True, False])
def test_a_photo_that_is_missing_is_still_asked_for(photo: bool) -> None:
    text = "We can help. Send us a photo and your order number."
    assert quoted(text, "en", known=True, photo=photo) == (("We can help.",) if photo else (text,))


def test_a_text_that_only_asks_stays_whole() -> None:
    assert quoted("Send us your order number.", "en", known=True, photo=True) == ("Send us your order number.",)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_piece_stands_in_the_passage_as_it_is_quoted(language: str) -> None:
    text = passage("refund-time", language).text
    pieces = quoted(text, language, known=True, photo=True)
    assert pieces
    assert all(piece in text for piece in pieces)
    assert not any(words_of(language).asks["order"].search(plain(piece)) for piece in pieces)
