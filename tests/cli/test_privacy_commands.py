"""A customer is erased from the command line while a service runs, and a brand's retention period does its work by itself."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest

from service.files import shipped

Run = Callable[..., CompletedProcess[str]]
WORD = "Quibbelstein"
WITHIN = 10.0  # seconds: a service looks at once when it has started


def holding(folder: Path, word: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


@pytest.mark.sqlite
def test_a_customer_is_erased_while_a_service_runs(run: Run, start_server: Any, data_dir: Path) -> None:
    with start_server(data_dir) as server:
        person = {"name": f"Ada {WORD}"}
        assert httpx.put(f"{server.url}/v1/customers/C-7", json=person, timeout=30).status_code == 201
        message = {"text": f"{WORD}: wo ist mein Zelt?", "author": {"customer_id": "C-7"}}
        triage = httpx.post(f"{server.url}/v1/triage", json=message, timeout=30).json()["id"]
        assert holding(data_dir, WORD)
        erased = run("customers", "erase", "C-7", "--brand", "demo", data_dir=data_dir)
        assert erased.returncode == 0, erased.stderr
        receipt = json.loads(erased.stdout)
        assert receipt["erased"]["triages"] == receipt["erased"]["customers"] == 1
        assert receipt["compacted"] is True
        assert holding(data_dir, WORD) == []
        assert httpx.get(f"{server.url}/v1/triages/{triage}", timeout=30).status_code == 404
        again = run("customers", "erase", "C-7", data_dir=data_dir)
        assert (again.returncode, again.stdout) == (2, "")
        assert "no such customer" in again.stderr


@pytest.mark.parametrize(
    "words", [(), ("C-1", "--channel", "x", "--handle", "@a"), ("--handle", "@a"), ("--channel", "fax", "--handle", "@a")]
)
def test_whom_to_erase_must_be_said(run: Run, words: tuple[str, ...]) -> None:
    process = run("customers", "erase", *words)
    assert process.returncode == 2
    assert len(process.stderr.strip().splitlines()) == 1


@pytest.fixture
def brands(tmp_path: Path) -> Path:
    """A folder of brands with one that keeps triages for a year."""
    folder = tmp_path / "brands" / "acme"
    shutil.copytree(shipped("knowledge/_default"), folder)
    (folder / "brand.yaml").write_text(
        "display_name: Acme\nlanguages: [en]\ndefault_language: en\nretention: {triages_days: 365}\n", encoding="utf-8"
    )
    return folder.parent


def aged(run: Run, brands: Path, data_dir: Path) -> None:
    """Makes a triage of the brand and has it two years old."""
    made = run("triage", "where is my parcel?", "--brand", "acme", data_dir=data_dir, KNOWLEDGE_DIR=brands, DEMO=0)
    assert made.returncode == 0, made.stderr
    with closing(sqlite3.connect(data_dir / "firstreply.db")) as database, database:
        assert database.execute("UPDATE triages SET created_at = '2024-11-22 09:00:00.000000'").rowcount == 1


def triages(data_dir: Path) -> int:
    with closing(sqlite3.connect(data_dir / "firstreply.db")) as database:
        return int(database.execute("SELECT count(*) FROM triages").fetchone()[0])


@pytest.mark.sqlite
def test_retention_is_tried_and_run(run: Run, brands: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "fresh"
    aged(run, brands, data_dir)
    given = {"data_dir": data_dir, "KNOWLEDGE_DIR": brands, "DEMO": 0}
    tried = run("retention", "run", "--dry-run", **given)
    assert tried.stdout == "acme: 1 triages, 0 messages and 0 contacts too old\n", tried.stderr
    assert triages(data_dir) == 1
    assert run("retention", "run", **given).stdout == "acme: 1 triages, 0 messages and 0 contacts deleted\n"
    assert triages(data_dir) == 0
    none = run("retention", "run", data_dir=data_dir, DEMO=0)
    assert (none.returncode, none.stdout) == (0, "")
    assert "no brand has a retention period" in none.stderr


@pytest.mark.sqlite
def test_a_service_deletes_what_is_too_old_by_itself(run: Run, start_server: Any, brands: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "fresh"
    aged(run, brands, data_dir)
    with start_server(data_dir, KNOWLEDGE_DIR=brands, DEMO=0) as server:
        until = time.monotonic() + WITHIN
        while (triages(data_dir) or "retention_ran" not in server.stderr()) and time.monotonic() < until:
            time.sleep(0.1)  # it says so once the file is compacted
        assert triages(data_dir) == 0
        assert '"triages": 1' in server.stderr()
        assert "retention_ran" in server.stderr()
