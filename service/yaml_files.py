"""YAML files that people write, read into typed values; an error names file, line, key and the nearest valid key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, RootModel, ValidationError

from service.errors import KnowledgeNotUsable

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """The file as `model`; raises KnowledgeNotUsable with file, line and what to do."""
    return parse_yaml(read_text(path), path, model)


def read_text(path: Path) -> str:
    """The file's text; raises KnowledgeNotUsable when it is missing, unreadable or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise KnowledgeNotUsable(f"{path} is missing") from None
    except UnicodeDecodeError as error:
        raise KnowledgeNotUsable(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    except OSError as error:
        raise KnowledgeNotUsable(f"{path} can't be read: {error.strerror}") from None


def load_yaml(text: str) -> Any:
    """The content of a YAML text, by libyaml where it is there: ten times faster; raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - both are safe loaders


def parse_yaml(text: str, path: Path, model: type[Model], first_line: int = 1) -> Model:
    """Like `read_yaml`, for text that starts at line `first_line` of the file (front matter)."""
    try:
        content = load_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f":{mark.line + first_line}" if mark else ""
        raise KnowledgeNotUsable(f"{path}{at}: {getattr(error, 'problem', None) or 'not valid YAML'}") from None
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        found = error.errors()
        first = next(
            (item for item in found if item["type"] == "extra_forbidden"), found[0]
        )  # a misspelt key is also a missing one
        raise KnowledgeNotUsable(f"{path}:{line_of(text, place(first), first_line)}: {explained(first, model)}") from None


def line_of(text: str, path: Sequence[int | str], first_line: int = 1) -> int:
    """The line of the value at `path` in a YAML text, or of the nearest thing around it."""
    return _line(yaml.compose(text, Loader=yaml.SafeLoader), path) + first_line


def place(error: Any) -> tuple[int | str, ...]:
    """Where an error of a model is: keys and numbers of entries; a check of a whole model says it in its context as `at`."""
    path = (*error["loc"], *error.get("ctx", {}).get("at", ()))
    # What pydantic adds behind the place itself: the key that was wrong, or which of several types it tried.
    return tuple(part for part in path if not (isinstance(part, str) and part.endswith(("]", "()"))))


def explained(error: Any, model: type[BaseModel]) -> str:
    """What is wrong with a file, in words: the key, and the nearest valid one where it is unknown."""
    where = ".".join(str(part) for part in place(error))
    if error["type"] == "extra_forbidden":
        valid = _keys_at(model, error["loc"][:-1])
        near = difflib.get_close_matches(str(error["loc"][-1]), valid, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"valid keys: {', '.join(valid)}"
        return f"unknown key {where!r}; {hint}"
    if error["type"] == "string_type" and isinstance(error["input"], dict):
        return f"{where}: a text with a colon in it needs quotes around it"
    if error["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
        near = difflib.get_close_matches(str(error["input"]), allowed, n=1, cutoff=0.5)
        return f"{where}: {error['msg']}" + (f"; did you mean {near[0]!r}?" if near else f", not {error['input']!r}")
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def _keys_at(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    current = _inner(model)
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel) and part in current.model_fields:
            current = _inner(current.model_fields[str(part)].annotation)
    return list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _inner(current: Any) -> Any:
    """The model inside a list, a mapping or a model that is one of these."""
    if isinstance(current, type) and issubclass(current, RootModel):
        current = current.model_fields["root"].annotation
    models = [arg for arg in getattr(current, "__args__", ()) if isinstance(arg, type) and issubclass(arg, BaseModel)]
    return models[-1] if models else current


def _line(node: yaml.Node | None, path: Sequence[int | str]) -> int:
    """Zero-based line of the value at `path`, or of the nearest thing around it."""
    line = 0
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        else:
            return line
    return line
