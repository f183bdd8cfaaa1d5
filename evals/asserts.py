"""Asserts on a draft's texts. Names are promptfoo's where it has one; `not-` before a name turns it round.

A positive assert holds when one of the draft's texts meets it; one that starts with `not-`, and max-length, language and
no-pii, must hold for each text. `in` confines it to the public or the private text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from rapidfuzz.distance import Levenshtein

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
SIMILAR = 0.8  # cosine from which texts count as alike, where an assert sets no threshold
DISTANCE = 5  # characters, where a levenshtein assert sets no threshold
LEAST_WORDS = 4  # a shorter text's language can't be told
NO_BREAK = str.maketrans({"\u00a0": " ", "\u202f": " "})  # spaces that do not break are spaces to a reader

# The cosine of two texts, by the embedder in use.
Similarity = Callable[[str, str], float]


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
    value: str | int | float | list[str] | None = Field(default=None, description="What it is compared with")
    threshold: float | None = Field(default=None, description="similar: least cosine; levenshtein: most characters apart")
    where: Literal["public", "private"] | None = Field(default=None, alias="in", description="Only this text")

    @model_validator(mode="after")
    def _fits(self) -> DraftAssert:
        if self.plain not in TYPES:
            import difflib

            near = difflib.get_close_matches(self.plain, TYPES, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(TYPES)}"
            raise ValueError(f"unknown assert {self.type!r}; {hint}")
        if self.plain in LISTS and not isinstance(self.value, list):
            raise ValueError(f"{self.type} takes a list of texts as its value")
        if self.plain in NUMBERS and not isinstance(self.value, int | float):
            raise ValueError(f"{self.type} takes a number as its value")
        if self.plain not in LISTS | NUMBERS | {"no-pii"} and not isinstance(self.value, str | int | float):
            raise ValueError(f"{self.type} takes a text as its value")
        if self.plain == "regex":
            try:
                re.compile(str(self.value))
            except re.error as error:
                raise ValueError(f"regex {self.value!r} is not valid: {error}") from None
        return self

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
    return wanted == source or re.fullmatch(rf"(?:faq|macro|product)-{re.escape(wanted)}-[a-z]{{2}}", source) is not None


def _texts(draft: Draft | None, where: str | None) -> Sequence[DraftText]:
    if draft is None:
        return ()
    both = {"public": draft.public, "private": draft.private}
    return [text for name, text in both.items() if text is not None and where in (None, name)]


def _holds(wanted: DraftAssert, found: DraftText, similarity: Similarity) -> bool:
    text, value, kind = found.text.translate(NO_BREAK), wanted.value, wanted.plain
    if kind == "max-length":
        return found.length <= float(value)  # type: ignore[arg-type]
    if kind == "language":
        said = identify(found.text, said=None, supported=(str(value),))
        return len(text.split()) < LEAST_WORDS or said.code == value
    if kind == "similar":
        return similarity(found.text, str(value)) >= (SIMILAR if wanted.threshold is None else wanted.threshold)
    if kind == "levenshtein":
        return Levenshtein.distance(text, str(value)) <= (DISTANCE if wanted.threshold is None else wanted.threshold)
    if kind == "regex":
        return re.search(str(value), text) is not None
    words = [str(word).translate(NO_BREAK) for word in (value if isinstance(value, list) else [value])]
    if kind.startswith("icontains"):
        text, words = text.casefold(), [word.casefold() for word in words]
    if kind == "equals":
        return text.strip() == words[0].strip()
    if kind == "starts-with":
        return text.startswith(words[0])
    inside = [word in text for word in words]
    return any(inside) if kind.endswith("any") else all(inside)
