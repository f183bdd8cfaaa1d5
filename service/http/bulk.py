"""Bodies with many things at once, as an array or as JSON Lines, and the report on what became of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import Field

from service.errors import BadRequest, FieldError, InvalidMessage
from service.http.middleware import JSON, JSON_LINES
from service.http.problems import TOO_DEEP
from service.messages import Noun
from service.order_files.given import Told
from service.order_files.rules import cleaned
from service.order_files.text import json_lines
from service.retrieve.ingest import Report

MOST_PROBLEMS = 1_000  # named in one answer; `refused` counts them all
_LINE = re.compile(r"^(?:line|order) (\d+): ", re.DOTALL)
DryRun = Annotated[bool, Query(description="Report what would change, and write nothing")]
Values = list[tuple[str, Any]]


class Refused(Noun):
    """One thing that was refused; `line` counts from 1, lines of JSON Lines or elements of an array."""

    line: int | None
    detail: str


class Outcome(Noun):
    """What an import did or, with `dry_run`, would do; the rest went in whatever was refused."""

    added: int
    changed: int
    unchanged: int
    refused: int
    problems: tuple[Refused, ...] = Field(description=f"the first {MOST_PROBLEMS:,}")
    dry_run: bool


def outcome(report: Report, dry_run: bool) -> Outcome:
    """A report as it is answered."""
    problems = [_refused(problem) for problem in report.problems[:MOST_PROBLEMS]]
    return Outcome(
        added=report.added, changed=report.changed, unchanged=report.unchanged, refused=len(report.problems),
        problems=tuple(problems), dry_run=dry_run,
    )  # fmt: skip


async def values_of(request: Request) -> tuple[Values, Told]:
    """The values of a body with where they stand, and what was wrong with broken lines.

    Raises BadRequest for an array that is no JSON, InvalidMessage for JSON that is no array.
    """
    body = await request.body()
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return await asyncio.to_thread(_lines if kind == JSON_LINES else _array, body)  # not on the event loop: it may be megabytes


def one_of(schema: str, example: dict[str, Any]) -> dict[str, Any]:
    """The request body of a route that checks it by itself, for its OpenAPI description."""
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": example}
    return {"requestBody": {"required": True, "content": {JSON: content}}}


def many_of(schema: str, example: dict[str, Any]) -> dict[str, Any]:
    """The same of an import."""
    one = {"$ref": f"#/components/schemas/{schema}"}
    return {
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"type": "array", "items": one}, "example": [example]},
                JSON_LINES: {"schema": one, "example": json.dumps(example, ensure_ascii=False)},
            },
        }
    }


def with_id(given: dict[str, Any], key: str, value: str) -> dict[str, Any]:
    """A body with the id of its path; raises InvalidMessage where it carries another one."""
    if given.get(key, value) != value:
        raise InvalidMessage([FieldError(f"/{key}", "is not the id in the path: leave it out")])
    return given | {key: value}


def _lines(body: bytes) -> tuple[Values, Told]:
    told = Told()
    text = body.decode("utf-8-sig", errors="surrogateescape")
    return list(json_lines(text.split("\n"), told)), told


def _array(body: bytes) -> tuple[Values, Told]:
    try:
        found = json.loads(body)
    except RecursionError:
        raise BadRequest(TOO_DEEP) from None
    except ValueError as error:
        reason = f"{error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise BadRequest(f"not valid JSON ({reason}): send an array, or JSON Lines with Content-Type: {JSON_LINES}") from None
    if not isinstance(found, list):
        raise InvalidMessage([FieldError("", f"must be a JSON array, or JSON Lines with Content-Type: {JSON_LINES}")])
    return [(f"line {number}", value) for number, value in enumerate(found, 1)], Told()


def as_lines(values: Sequence[tuple[str, Any]]) -> list[str]:
    """The values as JSON Lines, each on the line it stood on."""
    lines: list[str] = []
    for at, value in values:
        lines += [""] * (int(at.split()[1]) - 1 - len(lines))
        lines.append(json.dumps(cleaned(value)))
    return lines


def _refused(problem: str) -> Refused:
    found = _LINE.match(problem)
    return Refused(line=int(found[1]), detail=problem[found.end() :]) if found else Refused(line=None, detail=problem)
