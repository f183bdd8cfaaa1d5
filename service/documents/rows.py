"""Tables of FAQs, an entry a row: JSON Lines, CSV and YAML, each row with the line it stands on."""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from service.documents.blocks import known_keys
from service.documents.text import decoded, decoded_lines, not_utf8
from service.errors import KnowledgeNotUsable
from service.yaml_files import load_yaml

LISTS = ("questions", "wordings", "states")  # columns whose cells hold several values
SEPARATOR = "|"
NEEDED = ("question", "answer")


@dataclass(frozen=True)
class Row:
    """One row: what stands in it, or what is wrong with it."""

    line: int
    given: Any = None
    problem: str | None = None


def read_json_lines(data: bytes, name: str) -> Iterator[Row]:
    """A row a line; raises KnowledgeNotUsable where the file is no text."""
    start = 0
    for number, line in enumerate(decoded_lines(data, name), 1):
        if isinstance(line, bytes):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                yield Row(number, problem=not_utf8(data, start + error.start))
            start += len(line) + 1
            continue
        start += len(line.encode()) + 1
        if not line.strip():
            continue
        try:
            yield Row(number, json.loads(line))
        except (json.JSONDecodeError, RecursionError) as error:
            yield Row(number, problem=f"not valid JSON ({error})")


def read_csv(data: bytes, name: str, columns: list[str], notes: list[str]) -> Iterator[Row]:
    """A row a record, its columns named by the first line; raises KnowledgeNotUsable naming a column that is missing."""
    text = "\n".join(
        line if isinstance(line, str) else line.decode(errors="surrogateescape") for line in decoded_lines(data, name)
    )
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [cell.strip().casefold().replace(" ", "_") for cell in next(reader, [])]
    except csv.Error as error:
        raise KnowledgeNotUsable(f"{name}:1: {error}: check the quotes") from None
    _refuse_header(header, name, columns, notes)
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Row(line, problem=f"{error}: check the quotes of this row; what comes after it was not read")
            return
        if cells is None:
            return
        at, line = line, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if wrong := re.search("[\ud800-\udfff]", "".join(cells)):
            yield Row(at, problem=_wrong_byte(data, at, wrong[0]))
        elif len(cells) > len(header):
            yield Row(
                at, problem=f"{len(cells)} cells, the header has {len(header)} columns: put quotes around text with {separator!r}"
            )
        else:
            yield Row(at, _mapping(header, cells, columns))


def _wrong_byte(data: bytes, line: int, wrong: str) -> str:
    start = sum(len(part) + 1 for part in data.split(b"\n")[: line - 1])
    return not_utf8(data, data.find(bytes([ord(wrong) - 0xDC00]), start))


def _refuse_header(header: list[str], name: str, columns: list[str], notes: list[str]) -> None:
    found = ", ".join(column for column in header if column) or "none"
    for column in NEEDED:
        if column not in header:
            near = difflib.get_close_matches(column, header, n=1, cutoff=0.7)
            hint = f"is {near[0]!r} meant for it?" if near else "name the column so in the first line"
            raise KnowledgeNotUsable(f"{name}:1: no column {column!r}; found: {found}; {hint}")
    twice = next((column for column in header if column and header.count(column) > 1), None)
    if twice:
        raise KnowledgeNotUsable(f"{name}:1: two columns are named {twice!r}; found: {found}")
    kept, others = known_keys(dict.fromkeys(header), columns)
    if wrong := next((column for column in kept if column not in columns), None):
        near = difflib.get_close_matches(wrong, columns, n=1, cutoff=0.5)
        raise KnowledgeNotUsable(f"{name}:1: unknown column {wrong!r}, did you mean {near[0]!r}? found: {found}")
    if others := [other for other in others if other]:
        notes.append(f"{name}: columns not used: {', '.join(others)}")


def _mapping(header: list[str], cells: list[str], columns: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column, cell in zip(header, cells, strict=False):
        value = cell.strip()
        if not value or column not in columns:
            continue
        if column in LISTS:
            parts = value.split(SEPARATOR) if SEPARATOR in value or column == "wordings" else value.split("\n")
            row[column] = [part.strip() for part in parts if part.strip()]
        else:
            row[column] = value
    return row


def read_yaml_rows(data: bytes, name: str) -> Iterator[Row]:
    """A row an item: a list of them, a mapping from id to item, or either under `faqs`. Raises KnowledgeNotUsable."""
    text = decoded(data, name)
    try:
        content = load_yaml(text)
        node: Any = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise KnowledgeNotUsable(
            f"{name}{f':{mark.line + 1}' if mark else ''}: {getattr(error, 'problem', None) or 'not valid YAML'}"
        ) from None
    except RecursionError:
        raise KnowledgeNotUsable(f"{name}: nested too deep to be read") from None
    if isinstance(content, dict) and "faqs" in content:
        at = next(index for index, (key, _) in enumerate(node.value) if key.value == "faqs")
        content, node = content["faqs"], node.value[at][1]
    if isinstance(content, list):
        for item, its in zip(content, node.value, strict=True):
            yield Row(its.start_mark.line + 1, _plain(item))
    elif isinstance(content, dict) and all(isinstance(item, dict) for item in content.values()):
        for (key, item), (its, _) in zip(content.items(), node.value, strict=True):
            yield Row(its.start_mark.line + 1, {"id": key} | _plain(item))
    elif content is not None:
        raise KnowledgeNotUsable(f"{name}:1: FAQs in YAML are a list of `question` and `answer`, or items of them by id")


def _plain(item: Any) -> Any:
    """What YAML takes for something else: an id that is a number, and Norwegian, which it reads as `false`."""
    if not isinstance(item, dict):
        return item
    plain = {str(key): value for key, value in item.items()}
    for key in ("id", "entry", "question", "answer", "short"):
        if isinstance(plain.get(key), int | float) and not isinstance(plain[key], bool):
            plain[key] = str(plain[key])
    if plain.get("language") is False:
        plain["language"] = "no"
    return plain
