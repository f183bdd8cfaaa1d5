"""Suites read from YAML files: one file, or a folder of files that are one suite."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.cases import Case, SuiteFile
from service.errors import KnowledgeNotUsable, SettingsNotUsable
from service.messages import Message
from service.yaml_files import line_of, parse_yaml, read_text

FOLDER = Path(__file__).parent / "suites"


@dataclass(frozen=True)
class SuiteCase:
    """A case with what its suite adds: the whole message, every slice, where it stands."""

    suite: str
    path: Path
    case: Case
    message: Message

    @property
    def slices(self) -> dict[str, str]:
        """Its own and its file's slices; language, channel and label by themselves where it says nothing else."""
        expected = self.case.expected_output
        found: dict[str, str] = {"channel": self.message.channel}
        if expected.language:
            found["language"] = expected.language
        if expected.label and len(expected.label) == 1:
            found["label"] = expected.label[0]
        return found | self.case.slices

    @cached_property
    def digest(self) -> str:
        """Changes with anything that the case says."""
        content = [self.message.model_dump(mode="json"), self.case.model_dump(mode="json", by_alias=True)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Suite:
    """A named list of cases."""

    name: str
    cases: tuple[SuiteCase, ...]

    @cached_property
    def digest(self) -> str:
        """Changes with any of its cases."""
        return hashlib.sha256("".join(case.digest for case in self.cases).encode()).hexdigest()[:16]


def shipped_suites() -> list[str]:
    """Names of the suites that come with the service."""
    if not FOLDER.is_dir():
        return []
    names = {path.stem for path in FOLDER.glob("*.yaml")}
    return sorted(names | {path.name for path in FOLDER.iterdir() if path.is_dir() and any(path.glob("*.yaml"))})


def find_suite(name: str) -> Path:
    """The file or folder a person means: a path, or the name of a shipped suite; raises SettingsNotUsable."""
    for path in (Path(name), FOLDER / name, FOLDER / f"{name}.yaml"):
        if path.is_file() or (path.is_dir() and any(path.glob("*.yaml"))):
            return path
    near = difflib.get_close_matches(name, shipped_suites(), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(shipped_suites())}; or give a file or a folder"
    raise SettingsNotUsable(f"no suite {name!r}; {hint}")


def read_suite(path: Path, **defaults: Any) -> Suite:
    """The suite at `path`; `defaults` fill fields of requests that a file leaves out.

    Raises KnowledgeNotUsable with file, line, key and the nearest valid key.
    """
    files = [path] if path.is_file() else sorted(path.glob("*.yaml"))
    cases: dict[str, SuiteCase] = {}
    names: dict[str, Path] = {}
    for file in files:
        text = read_text(file)
        content = parse_yaml(text, file, SuiteFile)
        names.setdefault(content.name, file)
        if len(names) > 1:
            first = next(iter(names))
            raise KnowledgeNotUsable(f"{file}: its name is {content.name!r}, that of {names[first].name} {first!r}: one of them")
        for at, case in enumerate(content.cases):
            try:
                message = Message.model_validate(defaults | content.defaults | case.inputs)
            except ValidationError as error:
                raise KnowledgeNotUsable(f"{file}:{line_of(text, case.name)}: {_why(error, case, at)}") from None
            if case.name in cases:
                other = cases[case.name].path.name
                raise KnowledgeNotUsable(f"{file}:{line_of(text, case.name)}: case {case.name} stands in {other} too")
            whole = case.model_copy(update={"slices": content.slices | case.slices})
            cases[case.name] = SuiteCase(content.name, file, whole, message)
    return Suite(next(iter(names)), tuple(cases.values()))


def _why(error: ValidationError, case: Case, at: int) -> str:
    first = next((item for item in error.errors() if item["type"] == "extra_forbidden"), error.errors()[0])
    where = ".".join(str(part) for part in ("inputs", *first["loc"]))
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        near = difflib.get_close_matches(str(first["loc"][0]), list(Message.model_fields), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"valid keys: {', '.join(Message.model_fields)}"
        return f"case {case.name}: unknown key {where!r}; {hint}"
    return f"case {case.name}: {where}: {first['msg']}"
