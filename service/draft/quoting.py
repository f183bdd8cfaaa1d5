"""A passage as a draft quotes it: whole sentences, without those that ask for what is known."""

from __future__ import annotations

from functools import lru_cache

from service.draft.checks.wording import plain, words_of
from service.draft.deltas import sentences_with_gaps


@lru_cache(maxsize=4096)
def quoted(text: str, language: str, *, known: bool, photo: bool) -> tuple[str, ...]:
    """The text in one piece, or in the pieces that are left of it without its sentences that ask for a known order's number.

    Such a sentence stays where it asks for a photo, too, and none is there yet. Where nothing would be left, all of it stays.
    """
    if not text or not known:
        return (text,) if text else ()
    parts = sentences_with_gaps(text)
    asking = [_asks_known(plain(part), language, photo=photo) for part in parts]
    # "Is it still not there? Send us the order number.": the question goes with what it leads to.
    leading = [part.strip().endswith("?") and after for part, after in zip(parts, [*asking[1:], False], strict=True)]
    left_out = [asks or leads for asks, leads in zip(asking, leading, strict=True)]
    pieces: list[str] = []
    whole = True  # whether the sentence before was kept, so that the next one goes on
    for sentence, out in zip(parts, left_out, strict=True):
        if out:
            whole = False
            continue
        if whole and pieces:
            pieces[-1] += sentence
        else:
            pieces.append(sentence)
        whole = True
    return tuple(piece.strip() for piece in pieces) or (text,)


def _asks_known(sentence: str, language: str, *, photo: bool) -> bool:
    asks = words_of(language).asks
    return asks["order"].search(sentence) is not None and (photo or asks["photo"].search(sentence) is None)
