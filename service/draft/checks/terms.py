"""no_invented_promise: no condition of the terms is made looser than a source has it."""

from __future__ import annotations

from collections.abc import Iterator

from service.draft.checks.made import Made, bare
from service.draft.checks.wording import Words, clauses_of, languages, plain, sentences_of, words_of


def looser(text: str, made: Made) -> list[str]:
    """Where a text says that a condition never counts, or that a breach of it is allowed, and no source does."""
    regardless = made.words.looser["regardless"]
    problems: list[str] = []
    for sentence in sentences_of(plain(text)):
        if bare(sentence) in made.approved_sentences:
            continue
        if (found := regardless.search(sentence)) and not any(w.looser["regardless"].search(s) for s, w in _sources(made)):
            problems.append(f"goes beyond the terms: “{found[0]}” is in no source")
        elif (breach := _allowed(sentence, made.words)) and not any(_allowed(s, w) for s, w in _sources(made)):
            problems.append(f"goes beyond the terms: “{breach}” is allowed by no source")
    return list(dict.fromkeys(problems))


def _allowed(sentence: str, words: Words) -> str | None:
    """The breach of a condition that the sentence allows; one that it denies ("if it hasn't been worn") is none."""
    permits, breaches = words.looser["permits"], words.looser["breaches"]
    if permits.search(sentence) is None or breaches.search(sentence) is None:
        return None
    for clause in clauses_of(sentence, words):
        found = breaches.search(clause)
        if found is not None and not words.negated(permits.sub(" ", clause)):
            return found[0]
    return None


def _sources(made: Made) -> Iterator[tuple[str, Words]]:
    """Every sentence of the sources with the words of its language."""
    for text, language in (*made.passage_texts, *((plain(value), made.language) for value in (*made.values, *made.approved))):
        words = words_of(language if language in languages() else "en")
        yield from ((sentence, words) for sentence in sentences_of(text))
