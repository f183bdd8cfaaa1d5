"""language: each text, and each sentence of it, is in the customer's language."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from service.draft.checks.made import Made
from service.draft.checks.wording import languages, plain, sentences_of, words_of
from service.messages import DraftText
from service.understand.language import identify

LEAST_WORDS = 8  # a shorter text's language can't be told reliably
CLEARLY = 0.8  # score from which a text counts as written in another language
FEW = 5  # words up to which a sentence goes by small words alone
OTHER = 2  # small words of another language, and none of the right one, that make a sentence foreign
SURELY = 0.25  # share of small words of the right language from which a text is in it
LONG = 7  # letters from which one word is a courtesy of one language alone
RUN = 6  # words in a row that are looked at where a sentence changes its language
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_LINK = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w\S*")
_QUOTE = re.compile(r"[\"“„«][^\"“”„«»\n]{1,80}[\"”“»]")
_LATIN = "LATIN"


def in_another_language(text: DraftText, made: Made) -> list[str]:
    """Why a text, or a part of it, is in another language than the customer's."""
    said = without_names(text.text, made)
    problems = []
    if len(said.split()) >= LEAST_WORDS and not _surely_right(said, made.language):
        found = identify(said, said=None, supported=made.brand.identity.languages)
        if found.code != made.language and found.supported and found.score >= CLEARLY:
            problems.append(f"reads as {found.code}, not {made.language}")
    return problems or [problem for sentence in sentences_of(said) if (problem := foreign(sentence, made))]


def _surely_right(said: str, language: str) -> bool:
    """Whether so many small words are of this language, and so few of any other, that no model needs to be asked."""
    if language not in languages():
        return False
    words = [word.casefold() for word in _TOKEN.findall(said)]
    ours = sum(word in words_of(language).functions for word in words)
    return ours >= SURELY * len(words) and ours > 2 * sum(word in _others(language).words for word in words)


def foreign(sentence: str, made: Made) -> str | None:
    """Why a sentence reads as another language; names, quotes and words of the sources are left out of it by the caller."""
    if made.language not in languages():
        return None
    words = [word.casefold() for word in _TOKEN.findall(sentence)]
    if (script := _other_script(words, made)) is not None:
        return f"{script.lower()} letters"
    right, others = words_of(made.language).functions, _others(made.language)
    courteous = others.courtesies.search(sentence) is not None
    if courteous or sum(word in others.words for word in words) >= OTHER:
        for code in languages():
            if code == made.language:
                continue
            if courteous and (found := _courtesies(code, made.language).search(sentence)) is not None:
                return f"{found[0]!r} is {code}, not {made.language}"
            if _switched(words, _only(code, made.language), _only(made.language, code)):
                return f"a part reads as {code}, not {made.language}"
    if len(words) > FEW and not any(word in right for word in words):
        read = identify(" ".join(words), said=None, supported=languages())
        if read.code not in (made.language, "und") and read.score >= CLEARLY and not _near(read.code, made.language):
            return f"a part reads as {read.code}, not {made.language}"
    return None


def _switched(words: list[str], other: frozenset[str], right: frozenset[str]) -> bool:
    """Whether the words, or some in a row, are small words of another language and none of the right one."""
    theirs, ours = {word for word in words if word in other}, {word for word in words if word in right}
    if len(theirs) < OTHER:
        return False
    if len(theirs) > 2 * len(ours):
        return True
    rows = (set(words[at : at + RUN]) for at in range(max(len(words) - RUN + 1, 1)))
    return any(len(row & theirs) > OTHER and not row & ours for row in rows)


@cache
def _only(code: str, right: str) -> frozenset[str]:
    """Small words of a language, and words of care, that the other has not; of close languages fewer remain."""
    return _own(code) - _own(right) - frozenset(words_of(right).given.numbers)


@cache
def _own(code: str) -> frozenset[str]:
    return words_of(code).functions | frozenset(words_of(code).given.vocabulary)


@cache
def _courtesies(code: str, right: str) -> re.Pattern[str]:
    ours = {phrase.casefold() for phrase in words_of(right).given.courtesies}
    listed = [
        re.escape(phrase)
        for phrase in words_of(code).given.courtesies
        if phrase.casefold() not in ours and (" " in phrase or len(phrase) >= LONG)
    ]
    return re.compile(rf"(?<!\w)(?:{'|'.join(listed)})(?!\w)" if listed else r"(?!)", re.IGNORECASE)


@dataclass(frozen=True)
class _Others:
    """What all other languages have together, to tell most sentences by one look."""

    words: frozenset[str]
    courtesies: re.Pattern[str]


@cache
def _others(right: str) -> _Others:
    codes = [code for code in languages() if code != right]
    together = "|".join(_courtesies(code, right).pattern for code in codes)
    words = frozenset[str]().union(*(_only(code, right) for code in codes))
    return _Others(words, re.compile(together, re.IGNORECASE))


def _near(code: str, language: str) -> bool:
    """Languages that a model takes for each other in a short sentence."""
    return {code, language} in (
        {"sv", "no"},
        {"sv", "da"},
        {"es", "pt"},
        {"es", "ca"},
        {"es", "gl"},
        {"nl", "de"},
        {"nl", "fy"},
        {"fr", "oc"},
    )


def _other_script(words: list[str], made: Made) -> str | None:
    """The script of a word that is neither Latin nor in the conversation or a source."""
    for word in words:
        if word.isascii():
            continue
        name = unicodedata.name(word[0], _LATIN).split()[0]
        if name not in (_LATIN, "MODIFIER", "FEMININE", "MASCULINE") and word not in made.named:
            return name
    return None


def without_names(text: str, made: Made) -> str:
    """The text without what may be in any language: names, links, quotes of the customer and of foreign passages."""
    identity = made.brand.identity
    voice = made.brand.voice(made.language)
    left = text
    for quote in made.foreign_quotes:
        left = left.replace(quote, "\n")
    said = plain(left)
    names = [
        identity.display_name,
        *identity.support_handles.values(),
        voice.team,
        voice.disclosure,
        *(line.name for line in identity.help_lines),
    ]
    names += [item.name for order in made.context.orders for item in order.items]
    names += [product.name for product in made.brand.catalogue]
    for name in names:
        if name:
            said = said.replace(plain(name), " ")
    heard = made.said.casefold()
    said = _QUOTE.sub(lambda found: " " if found[0][1:-1].casefold() in heard or len(found[0].split()) < 4 else found[0], said)
    return _LINK.sub(" ", said)
