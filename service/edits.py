"""What an agent changed in a draft before it was sent: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rapidfuzz.distance import Levenshtein

from service.messages import Alternative, Draft, DraftText, Noun, Score

Side = Literal["public", "private"]
Origin = Literal["public", "private", "alternative", "redraft"]


class Change(Noun):
    """Words that were taken out and words that came in their place; one of the two may be empty."""

    removed: str
    added: str


class Edit(Noun):
    """The draft that a sent text is nearest to, and how far it is from it.

    `number` counts from 1, of the alternative or of the redraft. `characters` and `words` are Levenshtein distances; the
    shares divide them by the length of the longer text: 0 is unchanged, 1 has nothing in common.
    """

    draft: Origin
    side: Side
    number: int | None = None
    characters: int
    words: int
    character_share: Score
    word_share: Score
    changes: tuple[Change, ...]


def edit_of(sent: str, draft: Draft | None, redrafts: Sequence[Draft] = ()) -> Edit | None:
    """The edit that made the sent text of one of a triage's drafts; None where there was no draft with a text.

    `redrafts`: the later ones, oldest first. Of two texts that are as near the one in force is taken.
    """
    drafts = list(_texts(draft, redrafts))
    if not drafts:
        return None
    shares = [Levenshtein.normalized_distance(text.text, sent) for _, _, _, text in drafts]
    share = min(shares)
    origin, side, number, text = drafts[shares.index(share)]
    before, after = text.text.split(), sent.split()
    return Edit(
        draft=origin, side=side, number=number, characters=Levenshtein.distance(text.text, sent),
        words=Levenshtein.distance(before, after), character_share=share,
        word_share=Levenshtein.normalized_distance(before, after), changes=tuple(_changes(before, after)),
    )  # fmt: skip


def _texts(draft: Draft | None, redrafts: Sequence[Draft]) -> Iterator[tuple[Origin, Side, int | None, DraftText]]:
    """Every text an agent was shown, the one in force first."""
    for number, again in reversed(list(enumerate(redrafts, 1))):
        for one in (Alternative(public=again.public, private=again.private), *again.alternatives):
            yield from (("redraft", side, number, text) for side, text in _sides(one))
    if draft is None:
        return
    yield from ((side, side, None, text) for side, text in _sides(Alternative(public=draft.public, private=draft.private)))
    for number, other in enumerate(draft.alternatives, 1):
        yield from (("alternative", side, number, text) for side, text in _sides(other))


def _sides(shown: Alternative) -> Iterator[tuple[Side, DraftText]]:
    if shown.private:
        yield "private", shown.private
    if shown.public:
        yield "public", shown.public


def _changes(before: list[str], after: list[str]) -> Iterator[Change]:
    """Spans of words that differ, by the alignment that the distance counts.

    Not by difflib's, which takes two minutes for 2,000 words of which every second is the same.
    """
    removed: list[str] = []
    added: list[str] = []
    for part in Levenshtein.opcodes(before, after):
        if part.tag != "equal":
            removed += before[part.src_start : part.src_end]
            added += after[part.dest_start : part.dest_end]
        elif removed or added:
            yield Change(removed=" ".join(removed), added=" ".join(added))
            removed, added = [], []
    if removed or added:
        yield Change(removed=" ".join(removed), added=" ".join(added))
