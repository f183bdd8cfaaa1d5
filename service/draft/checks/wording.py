"""What the checks look for in one language: `prompts/checks/<language>.yaml`, and names: `names.yaml`. People edit both."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, cached_property, lru_cache
from pathlib import Path

from service.draft.checks.wording_file import Asks, Looser, Names, Wording, any_of
from service.files import shipped
from service.yaml_files import read_yaml

FOLDER = "prompts/checks"
# Groups of promises of which one thing said in a source bears no other.
APART = frozenset({"compensation", "discount", "priority", "exception", "guarantee", "callback"})
STEM = 5  # letters by which words are the same: "Erstattung" and "erstatten" share "ersta"
SHORT = 3  # letters up to which a word says too little
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_LOOK = re.compile(r"\(\?<?[!=][^()]*(?:\([^()]*\)[^()]*)*\)")  # what a pattern looks at and does not take
_PLAIN = {"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "‑": "-"}
_SENTENCE = re.compile(
    r"(?<=[.!?…\u2600-\u27bf\ufe0f\U0001f300-\U0001faff])[\"”“»')\]]*[^\S\n]+(?=[^\W\d_]*[A-ZÀ-ÝÅÄÖ¿¡„“\"«]|\d)"
)
_ABBREVIATION = re.compile(r"\b(?:[^\W\d_]|bzw|ca|St|Nr|No|bijv|ex|ej|Mrs?|Ms|Dr|Sra?|Mme|dhr|mevr|etc)\.$")
LONGEST_ABBREVIATION = 8  # characters, with its full stop
_ORDINAL = re.compile(r"\b\d{1,2}\.$")
_LIST_NUMBER = re.compile(r"\d{1,2}\.")
_MONTH = re.compile(r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)")


def _listed(name: str) -> cached_property[re.Pattern[str]]:
    return cached_property(lambda words: any_of(getattr(words.given, name)))


class Words:
    """A language's file made ready for reading texts; a pattern is made when it is first asked for."""

    courtesies = _listed("courtesies")
    clauses = _listed("clauses")
    elapsed = _listed("elapsed")
    starting = _listed("starting")
    later = _listed("later")
    negations = _listed("negations")
    not_negations = _listed("not_negations")
    conditions = _listed("conditions")
    hedges = _listed("hedges")
    commits = _listed("commits")
    done = _listed("done")
    promising = _listed("promising")
    soon = _listed("soon")
    human = _listed("human")
    singular = _listed("singular")
    hands_over = _listed("hands_over")
    answers = _listed("answers")
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
    def denying(self) -> dict[str, re.Pattern[str]]:
        """By group, those that promise by a "not": "you won't be out of pocket"."""
        listed = {
            group: [one for one in patterns if self.negated(_LOOK.sub(" ", one))]
            for group, patterns in self.given.promises.items()
        }
        return {group: any_of(patterns) for group, patterns in listed.items() if patterns}

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
    def any_beyond(self) -> re.Pattern[str]:
        """With what any of them is done: tells quickly that there is none."""
        return any_of(what for pair in self.given.beyond.values() for what in pair.what)

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
    found = read_yaml(shipped(FOLDER) / "names.yaml", Names)
    return {kind: frozenset(values) for kind, values in found.model_dump().items()}


_QUOTED = re.compile(r"[\"“„«‘”]\s?([^\"“”„«»‘’\n]{1,40})\s?[\"”“»’]")
LABEL = 3  # words of a label in quotes, such as of a button


def without_labels(sentence: str) -> str:
    """The sentence without short labels in quotes: “choose ‘Exchange’” promises no exchange."""
    return _QUOTED.sub(lambda found: " " if len(found[1].split()) <= LABEL else found[0], sentence)


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """The text with plain apostrophes, hyphens and spaces, a character for a character."""
    if text.isascii():
        return text
    for sign, instead in _PLAIN.items():  # faster than one `translate`: few texts have more than two of them
        text = text.replace(sign, instead)
    return text


@lru_cache(maxsize=4096)
def sentences_of(text: str) -> tuple[str, ...]:
    """The text's sentences, none over a line's end; "z. B. Mai" and "24. November" are not parted."""
    found: list[str] = []
    for line in text.splitlines():
        parts: list[str] = []
        for part in _SENTENCE.split(line.strip()):
            before = parts[-1] if parts else ""
            if before.endswith(".") and _goes_on(before, part):
                parts[-1] = f"{before} {part}"
            elif part.strip():
                parts.append(part.strip())
        found += parts
    return tuple(found)


def _goes_on(before: str, part: str) -> bool:
    """Whether a full stop ends no sentence."""
    end = max(len(before) - LONGEST_ABBREVIATION, 0)
    if _ABBREVIATION.search(before, end) or _LIST_NUMBER.fullmatch(before):
        return True
    return _ORDINAL.search(before, end) is not None and _MONTH.match(part) is not None


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


def clause_with(value: str, sentence: str, words: Words) -> str:
    """The clause of a sentence that has the value; the sentence where none has it whole."""
    return next((clause for clause in clauses_of(sentence, words) if value in clause), sentence)


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
