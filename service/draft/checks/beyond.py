"""no_invented_promise: what no source bears and two words of a sentence promise, and deliveries to where the brand sends none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from babel import Locale

from service.draft.checks.made import Made, bare
from service.draft.checks.wording import Words, clauses_of, languages, plain, sentences_of, without_labels, words_of

SHORT_DENIAL = 4  # words of a clause that takes back what is said before it
SHORTEST = 3  # letters of a country's name that is no other word
_NOWHERE = frozenset({"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"})  # no countries, as CLDR has them


def beyond(text: str, made: Made) -> list[str]:
    """What a text promises beyond the terms: visits, expenses, cash for a voucher, a parcel that is turned round."""
    problems: list[str] = []
    for sentence in sentences_of(plain(text)):
        if bare(sentence) in made.approved_sentences:
            continue
        problems += _paired(without_labels(sentence), made)
        problems += _sent_to(sentence, made)
    return list(dict.fromkeys(problems))


def _paired(sentence: str, made: Made) -> Iterator[str]:
    if made.words.any_beyond.search(sentence) is None:
        return
    for kind, (does, what) in made.words.beyond.items():
        said = _promised(sentence, does, what, made.words)
        if said is not None and not any(_borne(kind, source, words) for source, words in _sources(made)):
            yield f"goes beyond the terms: “{said}” is in no source"


def _promised(sentence: str, does: re.Pattern[str], what: re.Pattern[str], words: Words) -> str | None:
    """What the sentence promises by both words; None where a clause of either denies it, or it is asked or looked into."""
    if what.search(sentence) is None or does.search(sentence) is None or sentence.endswith("?"):
        return None
    told = clauses_of(sentence, words)
    clauses = [clause for clause in told if does.search(clause) or what.search(clause)]
    if clauses and any(
        len(clause.split()) <= SHORT_DENIAL and words.negated(clause) for clause in told[told.index(clauses[-1]) :]
    ):
        return None  # "once it's on its way, we can't"
    for clause in clauses:
        start = min(match.start() for pattern in (does, what) if (match := pattern.search(clause)) is not None)
        if words.hedges.search(clause[:start]) or (words.negated(clause) and (does.search(clause) or clause is clauses[-1])):
            return None  # "we're checking whether somebody can come by"; "somebody comes by to check" is a promise
    said = what.search(sentence)
    return said[0] if said is not None else None


def _borne(kind: str, source: str, words: Words) -> bool:
    does, what = words.beyond[kind]
    if what.search(source) is None or does.search(source) is None:
        return False
    clauses = [clause for clause in clauses_of(source, words) if what.search(clause) or does.search(clause)]
    return not any(words.negated(clause) for clause in clauses)


def _sent_to(sentence: str, made: Made) -> Iterator[str]:
    """A place that a parcel is to go to and no source names; the brand's own countries need none."""
    words, countries = made.words, tuple(made.brand.identity.countries)
    if not countries or sentence.endswith("?") or words.delivers.search(sentence) is None or words.hedges.search(sentence):
        return
    for clause in clauses_of(sentence, words):
        if words.negated(clause):
            continue
        for found in _places(made.language, countries).finditer(clause):
            place = found["place"]
            if not _is_name(place, made) and not _is_served(place, made):
                yield f"goes beyond the terms: no source says that parcels go to {place}"


def _is_name(place: str, made: Made) -> bool:
    """Whether somebody known is called so, as Jordan is."""
    customer = made.context.customer
    names = " ".join(name for name in (made.message.author.name, customer.name if customer else None) if name)
    return place.casefold() in names.casefold().split()


def _is_served(place: str, made: Made) -> bool:
    for source, words in _sources(made):
        if re.search(rf"(?<!\w){re.escape(place)}(?!\w)", source, re.IGNORECASE):
            clauses = [clause for clause in clauses_of(source, words) if place.casefold() in clause.casefold()]
            return not any(words.negated(clause) for clause in clauses)
    return False


@lru_cache(maxsize=256)
def _places(language: str, served: tuple[str, ...]) -> re.Pattern[str]:
    """A country that is not served, or a place that is none, after a word of direction."""
    code = language if language in languages() else "en"
    places = words_of(code).given.places
    names = {name: key for key, name in Locale(code).territories.items() if key.isalpha() and len(str(name)) > SHORTEST}
    listed = [str(name) for name, key in names.items() if key not in served and key not in _NOWHERE]
    ordered = sorted(map(re.escape, listed), key=len, reverse=True)
    to = "|".join(places.to)
    return re.compile(rf"(?<!\w)(?i:{to})\s(?P<place>{'|'.join(ordered)}|(?i:{'|'.join(places.anywhere)}))(?!\w)")


def _sources(made: Made) -> Iterator[tuple[str, Words]]:
    """Every sentence of the sources with the words of its language."""
    for text, language in (*made.passage_texts, *((plain(value), made.language) for value in (*made.values, *made.approved))):
        words = words_of(language if language in languages() else "en")
        yield from ((sentence, words) for sentence in sentences_of(text))
