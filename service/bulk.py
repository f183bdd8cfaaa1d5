"""The bulk run: a request a line in, a response a line out, in order; resumable, and no bad line stops it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service import pipeline
from service.errors import BadRequest, FirstReplyError, SettingsNotUsable
from service.http.problems import advice, pointer
from service.messages import Message
from service.parts import Parts
from service.understand.understanding import texts_of

GROUP = 64  # lines whose texts are embedded together, sorted by length: a third faster than one by one
MOST_LINE = 1_048_576  # characters of one line; the API's limit for a body


async def run(source: Path, target: Path, parts: Parts, defaults: dict[str, Any], done: Callable[[int], None]) -> tuple[int, int]:
    """Reads `source`, writes `target`; lines already there are not made again. Returns lines made and lines in error."""
    finished = _finished(target)
    made = errors = 0
    done(finished)
    with source.open("rb") as lines, target.open("ab") as out:
        for number, group in _groups(lines, finished):
            parsed = [_parse(line, number + at, defaults) for at, line in enumerate(group)]
            messages = [item for item in parsed if isinstance(item, Message)]
            await parts.embedding.queries([text for message in messages for text in texts_of(message).all])
            answers = await asyncio.gather(*(_answer(item, number + at, parts) for at, item in enumerate(parsed)))
            out.write("".join(answer + "\n" for answer in answers).encode())
            out.flush()
            made += len(answers)
            errors += sum(answer.startswith('{"error"') for answer in answers)
            done(len(answers))
    return made, errors


def count_lines(source: Path) -> int:
    """Lines of a file; raises SettingsNotUsable where it can't be read."""
    try:
        with source.open("rb") as file:
            return sum(1 for _ in file)
    except OSError as error:
        raise SettingsNotUsable(f"{source} can't be read: {error.strerror}") from None


def _finished(target: Path) -> int:
    """Whole lines of an earlier run; a line that was cut off by its end is dropped."""
    if not target.exists():
        return 0
    with target.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        file.truncate(whole)
        return content[:whole].count(b"\n")


def _groups(lines: Any, skip: int) -> Iterator[tuple[int, list[bytes]]]:
    group: list[bytes] = []
    first = skip + 1
    for number, line in enumerate(lines, 1):
        if number <= skip:
            continue
        group.append(line)
        if len(group) == GROUP:
            yield first, group
            first, group = number + 1, []
    if group:
        yield first, group


def _parse(line: bytes, number: int, defaults: dict[str, Any]) -> Message | FirstReplyError:
    try:
        if len(line) > MOST_LINE:
            return BadRequest(f"line {number}: over {MOST_LINE} bytes")
        content = json.loads(line)
        if not isinstance(content, dict):
            return BadRequest(f'line {number}: a line is a JSON object such as {{"text": "…"}}')
        return Message.model_validate(_merged(defaults, content))
    except ValidationError as error:
        first = error.errors()[0]
        return BadRequest(f"line {number}: {pointer(first['loc']) or '/'}: {advice(first)}")
    except (ValueError, RecursionError) as error:
        return BadRequest(f"line {number}: not valid JSON ({error})")


def _merged(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = defaults | given
    if isinstance(given.get("options"), dict) and "options" in defaults:
        merged["options"] = given["options"] | defaults["options"]
    return merged


async def _answer(item: Message | FirstReplyError, number: int, parts: Parts) -> str:
    if isinstance(item, FirstReplyError):
        return json.dumps({"error": item.detail}, ensure_ascii=False)
    try:
        return (await pipeline.triage(item, parts)).model_dump_json()
    except FirstReplyError as error:
        return json.dumps({"error": f"line {number}: {error.detail}", "id": item.id}, ensure_ascii=False)
