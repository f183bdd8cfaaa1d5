"""`firstreply policy threshold` as a team lead uses it: what it prints, writes and refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
MUST = [
    "I want to speak to a human, not a bot!", "Ich schalte jetzt meinen Anwalt ein.", "My charger caught fire last night.",
    "Je veux parler à un conseiller, un vrai.", "Someone hacked my account and ordered a phone.",
    "Quiero hablar con una persona de verdad.", "Delete all my personal data under GDPR.", "Jag kontaktar min advokat i dag.",
    "I am reporting you to Trading Standards.", "Ik schakel mijn advocaat in als dit niet geregeld is.",
]  # fmt: skip
CALM = [
    "Thanks a lot, lovely boots!", "Where can I see my invoices?", "Danke, hat alles super geklappt!", "Merci, c'est parfait !",
]  # fmt: skip


def rows(path: Path, must: list[str] = MUST, calm: list[str] = CALM) -> Path:
    lines = [f'"{text}",{flag}' for texts, flag in ((must, "true"), (calm, "false")) for text in texts]
    path.write_text("\n".join(["text,escalate", *lines]) + "\n", encoding="utf-8")
    return path


def test_it_chooses_on_rows_of_labels_and_writes_a_report(run: Run, tmp_path: Path) -> None:
    labels, report = rows(tmp_path / "labels.csv"), tmp_path / "out" / "threshold.html"
    done = run("policy", "threshold", labels, "--target-recall", 0.8, "--confidence", 0.8, "--output", report)
    assert done.returncode == 0, done.stderr
    assert "of what must be escalated is caught, with 80% confidence" in done.stdout
    assert "at least 80.0%" in done.stdout
    assert "rests on 10 messages that must be escalated and 4 that must not" in done.stdout
    assert "<- chosen" in done.stdout
    assert "threshold" in report.read_text(encoding="utf-8")


def test_the_shipped_suites_are_for_acceptance_and_it_says_so(run: Run) -> None:
    done = run("policy", "threshold", "regressions", "--target-recall", 0.5, "--confidence", 0.5)
    assert "regressions ships with the service and judges it: choose on messages of your own" in done.stderr


def test_it_weighs_costs(run: Run, tmp_path: Path) -> None:
    done = run("policy", "threshold", rows(tmp_path / "labels.csv"), "--miss-cost", 20, "--alarm-cost", 1, "--share", 0.05)
    assert done.returncode == 0, done.stderr
    assert "the expected cost is least" in done.stdout
    assert "a miss at 20, a false alarm at 1 and 5.0% of messages needing a human" in done.stdout


def test_no_threshold_that_keeps_the_promise_is_exit_code_1_and_names_the_messages(run: Run, tmp_path: Path) -> None:
    calm = [f"{text} Number {at}." for at in range(4) for text in CALM]
    done = run("policy", "threshold", rows(tmp_path / "labels.csv", must=MUST + calm), "--target-recall", 0.9)
    assert done.returncode == 1
    assert "no threshold keeps the promise" in done.stdout
    assert "gives no reason: labels/labels-" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "at least 45 labelled messages that must be escalated, and there are 10: label 35 more"),
        (["--target-recall", 1], "--target-recall lies between 0 and 1"),
        (["--confidence", 0], "--confidence lies between 0 and 1"),
        (["--miss-cost", 0], "--miss-cost is an amount above 0"),
        (["--miss-cost", 20, "--target-recall", 0.9], "two ways to choose a threshold: give one of them"),
        (["--alarm-cost", 2], "give that as well, such as --miss-cost 20"),
        (["--miss-cost", 20, "--share", 1], "--share lies between 0 and 1"),
        (["--brand", "nobody", "--target-recall", 0.5], "no brand folder named 'nobody'; there are: demo"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Run, tmp_path: Path, options: list[object], said: str) -> None:
    done = run("policy", "threshold", rows(tmp_path / "labels.csv"), *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().split("\n")) == 1


def test_labels_that_say_nothing_of_escalation_are_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("text,label\nHello there,other\n", encoding="utf-8")
    done = run("policy", "threshold", path)
    assert done.returncode == 2
    assert "no case of" in done.stderr
    assert "the column escalate" in done.stderr


def test_a_bad_row_is_named_and_the_rest_counts(run: Run, tmp_path: Path) -> None:
    path = rows(tmp_path / "labels.csv")
    path.write_text(path.read_text(encoding="utf-8") + '"What now?",perhaps\n', encoding="utf-8")
    done = run("policy", "threshold", path, "--target-recall", 0.8, "--confidence", 0.8)
    assert done.returncode == 1
    assert "labels.csv:16:" in done.stderr
    assert "rests on 10 messages" in done.stdout
