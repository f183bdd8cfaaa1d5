"""Cases from elsewhere: rows of CSV and JSON Lines, and triages of this installation with what agents did with them."""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from evals.cases import Case, Fixture, SuiteFile
from evals.expectations import Expected
from evals.masking import Mask, masked_number
from service.errors import SettingsNotUsable
from service.messages import Customer, Feedback, Message, Order, Triage
from service.yaml_files import explained, parse_yaml, read_text

SCHEMA = "suite.schema.json"
LISTS = {"also", "reasons", "not_reasons", "passages", "tags", "contains", "not_contains", "regex"}
ASSERTS = ("contains", "not_contains", "max_length", "similar_to", "cites", "regex")
AUTHOR = {"customer_id", "handle", "author_name", "followers"}
INPUTS = {"text", "channel", "visibility", "brand", "received_at", "conversation_id"}
EXPECTED = set(Expected.model_fields)
COLUMNS = (
    "name", *sorted(INPUTS), *sorted(AUTHOR), *sorted(EXPECTED), *ASSERTS, "reference", "tags", "skip", "weight", "industry",
)  # fmt: skip


def read_rows(path: Path) -> tuple[list[Case], list[str]]:
    """Cases of a CSV or JSON Lines file, and what is wrong with the other lines; raises NotUsable where none can be read.

    A line of JSON is a whole case, or flat like a row of CSV; lists in CSV are parted by "|".
    """
    cases: list[Case] = []
    problems: list[str] = []
    seen: set[str] = set()
    for line, row in _csv(path) if path.suffix.lower() == ".csv" else _json_lines(path):
        if isinstance(row, str):
            problems.append(f"{path}:{line}: {row}")
            continue
        try:
            case = Case.model_validate(row if "inputs" in row else _case_of(row, f"{path.stem}-{line}"))
            Message.model_validate(case.inputs)
        except ValidationError as error:
            first = next((item for item in error.errors() if item["type"] == "extra_forbidden"), error.errors()[0])
            problems.append(f"{path}:{line}: {explained(first, Case)}")
            continue
        except ValueError as error:
            problems.append(f"{path}:{line}: {error}")
            continue
        if case.name in seen:
            problems.append(f"{path}:{line}: a case named {case.name} stands on an earlier line too")
            continue
        seen.add(case.name)
        cases.append(case)
    return cases, problems


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    text = read_text(path)
    try:
        dialect = csv.Sniffer().sniff(text.split("\n", 1)[0], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    reader = csv.DictReader(io.StringIO(text), dialect=dialect)
    names = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = names
    if "text" not in names:
        raise SettingsNotUsable(f"{path}:1: there is no column text; columns are {', '.join(COLUMNS)}")
    for name in names:
        if name not in COLUMNS:
            raise SettingsNotUsable(f"{path}:1: {_unknown(name)}")
    for row in reader:
        if None in row:
            yield reader.line_num, "more values than columns: is a text with the separator in it without quotes?"
        else:
            yield reader.line_num, {name: value for name, value in row.items() if value not in (None, "")}


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"not valid JSON ({error})"
            continue
        yield number, content if isinstance(content, dict) else 'a line is a JSON object such as {"text": "…", "label": "praise"}'


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.5)
    return f"unknown column {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"columns are {', '.join(COLUMNS)}")


def _case_of(row: dict[str, Any], name: str) -> dict[str, Any]:
    """A flat row as a case."""
    values = {key: _listed(value) if key in LISTS else value for key, value in row.items()}
    for key in values:
        if key not in COLUMNS:
            raise ValueError(_unknown(key))
    author = {key.removeprefix("author_"): values[key] for key in AUTHOR & values.keys()}
    inputs = {key: values[key] for key in INPUTS & values.keys()} | ({"author": author} if author else {})
    expected = {key: _maybe_list(values[key]) for key in EXPECTED & values.keys()}
    if expected.get("order") in ("none", "null", "-"):
        expected["order"] = None
    asserts = [
        {"type": kind, "value": _number(value) if kind == "max_length" else value}
        for kind in ASSERTS if kind in values
        for value in (values[kind] if isinstance(values[kind], list) else [values[kind]])
    ]  # fmt: skip
    kept: dict[str, Any] = {key: values[key] for key in ("reference", "tags", "skip", "weight") if key in values}
    slices = {"industry": values["industry"]} if "industry" in values else {}
    return {
        "name": _name(str(values.get("name") or name)), "inputs": inputs, "expected_output": expected, "asserts": asserts,
        "slices": slices, **kept,
    }  # fmt: skip


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split("|") if part.strip()] if isinstance(value, str) else value


def _maybe_list(value: Any) -> Any:
    return _listed(value) if isinstance(value, str) and "|" in value else value


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value) else value


def _name(text: str) -> str:
    return re.sub(r"[^\w.:/-]+", "-", text).strip("-") or "case"


def case_of_triage(
    triage: Triage, message: Message, customer: Customer | None, given: list[Feedback], ours: list[str], right: dict[str, Any]
) -> Case:
    """A recorded triage as a case, personal data masked.

    What was found is expected, except what `right` says is right instead. A draft that was accepted, or the text an agent sent
    instead, is the reference. A rejected one is no reference, and its action is not expected.
    """
    last = given[-1] if given else None
    orders = triage.context.orders
    mask = Mask(message, customer, orders, ours)
    seen, draft = triage.understanding, triage.draft
    expected: dict[str, Any] = {
        "label": [seen.label], "level": [seen.frustration_level], "topic": [seen.topic.label], "language": seen.language.code,
        "escalate": triage.escalation.escalate, "reasons": [reason.code for reason in triage.escalation.reasons],
    }  # fmt: skip
    if draft is not None and (last is None or last.action != "rejected"):
        expected["action"] = [draft.action]
    if orders:
        expected["order"] = masked_number(orders[0].order_id)
    author = {"customer_id": masked_number(orders[0].customer_id)} if orders else {}
    sent = last.text if last and last.text else None
    if sent is None and last is not None and last.action == "accepted" and draft is not None:
        kept = draft.private or draft.public
        sent = kept.text if kept else None
    inputs: dict[str, Any] = {
        "text": mask.text(message.text), "channel": message.channel, "visibility": message.visibility,
        "brand": message.brand, "received_at": message.received_at.isoformat(),
    }  # fmt: skip
    if author:
        inputs["author"] = author
    if message.thread:
        inputs["thread"] = [{"role": turn.role, "text": mask.text(turn.text)} for turn in message.thread]
    return Case(
        name=_name(triage.id), inputs=inputs, expected_output=Expected.model_validate(expected | right),
        reference=mask.text(sent) if sent else None,
        fixture=Fixture(orders=[_masked_order(order, mask) for order in orders]) if orders else None,
        tags=["recorded", *([f"feedback:{last.action}"] if last else [])],
    )  # fmt: skip


def _masked_order(order: Order, mask: Mask) -> dict[str, Any]:
    content = order.model_dump(mode="json", exclude_none=True, exclude={"late", "why"})
    content |= {"order_id": masked_number(order.order_id), "customer_id": masked_number(order.customer_id)}
    if order.tracking:
        content["tracking"] = masked_number(order.tracking)
    if order.note:
        content["note"] = mask.text(order.note)
    return content


def write_suite(path: Path, name: str, cases: list[Case]) -> int:
    """Adds cases to the suite file at `path`, made where it is new; returns how many were new. A case of the same name stays."""
    if path.exists():
        text = read_text(path)
        known = {case.name for case in parse_yaml(text, path, SuiteFile).cases}
        fresh = [case for case in cases if case.name not in known]
    else:
        text = f"# yaml-language-server: $schema={SCHEMA}\nname: {_name(name)}\ncases:\n"
        fresh = cases
    content = [json.loads(case.model_dump_json(by_alias=True, exclude_defaults=True, exclude_unset=True)) for case in fresh]
    added = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120) if content else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.rstrip("\n") + "\n" + "".join(f"  {line}\n" for line in added.splitlines()), encoding="utf-8")
    except OSError as error:
        raise SettingsNotUsable(f"{path} can't be written: {error.strerror}") from None
    return len(fresh)


def write_schema(path: Path) -> None:
    """The JSON schema that editors complete and check suites with."""
    content = SuiteFile.model_json_schema(by_alias=True)
    content["$defs"]["Case"]["properties"]["inputs"] = _message_schema(content["$defs"])
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _message_schema(defs: dict[str, Any]) -> dict[str, Any]:
    """The request's schema, its text not required: a file's defaults may give it."""
    schema = Message.model_json_schema()
    defs |= schema.pop("$defs", {})
    schema.pop("examples", None)
    schema["required"] = []
    return {"description": "The request, as POST /v1/triage takes it", **schema}
