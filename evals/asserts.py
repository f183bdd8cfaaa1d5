"""Asserts on a draft's texts. Names are promptfoo's where it has one; `not-` before a name turns it round.

A positive assert holds when one of the draft's texts meets it; one that starts with `not-`, and max-length, language and
no-pii, must hold for each text. `in` confines it to the public or the private text.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from rapidfuzz.distance import Levenshtein

from evals.expectations import LANGUAGE
from service.messages import Draft, DraftText, Message, Triage
from service.understand.language import identify

Type = Literal[
    "contains", "icontains", "contains-any", "contains-all", "icontains-any", "icontains-all", "starts-with", "equals",
    "regex", "max-length", "language", "levenshtein", "similar", "cites", "no-pii",
]  # fmt: skip
TYPES: tuple[str, ...] = get_args(Type)
ALIASES = {"similar-to": "similar"}
LISTS = {"contains-any", "contains-all", "icontains-any", "icontains-all"}
NUMBERS = {"max-length"}
EVERY = {"max-length", "language", "no-pii"}  # must hold for each text
GRADED = {"similar", "levenshtein"}  # take a threshold
# Cosine from which texts count as alike: of two wordings of one answer 95 in 100 have 0.65 or more, of two answers on one topic
# 5 in 100 have 0.58 or more (the demo brand's FAQs).
SIMILAR = 0.6
DISTANCE = 5  # characters, where a levenshtein assert sets no threshold
LEAST_WORDS = 4  # a shorter text's language can't be told
NO_BREAK = str.maketrans({"\u00a0": " ", "\u202f": " "})  # spaces that do not break are spaces to a reader

# The cosine of two texts, by the embedder in use.
Similarity = Callable[[str, str], float]


def _quoted(value: Any) -> Any:
    """A bare yes, no or day is not text to YAML, and a bare 010 is another number: only what was written may be compared."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, bool | date) or (isinstance(value, list) and not isinstance(item, str)):
            raise PydanticCustomError("assert", "YAML does not read this as text: it needs quotes around it")
    return value


def _named(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    name = value.strip().lower().replace("_", "-")
    turned, plain = ("not-", name.removeprefix("not-")) if name.startswith("not-") else ("", name)
    return turned + ALIASES.get(plain, plain)


class DraftAssert(BaseModel):
    """One thing that must hold for the draft."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    type: Annotated[str, BeforeValidator(_named)] = Field(
        description="What is checked; not- before it turns it round",
        json_schema_extra={"enum": [*TYPES, *(f"not-{name}" for name in TYPES)]},
    )
    value: Annotated[str | int | float | list[str] | None, BeforeValidator(_quoted)] = Field(
        default=None, description="What it is compared with; a number is put in quotes where it is text"
    )
    threshold: float | None = Field(default=None, description="similar: least cosine; levenshtein: most characters apart")
    where: Literal["public", "private"] | None = Field(default=None, alias="in", description="Only this text")

    @model_validator(mode="after")
    def _fits(self) -> DraftAssert:
        if wrong := self._wrong():
            raise PydanticCustomError("assert", "{wrong}", {"wrong": wrong})
        return self

    def _wrong(self) -> str | None:
        """What keeps the assert from being judged, or from ever failing."""
        value, kind = self.value, self.plain
        if kind not in TYPES:
            near = difflib.get_close_matches(kind, TYPES, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(TYPES)}"
            return f"unknown assert {self.type!r}; {hint}"
        if kind in LISTS and not (isinstance(value, list) and value and all(word.strip() for word in value)):
            return f"{self.type} takes a list of texts as its value"
        if kind in NUMBERS and not (isinstance(value, int | float) and 0 < value < math.inf):
            return f"{self.type} takes a number above 0 as its value"
        if kind not in LISTS | NUMBERS | {"no-pii"} and not (isinstance(value, str) and value.strip()):
            return f"{self.type} takes a text as its value" + ("" if value is None else ", in quotes")
        if kind == "no-pii" and value is not None:
            return f"{self.type} takes no value"
        if kind == "no-pii" and self.where == "private":
            return f"{self.type} judges the public text: a private one may name what is the customer's own"
        if kind == "language" and re.fullmatch(LANGUAGE, str(value)) is None:
            return f"{self.type} takes an ISO 639-1 code such as de as its value"
        if self.threshold is not None:
            if kind not in GRADED:
                return f"{self.type} takes no threshold"
            if kind == "similar" and not -1 <= self.threshold <= 1:
                return "the threshold of similar is a cosine, such as 0.6"
            if kind == "levenshtein" and self.threshold < 0:
                return "the threshold of levenshtein is a number of characters"
        if kind == "regex":
            try:
                re.compile(str(value))
            except re.error as error:
                return f"regex {value!r} is not valid: {error}"
        return None

    @property
    def plain(self) -> str:
        """The type without `not-`."""
        return self.type.removeprefix("not-")

    @property
    def turned(self) -> bool:
        """Whether the assert must not hold."""
        return self.type.startswith("not-")


def judge(wanted: DraftAssert, triage: Triage, message: Message, similarity: Similarity) -> tuple[bool, str]:
    """Whether the assert holds for the triage's draft, and what was found."""
    draft = triage.draft
    if wanted.plain == "cites":
        found = sorted(cited(draft))
        meets = any(_is_source(str(wanted.value), source) for source in found)
        return meets != wanted.turned, f"cites {found or 'nothing'}"
    if wanted.plain == "no-pii":
        checks = [check for check in draft.checks if check.check == "no_personal_data_in_public"] if draft else []
        meets = all(check.passed for check in checks)
        return meets != wanted.turned, "; ".join(check.detail or "" for check in checks if not check.passed) or "none found"
    texts = [text for text in _texts(draft, wanted.where) if text.text]
    results = [_holds(wanted, text, similarity) for text in texts]
    if wanted.turned or wanted.plain in EVERY:
        failing = [text for text, meets in zip(texts, results, strict=True) if meets == wanted.turned]
        return not failing, " | ".join(text.text for text in failing) or "holds for every text"
    return any(results), " | ".join(text.text for text in texts) or "there is no text"


def cited(draft: Draft | None) -> set[str]:
    """Everything the draft rests on: passages by id, order fields such as A-1001.due_at."""
    return {citation.source for citation in draft.citations} | set(draft.order_fields) if draft else set()


def _is_source(wanted: str, source: str) -> bool:
    return wanted == source or re.fullmatch(rf"(?:faq|offer|macro|product)-{re.escape(wanted)}-[a-z]{{2}}", source) is not None


def _texts(draft: Draft | None, where: str | None) -> Sequence[DraftText]:
    if draft is None:
        return ()
    both = {"public": draft.public, "private": draft.private}
    return [text for name, text in both.items() if text is not None and where in (None, name)]


def _as_read(value: Any) -> str:
    """A text as a reader sees it: spaces that do not break are spaces, and an accent is one with its letter."""
    return unicodedata.normalize("NFC", str(value)).translate(NO_BREAK)


def _holds(wanted: DraftAssert, found: DraftText, similarity: Similarity) -> bool:
    text, value, kind = _as_read(found.text), wanted.value, wanted.plain
    if kind == "max-length":
        return found.length <= float(value)  # type: ignore[arg-type]
    if kind == "language":
        said = identify(found.text, said=None, supported=(str(value),))
        return len(text.split()) < LEAST_WORDS or said.code == value
    if kind == "similar":
        return similarity(found.text, str(value)) >= (SIMILAR if wanted.threshold is None else wanted.threshold)
    if kind == "levenshtein":
        return Levenshtein.distance(text, _as_read(value)) <= (DISTANCE if wanted.threshold is None else wanted.threshold)
    if kind == "regex":
        return re.search(str(value), text) is not None
    words = [_as_read(word) for word in (value if isinstance(value, list) else [value])]
    if kind.startswith("icontains"):
        text, words = text.casefold(), [word.casefold() for word in words]
    if kind == "equals":
        return text.strip() == words[0].strip()
    if kind == "starts-with":
        return text.startswith(words[0])
    inside = [word in text for word in words]
    return any(inside) if kind.endswith("any") else all(inside)
