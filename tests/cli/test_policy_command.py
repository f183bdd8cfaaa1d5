"""`firstreply policy check`, and a server that takes over a changed policy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest

from service.files import shipped

Run = Callable[..., CompletedProcess[str]]
DEMO = shipped("knowledge/demo/escalation.yaml").read_text(encoding="utf-8")
BRAND = "display_name: Moss\nlanguages: [en]\ndefault_language: en\n"
WITHIN = 20.0  # seconds; it takes half a second on a machine with nothing else to do


def candidate(folder: Path, *changes: tuple[str, str]) -> Path:
    text = DEMO
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "candidate.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_explains_the_policy_in_force(run: Run, data_dir: Path) -> None:
    done = run("policy", "check", data_dir=data_dir)
    assert (done.returncode, done.stderr) == (0, "")
    words = " ".join(done.stdout.split())
    for said in (
        "legal_threat always legal high", "repeat_contact 0.55 the topic's high",
        "churn_risk + low_confidence = 0.48: does not escalate", "churn_risk + late order + rising frustration = 0.53: escalates",
        "within 14 days", "topic delivery delivery",
        "private messages 60 min Fri 27 Nov 18:30 Fri 27 Nov 18:18", "escalated, critical 15 min",
        "mon 9:00-18:00", "Europe/Amsterdam", "public holidays of NL, 2026-12-24",
    ):  # fmt: skip
        assert said in words, said


def test_shows_what_a_change_does_to_recorded_messages_and_none_of_their_words(run: Run, data_dir: Path, tmp_path: Path) -> None:
    texts = ("Never ordering again, switching to another brand", "My lawyer will contact you", "Do you ship to Norway?")
    for text in texts:
        assert run("triage", text, "--channel", "x", data_dir=data_dir).returncode == 0
    path = candidate(
        tmp_path, ("  churn_risk: 0.35", "  churn_risk: 0.6"), ("legal_threat: legal", "legal_threat: care_lead"),
        ("{critical: 15, high: 30}", "{critical: 15, high: 10}"),
    )  # fmt: skip
    done = run("policy", "check", "--file", path, data_dir=data_dir)
    assert (done.returncode, done.stderr) == (0, "")
    words = " ".join(done.stdout.split())
    for said in (
        "candidate.yaml, not in force", "On 3 messages recorded in the last 30 days", "escalated: 1 now, 2 then",
        "churn_risk 0 1 +1", "care_lead 0 1 +1", "legal 1 0 -1", "would escalate: 1 tri_", "would no longer escalate: 0",
        "due earlier: 1 message, by up to 20 min",
    ):  # fmt: skip
        assert said in words, (said, words)
    assert not [text for text in texts if text in words]
    assert "nothing to compare" not in words


def test_the_same_file_changes_nothing(run: Run, data_dir: Path, tmp_path: Path) -> None:
    assert run("triage", "My lawyer will contact you", data_dir=data_dir).returncode == 0
    words = " ".join(run("policy", "check", "--file", candidate(tmp_path), data_dir=data_dir).stdout.split())
    for said in ("escalated: 1 now, 1 then", "would escalate: 0", "other queue: 0", "due earlier: 0", "due later: 0"):
        assert said in words, (said, words)


def test_an_invalid_file_is_one_line_and_exit_code_1(run: Run, data_dir: Path, tmp_path: Path) -> None:
    path = candidate(tmp_path, ("threshold: 0.5", "threshold: 0"))
    done = run("policy", "check", "--file", path, data_dir=data_dir)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"firstreply: {path}:7: threshold: Input should be greater than 0\n"


def test_so_is_the_brands_own(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "brands" / "moss"
    folder.mkdir(parents=True)
    (folder / "brand.yaml").write_text(BRAND, encoding="utf-8")
    (folder / "escalation.yaml").write_text(DEMO.replace("churn_risk: 0.35", "churn_rsk: 0.35"), encoding="utf-8")
    done = run("policy", "check", "--brand", "moss", KNOWLEDGE_DIR=tmp_path / "brands", DEMO=0)
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean 'churn_risk'?" in done.stderr


@pytest.mark.parametrize("words", [("--brand", "nobody"), ("--file", "nothing.yaml"), ("--days", "0")])
def test_wrong_usage(run: Run, data_dir: Path, words: tuple[str, str]) -> None:
    done = run("policy", "check", *words, data_dir=data_dir)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_server_takes_over_a_good_policy_and_keeps_it_when_the_next_one_is_bad(start_server: Any, tmp_path: Path) -> None:
    folder = tmp_path / "brands" / "moss"
    folder.mkdir(parents=True)
    (folder / "brand.yaml").write_text(BRAND, encoding="utf-8")
    asked = {"text": "I want to speak to a real person", "brand": "moss", "channel": "email"}
    own = "\n".join(line for line in DEMO.splitlines() if not line.startswith("queue_names"))

    def until(seen: Callable[[], bool]) -> None:
        end = time.monotonic() + WITHIN
        while not seen():
            assert time.monotonic() < end
            time.sleep(0.1)

    with start_server(tmp_path / "data", KNOWLEDGE_DIR=tmp_path / "brands", DEMO=0) as server, httpx.Client(timeout=60) as client:

        def answer() -> dict[str, Any]:
            found: dict[str, Any] = client.post(f"{server.url}/v1/triage", json=asked).json()
            return found

        def policies() -> str:
            response = client.get(f"{server.url}/readyz")
            assert (response.status_code, response.json()["status"]) == (200, "ok"), response.text
            return str(response.json()["checks"]["policies"])

        before = answer()
        assert before["escalation"]["queue"] == "general"
        (folder / "escalation.yaml").write_text(
            own + "\nrouting: [{reason: explicit_human_request, queue: people}]\n", encoding="utf-8"
        )
        until(lambda: answer()["escalation"]["queue"] == "people")
        good = answer()["versions"]["policy"]
        assert good != before["versions"]["policy"]
        (folder / "escalation.yaml").write_text(own.replace("threshold: 0.5", "threshold: 5"), encoding="utf-8")
        until(lambda: policies() != "ok")
        assert policies().startswith("warning: moss/escalation.yaml:7: threshold: Input should be less than or equal to 1")
        after = answer()
        assert (after["escalation"]["queue"], after["versions"]["policy"]) == ("people", good)
        (folder / "escalation.yaml").unlink()
        until(lambda: policies() == "ok")
        assert answer()["versions"]["policy"] == before["versions"]["policy"]
    log = server.stderr()
    assert log.count('"event": "policy_not_taken"') == 1
    assert "Traceback" not in log
