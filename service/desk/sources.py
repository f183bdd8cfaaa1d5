"""What each sentence of a draft rests on, as an agent is shown it: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.draft.checks.wording import plain, sentences_of, stems_of
from service.messages import Citation, Draft, Passage, Triage

LEAST_SHARED = 0.5  # of a sentence's words, that a source must have


@dataclass(frozen=True)
class Source:
    """A sentence and its source: a passage of the triage, or an order; neither for a courtesy."""

    sentence: str
    passage: Passage | None = None
    order: bool = False


def sources_of(text: str, draft: Draft, triage: Triage) -> list[Source]:
    """Every sentence of the text. One is told to rest on an order where it has a number or day, and no cited passage says it."""
    passages = {passage.id: passage for passage in triage.context.passages}
    found = []
    for sentence in sentences_of(plain(text)):
        passage = _said_by(sentence, draft.citations, passages)
        of_order = passage is None and bool(draft.order_fields) and any(letter.isdigit() for letter in sentence)
        found.append(Source(sentence, passage, of_order))
    return found


def _said_by(sentence: str, citations: Sequence[Citation], passages: Mapping[str, Passage]) -> Passage | None:
    """The cited passage that shares the most words with a sentence, and half of them at least."""
    words = stems_of(sentence)
    if not words:
        return None
    best, most = None, LEAST_SHARED
    for citation in citations:
        passage = passages.get(citation.source)
        if passage is None:
            continue
        shared = len(words & stems_of(plain(f"{citation.quote} {passage.text} {passage.short or ''}"))) / len(words)
        if shared >= most:
            best, most = passage, shared
    return best
