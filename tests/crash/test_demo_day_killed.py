"""`firstreply serve --demo-day` is killed half way and started again, and the commands beside a service that runs."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx

from service.demo_day import day_messages
from service.records.demo import PREFIX

SECONDS = 120.0  # for all of it, on a busy machine


def listed(url: str) -> list[dict[str, Any]]:
    """Every triage of the queue."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = httpx.get(f"{url}/v1/triages", params={"brand": "demo", "limit": 100} | cursor, timeout=30).json()
        found += page["triages"]
        if not page.get("next"):
            return found
        cursor = {"cursor": page["next"]}


def until(url: str, enough: Any) -> list[dict[str, Any]]:
    """The queue, once it is enough."""
    ending = time.monotonic() + SECONDS
    while time.monotonic() < ending:
        found = listed(url)
        if enough(found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{len(found)} triages after {SECONDS:g} s")


def banner(url: str) -> bool:
    return "firstreply demo remove" in httpx.get(f"{url}/desk/try", timeout=30).text


def test_the_day_is_whole_after_a_kill_and_goes_while_the_service_runs(data_dir: Path, start_server: Any, run: Any) -> None:
    whole = sorted(PREFIX + one.id for one in day_messages())
    with start_server(data_dir, "--demo-day") as server:
        part = until(server.url, lambda found: len(found) >= 10)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(timeout=30)
    assert len(part) < len(whole)
    with start_server(data_dir, "--demo-day") as server:
        real = httpx.post(f"{server.url}/v1/triage", json={"text": "Wo ist mein Zelt?", "id": "real"}, timeout=60).json()["id"]
        deadline = time.monotonic() + SECONDS
        while not banner(server.url):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        found = listed(server.url)
        assert sorted(one["message_id"] for one in found) == sorted([*whole, "real"])

        again = run("demo", "load", data_dir=data_dir)
        assert (again.returncode, "there already" in again.stderr) == (2, True)
        removed = run("demo", "remove", data_dir=data_dir)
        assert removed.returncode == 0, removed.stderr
        assert json.loads(removed.stdout)["erased"]["triages"] == len(whole)
        assert [one["id"] for one in listed(server.url)] == [real]
        assert not banner(server.url)
