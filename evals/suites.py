"""Suites read from YAML files: one file, or a folder of files that are one suite."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ValidationError, create_model

from evals.cases import Case, SuiteFile
from service.errors import KnowledgeNotUsable, SettingsNotUsable
from service.messages import Message
from service.yaml_files import parse_yaml, read_text

FOLDER = Path(__file__).parent / "suites"
ENDINGS = (".yaml", ".yml")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
RECEIVED_AT = "2026-11-22T09:00:00Z"  # of a message that says nothing else: the day of the demo brand, the same in every run


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
    return sorted({path.stem for path in files_of(FOLDER)} | {path.name for path in FOLDER.iterdir() if files_of(path)})


def find_suite(name: str) -> Path:
    """The file or folder a person means: a path, or the name of a shipped suite; raises SettingsNotUsable."""
    for path in (Path(name), FOLDER / name, FOLDER / f"{name}.yaml"):
        if path.is_file() or files_of(path):
            return path
    near = difflib.get_close_matches(name, shipped_suites(), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(shipped_suites())}; or give a file or a folder"
    raise SettingsNotUsable(f"no suite {name!r}; {hint}")


def files_of(folder: Path) -> list[Path]:
    """The YAML files of a folder, in order of their names."""
    return sorted(path for path in folder.glob("*") if path.suffix in ENDINGS) if folder.is_dir() else []


def read_suite(path: Path, **defaults: Any) -> Suite:
    """The suite at `path`; `defaults` fill fields of requests that a file leaves out.

    Raises KnowledgeNotUsable with file, line, key and the nearest valid key.
    """
    files = files_of(path) if path.is_dir() else [path]
    if not files:
        raise KnowledgeNotUsable(f"{path}: there is no YAML file in it")
    cases: dict[str, SuiteCase] = {}
    stands: dict[str, str] = {}
    names: dict[str, Path] = {}
    for file in files:
        text = read_text(file)
        content = parse_yaml(text, file, SuiteFile)
        names.setdefault(content.name, file)
        if len(names) > 1:
            first = next(iter(names))
            raise KnowledgeNotUsable(f"{file}: its name is {content.name!r}, that of {names[first].name} {first!r}: one of them")
        lines = _lines(text, file)
        given = {"received_at": RECEIVED_AT} | defaults | content.defaults
        for case, line in zip(content.cases, lines, strict=True):
            try:
                message = Message.model_validate(given | case.inputs)
            except ValidationError as error:
                parse_yaml(text, file, _typed(given))  # says which key, on which line
                raise KnowledgeNotUsable(f"{file}:{line}: case {case.name}: {error.errors()[0]['msg']}") from None
            if case.name in cases:
                raise KnowledgeNotUsable(f"{file}:{line}: case {case.name} stands at {stands[case.name]} too: rename one")
            stands[case.name] = f"{file.name}:{line}"
            whole = case.model_copy(update={"slices": content.slices | case.slices})
            cases[case.name] = SuiteCase(content.name, file, whole, message)
    return Suite(next(iter(names)), tuple(cases.values()))


def _typed(given: dict[str, Any]) -> type[BaseModel]:
    """A suite's file whose inputs and defaults are read as messages, for the place of what is wrong with one."""

    def filled(by: dict[str, Any]) -> BeforeValidator:
        return BeforeValidator(lambda inputs: by | inputs if isinstance(inputs, dict) else inputs)

    inputs: Any = Annotated[Message, filled(given)]
    defaults: Any = Annotated[Message, filled({"text": "-"})]
    case: Any = create_model("Case", __base__=Case, inputs=(inputs, ...))
    return create_model("SuiteFile", __base__=SuiteFile, cases=(list[case], ...), defaults=(defaults, Message(text="-")))


def _lines(text: str, path: Path) -> list[int]:
    """The line, counted from one, on which each case starts; raises KnowledgeNotUsable where a key stands twice."""
    root = yaml.compose(text, Loader=_Loader)
    _once(root, path)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return [case.start_mark.line + 1 for key, cases in pairs if key.value == "cases" for case in cases.value]


def _once(node: yaml.Node | None, path: Path) -> None:
    """Refuses a key that stands twice in one mapping: YAML keeps the last one, and the other's expectations would be lost."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise KnowledgeNotUsable(f"{path}:{line}: the key {name!r} stands on line {seen[name]} too: keep one")
            seen[name] = line
            _once(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _once(value, path)
