"""Words that mean something by themselves, found by rules: `knowledge/signals/<language>.yaml`.

A rule fires where a pattern matches and no `unless` pattern matches within NEAR characters of it; the words that
matched are the evidence. Rules that give a reason to escalate read sentence by sentence: what else a message says never
silences one of its sentences. The others read the whole text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from service.errors import KnowledgeNotUsable
from service.messages import ReasonCode, Signal
from service.yaml_files import load_yaml, read_text

IN_ENGLISH_TOO = frozenset({
    "prompt_injection", "spam", "explicit_human_request", "legal_threat", "self_harm", "safety_risk", "fraud_or_security",
    "emergency", "someone_hurt",
})  # fmt: skip
ENGLISH = "en"  # people mix it into every language: the codes above are read in it too
WHOLE_MESSAGE = frozenset({"greeting_only", "friend_tag"})  # said of a whole message, so only of a short one
SHORT_MESSAGE = 300
NEAR = 40  # characters around a match in which an `unless` pattern silences it
BY_SENTENCE = frozenset(get_args(ReasonCode))
# A sentence ends before a space and the next word; "Art. 17" and "no. 5" go on, and what follows an emoji does.
_END = re.compile(r"(?<=[.!?…])(?:(?<![^\W\d]\.)|(?<=[^\W\d]{4}\.)|(?=['\")\]]?\s+\D))(['\")\]]?)\s(?=\s*[\w@#¿¡'\"(\[-])")
INJECTION = "prompt_injection"
_CODED = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")  # base64 of 18 characters or more: below, words look like it
MOST_CODED = 5  # runs of it that are read
_SAME_LENGTH = str.maketrans("’‘‛`´“”„«»\u00a0\u202f", "'''''\"\"\"\"\"  ")


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    patterns: list[str]
    unless: list[str] = []


@dataclass(frozen=True)
class SignalRules:
    """Compiled rules: (language, code, pattern, unless)."""

    rules: tuple[tuple[str, str, re.Pattern[str], re.Pattern[str] | None], ...]

    @cached_property
    def _by_language(self) -> dict[str, list[tuple[str, re.Pattern[str], re.Pattern[str] | None]]]:
        found: dict[str, list[tuple[str, re.Pattern[str], re.Pattern[str] | None]]] = {}
        for language, code, pattern, unless in self.rules:
            found.setdefault(language, []).append((code, pattern, unless))
        return found

    def _read_for(self, language: str) -> list[tuple[str, re.Pattern[str], re.Pattern[str] | None]]:
        own = self._by_language.get(language)
        if own is None:
            return [rule for rules in self._by_language.values() for rule in rules]
        if language == ENGLISH:
            return own
        return own + [rule for rule in self._by_language.get(ENGLISH, []) if rule[0] in IN_ENGLISH_TOO]

    def find(self, text: str, language: str) -> tuple[Signal, ...]:
        """The signals in `text`, at most one a code.

        Read are the rules of its language and some of English, or every rule for a language without rules.
        """
        flat = text.translate(_SAME_LENGTH)
        lines = _END.sub("\\1\n", flat)
        found: dict[str, Signal] = {}
        for code, pattern, unless in self._read_for(language):
            if code in found or (code in WHOLE_MESSAGE and len(flat) > SHORT_MESSAGE):
                continue
            read = lines if code in BY_SENTENCE else flat
            match = next((m for m in pattern.finditer(read) if not _silenced(code, read, m, unless)), None)
            if match is not None:
                evidence = match.group().strip()
                start = match.start() + match.group().find(evidence)
                end = start + len(evidence)
                found[code] = Signal(code=code, evidence=text[start:end], start=start, end=end)
        if INJECTION not in found and (hidden := self._hidden(text, language)) is not None:
            found[INJECTION] = hidden
        return tuple(found.values())

    def _hidden(self, text: str, language: str) -> Signal | None:
        """Words aimed at a machine that stand in the text as base64; the evidence is the run as it stands."""
        for match, plain in _decoded(text):
            for code, pattern, _ in self._read_for(language):
                if code == INJECTION and pattern.search(plain):
                    return Signal(code=INJECTION, evidence=match.group(), start=match.start(), end=match.end())
        return None


def _decoded(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Runs of base64 with what they say, those left out that are no text."""
    for match, _ in zip(_CODED.finditer(text), range(MOST_CODED), strict=False):
        run = match.group().rstrip("=").replace("-", "+").replace("_", "/")
        try:
            plain = base64.b64decode(run + "=" * (-len(run) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        yield match, plain


def _silenced(code: str, text: str, match: re.Match[str], unless: re.Pattern[str] | None) -> bool:
    if unless is None:
        return False
    start, end = max(0, match.start() - NEAR), match.end() + NEAR
    if code in BY_SENTENCE:
        start = max(start, text.rfind("\n", 0, match.start()) + 1)
        after = text.find("\n", match.end())
        end = end if after < 0 else min(end, after)
    return unless.search(text, start, end) is not None


def read_signal_rules(folder: Path) -> SignalRules:
    """The rules of every `<language>.yaml` in `folder`; raises KnowledgeNotUsable naming file and code."""
    rules = []
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise KnowledgeNotUsable(f"{folder} holds no signal rules: reinstall firstreply")
    for path in paths:
        try:
            content = load_yaml(read_text(path))
        except yaml.YAMLError as error:
            raise KnowledgeNotUsable(f"{path}: {' '.join(str(error).split())}") from None
        if not isinstance(content, dict):
            raise KnowledgeNotUsable(f"{path}: holds codes, each with patterns and unless")
        for code, raw in content.items():
            try:
                rule = _Rule.model_validate(raw)
                flags = re.IGNORECASE | (re.MULTILINE if code in BY_SENTENCE else 0)
                unless = _joined(rule.unless, flags) if rule.unless else None
                rules.append((path.stem, str(code), _joined(rule.patterns, flags), unless))
            except (ValidationError, re.error) as error:
                raise KnowledgeNotUsable(f"{path}: {code}: {' '.join(str(error).split())}") from None
    return SignalRules(tuple(rules))


def _joined(patterns: list[str], flags: int) -> re.Pattern[str]:
    try:
        return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), flags)
    except re.error:
        for pattern in patterns:
            re.compile(pattern)  # so that the error names the pattern, not the whole
        raise
