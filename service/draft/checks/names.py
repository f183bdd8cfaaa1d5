"""Names in a text: of products, people, carriers and firms, told by their capitals or by a list, that stand in no source."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from service.draft.checks.made import WORD, Made
from service.draft.checks.wording import names, sentences_of, stands_in

_CAPITAL = re.compile(r"[A-ZÀ-ÖØ-ÝÅÄÖ]")
_LINK = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.-]+|(?<!\w)@[\w.]+")
_LISTED = ("carriers", "payments", "shops", "people")
NOUNS_HAVE_CAPITALS = frozenset({"de"})
# Endings that German makes nouns with: such a word beside another noun is no name.
_NOUN = re.compile(
    r"(?:ung|ungen|heit|keit|schaft|ion|ionen|tät|nis|tum|chen|lein|ling|eur|ment|ismus|anz|enz|ei|tag|tage|woche|ende|mail|mails|zeit|stelle|nummer|karte|paket|lager|konto|weg|team|service|preis|shop)s?$"
)
_BEFORE_A_START = frozenset('.!?:…"“”„«([¿¡>•–—-')
_ANY_WORD = re.compile(r"\w")
_PRONOUNS = frozenset(
    "Sie Ihnen Ihr Ihre Ihrem Ihren Ihrer Ihres Du Dir Dich Dein Deine Deinem Deinen Deiner Euch Euer Eure".split()
)


def unknown_names(text: str, made: Made) -> list[str]:
    """Names that nothing the draft rests on has."""
    left = "\n".join(made.not_quoted(text))
    found = [name for name in _listed_in(left, made) if not _named(name, made)]
    for sentence in sentences_of(_LINK.sub(" ", left)):
        capitals = _by_capital(sentence, made.language in NOUNS_HAVE_CAPITALS)
        found += (name for name in capitals if not knows(name, made) and name.casefold() not in made.words.given.titles)
    return list(dict.fromkeys(found))


def _listed_in(text: str, made: Made) -> Iterator[str]:
    """Names of the list and of the brand's own range, as whole words in this very spelling."""
    for match in _listed_pattern(tuple(product.name for product in made.brand.catalogue)).finditer(text):
        yield match[0]


@lru_cache(maxsize=64)
def _listed_pattern(products: tuple[str, ...]) -> re.Pattern[str]:
    listed = {name for kind in _LISTED for name in names()[kind]} | set(products)
    listed -= names()["platforms"]
    longest = sorted(listed, key=len, reverse=True)
    first = "".join(map(re.escape, sorted({name[0] for name in listed})))  # told at a glance where none of them begins
    return re.compile(rf"(?<![\w@])(?=[{first}])(?:{'|'.join(map(re.escape, longest))})(?!\w)")


@lru_cache(maxsize=4096)
def _by_capital(sentence: str, german: bool) -> tuple[str, ...]:
    """Words with a capital where the language writes none, the first of a sentence left out."""
    words = list(WORD.finditer(sentence))
    return tuple(
        match[0]
        for at, match in enumerate(words)
        if _CAPITAL.match(match[0])
        and not _starts(sentence, match.start())
        and (_is_acronym(match[0]) or not german or _stands_out(words[at - 1] if at else None, match, sentence))
    )


def _is_acronym(word: str) -> bool:
    return word.isupper() and len(word) > 1


def _stands_out(before: re.Match[str] | None, match: re.Match[str], sentence: str) -> bool:
    """Whether a word is none of German's nouns: it has a capital inside, or stands beside another noun without ending as one."""
    word = match[0]
    if any(_CAPITAL.match(char) for char in word[1:] if char.isalpha()) and "-" not in word:
        return True
    if before is None or sentence[before.end() : match.start()] != " " or _starts(sentence, before.start()):
        return False
    both = _CAPITAL.match(before[0]) is not None and before[0] not in _PRONOUNS and word not in _PRONOUNS
    return both and _NOUN.search(word) is None


def _starts(sentence: str, at: int) -> bool:
    """Whether a capital there is the beginning of a sentence, a line, a quote or what follows a colon."""
    before = sentence[:at].rstrip()
    return not before or before[-1] in _BEFORE_A_START or _is_symbol(before[-1]) or _ANY_WORD.search(before) is None


def _is_symbol(sign: str) -> bool:
    """Whether a sign is an emoji or a part of one."""
    return unicodedata.category(sign) in ("So", "Sk", "Mn", "Cf")


def knows(name: str, made: Made) -> bool:
    """Whether the word stands in a source, or is one that anybody may say."""
    if name in names()["acronyms"] or name in names()["platforms"]:
        return True
    if any(form in made.named_words or form in made.common_words for form in _forms(name)):
        return True
    parts = [part for part in re.split(r"[-']", name) if part]
    return len(parts) > 1 and all(len(part) < 3 or not _CAPITAL.match(part) or knows(part, made) for part in parts)


def _named(name: str, made: Made) -> bool:
    folded = name.casefold()
    return any(stands_in(form, made.named) for form in (folded, f"{folded}s"))


def _forms(word: str) -> Iterator[str]:
    """A word as sources may have it: "Lena's" as Lena, "Rappids" as Rappid, "l'Espagne" as Espagne."""
    folded = word.casefold()
    yield folded
    for ending in ("'s", "s", "'", "n", "en", "e"):
        if folded.endswith(ending) and len(folded) - len(ending) > 2:
            yield folded.removesuffix(ending)
    for start in ("l'", "d'", "qu'", "j'", "n'", "c'", "s'"):
        if folded.startswith(start):
            yield folded.removeprefix(start)
