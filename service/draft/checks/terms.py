"""no_invented_promise: no condition of the terms is made looser than a source has it."""

from __future__ import annotations

from collections.abc import Iterator

from service.draft.checks.made import Made, bare
from service.draft.checks.wording import STEM, Words, clauses_of, languages, plain, sentences_of, stems_of, words_of

SAME = 2  # stems that two sentences on the same thing share


def looser(text: str, made: Made) -> list[str]:
    """Where a text says that a condition never counts, or that a breach of it is allowed, and no source does."""
    regardless = made.words.looser["regardless"]
    problems: list[str] = []
    for sentence in sentences_of(plain(text)):
        if bare(sentence) in made.approved_sentences:
            continue
        if (found := regardless.search(sentence)) and not _never_counts(found[0], sentence, made):
            problems.append(f"goes beyond the terms: “{found[0]}” is in no source")
        elif breach := next((one for one in _allowed(sentence, made.words) if not _is_allowed(one, made)), None):
            problems.append(f"goes beyond the terms: “{breach}” is allowed by no source")
    return list(dict.fromkeys(problems))


def _never_counts(said: str, sentence: str, made: Made) -> bool:
    """Whether a source says in the same words, or of the same thing, that a condition never counts."""
    stems = stems_of(sentence)
    return any(
        (found := words.looser["regardless"].search(source)) is not None
        and (words is not made.words or found[0].casefold() == said.casefold() or len(stems & stems_of(source)) >= SAME)
        for source, words in _sources(made)
    )


def _allowed(sentence: str, words: Words) -> list[str]:
    """The breaches of a condition that the sentence allows; one that it denies ("if it hasn't been worn") is none."""
    permits, covers, breaches = (words.looser[name] for name in ("permits", "covers", "breaches"))
    if breaches.search(sentence) is None or (permits.search(sentence) is None and covers.search(sentence) is None):
        return []
    return [
        found[0]
        for clause in clauses_of(sentence, words)
        for found in breaches.finditer(clause)
        if not words.negated(permits.sub(" ", clause))  # "no problem" permits and denies nothing
    ]


def _is_allowed(breach: str, made: Made) -> bool:
    """Whether a source allows the same; of a source in another language, whether it allows any breach."""
    return any(
        words is not made.words or _stem(breach) == _stem(other)
        for sentence, words in _sources(made)
        for other in _allowed(sentence, words)
    )


def _stem(breach: str) -> str:
    return breach.casefold().split()[-1][:STEM]


def _sources(made: Made) -> Iterator[tuple[str, Words]]:
    """Every sentence of the sources with the words of its language."""
    for text, language in (*made.passage_texts, *((plain(value), made.language) for value in (*made.values, *made.approved))):
        words = words_of(language if language in languages() else "en")
        yield from ((sentence, words) for sentence in sentences_of(text))
