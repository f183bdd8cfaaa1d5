"""An entry of a brand's knowledge in one language: a FAQ (an offer is one with dates), a macro, a product or a precedent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Kind = Literal["faq", "macro", "product", "precedent"]


class Entry(BaseModel):
    """What all of them say. `questions` are customers' words: sample questions, messages a macro answers, names of a product."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Kind = "faq"
    entry: str  # the same in every language
    language: str
    topic: str | None
    title: str
    answer: str
    wordings: tuple[str, ...] = ()  # the answer said in other words
    short: str | None = None
    publics: tuple[str, ...] = ()  # of a macro: texts for a public reply
    labels: tuple[str, ...] = ()  # of a macro: labels of the messages it may answer
    questions: tuple[str, ...] = ()
    states: tuple[str, ...] = ()  # keys of an order's state that this explains
    issue: str | None = None  # what went wrong for somebody who complains and is answered by this
    url: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    audience: str = "public"
    origin: str = "folder"
    source: str | None = None  # of an imported one: what it came with, and goes with once it is no longer in there

    @property
    def digest(self) -> str:
        """Of everything in it; an unchanged one is not embedded again."""
        without = {"source"} if self.source is None else set()  # entries of before there were sources keep their digest
        return hashlib.sha256(self.model_dump_json(exclude=without).encode()).hexdigest()[:16]

    @property
    def passages(self) -> list[str]:
        """Texts embedded as passages. A macro and a precedent have none: their text is a reply, not knowledge."""
        return [] if self.kind in ("macro", "precedent") else [f"{self.title}\n{self.answer}"[:1_500]]

    @property
    def queries(self) -> list[str]:
        """Texts embedded as what a customer writes."""
        return [*((self.title,) if self.kind == "faq" else ()), *self.questions]


@dataclass(frozen=True)
class Asked:
    """What a customer wrote in a contact, as it is compared: float16 [turns, dimension] of an embedder, a digest of the texts."""

    digest: str
    embedder: str
    vectors: bytes


@dataclass(frozen=True)
class StoredEntry:
    """An entry as it is stored, with its vectors, float32 [passages + queries, dimension]."""

    brand: str
    content: Entry
    digest: str
    embedder: str
    vectors: NDArray[np.float32]
