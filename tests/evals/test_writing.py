"""Evals of what a model writes: a case's own text, and answers recorded from a model and played back without it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import TODAY
from model_server import ModelServer, says

from evals.judge import verdicts
from evals.measures import BY_NAME
from evals.results import Result
from evals.suites import SuiteCase, read_suite
from evals.targets import in_process
from evals.writing import NotRecorded
from service.errors import SettingsNotUsable
from service.settings import Settings

PRIVATE = (
    "Hallo Jonas,\n\ndeine Bestellung A-1002 ist bei uns eingegangen und kommt bis 26. November.\n\nDein Team von Tarn & Timber"
)
SUITE = {
    "name": "written",
    "cases": [
        {
            "name": name,
            "inputs": {
                "text": "Hallo, wo bleibt meine Bestellung A-1002?",
                "channel": "whatsapp",
                "author": {"customer_id": "C-1031"},
            },
            "expected_output": {"rejected": rejected},
            "fixture": {
                "written": {
                    "action": "reply",
                    "public": None,
                    "private": private,
                    "claims": [{"text": "kommt bis 26. November", "source": "A-1002.due_at"}],
                    "alternatives": [],
                }
            },
        }
        for name, rejected, private in (
            ("good", False, PRIVATE),
            ("bad", True, PRIVATE.replace("26.", "28.")),
            ("good-taken-for-bad", True, PRIVATE),
            ("bad-taken-for-good", False, PRIVATE.replace("26.", "28.")),
        )
    ],
}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(says(json.dumps(SUITE["cases"][0]["fixture"]["written"]))) as made:  # type: ignore[index]
        yield made


def cases(folder: Path, suite: dict[str, Any]) -> list[SuiteCase]:
    (folder / "written.yaml").write_text(json.dumps(suite), encoding="utf-8")
    return list(read_suite(folder / "written.yaml").cases)


async def test_a_check_must_refuse_what_is_bad_and_let_pass_what_is_good(
    tmp_path: Path, settings_in: Callable[..., Settings]
) -> None:
    found = {}
    async with in_process(settings_in(tmp_path / "data"), TODAY) as target:
        for case in cases(tmp_path, SUITE):
            triage = await target.triage(case)
            found[case.case.name] = {name: holds for name, holds, _ in await verdicts(triage, case, target.embed)}
    assert [found[name]["rejected"] for name in ("good", "bad", "good-taken-for-bad", "bad-taken-for-good")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert all("checks" not in one for one in found.values())


@pytest.mark.parametrize(
    ("measure", "rejected", "holds", "value"),
    [
        ("draft.defects_caught", True, True, 1.0),
        ("draft.defects_caught", True, False, 0.0),
        ("draft.false_alarms", False, True, 0.0),
        ("draft.false_alarms", False, False, 1.0),
        ("draft.defects_caught", False, True, None),
        ("draft.false_alarms", True, True, None),
    ],
)  # fmt: skip
def test_the_measures_count_each_kind_apart(measure: str, rejected: bool, holds: bool, value: float | None) -> None:
    result = Result.model_validate({
        "suite": "written", "case": "one", "digest": "d", "text": "t", "channel": "x", "expected": {"rejected": rejected},
        "verdicts": [{"name": "rejected", "holds": holds, "why": ""}],
    })  # fmt: skip
    assert BY_NAME[measure].value(result) == value  # type: ignore[misc]


async def test_a_model_is_recorded_once_and_played_back_without_it(
    tmp_path: Path, settings_in: Callable[..., Settings], server: ModelServer
) -> None:
    plain = {"name": "plain", "cases": [{**SUITE["cases"][0], "expected_output": {}, "fixture": None}]}  # type: ignore[dict-item, index]
    case, tape = cases(tmp_path, plain)[0], tmp_path / "tape.jsonl"
    settings = settings_in(tmp_path / "data")
    live = settings.model_copy(update={"llm_base_url": server.url, "llm_model": "test-model"})
    async with in_process(live, TODAY, tape=tape, recording=True) as target:
        recorded = await target.triage(case)
    calls = server.calls
    async with in_process(settings, TODAY, tape=tape) as target:
        replayed = await target.triage(case)
        other = case.message.model_copy(update={"text": "Wo ist A-1002? Ich warte."})
        with pytest.raises(NotRecorded, match="record it again"):
            await target.triage(SuiteCase(case.suite, case.path, case.case, other))
    assert recorded.draft is not None
    assert recorded.draft.engine == "writer"
    assert replayed.draft == recorded.draft
    assert server.calls == calls


async def test_without_a_tape_or_a_model_it_says_what_is_missing(tmp_path: Path, settings_in: Callable[..., Settings]) -> None:
    with pytest.raises(SettingsNotUsable, match="record it first"):
        async with in_process(settings_in(tmp_path / "data"), TODAY, tape=tmp_path / "none.jsonl"):
            pass
    with pytest.raises(SettingsNotUsable, match="FIRSTREPLY_LLM_BASE_URL"):
        async with in_process(settings_in(tmp_path / "data"), TODAY, tape=tmp_path / "new.jsonl", recording=True):
            pass
