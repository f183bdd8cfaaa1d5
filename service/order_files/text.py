"""Bytes of a file as text, rows and objects, each with the line it stands on; what is broken is told and the rest read."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service.documents.text import refuse_binary
from service.errors import KnowledgeNotUsable
from service.order_files.given import Told

MOST_BYTES = 512 * 1024 * 1024  # a million orders; read whole, a larger file would fill the memory
MOST_LINE = 1_048_576  # characters of one line of JSON Lines: an order has a few hundred
DELIMITERS = ",;\t|"
LEGACY = "cp1252"  # what Excel writes in western Europe where it does not write UTF-8
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WRONG = re.compile("[\udc80-\udcff]")
_SEP = re.compile(r"^\ufeff?sep=.\r?\n", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One record of a CSV file by column; the line where it begins."""

    line: int
    cells: dict[str, str]
    problem: str | None = None


def text_of(data: bytes, name: str, told: Told, *, table: bool) -> str:
    """The text of a file; bytes that are not UTF-8 stand as lone surrogates, so that only their line is refused.

    A `table` with no letter in UTF-8 at all is read as Windows-1252, which is noted. Raises KnowledgeNotUsable for what is
    no text or too large.
    """
    if len(data) > MOST_BYTES:
        raise KnowledgeNotUsable(f"{name} has {len(data) >> 20} MiB, at most {MOST_BYTES >> 20}: split it into several files")
    if data.startswith(_UTF16):
        return data.decode("utf-16", errors="replace")
    refuse_binary(data, name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if table and not any(_is_utf8(line) for line in data.split(b"\n") if not line.isascii()):
            line = data[: error.start].count(b"\n") + 1
            told.notes.append(
                f"line {line} is not UTF-8: the file was read as Windows-1252. Where letters look wrong, save it as UTF-8"
            )
            return data.decode(LEGACY, errors="replace")
        return data.decode("utf-8-sig", errors="surrogateescape")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def wrong_bytes(text: str) -> str | None:
    """What is wrong with a text that holds bytes which are not UTF-8."""
    found = _WRONG.search(text)
    if found is None:
        return None
    return f"byte 0x{ord(found[0]) - 0xDC00:02X} is not UTF-8: save the file as UTF-8"


def is_json(text: str) -> bool:
    """Whether a text is JSON or JSON Lines, not a table: by the first sign, else by a line that is an object."""
    start = text[:4096].lstrip()
    return start[:1] in ("{", "[") or any(_object(line) is not None for line in text[:65_536].split("\n", 20)[:20])


def _object(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def objects(text: str, told: Told) -> Iterator[tuple[str, Any]]:
    """The values of JSON Lines, of an array, or of the array under `orders`, each with where it stands."""
    first = text.lstrip()[:MOST_LINE].split("\n", 1)[0]
    whole = _object(first)
    several = whole is not None and "orders" not in whole
    if not several and first[:1] in ("{", "["):
        try:
            document = json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            if not any(_object(line) is not None for line in text.split("\n")):
                told.problems.append(f"{_place(error)}not valid JSON ({_reason(error)}): nothing of this file was read")
                return
        else:
            found = document.get("orders", [document]) if isinstance(document, dict) else document
            if not isinstance(found, list):
                told.problems.append("`orders` is no array of orders")
                return
            yield from ((f"order {number}", value) for number, value in enumerate(found, 1))
            return
    yield from json_lines(text.split("\n"), told)


def json_lines(lines: Iterable[str], told: Told) -> Iterator[tuple[str, Any]]:
    """The values of JSON Lines; a broken line is told."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > MOST_LINE:
            told.problems.append(f"line {number}: over {MOST_LINE} characters: write one order a line")
        elif wrong := wrong_bytes(line):
            told.problems.append(f"line {number}: {wrong}")
        else:
            try:
                yield f"line {number}", json.loads(line, parse_constant=_no_number)
            except (ValueError, RecursionError) as error:
                told.problems.append(f"line {number}: not valid JSON ({_reason(error)})")


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _place(error: Exception) -> str:
    return f"line {error.lineno}: " if isinstance(error, json.JSONDecodeError) else ""


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.colno}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def header_of(text: str, known: Iterable[str]) -> tuple[str, list[str]]:
    """The delimiter and the columns of a table: the delimiter with which most columns are known ones."""
    first = _SEP.sub("", text, count=1)
    names = set(known)
    best: tuple[tuple[int, int], str, list[str]] = ((-1, -1), ",", [])
    for delimiter in DELIMITERS:
        cells = next(csv.reader(iter(first.split("\n", 50)[:50]), delimiter=delimiter), [])
        columns = [normal(cell) for cell in cells]
        rank = (len(names & set(columns)), len(columns))
        if rank > best[0]:
            best = (rank, delimiter, columns)
    return best[1], best[2]


def normal(column: str) -> str:
    """A column's name as it is compared: lower case, words joined by one "_", no brackets: "Email (Billing)" is email_billing."""
    return re.sub(r"[^\w#&]+", "_", column.strip().lower()).strip("_")


def rows(text: str, delimiter: str, columns: Sequence[str], told: Told) -> Iterator[Row]:
    """The records below the header; after a broken one, reading goes on with the line after its first."""
    skipped = _SEP.match(text)
    lines = text[skipped.end() if skipped else 0 :].split("\n")
    before = 1 if skipped else 0
    at, head = 0, True
    while at < len(lines):
        start = at

        def feed(begin: int = start) -> Iterator[str]:
            yield from (lines[number] + "\n" for number in range(begin, len(lines)))

        reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                line, at = at, start + reader.line_num
                if head:
                    head = False
                elif any(cell.strip() for cell in cells):
                    yield _row(line + 1 + before, cells, columns, delimiter)
        except csv.Error as error:
            told.problems.append(f"line {at + 1 + before}: {error}: check the quotes; the line was left out")
            at, head = at + 1, False


def _row(line: int, cells: Sequence[str], columns: Sequence[str], delimiter: str) -> Row:
    found = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if column}
    if wrong := wrong_bytes("".join(cells)):
        return Row(line, found, wrong)
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        return Row(
            line, found, f"{len(cells)} cells, the header has {len(columns)}: put quotes around a text that holds {delimiter!r}"
        )
    return Row(line, found)


def missing(columns: Sequence[str], needed: Sequence[Sequence[str]]) -> str | None:
    """What to say where none of the names of a needed column is there; `needed` is of alternatives."""
    for names in needed:
        if not set(names) & set(columns):
            found = ", ".join(column for column in columns if column) or "none"
            return f"line 1: column {' or '.join(repr(name) for name in names)} is missing; found: {found}"
    return None
