"""language: each text, and each sentence of it, is in the customer's language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from service.draft.checks.made import Made, bare
from service.draft.checks.wording import clauses_of, languages, plain, sentences_of, words_of
from service.messages import DraftText
from service.understand.language import identify

LEAST_WORDS = 8  # a shorter text's language can't be told reliably
CLEARLY = 0.8  # score from which a text counts as written in another language
FEW = 5  # words up to which a sentence goes by small words alone
CLAUSE = 5  # words from which a clause is read by itself
SURE = 0.95  # score from which it is in another language; of 488 clauses of four words in good replies none had .9
OTHER = 2  # small words of another language, and none of the right one, that make a sentence foreign
SURELY = 0.25  # share of small words of the right language from which a text is in it
LONG = 7  # letters from which one word is a courtesy of one language alone
RUN = 6  # words in a row that are looked at where a sentence changes its language
_FIRST = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_LINK = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w\S*")
_QUOTE = re.compile(r"[\"“„«”][^\"“”„«»\n]{1,80}[\"”“»]")
_LATIN = "LATIN"
# Words with a letter, and signs, that texts of the language never have.
_FOREIGN_LETTERS = {
    code: re.compile(rf"(?<!\w)[^\W\dA-ZÀ-ÖØ-Þ]*?[{letters}]")
    for code, letters in {
        "en": "ãõñßåøłğąężő¿¡", "de": "ãõñåøæłğąężő¿¡", "nl": "ãõñßåøæłğąężő¿¡", "sv": "ãõñßøæłğąężő¿¡",
        "fr": "ãõñßåøłğąężő¿¡", "es": "ãõßåøæłğąężőäöêôâ",
    }.items()
}  # fmt: skip
_ANYWHERE = frozenset({"hi", "hey", "hello", "hallo"})  # greetings that people of every language use


def in_another_language(text: DraftText, made: Made) -> list[str]:
    """Why a text, or a part of it, is in another language than the customer's."""
    problems = []
    if not _surely_right(plain(text.text), made.language):
        said = without_names(text.text, made)
        found = identify(said, said=None, supported=made.brand.identity.languages)
        if (
            len(_TOKEN.findall(said)) >= LEAST_WORDS
            and found.code != made.language
            and found.supported
            and found.score >= CLEARLY
        ):
            problems.append(f"reads as {found.code}, not {made.language}")
    if made.language in languages() and (greeting := _foreign_greetings(made.language).match(text.text)) is not None:
        problems.append(f"{greeting[0].strip()!r} is no greeting in {made.language}")
    return problems or [problem for sentence in _left(text.text, made) if (problem := foreign(sentence, made))]


def _left(text: str, made: Made) -> Iterator[str]:
    """Sentences that are not approved in this language, without names."""
    own = made.sentences_of_language
    said = plain(_without_foreign_quotes(text, made))
    rest = "\n".join(sentence for sentence in sentences_of(said) if bare(sentence) not in own)
    yield from sentences_of(without_names(rest, made)) if rest else ()


@cache
def _foreign_greetings(language: str) -> re.Pattern[str]:
    """Greetings at the beginning of a text that only other languages have."""
    own = {greeting.casefold() for greeting in words_of(language).given.greetings} | _ANYWHERE
    others = {greeting for code in languages() for greeting in words_of(code).given.greetings}
    listed = "|".join(sorted((one for one in others if one.casefold() not in own), key=len, reverse=True))
    return re.compile(rf"\W*(?:{listed})(?=[\s,!.])", re.IGNORECASE)


def _surely_right(said: str, language: str) -> bool:
    """Whether so many small words are of this language, and so few of any other, that no model needs to be asked."""
    if language not in languages():
        return False
    words = _words(said)
    ours = _among(words, words_of(language).functions)
    return ours >= SURELY * len(words) and ours > 2 * _among(words, _others(language).words)


def foreign(sentence: str, made: Made) -> str | None:
    """Why a sentence reads as another language; names, quotes and words of the sources are left out of it by the caller."""
    if made.language not in languages():
        return None
    script = None if sentence.isascii() else _other_script(_words(sentence), made)
    if script is None and (letter := _foreign_letter(sentence, made)) is not None:
        return f"“{letter}” is no letter of {made.language}"
    return f"{script.lower()} letters" if script is not None else _other_language(sentence, made.language)


@lru_cache(maxsize=8192)
def _other_language(sentence: str, language: str) -> str | None:
    """Why a sentence reads as another language than this one, by its words alone."""
    words = _words(sentence)
    others = _others(language)
    courteous = others.may_be_courteous(words) and others.courtesies.search(sentence) is not None
    if courteous or _among(words, others.words) >= OTHER:
        for code in languages():
            if code == language:
                continue
            if courteous and (found := _courtesies(code, language).search(sentence)) is not None:
                return f"{found[0]!r} is {code}, not {language}"
            if _switched(words, _only(code, language), _only(language, code)):
                return f"a part reads as {code}, not {language}"
    if (part := _foreign_clause(sentence, language)) is not None:
        return part
    if len(words) > FEW and words_of(language).functions.isdisjoint(words):
        read = identify(" ".join(words), said=None, supported=languages())
        if read.code not in (language, "und") and read.score >= CLEARLY and not _near(read.code, language):
            return f"a part reads as {read.code}, not {language}"
    return None


def _foreign_clause(sentence: str, language: str) -> str | None:
    """A clause with hardly a word of this language that a model reads as another one."""
    own = _own(language)
    if not _has_foreign_run(_words(sentence), own):
        return None
    for clause in clauses_of(sentence, words_of(language)):
        words = _words(clause)
        if len(words) < CLAUSE or _among(words, own) > 1:
            continue
        read = identify(" ".join(words), said=None, supported=languages())
        if read.code not in (language, "und") and read.score >= SURE and not _near(read.code, language):
            return f"a part reads as {read.code}, not {language}"
    return None


def _has_foreign_run(words: list[str], own: frozenset[str]) -> bool:
    """Whether there are so many words in a row with hardly one of this language."""
    ours = [word in own for word in words]
    return any(sum(ours[at : at + CLAUSE]) <= 1 for at in range(len(ours) - CLAUSE + 1))


def _among(words: list[str], listed: frozenset[str]) -> int:
    return sum(map(listed.__contains__, words))


def _words(text: str) -> list[str]:
    found: list[str] = _TOKEN.findall(text.lower())
    return found if text.isascii() else [word.casefold() for word in found]


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
def _courtesies_only(code: str, right: str) -> tuple[str, ...]:
    """Courtesies of a language that the other has not; a short word may be of many."""
    ours = {phrase.casefold() for phrase in words_of(right).given.courtesies}
    listed = words_of(code).given.courtesies
    return tuple(phrase for phrase in listed if phrase.casefold() not in ours and (" " in phrase or len(phrase) >= LONG))


@cache
def _courtesies(code: str, right: str) -> re.Pattern[str]:
    return _any_of(_courtesies_only(code, right))


def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    listed = "|".join(map(re.escape, phrases))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)" if phrases else r"(?!)", re.IGNORECASE)


@dataclass(frozen=True)
class _Others:
    """What all other languages have together, to tell most sentences by one look."""

    words: frozenset[str]
    first: frozenset[str]  # words that courtesies begin with, cut at apostrophes
    courtesies: re.Pattern[str]

    def may_be_courteous(self, words: list[str]) -> bool:
        """Whether a courtesy may begin with one of the words."""
        return not self.first.isdisjoint(words) or any("'" in w and not self.first.isdisjoint(w.split("'")) for w in words)


@cache
def _others(right: str) -> _Others:
    codes = [code for code in languages() if code != right]
    courtesies = tuple(phrase for code in codes for phrase in _courtesies_only(code, right))
    words = frozenset[str]().union(*(_only(code, right) for code in codes))
    first = frozenset(found[0].casefold() for phrase in courtesies if (found := _FIRST.search(phrase)) is not None)
    return _Others(words, first, _any_of(courtesies))


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


def _foreign_letter(sentence: str, made: Made) -> str | None:
    """A letter or sign that the language has not, in a word without a capital that nobody said and no source has."""
    letters = None if sentence.isascii() else _FOREIGN_LETTERS.get(made.language)
    if letters is None or (found := letters.search(sentence)) is None:
        return None
    return found[0][-1] if found[0].casefold() not in made.named else None


def without_names(text: str, made: Made) -> str:
    """The text without what may be in any language: names, links, quotes of the customer and of foreign passages."""
    said = plain(_without_foreign_quotes(text, made))
    for name in made.any_language:
        said = said.replace(name, " ")
    if _QUOTE.search(said) is not None:
        heard = made.said.casefold()
        said = _QUOTE.sub(
            lambda found: " " if found[0][1:-1].casefold() in heard or len(found[0].split()) < 4 else found[0], said
        )
    return _LINK.sub(" ", said)


def _without_foreign_quotes(text: str, made: Made) -> str:
    """Quotes may run over several sentences: they are taken out of the whole text."""
    for quote in made.foreign_quotes:
        text = text.replace(quote, "\n")
    return text
