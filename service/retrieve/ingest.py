"""Knowledge, orders and customers read from files: a brand's folder, or JSON Lines handed to an import."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from service.errors import KnowledgeNotUsable
from service.knowledge import StoredFaq
from service.messages import Customer, Order, clean
from service.understand.classifier import Vectors
from service.understand.language import UNKNOWN, identify
from service.yaml_files import parse_yaml, read_text

_ID = re.compile(r"^[\w.:@+-]{1,200}$")
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_FRONT_MATTER = re.compile(r"\A---\r?\n(.*?\r?\n)---\r?\n(.*)\Z", re.DOTALL)
Kind = TypeVar("Kind", bound=BaseModel)
ANSWER = 20_000  # characters of the longest answer
Embed = Callable[[Sequence[str]], Awaitable[Vectors]]


class FaqSource(BaseModel):
    """A FAQ as people write it, one language."""

    model_config = ConfigDict(frozen=True)

    id: str
    entry: str
    language: str
    topic: str | None
    title: str
    answer: str
    short: str | None
    questions: tuple[str, ...]
    url: str | None
    valid_until: str | None
    audience: str
    origin: str

    @property
    def digest(self) -> str:
        """Of everything in it; an unchanged one is not embedded again."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    topic: str | None = None
    url: str | None = None
    short: Annotated[str, Field(max_length=600)] | None = None
    questions: list[str] = []
    valid_until: date | None = None
    audience: Literal["public", "agents"] = "public"


class _FaqLine(BaseModel):
    """One line of a knowledge import."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=200)]
    question: Annotated[str, Field(max_length=2_000)] = ""
    answer: Annotated[str, Field(min_length=1, max_length=ANSWER)]
    language: str | None = None
    questions: list[str] = []
    topic: str | None = None
    short: Annotated[str, Field(max_length=600)] | None = None
    url: str | None = None
    valid_until: date | None = None
    audience: Literal["public", "agents"] = "public"

    @field_validator("id")
    @classmethod
    def _plain_id(cls, value: str) -> str:
        if not _ID.match(value):
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


def read_faq_folder(folder: Path) -> list[FaqSource]:
    """Every `faqs/<language>/<entry>.md` of a brand; raises KnowledgeNotUsable naming file and line."""
    return [_faq_file(path) for path in sorted((folder / "faqs").glob("*/*.md"))]


def _faq_file(path: Path) -> FaqSource:
    text = read_text(path)
    parts = _FRONT_MATTER.match(text)
    if parts is None:
        raise KnowledgeNotUsable(f"{path}:1: begins with front matter between two lines of ---")
    head = parse_yaml(parts.group(1), path, _FrontMatter, first_line=2)
    body = parts.group(2).strip()
    title, _, answer = body.partition("\n")
    if not title.startswith("# ") or not answer.strip():
        line = 3 + parts.group(1).count("\n")
        raise KnowledgeNotUsable(f"{path}:{line}: after the front matter come `# The question` and the answer below it")
    if len(answer) > ANSWER:
        raise KnowledgeNotUsable(f"{path}: the answer has {len(answer)} characters, at most {ANSWER}: split it into several FAQs")
    language, entry = path.parent.name, path.stem
    return FaqSource(
        id=f"faq-{entry}-{language}",
        entry=entry,
        language=language,
        topic=head.topic,
        title=clean(title[2:].strip()),
        answer=clean(answer.strip()),
        short=clean(head.short) if head.short else None,
        questions=tuple(clean(q) for q in head.questions if q.strip()),
        url=head.url,
        valid_until=head.valid_until.isoformat() if head.valid_until else None,
        audience=head.audience,
        origin="folder",
    )


def read_faq_lines(lines: Iterable[str], languages: Iterable[str], report: Report) -> list[FaqSource]:
    """FAQs of JSON Lines; a bad line goes into the report and the rest is read."""
    supported = set(languages)
    found: dict[str, FaqSource] = {}
    for number, line in _json_lines(lines, report):
        try:
            given = _FaqLine.model_validate(line)
        except ValidationError as error:
            report.problems.append(f"line {number}: {_first(error)}")
            continue
        if given.id in found:
            report.problems.append(f"line {number}: id {given.id} stands on an earlier line too; the first one was taken")
            continue
        text = f"{given.question}\n{given.answer}"
        found[given.id] = FaqSource(
            id=given.id,
            entry=given.id,
            language=given.language or _language(text, supported),
            topic=given.topic,
            title=clean(given.question.strip()) or clean(given.answer.strip())[:80],
            answer=clean(given.answer.strip()),
            short=given.short,
            questions=tuple(clean(q) for q in given.questions if q.strip()),
            url=given.url,
            valid_until=given.valid_until.isoformat() if given.valid_until else None,
            audience=given.audience,
            origin="import",
        )
    return list(found.values())


def _language(text: str, supported: set[str]) -> str:
    code = identify(text, said=None, supported=supported).code
    return "en" if code == UNKNOWN else code


def export_line(faq: StoredFaq) -> str:
    """A FAQ as a line that `read_faq_lines` reads back."""
    line: dict[str, Any] = {"id": faq.id, "question": faq.title, "answer": faq.answer, "language": faq.language}
    optional = {
        "questions": list(faq.questions), "topic": faq.topic, "short": faq.short, "url": faq.url,
        "valid_until": faq.valid_until, "audience": None if faq.audience == "public" else faq.audience,
    }  # fmt: skip
    return json.dumps(line | {key: value for key, value in optional.items() if value}, ensure_ascii=False)


async def embedded(
    brand: str, sources: Sequence[FaqSource], queries: Embed, passages: Embed, fingerprint: str
) -> list[StoredFaq]:
    """The FAQs with their vectors, all embedded in two goes."""
    if not sources:
        return []
    whole = await passages([f"{faq.title}\n{faq.answer}"[:1_500] for faq in sources])
    asked = [text for faq in sources for text in (faq.title, *faq.questions)]
    vectors = await queries(asked)
    stored: list[StoredFaq] = []
    at = 0
    for faq, passage in zip(sources, whole, strict=True):
        count = 1 + len(faq.questions)
        rows = np.concatenate([passage[None], vectors[at : at + count]])
        at += count
        stored.append(StoredFaq(brand=brand, digest=faq.digest, embedder=fingerprint, vectors=rows, **faq.model_dump()))
    return stored


def read_customers(lines: Iterable[str], report: Report) -> list[Customer]:
    """Customers of JSON Lines; a bad line goes into the report and the rest is read."""
    return _read(lines, Customer, report, lambda customer: customer.customer_id)


def read_orders(lines: Iterable[str], report: Report) -> list[Order]:
    """Orders of JSON Lines; a bad line goes into the report and the rest is read."""
    return _read(lines, Order, report, lambda order: order.order_id)


def _read(lines: Iterable[str], kind: type[Kind], report: Report, key: Callable[[Kind], str]) -> list[Kind]:
    found: dict[str, Kind] = {}
    for number, line in _json_lines(lines, report):
        try:
            value = kind.model_validate(line)
        except ValidationError as error:
            report.problems.append(f"line {number}: {_first(error)}")
            continue
        if key(value) in found:
            report.problems.append(f"line {number}: {key(value)} stands on an earlier line too; the first one was taken")
            continue
        found[key(value)] = value
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


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


def shifted(order: Order, days: int) -> Order:
    """The order with every day in it moved by `days`, those in its note too."""
    if not days:
        return order

    def move(text: str) -> str:
        return _DAY.sub(lambda m: (date.fromisoformat(m.group()) + timedelta(days=days)).isoformat(), text)

    return Order.model_validate(_mapped(order.model_dump(mode="json"), move))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return value
