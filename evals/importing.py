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
from pydantic import BaseModel, ValidationError

from evals.cases import Case, Fixture, SuiteFile
from evals.expectations import Expected
from service.errors import KnowledgeNotUsable, SettingsNotUsable
from service.masking import Mask, rounded
from service.messages import Customer, Feedback, Message, Order, Triage
from service.yaml_files import explained, parse_yaml, read_text

SCHEMA = "suite.schema.json"
LISTS = {"also", "reasons", "not_reasons", "passages", "tags", "contains", "not_contains"}  # not regex: its "|" is an or
NOTHING = {"none", "null", "-"}  # in the place of an order or of passages: there must be none
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
            model: type[BaseModel] = Case
            case = Case.model_validate(row if "inputs" in row else _case_of(row, f"{path.stem}-{line}"))
            model = Message
            Message.model_validate(case.inputs)
        except ValidationError as error:
            first = next((item for item in error.errors() if item["type"] == "extra_forbidden"), error.errors()[0])
            problems.append(f"{path}:{line}: {explained(first, model)}")
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
    head = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        names = [name.strip() for name in reader.fieldnames or []]
    except csv.Error as error:
        raise SettingsNotUsable(f"{path}:1: not valid CSV ({error})") from None
    reader.fieldnames = names
    if "text" not in names:
        raise SettingsNotUsable(f"{path}:1: there is no column text; columns are {', '.join(COLUMNS)}")
    for name in names:
        if name not in COLUMNS:
            raise SettingsNotUsable(f"{path}:1: {_unknown(name)}")
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, f"not valid CSV ({error}): is a quote left open?"
            continue
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
    if str(expected.get("order", "")).casefold() in NOTHING:
        expected["order"] = None
    if [str(entry).casefold() for entry in expected.get("passages") or ()] in ([word] for word in NOTHING):
        expected["passages"] = []
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
    mask = Mask(message, customer, orders, ours, [one.agent for one in given if one.agent])
    seen, draft = triage.understanding, triage.draft
    expected: dict[str, Any] = {
        "label": [seen.label], "level": [seen.frustration_level], "topic": [seen.topic.label], "language": seen.language.code,
        "escalate": triage.escalation.escalate, "reasons": [reason.code for reason in triage.escalation.reasons],
    }  # fmt: skip
    if draft is not None and (last is None or last.action != "rejected"):
        expected["action"] = [draft.action]
    if orders:
        expected["order"] = mask.number(orders[0].order_id)
    author: dict[str, Any] = {"customer_id": mask.number(orders[0].customer_id)} if orders else {}
    if message.author.followers is not None:
        author["followers"] = rounded(message.author.followers)
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
    if message.attachments:
        inputs["attachments"] = [
            {"kind": one.kind} | ({"transcript": mask.text(one.transcript)} if one.transcript else {})
            for one in message.attachments
        ]
    if message.language:
        inputs["language"] = message.language
    if options := message.options.model_dump(exclude_defaults=True):
        inputs["options"] = options
    return Case(
        name=_name(triage.id), inputs=inputs, expected_output=Expected.model_validate(expected | right),
        reference=mask.text(sent) if sent else None,
        fixture=Fixture(orders=[_masked_order(order, mask) for order in orders]) if orders else None,
        tags=["recorded", *([f"feedback:{last.action}"] if last else [])],
    )  # fmt: skip


def _masked_order(order: Order, mask: Mask) -> dict[str, Any]:
    content = order.model_dump(mode="json", exclude_none=True, exclude={"late", "why"})
    content |= {"order_id": mask.number(order.order_id), "customer_id": mask.number(order.customer_id)}
    if order.tracking:
        content["tracking"] = mask.number(order.tracking)
    if order.note:
        content["note"] = mask.text(order.note)
    return content


def write_suite(path: Path, name: str, cases: list[Case]) -> int:
    """Adds cases to the suite file at `path`, made where it is new; returns how many were new. A case of the same name stays.

    What stands in the file stays as it is, comments too. Raises KnowledgeNotUsable where the file is no suite, and
    SettingsNotUsable where nothing can be added to it.
    """
    text = read_text(path) if path.exists() else ""
    there = parse_yaml(text, path, SuiteFile).cases if path.exists() else []
    known = {case.name for case in there}
    fresh = [case for case in cases if case.name not in known]
    if not fresh:
        return 0
    whole = _added(text or f"# yaml-language-server: $schema={SCHEMA}\nname: {json.dumps(_name(name))}\ncases:\n", fresh)
    try:
        count = len(parse_yaml(whole, path, SuiteFile).cases)
    except KnowledgeNotUsable:
        count = 0
    if count != len(there) + len(fresh):
        raise SettingsNotUsable(f"{path}: no case can be added to it: write its cases in block style, each after a dash")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(whole, encoding="utf-8")
    except OSError as error:
        raise SettingsNotUsable(f"{path} can't be written: {error.strerror}") from None
    return len(fresh)


class _Dumper(yaml.SafeDumper):
    """Escapes the line breaks that only YAML knows, which a reader would take for other ones."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if any(char in text for char in "\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _added(text: str, cases: list[Case]) -> str:
    """The file's text with the cases after its last one, indented as they are."""
    content = [_written(case) for case in cases]
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    keys = [key for key, _ in pairs]
    at = next(number for number, key in enumerate(keys) if key.value == "cases")
    found = pairs[at][1]
    indent = " " * (found.start_mark.column if isinstance(found, yaml.SequenceNode) else 2)
    added = yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
    lines = text.rstrip("\n").split("\n")
    end = keys[at + 1].start_mark.line if at + 1 < len(keys) else len(lines)
    lines[end:end] = [indent + line for line in added.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _written(case: Case) -> dict[str, Any]:
    """What the case says; an expectation of null stays, since it means that there must be none."""
    said = json.loads(case.model_dump_json(by_alias=True, exclude_unset=True))
    return {key: value for key, value in said.items() if value not in (None, [], {})}


def write_schema(path: Path) -> None:
    """The JSON schema that editors complete and check suites with; raises SettingsNotUsable where it can't be written."""
    content = SuiteFile.model_json_schema(by_alias=True)
    content["$defs"]["Case"]["properties"]["inputs"] = _message_schema(content["$defs"])
    content["properties"]["defaults"] = _message_schema(content["$defs"]) | {
        "description": "Fields of the request that inputs leave out"
    }
    try:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsNotUsable(f"{path} can't be written: {error.strerror}") from None


def _message_schema(defs: dict[str, Any]) -> dict[str, Any]:
    """The request's schema, its text not required: a file's defaults may give it."""
    schema = Message.model_json_schema()
    defs |= schema.pop("$defs", {})
    schema.pop("examples", None)
    schema["required"] = []
    return {"description": "The request, as POST /v1/triage takes it", **schema}
