"""What can't work is one line on stderr that says what and how to mend it, and exit code 2."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from service.understand.build import DEFAULT_MODEL

Run = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[2]


def refused(done: CompletedProcess[str], *said: str) -> str:
    """The one line, which must hold each of `said`."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("firstreply: ")
    assert not [words for words in said if words not in lines[0]], lines[0]
    assert done.stdout == ""
    return lines[0]


def copy_of_model(models_dir: Path, target: Path) -> Path:
    """A models folder like the real one, its files linked, so that one can be replaced by a damaged one."""
    for path in sorted((models_dir / DEFAULT_MODEL).rglob("*")):
        copy = target / DEFAULT_MODEL / path.relative_to(models_dir / DEFAULT_MODEL)
        if path.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path)
    return target


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("openvino/embedder.bin", "cut in half"),
        ("openvino/embedder.xml", "gone"),
        ("sentencepiece.model", "cut in half"),
        ("firstreply.json", "cut in half"),
    ],
    ids=lambda value: Path(value).name,
)
def test_a_broken_model_file(run: Run, models_dir: Path, data_dir: Path, tmp_path: Path, name: str, damage: str) -> None:
    models = copy_of_model(models_dir, tmp_path / "models")
    file = models / DEFAULT_MODEL / name
    content = file.read_bytes()
    file.unlink()
    if damage == "cut in half":
        file.write_bytes(content[: len(content) // 2])
    refused(run("triage", "hi", data_dir=data_dir, MODELS_DIR=models), "firstreply models build --force")


def test_an_embedder_that_was_never_built(run: Run, data_dir: Path) -> None:
    refused(run("triage", "hi", data_dir=data_dir, EMBEDDER="nomic"), "nomic", "firstreply models build nomic")


def test_a_models_folder_that_cant_be_written(run: Run, data_dir: Path) -> None:
    done = run("triage", "hi", data_dir=data_dir, MODELS_DIR="/proc/models")
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("firstreply: ")
    assert "FIRSTREPLY_MODELS_DIR" in last
    assert "Traceback" not in done.stderr


DAMAGE: dict[str, tuple[str, Callable[[str], str | None], tuple[str, ...]]] = {
    "a typo in brand.yaml": ("brand.yaml", lambda text: text.replace("timezone:", "timezon:"), ("brand.yaml:", "timezone")),
    "broken YAML": ("voice.yaml", lambda text: text + "\n  - [", ("voice.yaml:",)),
    "an empty list of topics": ("topics.yaml", lambda _: "topics: []\n", ("topics.yaml:1", "topics")),
    "a weight that is no number": (
        "escalation.yaml", lambda text: text.replace("threshold: 0.5", "threshold: high"), ("escalation.yaml:", "threshold"),
    ),
    "a FAQ without front matter": ("faqs/de/refund-time.md", lambda _: "# Hallo\n\nText\n", ("refund-time.md:1", "front matter")),
    "a FAQ without a title": (
        "faqs/de/refund-time.md", lambda text: text.replace("\n# ", "\n"), ("refund-time.md:", "# The question"),
    ),
    "a FAQ that is not UTF-8": ("faqs/de/refund-time.md", lambda _: None, ("refund-time.md", "UTF-8")),
    "an order of an unknown status": (
        "orders.jsonl", lambda text: text.replace('"in_transit"', '"flying"', 1), ("orders.jsonl", "line 1", "status"),
    ),
    "a customer that is no JSON": ("customers.jsonl", lambda text: text.replace("{", "", 1), ("customers.jsonl", "line 1")),
}  # fmt: skip


@pytest.mark.parametrize(("name", "change", "said"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_of_a_brand(
    run: Run, tmp_path: Path, name: str, change: Callable[[str], str | None], said: tuple[str, ...]
) -> None:
    folder = tmp_path / "brands" / "acme"
    shutil.copytree(ROOT / "knowledge" / "demo", folder)
    text = change((folder / name).read_text(encoding="utf-8"))
    (folder / name).write_bytes(b"\xff\xfe" if text is None else text.encode())
    checked = run("brands", "check", "acme", KNOWLEDGE_DIR=tmp_path / "brands", DEMO=0)
    assert checked.returncode == 1
    assert checked.stdout == "acme: 1 to mend\n"
    assert not [words for words in said if words not in checked.stderr], checked.stderr
    assert len(checked.stderr.strip().splitlines()) == 1
    assert "Traceback" not in checked.stderr


def test_a_damaged_brand_stops_a_start(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "brands" / "acme"
    shutil.copytree(ROOT / "knowledge" / "demo", folder)
    (folder / "faqs" / "de" / "refund-time.md").write_text("nothing", encoding="utf-8")
    brands = {"KNOWLEDGE_DIR": tmp_path / "brands", "DEMO": 0}
    refused(run("serve", "--port", "0", **brands), "refund-time.md:1")


def test_a_whole_brand_passes_the_check_and_an_unknown_one_is_refused(run: Run) -> None:
    done = run("brands", "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "demo: ok\n", "")
    refused(run("brands", "check", "nobody"), "nobody", "demo")


def test_a_knowledge_folder_that_is_not_there(run: Run, tmp_path: Path) -> None:
    for words in (("brands", "list"), ("triage", "hi")):
        refused(run(*words, KNOWLEDGE_DIR=tmp_path / "nowhere"), "nowhere", "FIRSTREPLY_KNOWLEDGE_DIR")


@pytest.mark.parametrize("where", ["/proc/firstreply", "{file}", "{file}/inside"])
def test_a_data_directory_that_cant_be_used(run: Run, tmp_path: Path, where: str) -> None:
    file = tmp_path / "a-file"
    file.write_text("not a folder")
    folder = Path(where.format(file=file))
    for words in (("keys", "list"), ("serve", "--port", "0")):
        refused(run(*words, data_dir=folder), str(folder), "FIRSTREPLY_DATA_DIR")


@pytest.mark.sqlite
def test_a_database_that_is_no_database(run: Run, data_dir: Path) -> None:
    (data_dir / "firstreply.db").write_bytes(b"this was a database once" * 1_000)
    for words in (("keys", "list"), ("serve", "--port", "0")):
        refused(run(*words, data_dir=data_dir), "firstreply.db", "not a database")


@pytest.mark.sqlite
def test_a_database_that_was_cut_off(run: Run, data_dir: Path) -> None:
    content = (data_dir / "firstreply.db").read_bytes()
    (data_dir / "firstreply.db").write_bytes(content[: len(content) // 3])
    refused(run("triage", "hi", data_dir=data_dir), "firstreply.db")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "eighty"), ("PORT", "70000"), ("THREADS", "0"), ("RUNTIME", "cuda"), ("DEMO", "maybe"), ("FOLLOW_SECONDS", "0")],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(run: Run, name: str, value: str) -> None:
    refused(run("brands", "list", **{name: value}), f"FIRSTREPLY_{name}", value)


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle://x/y", "mysql+nothing://x/y", "postgresql+asyncpg://u:hunter2@127.0.0.1:1/db"]
)
def test_a_database_url_that_cant_work(run: Run, url: str) -> None:
    line = refused(run("keys", "list", DATABASE_URL=url))
    assert "hunter2" not in line


def test_a_taken_port(run: Run, data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(run("serve", "--port", port, data_dir=data_dir), f"127.0.0.1:{port}", "--port")


def test_an_address_that_is_not_ours(run: Run, data_dir: Path) -> None:
    refused(run("serve", "--host", "192.0.2.1", "--port", 0, data_dir=data_dir), "192.0.2.1", "--host")


def test_beyond_loopback_a_key_is_needed(run: Run, data_dir: Path) -> None:
    done = run("serve", "--host", "0.0.0.0", "--port", 0, data_dir=data_dir)
    refused(done, "0.0.0.0", "firstreply keys create", "127.0.0.1")


def test_an_unknown_brand_names_those_there_are(run: Run, data_dir: Path, tmp_path: Path) -> None:
    refused(run("triage", "hi", "--brand", "nobody", data_dir=data_dir), "nobody", "demo")
    refused(run("knowledge", "export", tmp_path / "out.jsonl", "--brand", "nobody", data_dir=data_dir), "nobody", "demo")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("triage",),
        ("triage", ""),
        ("triage", "hi", "--channel", "fax"),
        ("triage", "hi", "--tone", "rude"),
        ("triage", "a" * 10_001),
        ("triage", "--input", "nothing.jsonl", "--output", "out.jsonl"),
        ("triage", "hi", "--input", "a", "--output", "b"),
        ("knowledge", "search"),
        ("orders", "import", "nothing.jsonl"),
        ("keys", "revoke", "7"),
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    refused(run(*words, DEMO=0))


def test_an_unknown_option_is_wrong_usage(run: Run) -> None:
    done = run("triage", "hi", "--chanel", "x")
    assert done.returncode == 2
    assert "--chanel" in done.stderr
    assert "Traceback" not in done.stderr


def test_training_on_a_malformed_example_is_refused_by_file_and_line(run: Run, tmp_path: Path) -> None:
    examples = tmp_path / "brands" / "examples"
    examples.mkdir(parents=True)
    good = (ROOT / "knowledge" / "examples" / "en.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (examples / "more.jsonl").write_text(f"{good}\n{good.replace('}', ',', 1)}\n", encoding="utf-8")
    refused(run("train", "--output", tmp_path / "heads", KNOWLEDGE_DIR=tmp_path / "brands", DEMO=0), "more.jsonl:2")
    assert not (tmp_path / "heads").exists()
