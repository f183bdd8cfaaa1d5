"""`firstreply agents`: made, listed, disabled, given another password; a wrong one is refused in one line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "correct-horse-battery"


@pytest.fixture
def agents(environment: Callable[..., dict[str, str]], command: list[str], data_dir: Path) -> Any:
    def run(*words: str, password: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "agents", *words], env=environment(data_dir), input=password, capture_output=True, text=True,
            encoding="utf-8", timeout=300, check=False,
        )  # fmt: skip

    return run


def test_an_agent_is_made_listed_and_disabled(agents: Any) -> None:
    made = agents("create", "Maja", "--role", "lead", "--brand", "demo", "--password-stdin", password=PASSWORD)
    assert made.returncode == 0, made.stderr
    assert "/desk" in made.stderr
    assert "maja  Maja  lead  demo" in agents("list").stdout
    again = agents("create", "maja", "--password-stdin", password=PASSWORD)
    assert (again.returncode, "already" in again.stderr) == (2, True)
    assert agents("password", "maja", "--password-stdin", password="another-horse-battery").returncode == 0
    assert agents("disable", "maja").returncode == 0
    assert "disabled" in agents("list").stdout
    assert PASSWORD not in made.stdout + made.stderr


@pytest.mark.parametrize(
    ("words", "password", "told"),
    [
        (("create", "maja", "--password-stdin"), "short", "12 to 1000 characters"),
        (("create", "maja"), PASSWORD, "--password-stdin"),
        (("create", "ma ja", "--password-stdin"), PASSWORD, "a name is letters"),
        (("create", "maja", "--role", "boss", "--password-stdin"), PASSWORD, "agent, lead"),
        (("disable", "nobody"), "", "firstreply agents list"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(agents: Any, words: tuple[str, ...], password: str, told: str) -> None:
    refused = agents(*words, password=password)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
