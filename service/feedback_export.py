"""What feedback teaches, personal data masked: labelled examples for the heads, and approved replies as knowledge."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from service.errors import KnowledgeNotUsable
from service.escalate.facts import OF_POLICY
from service.masking import Mask
from service.messages import Feedback, Message, Triage, Understanding
from service.parts import Parts
from service.retrieve.customers import known_of
from service.retrieve.orders import every_order
from service.understand.examples import Example
from service.yaml_files import read_text

# Reasons that a message's own words don't show: they rest on figures, knowledge or the draft.
NOT_SAID = frozenset({*OF_POLICY, "unsupported_language", "no_grounding", "draft_check_failed", "processing_error"})


async def examples(parts: Parts, brand: str, since: datetime | None) -> tuple[list[dict[str, Any]], int]:
    """Messages whose draft was accepted as it was, or of which an agent said what is right; and how many were neither."""
    found: list[dict[str, Any]] = []
    ids = await parts.records.feedback.triages(brand, since)
    for triage_id in ids:
        recorded = await parts.records.recorded(triage_id)
        given = await parts.records.feedback.of(triage_id)
        if recorded is None or not recorded[0].content.strip():
            continue
        right = corrections(given)
        if right or given[-1].action == "accepted":
            message, triage = recorded
            mask = await mask_of(parts, message, triage, given)
            found.append(example_of(message, triage.understanding, _said(triage), right, mask, triage_id))
    return found, len(ids) - len(found)


async def precedents(parts: Parts, brand: str, since: datetime | None) -> tuple[list[dict[str, Any]], int]:
    """Approved replies with the messages they answered, as lines that a knowledge import reads."""
    found = []
    approved = [(at, one) for at, one in await parts.records.precedents(brand) if since is None or at >= since]
    for _, one in sorted(approved, key=lambda pair: pair[1].content.id):
        recorded = await parts.records.recorded(one.content.id)
        if recorded is None:
            continue
        message, triage = recorded
        mask = await mask_of(parts, message, triage, await parts.records.feedback.of(triage.id), marked=True)
        line = {"id": f"precedent-{triage.id}", "question": mask.text(message.content), "answer": one.content.answer}
        found.append(line | {"language": one.content.language})
    return found, len(approved) - len(found)


def corrections(given: Iterable[Feedback]) -> dict[str, Any]:
    """What agents said is right, the last word on each."""
    right: dict[str, Any] = {}
    for one in given:
        right |= one.wrong.said if one.wrong is not None else {}
    return right


def example_of(
    message: Message, seen: Understanding, reasons: tuple[str, ...], right: dict[str, Any], mask: Mask, example_id: str
) -> dict[str, Any]:
    """One labelled message as the heads learn from it: what was found, except what is right instead."""
    label = right.get("label", seen.label)
    also = tuple(other for other in seen.also if other != label)
    frustrated = "frustration" in (label, *also)
    level = seen.frustration_level if frustrated else "none"
    if frustrated and level == "none":
        level = "moderate"
    made = Example(
        id=example_id, language=right.get("language", seen.language.code), channel=message.channel,
        visibility=message.visibility or "public", text=mask.text(message.content),
        thread=tuple(turn.model_copy(update={"text": mask.text(turn.text), "at": None}) for turn in message.thread),
        label=label, also=also, level=right.get("level", level), trajectory=seen.trajectory if message.thread else None,
        topic=right.get("topic", seen.topic.label), urgency=right.get("urgency", seen.urgency),
        addressed=seen.addressed.label, reasons=() if right.get("escalate") is False else reasons,
    )  # fmt: skip
    written: dict[str, Any] = json.loads(made.model_dump_json(exclude_defaults=True))
    return written


async def mask_of(parts: Parts, message: Message, triage: Triage, given: Iterable[Feedback], *, marked: bool = False) -> Mask:
    """The mask of a recorded message: of all that is on record of its author, and the agents who were named."""
    known = await known_of(message, parts.sources.known)
    ours = parts.brands[triage.brand].identity.support_handles.values()
    people = [one.agent for one in given if one.agent]
    return Mask(message, known.customer, [*every_order(known), *triage.context.orders], ours, people, marked=marked)


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> int:
    """Adds lines to a file of JSON Lines, and says how many. One whose id is there stays as it is: a person may have read it.

    Raises KnowledgeNotUsable where the file is something else or can't be written.
    """
    text = read_text(path) if path.exists() else ""
    try:
        there = {json.loads(line)["id"] for line in text.split("\n") if line.strip()}
    except (ValueError, TypeError, KeyError):
        raise KnowledgeNotUsable(f"{path} has other lines than an export: name another file") from None
    fresh = [line for line in lines if line["id"] not in there]
    if fresh:
        text += "\n" if text and not text.endswith("\n") else ""
        text += "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in fresh)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise KnowledgeNotUsable(f"{path} can't be written: {error.strerror}") from None
    return len(fresh)


def _said(triage: Triage) -> tuple[str, ...]:
    return tuple(reason.code for reason in triage.escalation.reasons if reason.code not in NOT_SAID)
