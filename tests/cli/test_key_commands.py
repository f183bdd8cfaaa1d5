"""Keys at work: made, listed, rotated without anybody being locked out, revoked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest

Run = Callable[..., CompletedProcess[str]]
WITHIN = 2.0  # seconds


def done(process: CompletedProcess[str]) -> CompletedProcess[str]:
    assert process.returncode == 0, (process.returncode, process.stdout, process.stderr)
    assert "Traceback" not in process.stderr
    return process


def states(run: Run, data_dir: Path) -> list[str]:
    return [line.split("  ")[-1] for line in done(run("keys", "list", data_dir=data_dir)).stdout.splitlines()]


def test_keys_open_a_public_address_are_rotated_and_revoked(run: Run, start_server: Any, data_dir: Path) -> None:
    key = done(run("keys", "create", "desk", data_dir=data_dir)).stdout.strip()
    shop = ("keys", "create", "shop", "--brand", "demo", "--scope", "ingest", "--scope", "read", "--per-minute", 90)
    scoped = done(run(*shop, data_dir=data_dir)).stdout.strip()
    assert re.fullmatch(r"fr_[\w-]{40,}", key)
    listed = done(run("keys", "list", data_dir=data_dir)).stdout
    one, two = (line.split("  ") for line in listed.splitlines())
    assert one[:4] == ["1", "desk", "every brand", "ingest,read,feedback,admin"]
    assert two[:5] == ["2", "shop", "demo", "ingest,read", "90 a minute"]
    assert (one[-2:], two[-2:]) == (["never used", "in force"], ["never used", "in force"])
    assert key not in listed
    assert key.encode() not in b"".join(path.read_bytes() for path in data_dir.iterdir())
    with start_server(data_dir, "--host", "0.0.0.0") as server:
        port = server.url.rpartition(":")[2]

        def status(given: str | None, path: str = "/v1/triage") -> int:
            headers = {"authorization": f"Bearer {given}"} if given else {}
            return httpx.post(f"http://127.0.0.1:{port}{path}", json={"text": "hi"}, headers=headers, timeout=30).status_code

        def status_within(wanted: int, given: str) -> int:
            until = time.monotonic() + WITHIN
            while (found := status(given)) != wanted and time.monotonic() < until:
                time.sleep(0.1)
            return found

        assert (status(None), status("fr_wrong"), status(key), status(scoped)) == (401, 401, 200, 200)
        assert status(scoped, "/v1/orders/import") == 403
        fresh = done(run("keys", "rotate", 2, "--grace", "1h", data_dir=data_dir)).stdout.strip()
        assert status_within(200, fresh) == 200
        assert status(scoped) == 200, "the former key is out before its grace is over"
        last = done(run("keys", "rotate", 3, "--grace", "0s", data_dir=data_dir)).stdout.strip()
        assert status_within(401, fresh) == 401
        assert (status(last), status(scoped)) == (200, 200)
        done(run("keys", "revoke", 1, data_dir=data_dir))
        assert status_within(401, key) == 401
        assert status(last) == 200
    one, two, three, four = states(run, data_dir)
    assert re.fullmatch(r"revoked \d{4}-\d\d-\d\d", one)
    assert re.fullmatch(r"in force, ends \d{4}-\d\d-\d\d \d\d:\d\d", two)
    assert three.startswith("ended ")
    assert four == "in force"
    assert done(run("keys", "list", data_dir=data_dir)).stdout.count("never used") == 0
    assert run("keys", "revoke", 1, data_dir=data_dir).returncode == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", ""), "1 to 200 characters"),
        (("create", "x" * 501), "1 to 200 characters"),
        (("create", "desk", "--scope", "everything"), "ingest, read, feedback, admin"),
        (("rotate", 1, "--grace", "soon"), "30m, 1h or 7d"),
        (("rotate", 1, "--grace", "31d"), "at most 30d"),
        (("rotate", 7), "no key in force has number 7"),
        (("revoke", 7), "no key in force has number 7"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(run: Run, words: tuple[Any, ...], said: str) -> None:
    process = run("keys", *words)
    assert process.returncode == 2, process.stdout
    assert len(process.stderr.strip().splitlines()) == 1
    assert said in process.stderr
