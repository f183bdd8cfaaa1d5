"""The composer's phrases: `prompts/compose/<language>.yaml`, each key a list of variants with {placeholders}.

`<language>.<address>.yaml` holds the keys that read otherwise in the other form of address. A brand's own
`phrases/<language>.yaml` replaces keys, or, with all keys of en.yaml, makes a new language.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import regex
import yaml

from service.errors import KnowledgeNotUsable
from service.yaml_files import load_yaml, read_text

# What the code fills in, by key or by the key's beginning; any other placeholder is a mistake in the file.
PLACEHOLDERS: dict[str, frozenset[str]] = {
    "greeting": frozenset({"name"}),
    "signoff": frozenset({"team"}),
    "signoff_formal": frozenset({"team"}),
    "order": frozenset(
        {"order", "placed", "shipped", "due", "promised", "delivered", "amount", "refunded", "replacement", "held"}
    ),
    "tracking": frozenset({"carrier", "tracking"}),
    "public": frozenset({"handle", "email"}),
    "handoff": frozenset({"when", "help_line"}),
    "when": frozenset({"time", "date"}),
    "earlier_contact": frozenset({"date"}),
    "order_also": frozenset({"order", "due", "amount", "refunded", "replacement"}),
    "suggest": frozenset({"title"}),
}
# Keys that came after brands wrote languages of their own, and what says it where such a file lacks them.
_LATER = {
    "handoff.hurt.private": "handoff.safety.private",
    "handoff.hurt.public": "handoff.safety.public",
    "handoff.help_line": None,
    "public.private_number": "ask.order",
    "public.private_details": None,
    "order.refund_overdue": "order.refund_pending",
    "order_also.refund_due": None,
    "order_also.refund_pending": None,
    "order_also.refund_overdue": None,
    "order_also.refunded": None,
    "order_also.replacement": None,
    "next.refunded": None,
    "next.refund_overdue": None,
}
_EMOJI = regex.compile(r"\p{Extended_Pictographic}")


@dataclass(frozen=True)
class Phrases:
    """One language's phrases by dotted key, such as "empathy.delivery.strong"."""

    language: str
    address: str
    variants: dict[str, tuple[str, ...]]

    @cached_property
    def with_numbers(self) -> tuple[str, ...]:
        """Every phrase with a number in it, such as an emergency number."""
        return tuple(text for variants in self.variants.values() for text in variants if any(c.isdigit() for c in text))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the phrases, lower case."""
        return frozenset(
            word for variants in self.variants.values() for text in variants for word in re.findall(r"[^\W\d_]+", text.casefold())
        )

    def options(self, key: str, values: dict[str, str]) -> list[str]:
        """The key's variants with `values` filled in: those that use the most of them, none with a gap left open."""
        variants = [(_placeholders(variant), variant) for variant in self.variants.get(key, ())]
        usable = [(len(needed), variant) for needed, variant in variants if needed <= values.keys()]
        most = max((count for count, _ in usable), default=0)
        return [variant.format_map(values) for count, variant in usable if count == most]


def chosen(options: list[str], *seed: str) -> str | None:
    """One of the options, always the same for the same seed."""
    if not options:
        return None
    digest = hashlib.sha256("\x1f".join(seed).encode()).digest()
    return options[int.from_bytes(digest[:4], "big") % len(options)]


class Manner(Protocol):
    """How a brand speaks in one language: a voice of voice.yaml."""

    @property
    def address(self) -> str:
        """Informal or formal."""

    @property
    def emoji(self) -> str:
        """Whether phrases with an emoji may be used: light or none."""

    @property
    def signoff(self) -> tuple[str, ...]:
        """Sign-offs in the place of the shipped ones, none to keep those."""

    @property
    def words(self) -> dict[str, str]:
        """Words of the phrases and what the brand says instead."""


@cache
def read_phrases(folder: Path) -> dict[str, Phrases]:
    """Every language's phrases; raises KnowledgeNotUsable naming file, key and what is wrong with it."""
    languages = {path.stem: _read(path) for path in sorted(folder.glob("*.yaml")) if "." not in path.stem}
    if "en" not in languages:
        raise KnowledgeNotUsable(f"{folder}/en.yaml is missing: every other language is checked against it")
    for language, phrases in languages.items():
        _complete(phrases, languages["en"], folder / f"{language}.yaml")
    return languages


def brand_phrases(shipped: Path, own: Path | None, manners: Mapping[str, Manner]) -> dict[str, Phrases]:
    """The phrases a brand speaks in: the shipped ones, its own over them, each language in the brand's manner."""
    found = dict(read_phrases(shipped))
    for language, manner in manners.items():
        if language in found:
            found[language] = _addressed(shipped, found[language], manner.address)
    for path in sorted(own.glob("*.yaml")) if own is not None and own.is_dir() else ():
        given = _read(path)
        known = found.get(path.stem)
        if known is None:
            given = replace(given, variants=_with_later(given.variants))
            _complete(given, found["en"], path)
            found[path.stem] = given
            continue
        if unknown := sorted(set(given.variants) - set(known.variants)):
            near = difflib.get_close_matches(unknown[0], known.variants, n=1)
            raise KnowledgeNotUsable(f"{path}: unknown key {unknown[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        found[path.stem] = replace(known, variants=known.variants | given.variants)
    return {language: _in_manner(phrases, manners.get(language)) for language, phrases in found.items()}


def _complete(phrases: Phrases, english: Phrases, path: Path) -> None:
    if missing := sorted(set(english.variants) - set(phrases.variants) - {key for key, said in _LATER.items() if said is None}):
        raise KnowledgeNotUsable(f"{path} lacks {', '.join(missing[:5])} (en.yaml has it)")


def _with_later(variants: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    filled = {key: variants[said] for key, said in _LATER.items() if said in variants}
    return filled | variants


def _addressed(folder: Path, phrases: Phrases, address: str) -> Phrases:
    """The phrases in this form of address; as they are where the language has only one form in use."""
    path = folder / f"{phrases.language}.{address}.yaml"
    if phrases.address == address or not path.exists():
        return phrases
    other = _read(path)
    if unknown := sorted(set(other.variants) - set(phrases.variants)):
        raise KnowledgeNotUsable(f"{path}: unknown key {unknown[0]!r}: {phrases.language}.yaml does not have it")
    return replace(phrases, address=address, variants=phrases.variants | other.variants)


def _in_manner(phrases: Phrases, manner: Manner | None) -> Phrases:
    variants = phrases.variants
    if manner is not None and manner.signoff:
        variants = variants | dict.fromkeys(("signoff", "signoff_formal"), manner.signoff)
    if manner is not None and manner.words:
        words = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(manner.words, key=len, reverse=True)))
        said = {
            key: tuple(words.sub(lambda m: manner.words[m.group()], text) for text in found) for key, found in variants.items()
        }
        variants = said
    if manner is None or manner.emoji == "none":
        variants = {key: tuple(t for t in found if not _EMOJI.search(t)) or found for key, found in variants.items()}
    return replace(phrases, variants=variants)


def _read(path: Path) -> Phrases:
    try:
        content = load_yaml(read_text(path))
    except yaml.YAMLError as error:
        raise KnowledgeNotUsable(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise KnowledgeNotUsable(f"{path} is empty: it holds keys with lists of phrases")
    head = {key: content.pop(key, None) for key in ("language", "address")}
    variants: dict[str, tuple[str, ...]] = {}
    _collect(path, "", content, variants)
    return Phrases(str(head["language"] or path.stem.split(".")[0]), str(head["address"] or "informal"), variants)


def _collect(path: Path, key: str, value: Any, into: dict[str, tuple[str, ...]]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _collect(path, f"{key}.{name}" if key else str(name), inner, into)
        return
    if not isinstance(value, list) or not value or not all(isinstance(v, str) and v.strip() for v in value):
        raise KnowledgeNotUsable(f"{path}: {key} must be a list of phrases")
    allowed = PLACEHOLDERS.get(key.split(".")[0], frozenset())
    for variant in value:
        try:
            unknown = _placeholders(variant) - allowed
        except ValueError as error:
            raise KnowledgeNotUsable(f"{path}: {key}: {variant!r} has a stray brace ({error})") from None
        if unknown:
            names = ", ".join(sorted(allowed)) or "none"
            raise KnowledgeNotUsable(f"{path}: {key}: unknown placeholder {{{sorted(unknown)[0]}}}; here: {names}")
    into[key] = tuple(value)


@cache
def _placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)
