"""The commands at work on a real installation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from service import __version__
from service.messages import Triage

Run = Callable[..., CompletedProcess[str]]
AT = "2026-11-22T09:00:00Z"


def done(process: CompletedProcess[str], code: int = 0) -> CompletedProcess[str]:
    assert process.returncode == code, (process.returncode, process.stdout[-2_000:], process.stderr)
    assert "Traceback" not in process.stderr
    return process


def written(path: Path, lines: list[Any]) -> Path:
    """A file of JSON Lines; a string goes in as it is."""
    text = "".join((line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_version(run: Run) -> None:
    assert done(run("--version")).stdout == f"{__version__}\n"


def test_a_triage_as_json_is_the_answer_of_the_api(run: Run, data_dir: Path) -> None:
    asked = ("Wo bleibt mein Zelt??", "--channel", "instagram", "--handle", "@lena", "--json")
    printed = done(run("triage", *asked, data_dir=data_dir)).stdout
    triage = Triage.model_validate_json(printed)
    assert triage.understanding.language.code == "de"
    assert triage.context.orders[0].order_id == "A-1001"
    assert json.loads(printed)["draft"]["public"]["text"]


def test_a_triage_is_printed_to_be_read(run: Run, data_dir: Path) -> None:
    text = "[bold]Schandalig![/bold] Al drie weken niks, waardeloos. Ik wil een mens spreken, NU!"
    shown = done(run("triage", text, "--channel", "whatsapp", data_dir=data_dir)).stdout
    assert re.search(r"^escalate\s+yes", shown, re.MULTILINE)
    assert re.search(r"^message\s+frustration", shown, re.MULTILINE)
    assert "explicit_human_request (hard)" in shown
    assert "draft: handoff, nl" in shown
    assert "\x1b" not in shown, "colour where nobody sees it"


def test_no_draft_is_printed_where_none_is_wanted(run: Run, data_dir: Path) -> None:
    printed = done(run("triage", "where is my parcel", "--no-draft", "--json", data_dir=data_dir)).stdout
    assert json.loads(printed)["draft"] is None


GOOD = [
    "Where is my parcel?? Third time I ask.", "Hoe lang duurt de bezorging?", "Tack för snabb hjälp!", "Je veux être remboursée.",
    "¿Puedo pagar con PayPal?", "Kann ich die Jacke in der Maschine waschen?", "😡😡", "ok",
]  # fmt: skip
BAD = ["not json", "", "[1, 2]", '{"text": ""}',
       '{"text": "hi", "chanel": "x"}', '{"text": "hi", "brand": "nobody"}', '{"text": 5}',
       '{"text": "hi", "received_at": "9999-12-31T23:59:59Z"}', "{" * 5_000, '{"a":' * 600 + "1" + "}" * 600]  # fmt: skip


def requests(count: int) -> list[Any]:
    """`count` lines, every seventh of them a bad one."""
    lines: list[Any] = []
    for number in range(count):
        if number % 7 == 3:
            lines.append(BAD[number // 7 % len(BAD)])
        else:
            lines.append({"text": GOOD[number % len(GOOD)], "id": f"m-{number}", "received_at": AT, "channel": "instagram"})
    return lines


def same(answer: dict[str, Any]) -> dict[str, Any]:
    """What two runs must agree on."""
    return {name: value for name, value in answer.items() if name not in ("id", "timings_ms")}


def test_a_bulk_run_answers_every_line_in_order_and_goes_on_after_a_cut(run: Run, data_dir: Path, tmp_path: Path) -> None:
    lines = requests(150)
    source, whole, cut = written(tmp_path / "in.jsonl", lines), tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    first = done(run("triage", "--input", source, "--output", whole, data_dir=data_dir), code=1)
    bad = [number for number in range(150) if number % 7 == 3]
    assert f"{len(bad)} in error" in first.stderr
    answers = read(whole)
    assert len(answers) == len(lines)
    for number, (line, answer) in enumerate(zip(lines, answers, strict=True)):
        if number in bad:
            assert answer["error"].startswith(f"line {number + 1}: "), answer
            assert set(answer) <= {"error", "id"}
        else:
            assert answer["message_id"] == line["id"]
            assert Triage.model_validate(answer).draft is not None

    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    assert not cut.read_bytes().endswith(b"\n")
    kept = cut.read_bytes().count(b"\n")
    again = done(run("triage", "--input", source, "--output", cut, data_dir=data_dir), code=1)
    assert f"{kept} done before" in again.stderr
    assert (
        cut.read_bytes()[: content[: len(content) // 2].rfind(b"\n") + 1]
        == content[: len(content) // 2].rpartition(b"\n")[0] + b"\n"
    )
    assert [same(answer) for answer in read(cut)] == [same(answer) for answer in answers]

    finished = done(run("triage", "--input", source, "--output", cut, data_dir=data_dir))
    assert "0 lines triaged" in finished.stderr
    assert "150 done before" in finished.stderr


def test_a_bulk_run_without_drafts(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", [{"text": "Where is my parcel?"}, {"text": "hi", "options": {"tone": "brief"}}])
    done(run("triage", "--input", source, "--output", tmp_path / "out.jsonl", "--no-draft", data_dir=data_dir))
    assert [answer["draft"] for answer in read(tmp_path / "out.jsonl")] == [None, None]


def test_a_bulk_run_of_a_file_without_a_last_line_break(run: Run, data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "one"}\n{"text": "two"}', encoding="utf-8")
    done(run("triage", "--input", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl", data_dir=data_dir))
    assert len(read(tmp_path / "out.jsonl")) == 2


def test_knowledge_goes_out_and_comes_back_the_same(run: Run, data_dir: Path, tmp_path: Path) -> None:
    exported, again = tmp_path / "demo.jsonl", tmp_path / "again.jsonl"
    assert "336 FAQs" in done(run("knowledge", "export", exported, data_dir=data_dir)).stderr
    assert len(read(exported)) == 336
    new = done(run("knowledge", "import", exported, "--brand", "copy", data_dir=data_dir))
    assert "336 added, 0 changed, 0 unchanged, 0 refused" in new.stderr
    done(run("knowledge", "export", again, "--brand", "copy", data_dir=data_dir))
    assert again.read_bytes() == exported.read_bytes()
    twice = done(run("knowledge", "import", exported, "--brand", "copy", data_dir=data_dir))
    assert "0 added, 0 changed, 336 unchanged, 0 refused" in twice.stderr
    found = done(run("triage", "Wie lange dauert die Lieferung?", "--brand", "copy", "--json", data_dir=data_dir)).stdout
    assert json.loads(found)["context"]["passages"][0]["id"] == "faq-delivery-times-de"


def test_importing_into_a_new_name_creates_the_brand_and_bad_lines_are_named(run: Run, tmp_path: Path) -> None:
    lines = [
        {"id": "opening", "question": "When do you open?", "answer": "We open at nine.", "questions": ["are you open on sunday"]},
        "not json",
        {"id": "no answer", "question": "?"},
        {"id": "x", "answer": "y", "colour": "red"},
        {"id": "opening", "question": "again", "answer": "twice"},
        {"id": "parking", "question": "Gibt es Parkplätze?", "answer": "Ja, hinter dem Haus.", "language": "de"},
    ]
    report = done(run("knowledge", "import", written(tmp_path / "in.jsonl", lines), "--brand", "shop", DEMO=0), code=1).stderr
    assert [number for number in range(1, 7) if f"line {number}: " in report] == [2, 3, 4, 5]
    assert "2 added, 0 changed, 0 unchanged, 4 refused" in report
    found = json.loads(done(run("triage", "when do you open on sunday?", "--brand", "shop", "--json", DEMO=0)).stdout)
    assert [passage["id"] for passage in found["context"]["passages"]][:1] == ["opening"]
    hits = done(run("knowledge", "search", "Wo kann ich parken?", "--brand", "shop", "--limit", "1", DEMO=0)).stdout
    assert hits.split()[1] == "parking"


def test_a_file_of_queries_is_searched(run: Run, data_dir: Path, tmp_path: Path) -> None:
    queries = [
        {"id": "q1", "query": "wann kommt mein geld zurück"},
        {"id": "q2", "query": "wann kommt mein geld zurück", "language": "sv"},
        {"id": 3, "query": "jacket washing"},
    ]
    source, target = written(tmp_path / "q.jsonl", queries), tmp_path / "hits.jsonl"
    done(run("knowledge", "search", "--input", source, "--output", target, "--limit", "5", data_dir=data_dir))
    first, second, third = read(target)
    assert (first["id"], second["id"], third["id"]) == ("q1", "q2", 3)
    assert first["hits"][0]["id"] == "faq-refund-time-de"
    assert second["hits"][0]["id"] == "faq-refund-time-sv"
    assert all(hit["id"].endswith("-sv") for hit in second["hits"])
    for line in (first, second, third):
        assert len(line["hits"]) == 5
        assert all(set(hit) == {"id", "score"} for hit in line["hits"])
        assert [hit["score"] for hit in line["hits"]] == sorted((hit["score"] for hit in line["hits"]), reverse=True)
    written(source, [queries[0], {"id": "no query"}, "nonsense", queries[2]])
    named = done(run("knowledge", "search", "--input", source, "--output", target, data_dir=data_dir), code=1).stderr
    assert [number for number in range(1, 5) if f"line {number}: " in named] == [2, 3]
    assert [line["id"] for line in read(target)] == ["q1", 3]


def test_orders_are_imported_and_bad_lines_are_named(run: Run, data_dir: Path, tmp_path: Path) -> None:
    order = {
        "order_id": "B-2001",
        "customer_id": "C-2",
        "status": "in_transit",
        "due_at": "2026-11-27",
        "items": [{"name": "Kite"}],
    }
    lines = [
        order,
        order | {"order_id": "B-2002", "status": "flying"},
        "nonsense",
        order,
        {"order_id": "B-2003", "status": "lost"},
    ]
    people = [{"customer_id": "C-2", "name": "Ada", "handles": {"instagram": "@ada"}}, {"name": "nobody"}]
    source, customers = written(tmp_path / "orders.jsonl", lines), written(tmp_path / "customers.jsonl", people)
    report = done(run("orders", "import", source, "--customers", customers, data_dir=data_dir), code=1).stderr
    assert [number for number in range(1, 6) if f"orders.jsonl: line {number}: " in report] == [2, 3, 4, 5]
    assert "customers.jsonl: line 2: customer_id" in report
    shown = done(
        run("triage", "where is my kite?", "--handle", "@Ada", "--channel", "instagram", "--json", data_dir=data_dir)
    ).stdout
    assert [order["order_id"] for order in json.loads(shown)["context"]["orders"]] == ["B-2001"]


def test_brands_are_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "brands" / "acme").mkdir(parents=True)
    (tmp_path / "brands" / "acme" / "brand.yaml").write_text("display_name: Acme\nlanguages: [en]\ndefault_language: en\n")
    (tmp_path / "brands" / "notes").mkdir()
    listed = done(run("brands", "list", KNOWLEDGE_DIR=tmp_path / "brands")).stdout
    assert [line.split("  ")[0] for line in listed.splitlines()] == ["demo", "acme"]
    assert done(run("brands", "list", DEMO=0)).stdout == ""
