"""The files in prompts/checks as they are read: what each key holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, model_validator

# Keys of words, not of regular expressions; `clocks` has "{n}" where the hour stands.
PLAIN = {"functions", "vocabulary", "numbers", "compounds", "articles", "capitals", "clocks"}


class Strict(BaseModel):
    """Frozen, with no key beyond those that are named."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Asks(Strict):
    """How something is asked for, by what; how a customer says that it was sent; whose else it may be."""

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
    total: tuple[str, ...]
    sent: tuple[str, ...]
    other: tuple[str, ...]


class Compounds(Strict):
    """How numbers are joined of words: `joined` is a regular expression with {ones} and {tens} in it."""

    ones: dict[str, int]
    tens: dict[str, int]
    joined: str
    hundred: str


class Pair(Strict):
    """A promise that takes two words of one sentence: what is done, and with what."""

    does: tuple[str, ...]
    what: tuple[str, ...]


class Places(Strict):
    """Deliveries to a place: words of delivering, what stands before the place, and places that are no country."""

    delivers: tuple[str, ...]
    to: tuple[str, ...]
    anywhere: tuple[str, ...]


class Looser(Strict):
    """What makes a condition of the terms looser: that it never counts, or that a breach of it is allowed."""

    regardless: tuple[str, ...]
    permits: tuple[str, ...]
    covers: tuple[str, ...]
    breaches: tuple[str, ...]


class Wording(Strict):
    """One language's file. Entries are regular expressions, save those of the keys in PLAIN."""

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
    clocks: dict[str, int]
    week_numbers: tuple[str, ...]
    dayparts: tuple[str, ...]
    feast_before: tuple[str, ...]
    feasts: dict[str, str]
    deadlines: tuple[str, ...]
    starting: tuple[str, ...]
    later: tuple[str, ...]
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
    singular: tuple[str, ...]
    named_human: tuple[str, ...]
    asks: Asks
    hands_over: tuple[str, ...]
    answers: tuple[str, ...]
    greetings: tuple[str, ...]
    closings: tuple[str, ...]
    titles: tuple[str, ...]
    capitals: tuple[str, ...]

    @model_validator(mode="after")
    def _readable(self) -> Wording:
        clocks = tuple(pattern.replace("{n}", "") for pattern in self.clocks)
        for patterns in (clocks, *_lists(self.model_dump(exclude=PLAIN))):
            try:
                any_of(patterns)
            except re.error as error:
                wrong = next((pattern for pattern in patterns if not _compiles(pattern)), patterns[0])
                raise ValueError(f"{wrong!r} is no regular expression: {error}") from None
        return self


class Names(Strict):
    """names.yaml: by kind, names that a draft says only where a source does."""

    carriers: tuple[str, ...]
    payments: tuple[str, ...]
    shops: tuple[str, ...]
    people: tuple[str, ...]
    acronyms: tuple[str, ...]
    platforms: tuple[str, ...]


def any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """One pattern of whole words for all of these, which matches nothing where there are none."""
    listed = [pattern for pattern in patterns if pattern]
    return re.compile(rf"(?<!\w)(?:{'|'.join(listed)})(?!\w)" if listed else r"(?!)", re.IGNORECASE)


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
