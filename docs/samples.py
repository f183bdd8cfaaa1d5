"""Writes docs/samples.md: the drafts to the sixty messages of docs/samples.yaml, as the demo brand would answer them.

.venv/bin/python docs/samples.py
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from service import pipeline
from service.messages import DraftText, Message, Triage
from service.parts import build_parts
from service.settings import Settings, read_settings

HERE = Path(__file__).parent
TODAY = date(2026, 11, 22)  # the day the demo's orders are written for; a Sunday
LANGUAGES = {"en": "English", "de": "German", "nl": "Dutch", "sv": "Swedish", "fr": "French", "es": "Spanish"}
HEAD = """# Sixty drafts

Written by `docs/samples.py` from the messages of `docs/samples.yaml`: what the composer drafts for the demo brand, ten messages a
language, on Sunday 22 November 2026, the day its orders are dated for. Nothing was picked or corrected.
"""


def main() -> None:
    """Writes the page."""
    samples: list[dict[str, Any]] = yaml.safe_load((HERE / "samples.yaml").read_text(encoding="utf-8"))
    made = asyncio.run(_triages([_message(sample) for sample in samples]))
    parts = [HEAD]
    for code, language in LANGUAGES.items():
        parts.append(f"\n## {language}\n")
        parts += [_shown(sample, triage) for sample, triage in zip(samples, made, strict=True) if sample["name"].startswith(code)]
    (HERE / "samples.md").write_text("\n".join(parts), encoding="utf-8")


def _message(sample: dict[str, Any]) -> Message:
    author = {"customer_id": sample["customer"]} if sample.get("customer") else {}
    received = datetime(TODAY.year, TODAY.month, TODAY.day, 9, tzinfo=UTC)
    return Message.model_validate({
        "id": sample["name"], "text": sample["text"], "channel": sample["channel"], "author": author, "received_at": received,
        "thread": sample.get("thread", ()),
    })  # fmt: skip


async def _triages(messages: list[Message]) -> list[Triage]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), models_dir=read_settings().models.resolve())
        async with build_parts(settings, today=TODAY) as parts:
            return [await pipeline.triage(message, parts) for message in messages]


def _shown(sample: dict[str, Any], triage: Triage) -> str:
    draft, found = triage.draft, triage.understanding
    assert draft is not None
    said = [f"> {turn['role']}: {turn['text']}" for turn in sample.get("thread", ())] + [
        f"> **{sample['text'].strip()}**".replace("\n", " ")
    ]
    level = f", {found.frustration_level}" if found.frustration_level != "none" else ""
    reasons = ", ".join(reason.code for reason in triage.escalation.reasons)
    macro = f", macro {draft.macro}" if draft.macro else ""
    heading = f"### {sample['name']}\n\n" + "\n>\n".join(said)
    who = f", {sample['customer']}" if sample.get("customer") else ""
    line = f"{sample['channel']}{who} · {found.label}{level}, {found.topic.label} · "
    line += f"**{draft.action}**{macro}" + (f" · escalated: {reasons}" if triage.escalation.escalate else "")
    return "\n\n".join([heading, line, *_texts(draft.public, draft.private)]) + "\n"


def _texts(public: DraftText | None, private: DraftText | None) -> list[str]:
    return [f"*{name}*\n\n```text\n{text.text}\n```" for name, text in (("public", public), ("private", private)) if text]


if __name__ == "__main__":
    main()
