"""Every command of the guides is run, in order and as it stands, and must print what the guide shows."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
GUIDES = ("tutorial", "evals")
PORT = "8000"  # as the tutorial says it; the test takes a free one
ELSEWHERE = ("git clone", "make ")  # what the environment of the tests has done already
_FENCE = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FRAMES = re.compile("[│╭╮╰╯─]")


@dataclass(frozen=True)
class Step:
    """A block of commands and the output that its guide shows below it."""

    guide: str
    number: int
    commands: str
    shown: str

    def __str__(self) -> str:
        return f"{self.guide} {self.number}: {self.commands.splitlines()[0][:40]}"


def steps_of(guide: str) -> list[Step]:
    """The guide's blocks; each `text` block belongs to the `sh` block before it."""
    steps: list[Step] = []
    for kind, content in _FENCE.findall((DOCS / f"{guide}.md").read_text(encoding="utf-8")):
        if kind == "sh":
            steps.append(Step(guide, len(steps) + 1, content, ""))
        else:
            assert not steps[-1].shown, f"two outputs below {steps[-1]}"
            steps[-1] = replace(steps[-1], shown=content)
    return steps


STEPS = {guide: steps_of(guide) for guide in GUIDES}


@dataclass(frozen=True)
class Ran:
    """What a block's commands came to."""

    code: int
    output: str


@pytest.fixture(scope="module")
def ran(environment: Callable[..., dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[int, Ran]]:
    """`ran(guide)`: exit code and output of each block, run by one shell in an empty folder until the first that fails."""
    return cache(lambda guide: _run(STEPS[guide], environment, tmp_path_factory.mktemp(guide)))


def _run(steps: list[Step], environment: Callable[..., dict[str, str]], folder: Path) -> dict[int, Ran]:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("the guides use bash and curl, and they are not installed here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    script = ["trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for step in steps:
        lines = [line for line in step.commands.splitlines() if not line.startswith(ELSEWHERE)]
        commands = "\n".join(lines).replace(f":{PORT}", f":{port}")
        script += [f"exec > {step.number}.out 2>&1", "set -euo pipefail", commands, "set +e", f"echo 0 > {step.number}.code"]
    given = environment(folder / ".firstreply", PORT=port)
    given["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{given['PATH']}"
    subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=folder, env=given, timeout=300, check=False, stdin=subprocess.DEVNULL
    )  # fmt: skip
    found = {}
    for step in steps:
        output = folder / f"{step.number}.out"
        done = (folder / f"{step.number}.code").exists()
        found[step.number] = Ran(0 if done else 1, output.read_text(encoding="utf-8") if output.exists() else "never begun")
    return found


@pytest.mark.parametrize("step", [step for steps in STEPS.values() for step in steps], ids=str)
def test_a_block_of_a_guide_runs_and_prints_what_it_shows(step: Step, ran: Callable[[str], dict[int, Ran]]) -> None:
    result = ran(step.guide)[step.number]
    assert result.code == 0, result.output
    output, at = _plain(result.output), 0
    for part in (part for line in step.shown.splitlines() for part in _plain(line).split("…")):
        if wanted := part.strip():
            found = output.find(wanted, at)
            assert found >= 0, f"{wanted!r} is not printed, or earlier than shown; printed was:\n{result.output}"
            at = found + len(wanted)


def test_the_tutorial_shows_the_output_of_all_that_the_service_does() -> None:
    silent = [step for step in STEPS["tutorial"] if not step.shown]
    assert len(STEPS["tutorial"]) >= 10
    assert [step.commands.splitlines()[0].split()[0] for step in silent] == ["git", "kill"]


def test_the_guide_to_evals_shows_the_output_of_every_command() -> None:
    assert len(STEPS["evals"]) >= 7
    assert all(step.shown for step in STEPS["evals"])


def _plain(text: str) -> str:
    """Without frames and with single spaces, so that a wrapped line reads like an unwrapped one."""
    return " ".join(_FRAMES.sub(" ", text).split())
