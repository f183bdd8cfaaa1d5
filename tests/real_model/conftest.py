"""A real model server: llama.cpp with a model of 135 million parameters, which no one would let write to a customer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from recording import Recording

from service.llm.client import connect
from service.llm.provider import Provider

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".firstreply" / "llm" / "bin" / "python"
# A core reads about 60 tokens a second with this model, a prompt has some thousands, and a busy machine has less than a core.
SECONDS = float(os.environ.get("LLM_TEST_SECONDS", "300"))
OUTCOMES: list[str] = []  # what became of each draft, shown at the end


@pytest.fixture(scope="session")
def seconds() -> float:
    """The deadline of a draft."""
    return SECONDS


@pytest.fixture(scope="session")
def outcomes() -> list[str]:
    """Lines that the end of the run shows."""
    return OUTCOMES


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running server."""
    if not PYTHON.exists():
        pytest.fail("there is no model server: run make test-llm, which installs one")
    log = tmp_path_factory.mktemp("llama") / "stderr"
    with log.open("wb") as file:
        command = [PYTHON, Path(__file__).with_name("serve.py")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, stdin=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()  # written when the model is loaded, or empty when the process ended
        assert url.startswith("http://127.0.0.1:"), log.read_text(encoding="utf-8", errors="replace")[-2000:]
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


@pytest.fixture
def recording(llama: str) -> Iterator[Recording]:
    """The server, with what it was asked."""
    with Recording(llama) as made:
        yield made


@pytest.fixture
async def provider(recording: Recording) -> AsyncIterator[Provider]:
    """A provider that was told nothing about its server."""
    made = Provider(connect(f"{recording.url}/v1", None, None, 4), "smollm2")
    yield made
    await made.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What became of each draft."""
    for line in OUTCOMES:
        terminalreporter.write_line(line)
