"""Imports of a help centre on a real installation: what changes, what goes, what a kill leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]


def done(process: CompletedProcess[str], code: int = 0) -> CompletedProcess[str]:
    assert process.returncode == code, (process.returncode, process.stdout[-2_000:], process.stderr)
    assert "Traceback" not in process.stderr
    return process


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def shop(run: Run, tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """`shop("import", path)`: a knowledge command on the brand shop of an installation without the demo."""

    def make(*words: object, code: int = 0, brand: str = "shop") -> CompletedProcess[str]:
        return done(run("knowledge", *words, "--brand", brand, DEMO=0), code)

    return make


def exported(shop: Callable[..., Any], tmp_path: Path, brand: str = "shop") -> dict[str, dict[str, Any]]:
    shop("export", tmp_path / "out.jsonl", brand=brand)
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["id"]: line for line in map(json.loads, lines)}


RETURNS = "# Returns\n\n## How long do I have?\n\nYou have 30 days.\n\n## Who pays?\n\nWe do.\n"


def test_an_import_follows_its_source_and_leaves_others_alone(shop: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "help"
    written(folder / "returns.md", RETURNS)
    written(folder / "gifts.html", "<h1>Gift cards</h1><p>They last two years.</p>")
    other = written(tmp_path / "own.csv", "id,question,answer\nhours,When are you open?,At nine.\n")
    assert "1 added, 0 changed, 0 unchanged, 0 refused, 0 removed (source own.csv)" in shop("import", other).stderr
    assert "3 added, 0 changed, 0 unchanged, 0 refused, 0 removed (source help)" in shop("import", folder).stderr
    assert "0 added, 0 changed, 3 unchanged, 0 refused, 0 removed (source help)" in shop("import", folder).stderr
    before = exported(shop, tmp_path)

    written(folder / "returns.md", RETURNS.replace("30", "60").replace("## Who pays?\n\nWe do.\n", "## New\n\nText.\n"))
    (folder / "gifts.html").unlink()
    dry = shop("import", folder, "--dry-run")
    assert [line[0] for line in dry.stdout.splitlines() if line[0] in "+~-"] == ["+", "~", "-", "-"]
    assert "~ Returns › How long do I have?  [help.returns.md:how-long-do-i-have]" in dry.stdout
    assert "answer: You have 30 days. -> You have 60 days." in dry.stdout
    assert "- Gift cards  [help.gifts.html:gift-cards]" in dry.stdout
    assert dry.stderr.endswith("nothing was written\n")
    assert exported(shop, tmp_path) == before

    assert "1 added, 1 changed, 0 unchanged, 0 refused, 2 removed (source help)" in shop("import", folder).stderr
    assert set(exported(shop, tmp_path)) == {"hours", "help.returns.md:how-long-do-i-have", "help.returns.md:new"}
    assert "0 of" not in shop("search", "how long can I send it back", "--limit", "1").stdout


def test_what_cant_be_read_this_time_stays(shop: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "help"
    written(folder / "a.md", "# A\n\nText a.\n")
    written(folder / "b.md", "# B\n\nText b.\n")
    rows = written(folder / "c.csv", "id,question,answer\nc,Cee?,Text c.\n")
    shop("import", folder)
    (folder / "a.md").write_bytes(b"# A\n\nText \xe9.\n")
    (folder / "b.md").unlink()
    report = shop("import", folder, code=1).stderr
    assert "1 refused, 1 removed" in report
    assert "1 entries that are no longer found stay" in report
    assert set(exported(shop, tmp_path)) == {"help.a.md:a", "c"}
    written(rows, "id,question\nc,Cee?\n")
    assert "0 removed" in shop("import", folder, code=1).stderr
    assert set(exported(shop, tmp_path)) == {"help.a.md:a", "c"}


def test_json_lines_only_add_and_replace_unless_they_are_a_source(shop: Callable[..., Any], tmp_path: Path) -> None:
    lines = ['{"id": "a", "answer": "A."}\n', '{"id": "b", "answer": "B."}\n']
    file = written(tmp_path / "faq.jsonl", "".join(lines))
    shop("import", file)
    written(file, lines[0])
    shop("import", file)
    assert set(exported(shop, tmp_path)) == {"a", "b"}
    shop("import", written(file, "".join(lines)), "--source", "faqs")
    assert "1 removed (source faqs)" in shop("import", written(file, lines[0]), "--source", "faqs").stderr
    assert set(exported(shop, tmp_path)) == {"a"}


def test_an_id_of_another_source_is_not_taken_over(shop: Callable[..., Any], tmp_path: Path) -> None:
    shop("import", written(tmp_path / "one.csv", "id,question,answer\nx,Ex?,First.\n"))
    report = shop("import", written(tmp_path / "two.csv", "id,question,answer\nx,Ex?,Second.\ny,Why?,Third.\n"), code=1).stderr
    assert "id x (Ex?) belongs to source 'one.csv'" in report
    assert {key: line["answer"] for key, line in exported(shop, tmp_path).items()} == {"x": "First.", "y": "Third."}


def test_most_of_a_source_goes_only_where_that_is_said(shop: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "help"
    written(folder / "a.md", "# A\n\n" + "".join(f"## Part {n}\n\nText {n}.\n\n" for n in range(30)))
    shop("import", folder)
    written(folder / "a.md", "# A\n\n## Part 1\n\nText 1.\n")
    assert "needs --remove-many" in shop("import", folder, "--dry-run").stderr
    assert "29 of the 30 entries of source 'help'" in shop("import", folder, code=2).stderr
    assert len(exported(shop, tmp_path)) == 30
    assert "29 removed" in shop("import", folder, "--remove-many").stderr
    assert len(exported(shop, tmp_path)) == 1


FULL = {
    "id": "a", "question": "Cee?", "answer": "Text.\n\n- one", "language": "de", "wordings": ["Other."], "questions": ["cee"],
    "topic": "returns", "short": "T.", "url": "https://acme.example/c#d", "issue": "late", "valid_from": "2026-01-01",
    "valid_until": "2027-01-31", "audience": "agents", "states": ["lost"], "entry": "cee", "source": "elsewhere",
}  # fmt: skip


def test_an_export_comes_back_with_every_field(shop: Callable[..., Any], tmp_path: Path) -> None:
    shop("import", written(tmp_path / "in.jsonl", json.dumps(FULL) + "\n"))
    written(tmp_path / "help" / "returns.md", RETURNS)
    shop("import", tmp_path / "help")
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    shop("export", first)
    assert json.loads(first.read_text(encoding="utf-8").splitlines()[0]) == FULL
    shop("import", first, brand="copy")
    shop("export", second, brand="copy")
    assert second.read_bytes() == first.read_bytes()
    assert "0 added, 0 changed, 2 unchanged" in shop("import", tmp_path / "help", brand="copy").stderr


def test_contradictions_are_told_after_an_import_and_by_check(shop: Callable[..., Any], tmp_path: Path) -> None:
    shop("import", written(tmp_path / "help" / "returns.md", RETURNS))
    assert shop("check").stdout == "shop: 2 entries, ok\n"
    rows = written(tmp_path / "old.csv", "id,question,answer\nold,How long do I have?,You have 14 days.\n")
    report = shop("import", rows).stderr
    assert "contradiction: 14 days in the first, 30 days in the second" in report
    assert "[old]" in report
    assert "shop: 3 entries, 1 to look at" in shop("check", code=1).stdout
    assert "nobody" in shop("check", code=2, brand="nobody").stderr


def test_an_import_killed_at_any_moment_leaves_the_old_knowledge_whole(
    shop: Callable[..., Any], environment: Callable[..., dict[str, str]], command: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "help"
    written(folder / "a.md", "# A\n\n## Old\n\nOld text.\n\n## Going\n\nIt goes.\n")
    shop("import", folder)
    before = exported(shop, tmp_path)
    parts = "".join(f"## Part {n}\n\n{'Some words about it, so that it takes a while. ' * 12}{n}\n\n" for n in range(400))
    written(folder / "a.md", f"# A\n\n## Old\n\nNew text.\n\n{parts}")
    killed = 0
    for seconds in (0.5, 1.5, 2.5, 3.5, 4.5, 6.0):
        process = subprocess.Popen(
            [*command, "knowledge", "import", str(folder), "--brand", "shop"], env=environment(tmp_path / "data", DEMO=0),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path,
        )  # fmt: skip
        time.sleep(seconds)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            killed += 1
            assert exported(shop, tmp_path) == before
    assert killed >= 3
    shop("import", folder)
    assert len(exported(shop, tmp_path)) == 401
