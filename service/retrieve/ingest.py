"""FAQs and earlier contacts read from JSON Lines, and entries of knowledge given their vectors."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from service.knowledge import Asked, Entry, StoredEntry
from service.messages import Contact, clean
from service.retrieve.asked_before import as_kept
from service.understand.classifier import Vectors
from service.understand.language import UNKNOWN, identify
from service.understand.understanding import EARLIER_TURNS

_ID = re.compile(r"^[\w.:@+-]{1,200}$")
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}(?=T\d{2}:|\b)")
Kind = TypeVar("Kind", bound=BaseModel)
ANSWER = 20_000  # characters of the longest answer
WEEK, FRIDAY = 7, 4
TOGETHER = 1_000  # contacts embedded in one go
Embed = Callable[[Sequence[str]], Awaitable[Vectors]]


class FaqLine(BaseModel):
    """One FAQ as JSON Lines, CSV and YAML give it, by the same keys."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=200)]
    question: Annotated[str, Field(max_length=2_000)] = ""
    answer: Annotated[str, Field(min_length=1, max_length=ANSWER)]
    language: str | None = None
    questions: list[str] = []
    wordings: list[Annotated[str, Field(min_length=1, max_length=ANSWER)]] = []
    topic: str | None = None
    short: Annotated[str, Field(max_length=600)] | None = None
    issue: str | None = None
    url: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    audience: Literal["public", "agents"] = "public"
    entry: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    states: list[str] = []
    source: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @field_validator("id", "entry")
    @classmethod
    def _plain_id(cls, value: str | None) -> str | None:
        if value is not None and not _ID.match(value):
            raise ValueError("an id is letters, digits and . : @ + - _ only")
        return value


@dataclass
class Report:
    """What an import did; `problems` name line and reason, and the rest went in."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    problems: list[str] = field(default_factory=list)


def read_faq_lines(lines: Iterable[str], languages: Iterable[str], report: Report) -> list[Entry]:
    """FAQs of JSON Lines; a bad line goes into the report and the rest is read."""
    supported = set(languages)
    found: dict[str, Entry] = {}
    for number, line in _json_lines(lines, report):
        try:
            given = FaqLine.model_validate(line)
        except ValidationError as error:
            report.problems.append(f"line {number}: {first_of(error)}")
            continue
        if given.id in found:
            report.problems.append(f"line {number}: id {given.id} stands on an earlier line too; the first one was taken")
            continue
        found[given.id] = entry_of(given, supported)
    return list(found.values())


def entry_of(given: FaqLine, supported: set[str]) -> Entry:
    """The entry that a line stands for; its language is recognised where the line leaves it out."""
    return Entry(
        id=given.id,
        entry=given.entry or given.id,
        language=given.language or _language(f"{given.question}\n{given.answer}", supported),
        topic=given.topic,
        title=clean(given.question.strip()) or clean(given.answer.strip())[:80],
        answer=clean(given.answer.strip()),
        wordings=tuple(clean(w.strip()) for w in given.wordings if w.strip()),
        short=given.short,
        questions=tuple(clean(q) for q in given.questions if q.strip()),
        states=tuple(given.states),
        issue=given.issue,
        url=given.url,
        valid_from=given.valid_from.isoformat() if given.valid_from else None,
        valid_until=given.valid_until.isoformat() if given.valid_until else None,
        audience=given.audience,
        origin="import",
        source=given.source,
    )


def _language(text: str, supported: set[str]) -> str:
    code = identify(text, said=None, supported=supported).code
    return "en" if code == UNKNOWN else code


def export_line(entry: Entry) -> str:
    """A FAQ as a line that `read_faq_lines` reads back."""
    line: dict[str, Any] = {"id": entry.id, "question": entry.title, "answer": entry.answer, "language": entry.language}
    optional = {
        "wordings": list(entry.wordings), "questions": list(entry.questions), "topic": entry.topic, "short": entry.short,
        "url": entry.url, "issue": entry.issue, "valid_from": entry.valid_from, "valid_until": entry.valid_until,
        "audience": None if entry.audience == "public" else entry.audience, "states": list(entry.states),
        "entry": None if entry.entry == entry.id else entry.entry, "source": entry.source,
    }  # fmt: skip
    return json.dumps(line | {key: value for key, value in optional.items() if value}, ensure_ascii=False)


async def embedded(brand: str, entries: Sequence[Entry], queries: Embed, passages: Embed, fingerprint: str) -> list[StoredEntry]:
    """The entries with their vectors, all embedded in two goes."""
    if not entries:
        return []
    told = iter(await passages([text for entry in entries for text in entry.passages]))
    asked = iter(await queries([text for entry in entries for text in entry.queries]))
    return [
        StoredEntry(
            brand, entry, entry.digest, fingerprint,
            np.stack([*(next(told) for _ in entry.passages), *(next(asked) for _ in entry.queries)]),
        )
        for entry in entries
    ]  # fmt: skip


async def asked_of(earlier: Sequence[Contact], stored: Mapping[str, Asked], queries: Embed, fingerprint: str) -> dict[str, Asked]:
    """By contact id: vectors of the customer's latest turns; those that are `stored` of the same words are kept."""
    words = {one.contact_id: [turn.text[-1_000:] for turn in one.thread if turn.role == "customer" and turn.text.strip()]
             for one in earlier}  # fmt: skip
    words = {contact_id: texts[-EARLIER_TURNS:] for contact_id, texts in words.items() if texts}
    digests = {contact_id: hashlib.sha256("\x1f".join(texts).encode()).hexdigest()[:16] for contact_id, texts in words.items()}
    found = {
        contact_id: kept
        for contact_id, kept in stored.items()
        if kept.digest == digests.get(contact_id) and kept.embedder == fingerprint
    }
    fresh = [contact_id for contact_id in words if contact_id not in found]
    for start in range(0, len(fresh), TOGETHER):
        some = fresh[start : start + TOGETHER]
        vectors = await queries([text for contact_id in some for text in words[contact_id]])
        at = 0
        for contact_id in some:
            mine = vectors[at : at + len(words[contact_id])]
            found[contact_id] = Asked(digests[contact_id], fingerprint, as_kept(mine))
            at += len(mine)
    return found


def read_contacts(lines: Iterable[str], report: Report) -> list[Contact]:
    """Earlier contacts of JSON Lines; a bad line goes into the report and the rest is read."""
    found: dict[str, Contact] = {}
    for number, line in _json_lines(lines, report):
        try:
            contact = Contact.model_validate(line)
        except ValidationError as error:
            report.problems.append(f"line {number}: {first_of(error)}")
            continue
        if contact.contact_id in found:
            report.problems.append(f"line {number}: {contact.contact_id} stands on an earlier line too; the first one was taken")
            continue
        found[contact.contact_id] = contact
    return list(found.values())


def _json_lines(lines: Iterable[str], report: Report) -> Iterable[tuple[int, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            report.problems.append(f"line {number}: not valid JSON ({error})")
            continue
        yield number, value


def first_of(error: ValidationError) -> str:
    """The first thing that is wrong, with the key it is wrong with."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


def shifted(value: Kind, days: int, today: date | None = None) -> Kind:
    """The order or contact with every day in it moved by `days`, those in its notes too.

    With `today`, as orders need it, nothing is then packed, delivered or refunded at a weekend: what is past moves back to the
    Friday, what is to come on to the Monday. Whole weeks keep the weekdays as they are.
    """
    if not days:
        return value

    def move(found: re.Match[str]) -> str:
        day = date.fromisoformat(found.group()) + timedelta(days=days)
        return (_working_day(day, today) if today is not None and days % WEEK else day).isoformat()

    return type(value).model_validate(_mapped(value.model_dump(mode="json"), lambda text: _DAY.sub(move, text)))


def _working_day(day: date, today: date) -> date:
    """The day, or the working day next to it on the same side of today."""
    beyond = day.weekday() - FRIDAY
    if beyond <= 0 or day == today:
        return day
    return day - timedelta(days=beyond) if day < today else day + timedelta(days=WEEK - FRIDAY - beyond)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return value
