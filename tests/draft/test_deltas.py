"""A draft that is being written is told sentence by sentence, and joined the sentences are the draft."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.draft.deltas import Growing, deltas_of
from service.messages import Draft, DraftText

TEXTS = st.text(alphabet=st.sampled_from(list('aB é.!?…\n"\\{}1,')), max_size=60)


def told(answer: str, cuts: list[int]) -> dict[str, str]:
    growing, at = Growing(), 0
    found = {"public": "", "private": ""}
    for cut in sorted({min(c, len(answer)) for c in cuts} | {len(answer)}):
        for side, sentence in growing.add(answer[at:cut]):
            found[side] += sentence
        at = cut
    assert growing.answer == answer
    return found


@given(TEXTS, TEXTS, st.lists(st.integers(0, 200), max_size=30))
def test_joined_the_sentences_of_an_answer_are_its_texts_wherever_it_was_cut(public: str, private: str, cuts: list[int]) -> None:
    answer = "```json\n" + json.dumps({"action": "reply", "public": public, "private": private, "claims": []}) + "\n```"
    given_out = told(answer, cuts)
    assert given_out["public"] == (public if public.strip() else "")
    assert given_out["private"] == (private if private.strip() else "")


def test_a_sentence_comes_when_it_is_whole_and_not_before() -> None:
    growing = Growing()
    assert growing.add('{"action": "reply", "public": "Sorry to hear that. We lo') == [("public", "Sorry to hear that.")]
    assert growing.add("ok into it.") == []
    assert growing.add('", "private": "Hi,') == [("public", " We look into it.")]
    assert growing.add(' there.", "claims": []}') == [("private", "Hi, there.")]


@pytest.mark.parametrize("answer", ["I can not do that.", '["public"]', "{]", ""])
def test_what_is_no_object_gives_no_sentence(answer: str) -> None:
    assert Growing().add(answer) == []


def test_a_finished_draft_is_told_the_public_text_first() -> None:
    def text(words: str) -> DraftText:
        return DraftText(text=words, length=len(words), limit=None, unit="chars")

    draft = Draft(
        action="reply", engine="composer", language="en", public=text("Sorry! Write to us."), private=text("Hi,\n\nIt is here.")
    )
    deltas = list(deltas_of(draft))
    assert [delta.side for delta in deltas] == sorted((delta.side for delta in deltas), reverse=True)
    assert "".join(d.text for d in deltas if d.side == "public") == "Sorry! Write to us."
    assert "".join(d.text for d in deltas if d.side == "private") == "Hi,\n\nIt is here."
