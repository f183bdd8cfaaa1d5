"""The composer's phrases: `prompts/compose/<language>.yaml`, each key a list of variants with {placeholders}."""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from service.errors import KnowledgeNotUsable
from service.yaml_files import read_text

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
}


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

    def options(self, key: str, values: dict[str, str]) -> list[str]:
        """The key's variants with `values` filled in: those that use the most of them, none with a gap left open."""
        usable: list[tuple[int, str]] = []
        for variant in self.variants.get(key, ()):
            needed = _placeholders(variant)
            if needed <= values.keys():
                usable.append((len(needed), variant.format_map(values)))
        most = max((count for count, _ in usable), default=0)
        return [text for count, text in usable if count == most]


def chosen(options: list[str], *seed: str) -> str | None:
    """One of the options, always the same for the same seed."""
    if not options:
        return None
    digest = hashlib.sha256("\x1f".join(seed).encode()).digest()
    return options[int.from_bytes(digest[:4], "big") % len(options)]


def read_phrases(folder: Path) -> dict[str, Phrases]:
    """Every language's phrases; raises KnowledgeNotUsable naming file, key and what is wrong with it."""
    languages = {path.stem: _read(path) for path in sorted(folder.glob("*.yaml"))}
    if "en" not in languages:
        raise KnowledgeNotUsable(f"{folder}/en.yaml is missing: every other language is checked against it")
    expected = set(languages["en"].variants)
    for language, phrases in languages.items():
        if missing := sorted(expected - set(phrases.variants)):
            raise KnowledgeNotUsable(f"{folder}/{language}.yaml lacks {', '.join(missing[:5])} (en.yaml has it)")
    return languages


def _read(path: Path) -> Phrases:
    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise KnowledgeNotUsable(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise KnowledgeNotUsable(f"{path} is empty: it holds keys with lists of phrases")
    head = {key: content.pop(key, None) for key in ("language", "address")}
    variants: dict[str, tuple[str, ...]] = {}
    _collect(path, "", content, variants)
    return Phrases(str(head["language"] or path.stem), str(head["address"] or "informal"), variants)


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
