"""Words that mean something by themselves, found by rules: `knowledge/signals/<language>.yaml`.

A rule fires where a pattern matches and no `unless` pattern matches within NEAR characters of it. Rules read
the whole text; the words they matched are the evidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from service.errors import KnowledgeNotUsable
from service.messages import Signal
from service.yaml_files import load_yaml, read_text

IN_ENGLISH_TOO = frozenset({
    "prompt_injection", "spam", "explicit_human_request", "legal_threat", "self_harm", "safety_risk", "fraud_or_security",
    "emergency", "someone_hurt",
})  # fmt: skip
ENGLISH = "en"  # people mix it into every language: the codes above are read in it too
WHOLE_MESSAGE = frozenset({"greeting_only", "friend_tag"})  # said of a whole message, so only of a short one
SHORT_MESSAGE = 300
NEAR = 40  # characters around a match in which an `unless` pattern silences it
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
        found: dict[str, Signal] = {}
        for code, pattern, unless in self._read_for(language):
            if code in found or (code in WHOLE_MESSAGE and len(flat) > SHORT_MESSAGE):
                continue
            match = next((m for m in pattern.finditer(flat) if not _silenced(flat, m, unless)), None)
            if match is not None:
                evidence = match.group().strip()
                start = match.start() + match.group().find(evidence)
                end = start + len(evidence)
                found[code] = Signal(code=code, evidence=text[start:end], start=start, end=end)
        return tuple(found.values())


def _silenced(text: str, match: re.Match[str], unless: re.Pattern[str] | None) -> bool:
    if unless is None:
        return False
    return unless.search(text, max(0, match.start() - NEAR), match.end() + NEAR) is not None


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
                unless = _joined(rule.unless) if rule.unless else None
                rules.append((path.stem, str(code), _joined(rule.patterns), unless))
            except (ValidationError, re.error) as error:
                raise KnowledgeNotUsable(f"{path}: {code}: {' '.join(str(error).split())}") from None
    return SignalRules(tuple(rules))


def _joined(patterns: list[str]) -> re.Pattern[str]:
    try:
        return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)
    except re.error:
        for pattern in patterns:
            re.compile(pattern)  # so that the error names the pattern, not the whole
        raise
