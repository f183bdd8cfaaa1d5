"""An edit names the draft it came from, how far it went and which words changed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.edits import edit_of
from service.messages import Draft

TUESDAY = "Hello Lena, your parcel arrives on Tuesday."
GONE = "Sorry, we can't find your parcel at all."


def shown(text: str | None) -> dict[str, Any] | None:
    return None if text is None else {"text": text, "length": len(text), "limit": None, "unit": "chars"}


def draft(private: str | None, public: str | None = None, *others: str) -> Draft:
    alternatives = [{"private": shown(other)} for other in others]
    given = {"action": "reply", "engine": "composer", "language": "en", "private": shown(private), "public": shown(public)}
    return Draft.model_validate(given | {"alternatives": alternatives})


def test_it_says_which_words_were_taken_out_and_came_in() -> None:
    edit = edit_of("Hi Lena, your big parcel arrives Wednesday.", draft(TUESDAY))
    assert edit is not None
    assert [(change.removed, change.added) for change in edit.changes] == [
        ("Hello", "Hi"), ("", "big"), ("on Tuesday.", "Wednesday."),
    ]  # fmt: skip
    assert (edit.words, edit.characters) == (4, 13)
    assert edit.word_share == pytest.approx(4 / 7)
    assert 0 < edit.character_share < 0.5


def test_what_was_sent_as_it_was_has_no_changes() -> None:
    edit = edit_of(TUESDAY, draft(TUESDAY))
    assert edit is not None
    assert (edit.characters, edit.words, edit.character_share, edit.word_share, edit.changes) == (0, 0, 0, 0, ())


def test_nothing_in_common_is_one() -> None:
    edit = edit_of("zzzz", draft("aaaa"))
    assert edit is not None
    assert (edit.character_share, edit.word_share) == (1, 1)


@pytest.mark.parametrize(
    ("sent", "origin"),
    [
        (TUESDAY, ("private", "private", None)),
        ("Please write to us privately.", ("public", "public", None)),
        ("Second wording here!", ("alternative", "private", 1)),
        ("Third wording here!", ("alternative", "private", 2)),
        ("Short answer one.", ("redraft", "private", 1)),
        ("Shorter answer.", ("redraft", "private", 2)),
        ("Public and short.", ("redraft", "public", 2)),
    ],
)
def test_it_comes_from_the_nearest_draft(sent: str, origin: tuple[str, str, int | None]) -> None:
    own = draft(TUESDAY, "Please write to us in private.", "Second wording here.", "Third wording here.")
    later = [draft("Short answer, one."), draft("Shorter answer!", "Public, and short.")]
    edit = edit_of(sent, own, later)
    assert edit is not None
    assert (edit.draft, edit.side, edit.number) == origin


def test_of_two_as_near_the_one_in_force_is_taken() -> None:
    edit = edit_of(TUESDAY, draft(TUESDAY), [draft(GONE), draft(TUESDAY), draft(GONE)])
    assert edit is not None
    assert (edit.draft, edit.number) == ("redraft", 2)


def test_without_a_draft_there_is_no_edit() -> None:
    assert edit_of(TUESDAY, None) is None
    assert edit_of(TUESDAY, draft(None)) is None


words = st.lists(st.sampled_from(["a", "b", "parcel", "Lena,"]), max_size=30).map(" ".join)


@given(before=words, sent=words)
def test_the_changes_make_the_sent_text_of_the_draft(before: str, sent: str) -> None:
    edit = edit_of(sent, draft(before))
    assert edit is not None
    removed = sum(len(change.removed.split()) for change in edit.changes)
    added = sum(len(change.added.split()) for change in edit.changes)
    assert len(before.split()) - removed + added == len(sent.split())
    assert max(removed, added) <= edit.words <= removed + added
    assert (edit.words == 0) == (edit.changes == ())
    assert 0 <= edit.character_share <= 1
