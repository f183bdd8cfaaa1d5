"""Prompts as files: `prompts/llm/<id>.md`, front matter above, the system and the user message below.

A brand's folder may hold its own `prompts/<id>.md`, which then counts instead of the shipped one.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import KnowledgeNotUsable
from service.files import shipped
from service.yaml_files import load_yaml, read_text

if TYPE_CHECKING:
    from jinja2 import Environment, Template

FENCE = "---"
SYSTEM, USER = "# system", "# user"
MAX_TOKENS = 900  # of an answer: two texts of a thousand characters with their claims


@dataclass(frozen=True)
class Prompt:
    """What one call asks: OpenAI chat messages and the JSON schema of the answer, None where it is plain text."""

    id: str
    version: str
    messages: tuple[dict[str, Any], ...]
    schema: dict[str, Any] | None = None
    schema_name: str = "answer"
    max_tokens: int = MAX_TOKENS

    def then(self, answer: str, correction: str) -> Prompt:
        """The same conversation after a bad answer, with what is wrong with it."""
        more = ({"role": "assistant", "content": answer}, {"role": "user", "content": correction})
        return Prompt(self.id, self.version, (*self.messages, *more), self.schema, self.schema_name, self.max_tokens)


class _Front(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    version: Annotated[int, Field(ge=1)]
    inputs: list[str]
    changelog: dict[int, str]


@dataclass(frozen=True)
class PromptFile:
    """One prompt as it is written; `version` names the file's number and content."""

    id: str
    version: str
    system: str
    user: str

    def rendered(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """The chat messages with every input filled in."""
        system, user = self._templates
        return (
            {"role": "system", "content": system.render(values).strip()},
            {"role": "user", "content": user.render(values).strip()},
        )

    @cached_property
    def _templates(self) -> tuple[Template, Template]:
        return _environment().from_string(self.system), _environment().from_string(self.user)


@cache
def _environment() -> Environment:
    # Here, not above: a service without a writer does without the import.
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def read_prompts(folder: Path | None, inputs: Mapping[str, frozenset[str]]) -> dict[str, PromptFile]:
    """The prompts by id, the brand's own first; `inputs` are those that the service fills in, by id.

    Raises KnowledgeNotUsable naming the file, and for an unknown variable the ones there are.
    """
    found = {}
    for name, known in inputs.items():
        own = folder / "prompts" / f"{name}.md" if folder else None
        path = own if own is not None and own.is_file() else shipped(f"prompts/llm/{name}.md")
        found[name] = _read(path, name, known)
    return found


def _read(path: Path, name: str, known: frozenset[str]) -> PromptFile:
    from jinja2 import TemplateError, meta

    text = read_text(path)
    front, parts = _parted(path, text)
    try:
        given = _Front.model_validate(load_yaml(front))
    except (yaml.YAMLError, ValidationError) as error:
        raise KnowledgeNotUsable(f"{path}: front matter: {' '.join(str(error).split())}") from None
    if given.id != name:
        raise KnowledgeNotUsable(f"{path}: id is {given.id!r}, the file's name says {name!r}")
    if given.version not in given.changelog:
        raise KnowledgeNotUsable(f"{path}: changelog has no line for version {given.version}: say what changed")
    for what in given.inputs:
        if what not in known:
            raise KnowledgeNotUsable(f"{path}: unknown input {what!r}{_near(what, known)}")
    for part in parts:
        try:
            used = meta.find_undeclared_variables(_environment().parse(part))
        except TemplateError as error:
            raise KnowledgeNotUsable(f"{path}: {error}") from None
        for what in sorted(used - set(given.inputs)):
            hint = "add it to inputs" if what in known else f"unknown variable{_near(what, known)}"
            raise KnowledgeNotUsable(f"{path}: {{{{ {what} }}}}: {hint}")
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return PromptFile(name, f"{name}-{given.version}-{digest}", *parts)


def _parted(path: Path, text: str) -> tuple[str, tuple[str, str]]:
    lines = text.split("\n")
    try:
        ends = lines.index(FENCE, 1)
        system, user = lines.index(SYSTEM), lines.index(USER)
        well = lines[0] == FENCE and ends < system < user
    except ValueError:
        well = False
    if not well:
        raise KnowledgeNotUsable(
            f"{path}: a prompt has front matter between two lines {FENCE}, then a line {SYSTEM!r} and a line {USER!r}"
        )
    return "\n".join(lines[1:ends]), ("\n".join(lines[system + 1 : user]), "\n".join(lines[user + 1 :]))


def _near(what: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(what, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(sorted(known))}"
