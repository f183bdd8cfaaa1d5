"""A document as every reader hands it over: headings and paragraphs in plain text, and what its head says of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

ALIKE = 0.8  # likeness from which an unknown key is taken for a misspelt one: "valid_untl" must not pass unseen


class Head(BaseModel):
    """Front matter of Markdown, `meta` of HTML: what a document says about itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = None
    language: str | None = None
    topic: str | None = None
    url: str | None = None
    short: Annotated[str, Field(min_length=1, max_length=600)] | None = None
    questions: list[str] = []
    issue: str | None = None
    states: list[str] = []
    terms: list[str] = []  # read by `brands check` only
    valid_from: date | None = None
    valid_until: date | None = None
    audience: Literal["public", "agents"] = "public"


@dataclass(frozen=True)
class Block:
    """A heading (level 1 to 6) or, at level 0, a paragraph or list in plain text. `anchor` is the fragment that leads to it."""

    text: str
    level: int = 0
    anchor: str | None = None
    page: int | None = None


@dataclass(frozen=True)
class Document:
    """What a reader made of a file. `faq` marks one that is a single FAQ as in a brand's folder."""

    head: Head
    blocks: tuple[Block, ...]
    title: str | None = None
    url: str | None = None
    language: str | None = None
    faq: bool = False


def known_keys(given: Mapping[str, Any], valid: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    """What of `given` has a valid key, and the other keys; one that looks like a misspelt key of ours stays, to be refused."""
    names = set(valid)
    kept: dict[str, Any] = {}
    others: list[str] = []
    for key, value in given.items():
        if key in names or difflib.get_close_matches(key, names, n=1, cutoff=ALIKE):
            kept[key] = value
        else:
            others.append(key)
    return kept, others


def linked(text: str, address: str, hosts: frozenset[str]) -> str:
    """A link's words with its address behind them, where a draft may hold it: on `hosts`, or anywhere where they are none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return text
    plain = address.removeprefix("https://").removeprefix("http://").rstrip("/")
    said = text.strip()
    if parts.scheme == "mailto" and parts.path and parts.path not in text:
        return f"{text} ({parts.path})" if said else parts.path
    if parts.scheme not in ("http", "https") or (hosts and parts.hostname not in hosts):
        return text
    return text if not said or plain in said else f"{text} ({address})"
