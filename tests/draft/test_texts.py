"""Pieces put together within a limit: whole sentences are left out, none is ever cut."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.draft.channels import Limit, fits, length
from service.draft.texts import ESSENTIAL, NICE, USEFUL, Piece, fitted, joined
from service.messages import Citation, Unit
from service.understand.embedder import sentences

words = st.lists(
    st.sampled_from(["Paket", "kommt", "3,95 €", "Größe", "morgen", "été", "😀", "A-1001", "ok"]), min_size=1, max_size=9
)
sentence = st.builds(lambda parts, end: " ".join(parts) + end, words, st.sampled_from([".", "!", "?", "…"]))
text = st.lists(sentence, min_size=1, max_size=5).map(" ".join)
pieces = st.lists(
    st.builds(
        lambda said, rank, own, shorter: Piece(said, rank, own, shorter, Citation(source="faq-1", quote=said), ("A-1.status",)),
        text,
        st.sampled_from([ESSENTIAL, USEFUL, NICE]),
        st.booleans(),
        st.lists(text, max_size=2).map(tuple),
    ),
    max_size=7,
)
limits = st.builds(lambda limit, unit: Limit(limit=limit, unit=unit), st.integers(50, 400), st.sampled_from(get_args(Unit)))


class TestJoined:
    def test_pieces_follow_on_a_line_or_start_a_paragraph(self) -> None:
        parts = [Piece("Hi Lena,"), Piece("It is late.", own_line=True), Piece("Sorry."), Piece("Best\nus", own_line=True)]
        assert joined(parts) == "Hi Lena,\n\nIt is late. Sorry.\n\nBest\nus"

    def test_the_first_piece_has_nothing_before_it(self) -> None:
        assert joined([Piece("A.", own_line=True)]) == "A."
        assert joined([]) == ""


class TestFitted:
    LIMIT = Limit(limit=60, unit="chars")

    def test_what_fits_stays_as_it_is(self) -> None:
        parts = [Piece("Short.", NICE, shorter=("S.",)), Piece("Also.", USEFUL)]
        assert fitted(parts, self.LIMIT) == parts

    def test_shorter_wordings_come_before_leaving_out(self) -> None:
        parts = [Piece("We are so very sorry that this has happened to you.", NICE, shorter=("Sorry.",)), Piece("x" * 39 + ".")]
        assert joined(fitted(parts, self.LIMIT)) == "Sorry. " + "x" * 39 + "."

    def test_the_nice_goes_before_the_useful_and_the_essential_stays(self) -> None:
        parts = [Piece("E" * 29 + "."), Piece("U" * 19 + ".", USEFUL), Piece("N" * 19 + ".", NICE)]
        assert [p.rank for p in fitted(parts, self.LIMIT)] == [ESSENTIAL, USEFUL]
        assert [p.rank for p in fitted(parts, Limit(limit=50, unit="chars"))] == [ESSENTIAL]

    def test_of_the_same_rank_the_last_goes_first(self) -> None:
        parts = [Piece("A" * 24 + ".", NICE), Piece("B" * 24 + ".", NICE), Piece("C" * 24 + ".", NICE)]
        assert [p.text[0] for p in fitted(parts, self.LIMIT)] == ["A", "B"]

    def test_sentences_of_the_longest_essential_go_from_the_end(self) -> None:
        parts = [Piece("One two three. Four five six. Seven eight nine. Ten eleven twelve."), Piece("Stay.")]
        assert joined(fitted(parts, self.LIMIT)) == "One two three. Four five six. Seven eight nine. Stay."

    def test_a_date_is_no_end_of_a_sentence(self) -> None:
        text = "Sie ist am 4. November abgeschickt worden. Wir rechnen mit dem 20. Dezember."
        (left,) = fitted([Piece(text)], Limit(limit=len(text) - 1, unit="chars"))
        assert left.text == "Sie ist am 4. November abgeschickt worden."

    def test_a_citation_quotes_only_what_is_left(self) -> None:
        said = "One two three four five. Six seven eight nine ten. Eleven twelve thirteen."
        (left,) = fitted([Piece(said, citation=Citation(source="faq-1", quote=said))], self.LIMIT)
        assert left.text == "One two three four five. Six seven eight nine ten."
        assert left.citation == Citation(source="faq-1", quote=left.text)

    def test_one_sentence_that_can_not_fit_is_left_out_whole(self) -> None:
        assert fitted([Piece("x" * 80 + ".")], self.LIMIT) == []
        assert [p.text for p in fitted([Piece("x" * 80 + "."), Piece("Please write to us.")], self.LIMIT)] == [
            "Please write to us."
        ]

    @given(pieces, limits)
    @example([Piece("a" * 60 + ".", shorter=("b" * 55 + ".",))], Limit(limit=50, unit="chars"))
    def test_never_exceeds_the_limit(self, parts: list[Piece], limit: Limit) -> None:
        assert length(joined(fitted(parts, limit)), limit.unit) <= limit.limit

    @given(pieces, limits)
    def test_never_cuts_inside_a_sentence(self, parts: list[Piece], limit: Limit) -> None:
        given_sentences = {s for part in parts for said in (part.text, *part.shorter) for s in sentences(said)}
        for piece in fitted(parts, limit):
            assert set(sentences(piece.text)) <= given_sentences

    @given(pieces, limits)
    def test_keeps_order_and_what_each_piece_rests_on(self, parts: list[Piece], limit: Limit) -> None:
        left = fitted(parts, limit)
        at = 0
        for piece in left:
            begins = [
                n
                for n, part in enumerate(parts[at:], at)
                if any(said.startswith(piece.text) for said in (part.text, *part.shorter))
            ]
            assert begins
            at = begins[0] + 1
            assert piece.order_fields == ("A-1.status",)
            assert piece.citation is not None
            assert piece.citation.quote == piece.text

    @given(pieces, limits)
    def test_is_done_after_one_pass(self, parts: list[Piece], limit: Limit) -> None:
        once = fitted(parts, limit)
        assert fitted(once, limit) == once
        if fits(joined(parts), limit):
            assert once == parts

    @given(pieces, limits)
    def test_something_is_left_where_each_piece_fits_by_itself(self, parts: list[Piece], limit: Limit) -> None:
        if parts and all(fits(said, limit) for part in parts for said in (part.text, *part.shorter)):
            assert fitted(parts, limit)


@pytest.mark.parametrize("unit", get_args(Unit))
def test_an_empty_draft_fits_everywhere(unit: Unit) -> None:
    assert fitted([], Limit(limit=50, unit=unit)) == []
