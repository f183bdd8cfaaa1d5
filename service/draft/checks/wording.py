"""What the checks look for in one language: `prompts/checks/<language>.yaml`, and names: `names.yaml`. People edit both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, cached_property, lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from service.files import shipped
from service.yaml_files import read_yaml

FOLDER = "prompts/checks"
# Groups of promises of which one thing said in a source bears no other.
APART = frozenset({"compensation", "discount", "priority", "exception", "guarantee", "callback"})
STEM = 5  # letters by which words are the same: "Erstattung" and "erstatten" share "ersta"
SHORT = 3  # letters up to which a word says too little
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_PLAIN = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "‑": "-"})
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”“»')\]]*[^\S\n]+(?=[^\W\d_]*[A-ZÀ-ÝÅÄÖ¿¡„“\"«]|\d)")
_ABBREVIATION = re.compile(r"\b(?:[^\W\d_]|bzw|ca|St|Nr|No|bijv|ex|ej|Mrs?|Ms|Dr|Sra?|Mme|dhr|mevr|etc)\.$")
_ORDINAL = re.compile(r"\b\d{1,2}\.$")
_LIST_NUMBER = re.compile(r"\d{1,2}\.")
_MONTH = re.compile(r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asks(_Strict):
    """How something is asked for: the asking, by what the thing asked for, and how a customer says that it was sent."""

    cue: tuple[str, ...]
    lacking: tuple[str, ...]
    order: tuple[str, ...]
    email: tuple[str, ...]
    photo: tuple[str, ...]
    name: tuple[str, ...]
    item: tuple[str, ...]
    date: tuple[str, ...]
    tracking: tuple[str, ...]
    country: tuple[str, ...]
    sent: tuple[str, ...]


class Compounds(_Strict):
    """How numbers are joined of words: `joined` is a regular expression with {ones} and {tens} in it."""

    ones: dict[str, int]
    tens: dict[str, int]
    joined: str
    hundred: str


class Pair(_Strict):
    """A promise that takes two words of one sentence: what is done, and with what."""

    does: tuple[str, ...]
    what: tuple[str, ...]


class Places(_Strict):
    """Deliveries to a place: words of delivering, what stands before the place, and places that are no country."""

    delivers: tuple[str, ...]
    to: tuple[str, ...]
    anywhere: tuple[str, ...]


class Looser(_Strict):
    """What makes a condition of the terms looser: that it never counts, or that a breach of it is allowed."""

    regardless: tuple[str, ...]
    permits: tuple[str, ...]
    covers: tuple[str, ...]
    breaches: tuple[str, ...]


class Wording(_Strict):
    """One language's file. Entries are regular expressions, save `functions`, `vocabulary`, `numbers`, `articles` and `capitals`."""

    functions: tuple[str, ...]
    courtesies: tuple[str, ...]
    vocabulary: tuple[str, ...]
    numbers: dict[str, int]
    compounds: Compounds
    articles: tuple[str, ...]
    between: tuple[str, ...]
    units: dict[str, str]
    relative: dict[str, str]
    month_before: tuple[str, ...]
    of_month: tuple[str, ...]
    week_numbers: tuple[str, ...]
    dayparts: tuple[str, ...]
    feast_before: tuple[str, ...]
    feasts: dict[str, str]
    deadlines: tuple[str, ...]
    elapsed: tuple[str, ...]
    clauses: tuple[str, ...]
    negations: tuple[str, ...]
    not_negations: tuple[str, ...]
    conditions: tuple[str, ...]
    hedges: tuple[str, ...]
    commits: tuple[str, ...]
    done: tuple[str, ...]
    promising: tuple[str, ...]
    soon: tuple[str, ...]
    promises: dict[str, tuple[str, ...]]
    looser: Looser
    beyond: dict[str, Pair]
    places: Places
    forbidden: dict[str, tuple[str, ...]]
    human: tuple[str, ...]
    named_human: tuple[str, ...]
    asks: Asks
    hands_over: tuple[str, ...]
    greetings: tuple[str, ...]
    closings: tuple[str, ...]
    titles: tuple[str, ...]
    capitals: tuple[str, ...]

    @model_validator(mode="after")
    def _readable(self) -> Wording:
        for patterns in _lists(self.model_dump(exclude={"functions", "vocabulary", "numbers", "compounds", "articles", "capitals"})):
            try:
                any_of(patterns)
            except re.error as error:
                wrong = next((pattern for pattern in patterns if not _compiles(pattern)), patterns[0])
                raise ValueError(f"{wrong!r} is no regular expression: {error}") from None
        return self


class _Names(_Strict):
    carriers: tuple[str, ...]
    payments: tuple[str, ...]
    shops: tuple[str, ...]
    people: tuple[str, ...]
    acronyms: tuple[str, ...]
    platforms: tuple[str, ...]


def _listed(name: str) -> cached_property[re.Pattern[str]]:
    return cached_property(lambda words: any_of(getattr(words.given, name)))


class Words:
    """A language's file made ready for reading texts; a pattern is made when it is first asked for."""

    courtesies = _listed("courtesies")
    clauses = _listed("clauses")
    elapsed = _listed("elapsed")
    negations = _listed("negations")
    not_negations = _listed("not_negations")
    conditions = _listed("conditions")
    hedges = _listed("hedges")
    commits = _listed("commits")
    done = _listed("done")
    promising = _listed("promising")
    soon = _listed("soon")
    human = _listed("human")
    hands_over = _listed("hands_over")
    closings = _listed("closings")
    titles = _listed("titles")

    def __init__(self, given: Wording) -> None:
        self.given = given
        self.functions = frozenset(given.functions)
        self.capitals = frozenset(given.capitals)

    @cached_property
    def promises(self) -> dict[str, re.Pattern[str]]:
        """By group, how something is promised."""
        return {group: any_of(patterns) for group, patterns in self.given.promises.items()}

    @cached_property
    def _apart(self) -> dict[str, tuple[re.Pattern[str], ...]]:
        return {group: tuple(any_of([pattern]) for pattern in self.given.promises.get(group, ())) for group in APART}

    @cached_property
    def forbidden(self) -> dict[str, re.Pattern[str]]:
        """By kind, what no draft says."""
        return {kind: any_of(patterns) for kind, patterns in self.given.forbidden.items()}

    @cached_property
    def named_human(self) -> tuple[re.Pattern[str], ...]:
        """How somebody is named who is said to answer, the name in a group."""
        return tuple(any_of([pattern]) for pattern in self.given.named_human)

    @cached_property
    def asks(self) -> dict[str, re.Pattern[str]]:
        """By what is asked for, and `cue` for the asking."""
        return {name: any_of(getattr(self.given.asks, name)) for name in Asks.model_fields}

    @cached_property
    def looser(self) -> dict[str, re.Pattern[str]]:
        """What makes a condition of the terms looser."""
        return {name: any_of(getattr(self.given.looser, name)) for name in Looser.model_fields}

    @cached_property
    def beyond(self) -> dict[str, tuple[re.Pattern[str], re.Pattern[str]]]:
        """By what is promised beyond the terms, its two words: what is done, and with what."""
        return {kind: (any_of(pair.does), any_of(pair.what)) for kind, pair in self.given.beyond.items()}

    @cached_property
    def delivers(self) -> re.Pattern[str]:
        """Words of delivering."""
        return any_of(self.given.places.delivers)

    @cached_property
    def anywhere(self) -> re.Pattern[str]:
        """Places that are no country."""
        return any_of(self.given.places.anywhere)

    @cached_property
    def deadline_before(self) -> re.Pattern[str]:
        """The end of a text after which a day is a deadline."""
        return re.compile(rf"(?<!\w)(?:{'|'.join(self.given.deadlines)})[\s\w.-]{{0,16}}$", re.IGNORECASE)

    @cached_property
    def feast_before(self) -> re.Pattern[str]:
        """The end of a text after which a feast is a deadline."""
        return re.compile(rf"(?<!\w)(?:{'|'.join(self.given.feast_before)})(?:\s\w{{1,3}})?[\s']$", re.IGNORECASE)

    @cached_property
    def greeted(self) -> re.Pattern[str]:
        """A greeting at the beginning of a line with who is greeted."""
        greetings = "|".join(self.given.greetings)
        return re.compile(rf"^\W*(?i:{greetings})(?!\w)[^\S\n]*,?[^\S\n]*(?P<who>[^\n,!.:;?]{{0,60}})", re.MULTILINE)

    def apart(self, group: str) -> tuple[re.Pattern[str], ...]:
        """The group's patterns that a source must bear one by one; of most groups all are one."""
        return self._apart.get(group) or (self.promises[group],)

    def negated(self, clause: str) -> bool:
        """Whether the clause says that something is not so: "no problem" is no such thing."""
        return self.negations.search(self.not_negations.sub(" ", clause)) is not None


@cache
def words_of(language: str) -> Words:
    """The words of a language; English ones for a brand's own language, which has no file, so that a slip into English shows."""
    path = shipped(FOLDER) / f"{language}.yaml"
    return Words(read_wording(path if path.is_file() else shipped(FOLDER) / "en.yaml"))


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a file."""
    return tuple(sorted(path.stem for path in shipped(FOLDER).glob("*.yaml") if path.stem != "names"))


def read_wording(path: Path) -> Wording:
    """A language's file; raises KnowledgeNotUsable naming file, line and what is wrong with it."""
    return read_yaml(path, Wording)


@cache
def names() -> dict[str, frozenset[str]]:
    """Names by kind: carriers, payments, shops, people; acronyms and platforms are words anybody may say."""
    found = read_yaml(shipped(FOLDER) / "names.yaml", _Names)
    return {kind: frozenset(values) for kind, values in found.model_dump().items()}


def any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """One pattern of whole words for all of these, which matches nothing where there are none."""
    listed = [pattern for pattern in patterns if pattern]
    return re.compile(rf"(?<!\w)(?:{'|'.join(listed)})(?!\w)" if listed else r"(?!)", re.IGNORECASE)


_QUOTED = re.compile(r"[\"“„«‘]\s?([^\"“”„«»‘’\n]{1,40})\s?[\"”“»’]")
LABEL = 3  # words of a label in quotes, such as of a button


def without_labels(sentence: str) -> str:
    """The sentence without short labels in quotes: “choose ‘Exchange’” promises no exchange."""
    return _QUOTED.sub(lambda found: " " if len(found[1].split()) <= LABEL else found[0], sentence)


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """The text with plain apostrophes, hyphens and spaces, a character for a character."""
    return text.translate(_PLAIN)


@lru_cache(maxsize=4096)
def sentences_of(text: str) -> tuple[str, ...]:
    """The text's sentences, none over a line's end; "z. B. Mai" and "24. November" are not parted."""
    found: list[str] = []
    for line in text.splitlines():
        parts: list[str] = []
        for part in _SENTENCE.split(line.strip()):
            before = parts[-1] if parts else ""
            if _ABBREVIATION.search(before) or _LIST_NUMBER.fullmatch(before) or (_ORDINAL.search(before) and _MONTH.match(part)):
                parts[-1] = f"{before} {part}"
            elif part.strip():
                parts.append(part.strip())
        found += parts
    return tuple(found)


def clauses_of(sentence: str, words: Words) -> list[str]:
    """The sentence's clauses: cut at commas, colons, dashes and at words like "but"."""
    parts: list[str] = []
    for part in re.split(r"[,;:()–—]\s|\s[-–—]\s|[,;:()–—]$", sentence):
        at = 0
        for found in words.clauses.finditer(part):
            parts.append(part[at : found.start()])
            at = found.start()
        parts.append(part[at:])
    return [part.strip() for part in parts if part.strip()]


@lru_cache(maxsize=4096)
def stems_of(text: str) -> frozenset[str]:
    """The beginnings of the longer words of a text."""
    return stems(frozenset(_LONG_WORD.findall(text.casefold())))


def stems(words: Iterable[str]) -> frozenset[str]:
    """Their beginnings."""
    return frozenset(word[:STEM] for word in words if len(word) > SHORT)


def stands_in(value: str, text: str) -> bool:
    """Whether the value is in the text as a whole word."""
    at = text.find(value) if value else -1
    while at >= 0:
        end = at + len(value)
        if not (at and (text[at - 1].isalnum() or text[at - 1] == "_")) and not (
            end < len(text) and (text[end].isalnum() or text[end] == "_")
        ):
            return True
        at = text.find(value, at + 1)
    return False


def _lists(value: object) -> Iterator[tuple[str, ...]]:
    if isinstance(value, str):
        yield (value,)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _lists(one)
    elif isinstance(value, list | tuple):
        yield tuple(one for one in value if isinstance(one, str))


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
