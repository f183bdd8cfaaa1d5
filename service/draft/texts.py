"""Pieces of a reply put together within a limit: whole sentences are left out, none is ever cut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from service.draft.channels import Limit, fits
from service.messages import Citation
from service.understand.embedder import sentences

ESSENTIAL = 0  # left out last
USEFUL = 1
NICE = 2  # left out first


@dataclass(frozen=True)
class Piece:
    """One or more sentences with what they rest on; `own_line` starts a paragraph.

    `shorter` are other ways to say the same, `bare` ways that leave facts out, for where there is no room at all.
    """

    text: str
    rank: int = ESSENTIAL
    own_line: bool = False
    shorter: tuple[str, ...] = ()
    citation: Citation | None = None
    order_fields: tuple[str, ...] = ()
    facts: tuple[str, ...] = field(default=())  # values filled into the text, besides order fields
    bare: tuple[str, ...] = ()


def joined(pieces: list[Piece]) -> str:
    """The pieces as one text; paragraphs are parted by an empty line."""
    text = ""
    for piece in pieces:
        if not text:
            text = piece.text
        else:
            text += ("\n\n" if piece.own_line else " ") + piece.text
    return text


def fitted(pieces: list[Piece], limit: Limit) -> list[Piece]:
    """The pieces that fit: shorter wordings first, then pieces left out by rank, then facts, then sentences from the end."""
    kept = list(pieces)
    if fits(joined(kept), limit):
        return kept
    kept = [_shortest(piece, piece.shorter) for piece in kept]
    for rank in (NICE, USEFUL):
        for index in range(len(kept) - 1, -1, -1):
            if fits(joined(kept), limit):
                return kept
            if kept[index].rank == rank:
                del kept[index]
    if not fits(joined(kept), limit):
        kept = [_shortest(piece, piece.bare) for piece in kept]
    while not fits(joined(kept), limit) and kept:
        longest = max(range(len(kept)), key=lambda i: len(sentences(kept[i].text)))
        parts = sentences(kept[longest].text)
        if len(parts) > 1:
            kept[longest] = _with_text(kept[longest], " ".join(parts[:-1]))
        else:
            del kept[max(range(len(kept)), key=lambda i: (kept[i].rank, len(kept[i].text)))]
    return kept


def _shortest(piece: Piece, wordings: tuple[str, ...]) -> Piece:
    best = min((piece.text, *wordings), key=len)
    return piece if best == piece.text else _with_text(piece, best)


def _with_text(piece: Piece, text: str) -> Piece:
    citation = piece.citation
    if citation is not None and citation.quote == piece.text:
        citation = Citation(source=citation.source, quote=text)
    return replace(piece, text=text, shorter=(), citation=citation)
