"""Settings of the model: what can't work stops a start with one line, what may yet work is a warning."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest
from model_server import ModelServer, fails, says

from service.errors import SettingsNotUsable
from service.settings import read_settings

Run = Callable[..., CompletedProcess[str]]
SECRET = "sk-geheim-123"
URL = {"LLM_BASE_URL": "http://127.0.0.1:9/v1"}
MODEL = {"LLM_MODEL": "some-model"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (URL, "FIRSTREPLY_LLM_BASE_URL is set without FIRSTREPLY_LLM_MODEL"),
        (MODEL, "FIRSTREPLY_LLM_MODEL is set without FIRSTREPLY_LLM_BASE_URL"),
        ({"LLM_AUDIO_MODEL": "whisper"}, "FIRSTREPLY_LLM_AUDIO_MODEL needs FIRSTREPLY_LLM_BASE_URL"),
        (URL | MODEL | {"LLM_DAILY_COST": "5"}, "FIRSTREPLY_LLM_DAILY_COST needs FIRSTREPLY_LLM_PRICE_IN"),
        *(
            (MODEL | {"LLM_BASE_URL": url}, "FIRSTREPLY_LLM_BASE_URL: write it as https://host/v1")
            for url in (
                "api.openai.com/v1", "ftp://host/v1", "https://", "http://host:port/v1", "http://host:0/v1", "http://[::1/v1",
                f"https://me:{SECRET}@host/v1", f"https://host/v1?key={SECRET}", "",
            )
        ),
        (URL | {"LLM_MODEL": ""}, "FIRSTREPLY_LLM_MODEL"),
        (URL | MODEL | {"LLM_API_KEY": f"{SECRET} {SECRET}"}, "FIRSTREPLY_LLM_API_KEY: it is empty, or holds a space"),
        (URL | MODEL | {"LLM_API_KEY": f"{SECRET}–ü"}, "FIRSTREPLY_LLM_API_KEY: it is empty, or holds a space"),
        (URL | MODEL | {"LLM_API_KEY": " "}, "FIRSTREPLY_LLM_API_KEY: it is empty"),
        (URL | MODEL | {"LLM_OUTPUT": "xml"}, "FIRSTREPLY_LLM_OUTPUT"),
        (URL | MODEL | {"LLM_DEADLINE_SECONDS": "0"}, "FIRSTREPLY_LLM_DEADLINE_SECONDS"),
        (URL | MODEL | {"LLM_CONCURRENCY": "0"}, "FIRSTREPLY_LLM_CONCURRENCY"),
        (URL | MODEL | {"LLM_DAILY_TOKENS": "-1"}, "FIRSTREPLY_LLM_DAILY_TOKENS"),
    ],
)  # fmt: skip
def test_what_can_not_work_is_one_line_without_a_secret(
    given: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"FIRSTREPLY_{name}", value)
    with pytest.raises(SettingsNotUsable) as raised:
        read_settings()
    assert said in raised.value.detail
    assert SECRET not in raised.value.detail


def test_the_command_says_it_and_ends_with_2(run: Run, data_dir: Path) -> None:
    done = run("serve", "--port", "0", data_dir=data_dir, **URL)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "firstreply: FIRSTREPLY_LLM_BASE_URL is set without FIRSTREPLY_LLM_MODEL: set both, or neither to do without a model"
    ]


def test_a_key_may_end_with_the_line_break_of_its_file() -> None:
    settings = read_settings(llm_api_key=f"{SECRET}\n")
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == SECRET
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("url", "key", "open_to_all"),
    [
        ("http://model.example/v1", SECRET, True),
        ("http://10.0.0.7:8080/v1", SECRET, True),
        ("http://127.0.0.1:8080/v1", SECRET, False),
        ("http://localhost:8080/v1", SECRET, False),
        ("http://[::1]:8080/v1", SECRET, False),
        ("https://model.example/v1", SECRET, False),
        ("http://model.example/v1", None, False),
    ],
)
def test_a_key_that_crosses_a_network_unencrypted_is_known(url: str, key: str | None, open_to_all: bool) -> None:
    assert read_settings(llm_base_url=url, llm_model="m", llm_api_key=key).llm_key_in_the_open is open_to_all


def warned(server: Any, words: str) -> bool:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if words in server.stderr():
            return True
        time.sleep(0.1)
    return False


def test_a_start_with_a_wrong_key_says_so_and_serves_all_the_same(start_server: Any, data_dir: Path) -> None:
    with ModelServer(fails(401, message=f"Incorrect API key provided: {SECRET}")) as model:
        given = {"LLM_BASE_URL": model.url, "LLM_MODEL": "m", "LLM_API_KEY": SECRET}
        with start_server(data_dir, **given) as server:
            assert warned(server, "check FIRSTREPLY_LLM_API_KEY"), server.stderr()
            assert "the composer writes every draft" in server.stderr()
            assert httpx.get(f"{server.url}/readyz").json()["status"] == "ok", "the model is no part of readiness"
            assert httpx.post(f"{server.url}/v1/triage", json={"text": "Wo ist mein Paket?"}, timeout=60).status_code == 200
            assert "writer_calls_total{" in httpx.get(f"{server.url}/metrics").text
            assert SECRET not in server.stderr()


def test_a_start_with_a_model_that_answers_says_nothing(start_server: Any, data_dir: Path) -> None:
    with ModelServer(says('{"ok": true}')) as model, start_server(data_dir, LLM_BASE_URL=model.url, LLM_MODEL="m") as server:
        assert warned(server, '"outcome": "ok"'), server.stderr()
        assert "warning" not in server.stderr()
        assert model.calls == 1


def test_a_command_prints_nothing_but_its_answer(run: Run, data_dir: Path) -> None:
    given = {"LLM_BASE_URL": "http://model.invalid/v1", "LLM_MODEL": "m", "LLM_API_KEY": SECRET, "LLM_DEADLINE_SECONDS": "1"}
    done = run("triage", "--json", "Wo ist mein Paket?", data_dir=data_dir, **given)
    assert (done.returncode, done.stdout[:1], done.stdout[-2:]) == (0, "{", "}\n")
    assert "the key and every prompt cross the network unencrypted" in done.stderr
