"""The desk's words: the same in every language, each one used, each one that is used there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from service.conversations import ConversationState
from service.desk import words as module
from service.desk.words import LANGUAGES, language_of, words_by_language, words_in
from service.draft.checks.verdict import NAMES
from service.errors import KnowledgeNotUsable
from service.messages import (
    Action,
    Addressed,
    Channel,
    FeedbackReason,
    Label,
    Level,
    OrderStatus,
    Outcome,
    ReasonCode,
    Tone,
    Trajectory,
    Urgency,
)  # fmt: skip

DESK = module.FOLDER.parent
SOURCES = [*DESK.rglob("*.html"), *DESK.rglob("*.py")]
# Texts whose key is put together; what the rest of it can be is a closed list in the code.
TERMS: dict[str, Any] = {
    "label": Label, "level": Level, "trajectory": Trajectory, "priority": Urgency, "state": ConversationState, "action": Action,
    "addressed": Addressed, "channel": Channel, "reason": ReasonCode, "order_status": OrderStatus, "outcome": Outcome,
    "triage.tone": Tone, "triage.because": FeedbackReason,
}  # fmt: skip
PUT_TOGETHER = (
    "theme.", "role.", "problem.", "queue.by.", "queue.state.", "queue.escalated.", "queue.mine.",
    "triage.side.", "glance.", "triage.editor.", "triage.done.", "check.",
    *(f"{term}." for term in TERMS),
    *(f"try.{name}." for name in ("engine", "issue", "length", "order", "show", "side", "stage", "topic", "visibility", "waits")),
)  # fmt: skip
# The same word in another language, too; names of channels beside them.
SHARED = {
    "login.name",
    "login.your_name",
    "frame.account",
    "addressed.spam",
    "priority.normal",
    "queue.by.queue",
    "queue.filters",
    "queue.state.open",
    "label.frustration",
    "demo.chip",
    "try.order.preorder",
    "try.stage.context",
    "try.topic.account",
    "try.topic.product",
    "try.topic.service",
    "triage.goes_to",
    "triage.tone",
    "triage.tone.neutral",
    "triage.tone.warm",
    "triage.order",
    "order_status.preorder",
    "glance.period",
}
KEY = re.compile(r'"([a-z_]+(?:\.[a-z0-9_-]+)+)"')
PLURALS = (".zero", ".one", ".two", ".few", ".many", ".other")


def used() -> set[str]:
    pages = {key.split(".")[0] for key in words_by_language()["en"]}
    return {key for path in SOURCES for key in KEY.findall(path.read_text()) if key.split(".")[0] in pages}


def test_every_text_is_used() -> None:
    found = used()
    unused = {
        key for key in words_by_language()["en"]
        if key not in found and key.removesuffix(next((p for p in PLURALS if key.endswith(p)), "")) not in found
        and not key.startswith(PUT_TOGETHER)
    }  # fmt: skip
    assert unused == set()


def test_every_text_that_is_used_is_there() -> None:
    keys = words_by_language()["en"]
    begun = {key.rsplit(".", 1)[0] for key in keys}  # a plural's, or one that is put together
    missing = {key for key in used() if key not in keys and key not in begun and not key.endswith((".html", ".css", ".js"))}
    assert missing == set()


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_texts_are_translated(language: str) -> None:
    english, other = words_by_language()["en"], words_by_language()[language]
    assert set(english) == set(other)
    same = {key for key in english if english[key] == other[key]}
    assert {key for key in same if not key.startswith("channel.")} <= SHARED


def test_every_value_of_the_contract_has_a_word() -> None:
    for term, values in TERMS.items():
        found = {key for key in words_by_language()["en"] if key.startswith(f"{term}.")}
        assert found == {f"{term}.{one}" for one in get_args(values)}
    assert {key for key in words_by_language()["en"] if key.startswith("check.")} == {f"check.{name}" for name in NAMES}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("b.one: Een", "is not in every language"),
        ("a.one: Een {other}", "placeholders"),
        ("a.one: [1]", "words/nl/a.yaml:1"),
    ],
)
def test_a_language_that_differs_stops_the_start(tmp_path, monkeypatch, text: str, told: str) -> None:  # type: ignore[no-untyped-def]
    for language in LANGUAGES:
        folder = tmp_path / "words" / language
        folder.mkdir(parents=True)
        (folder / "a.yaml").write_text(text if language == "nl" else "a.one: One {name}")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "words")
    with pytest.raises(KnowledgeNotUsable, match=told):
        words_by_language.__wrapped__()


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, "", "en"), (None, "de-CH", "de"), (None, "fr,nl;q=0.8,de;q=0.9", "de"), ("sv", "de", "sv"), ("xx", "de", "de"),
        (None, "*", "en"), (None, "de;q=abc,nl", "nl"), (None, "fr", "en"),
    ],
)  # fmt: skip
def test_the_language_is_the_chosen_one_else_the_browser_s(cookie: str | None, accepted: str, language: str) -> None:
    assert language_of(cookie, accepted) == language


def test_times_and_numbers_are_written_as_in_the_language() -> None:
    at = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
    german, english = words_in("de", "Europe/Amsterdam"), words_in("en", "Europe/Amsterdam")
    assert (german.number(1234.5), english.number(1234.5)) == ("1.234,5", "1,234.5")
    assert (german.clock(at), german.day(at)) == ("10:05", "22.11.2026")
    assert (german.percent(0.37).replace("\xa0", " "), english.percent(0.37)) == ("37 %", "37%")
    assert english.relative(at, at - timedelta(hours=2)) == "in 2 hours"
    assert words_in("sv").relative(at, at + timedelta(minutes=5)) == "för 5 minuter sedan"
    assert german.moment(at) == "22 Nov. 2026 10:05"
