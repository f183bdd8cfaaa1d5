"""A run of the evals with a real model is recorded, and played back without it; what was never asked fails."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from recording import Recording

from evals.results import LINES, Result

pytestmark = pytest.mark.real_model
SUITE = """\
name: recorded
defaults: {received_at: "2026-11-22T09:00:00Z"}
cases:
  - name: washing
    inputs: {text: "Can I wash the down jacket in the machine?", channel: whatsapp}
    expected_output: {language: en}
"""


def test_a_recorded_model_is_played_back_and_a_prompt_it_never_heard_fails_its_case(
    recording: Recording, environment: Callable[..., dict[str, str]], command: list[str], seconds: float, tmp_path: Path
) -> None:
    suite, tape = tmp_path / "recorded.yaml", tmp_path / "tape.jsonl"
    suite.write_text(SUITE, encoding="utf-8")
    model = {"LLM_BASE_URL": f"{recording.url}/v1", "LLM_MODEL": "smollm2", "LLM_DEADLINE_SECONDS": seconds}

    def evaluate(name: str, *options: object, **more: object) -> Result:
        words = ("eval", "run", suite, "--output", tmp_path / name, *options)
        ended = subprocess.run(
            [*command, *map(str, words)], env=environment(tmp_path / "data", RETRIEVAL_LIMIT=1, **more), cwd=tmp_path,
            capture_output=True, text=True, timeout=2 * seconds + 300, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        (line,) = (tmp_path / name / LINES).read_text(encoding="utf-8").splitlines()
        return Result.model_validate_json(line)

    live = evaluate("live", "--record-model", tape, **model)
    calls = len(recording.requests)
    assert live.error is None
    assert calls >= 1
    kept = [json.loads(line) for line in tape.read_text(encoding="utf-8").splitlines()]
    assert len(kept) == calls, "every call is on the tape, and no other was made"

    again = evaluate("again", "--replay-model", tape)
    assert again.found == live.found
    assert len(recording.requests) == calls

    suite.write_text(SUITE.replace("down jacket", "rain jacket"), encoding="utf-8")
    missed = evaluate("missed", "--replay-model", tape)
    assert missed.error is not None
    assert "no answer to this prompt is on" in missed.error
    assert len(recording.requests) == calls
