"""Files, folders and sitemaps are read; what is wrong is named with file and line, and the rest is taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.documents.reading import MOST_BYTES, Reading, read_path
from service.errors import KnowledgeNotUsable, SettingsNotUsable

LANGUAGES = ("en", "de")


def read(path: Path, source: str | None = None) -> Reading:
    return read_path(path, source, LANGUAGES, ())


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


CSV = "id,Question,answer,questions,valid_from,valid_until,audience,states,owner\n"


def test_a_csv_carries_every_field_and_names_the_columns_it_has_no_use_for(tmp_path: Path) -> None:
    row = 'open,When?,"At nine,\nevery day.",when do you open|hours?,2026-01-01,2027-01-31,agents,lost | late,Bob\n'
    found = read(written(tmp_path / "faq.csv", CSV + row))
    (entry,) = found.entries.values()
    assert (entry.id, entry.title, entry.answer, entry.questions) == (
        "open", "When?", "At nine,\nevery day.", ("when do you open", "hours?"),
    )  # fmt: skip
    assert (entry.valid_from, entry.valid_until, entry.audience, entry.states, entry.source) == (
        "2026-01-01", "2027-01-31", "agents", ("lost", "late"), "faq.csv",
    )  # fmt: skip
    assert found.problems == []
    assert found.notes == [f"{tmp_path / 'faq.csv'}: columns not used: owner"]


def test_a_csv_of_a_european_spreadsheet_is_read(tmp_path: Path) -> None:
    found = read(written(tmp_path / "faq.csv", b"\xef\xbb\xbfquestion;answer\r\nWann?;Um neun, immer.\r\n"))
    assert [(e.id, e.answer) for e in found.entries.values()] == [("faq.csv:wann", "Um neun, immer.")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,question,reply\na,b,c\n", ("faq.csv:1: no column 'answer'", "found: id, question, reply")),
        ("question,answer,valid_untl\na,b,2020-01-01\n", ("faq.csv:1: ", "'valid_untl'", "'valid_until'")),
        ("question,answer,answer\na,b,c\n", ("two columns", "'answer'")),
        ("question,answer\na,b\nc,d,e\nf,g\n", ("line 3: 3 cells, the header has 2",)),
        ("question,answer,audience\na,b,everybody\nf,g,\n", ("line 2: audience",)),
        ('question,answer\na,"b\n', ("line 2: ", "check the quotes")),
        ("question,answer\n", ("holds no FAQ",)),
        (
            "question,answer\nf,g\nWann?,Um f\xfcnf\n".encode("latin-1"),
            ("line 3: byte 0xFC (number 31 ", "save the file as UTF-8"),
        ),
    ],
    ids=["missing", "misspelt", "twice", "too many cells", "value", "quote", "empty", "encoding"],
)
def test_what_is_wrong_with_a_csv_is_named(tmp_path: Path, content: str | bytes, said: tuple[str, ...]) -> None:
    (problem,) = read(written(tmp_path / "faq.csv", content)).problems
    assert not [words for words in said if words not in problem], problem


@pytest.mark.parametrize(
    "content",
    [
        "- id: open\n  question: When?\n  answer: At nine.\n  valid_until: 2027-01-31\n- question: broken\n",
        "open:\n  question: When?\n  answer: At nine.\n  valid_until: 2027-01-31\n\nshut: {question: broken}\n",
        "faqs:\n- id: open\n  question: When?\n  answer: At nine.\n  valid_until: 2027-01-31\n- question: x\n",
    ],
    ids=["list", "by id", "under faqs"],
)
def test_yaml_is_read_in_each_of_its_shapes(tmp_path: Path, content: str) -> None:
    found = read(written(tmp_path / "faq.yaml", content))
    assert [(e.id, e.answer, e.valid_until) for e in found.entries.values()] == [("open", "At nine.", "2027-01-31")]
    line = len(content.splitlines())
    assert [problem.partition("faq.yaml: ")[2] for problem in found.problems] == [f"line {line}: answer: Field required"]


def test_norwegian_and_numbers_survive_yaml(tmp_path: Path) -> None:
    found = read(written(tmp_path / "faq.yaml", "- {id: 7, question: Når?, answer: Klokka ni., language: no}\n"))
    assert [(e.id, e.language) for e in found.entries.values()] == [("7", "no")]


def test_json_lines_with_a_line_in_another_encoding_lose_only_that_line(tmp_path: Path) -> None:
    good = b'{"id": "a", "answer": "A."}\n'
    other = good.replace(b'"a"', b'"c"')
    found = read(written(tmp_path / "faq.jsonl", good + '{"id": "b", "answer": "ü"}\n'.encode("latin-1") + other))
    assert list(found.entries) == ["a", "c"]
    assert "line 2: byte 0xFC (number 52 of the file) is not UTF-8" in found.problems[0]


BAD: dict[str, tuple[bytes, str]] = {
    "binary.md": (b"\x7fELF\0\0", "is a program, not text"),
    "nul.md": (b"# A\n\n\0", "is a binary file, not text"),
    "utf16.md": ("# A\n".encode("utf-16"), "is UTF-16"),
    "latin.md": ("# A\n\nGrün\n".encode("latin-1"), "latin.md:3: byte 0xFC (number 8 of the file) is not UTF-8"),
    "empty.md": (b"", "holds no text"),
    "heading.md": (b"# Only a heading\n", "holds no text"),
    "empty.html": (b"<html></html>", "holds no text"),
    "broken.pdf": (b"%PDF-", "broken or no PDF"),
    "broken.docx": (b"PK", "no Word document"),
    "old.doc": (b"\xd0\xcf\x11\xe0", "save it as .docx"),
    "broken.yaml": (b"a: [", "broken.yaml:2: "),
    "deep.md": (b"---\na: " + b"[" * 20_000 + b"\n---\n# A\n\nText.\n", "deep"),
    "deep.yaml": (b"a: " + b"[" * 20_000, "deep"),
    "text.yaml": (b"just words", "FAQs in YAML are a list"),
}


def test_every_bad_file_of_a_folder_is_named_once_and_the_rest_goes_in(tmp_path: Path) -> None:
    folder = tmp_path / "help"
    for name, (content, _) in BAD.items():
        written(folder / name, content)
    written(folder / "good.md", "# Good\n\nText.\n")
    written(folder / "style.css", "p {}")
    written(folder / ".git" / "note.md", "# Hidden\n\nText.\n")
    with (folder / "huge.md").open("wb") as file:
        file.truncate(MOST_BYTES + 10_000_000)
    found = read(folder)
    assert list(found.entries) == ["help.good.md:good"]
    expected = BAD | {"huge.md": (b"", "has 50.0 MB, a file may have 40: split it")}
    for name, (_, said) in expected.items():
        named = [problem for problem in found.problems if name in problem]
        assert len(named) == 1, (name, named)
        assert said in named[0]
    assert len(found.problems) == len(expected)


def test_an_id_that_comes_twice_is_taken_once_and_named(tmp_path: Path) -> None:
    written(tmp_path / "help" / "a.jsonl", '{"id": "x", "answer": "first"}\n')
    written(tmp_path / "help" / "b.jsonl", '{"id": "y", "answer": "A."}\n{"id": "x", "answer": "second"}\n')
    found = read(tmp_path / "help")
    assert [(e.id, e.answer) for e in found.entries.values()] == [("x", "first"), ("y", "A.")]
    assert [problem for problem in found.problems if "b.jsonl: line 2: id x stands earlier too" in problem] == found.problems


SITEMAP = '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'


def pages(*addresses: str) -> str:
    return SITEMAP.format("".join(f"<url><loc>https://help.acme.example/{a}</loc></url>" for a in addresses))


def page(title: str) -> str:
    return f"<html><body><h1 id='t'>{title}</h1><p>All about {title}.</p></body></html>"


def test_a_sitemap_gives_saved_pages_their_addresses_and_names_those_that_are_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "help"
    written(folder / "sitemap.xml", pages("returns", "en/gift-cards/", "missing", "a%20b", ""))
    written(folder / "returns.html", page("Returns"))
    written(folder / "en" / "gift-cards" / "index.html", page("Gift cards"))
    written(folder / "a b.html", page("A b"))
    written(folder / "index.html", page("Home"))
    written(folder / "unlisted.html", page("Unlisted"))
    found = read(folder / "sitemap.xml")
    assert {entry.url for entry in found.entries.values()} == {
        f"https://help.acme.example/{path}#t" for path in ("returns", "en/gift-cards/", "a%20b", "")
    }
    assert len(found.problems) == 1
    assert "no file for https://help.acme.example/missing" in found.problems[0]
    whole = read(folder)
    assert {e.url for e in whole.entries.values()} == {e.url for e in found.entries.values()} | {None}
    assert found.source == whole.source == "help"
    assert found.entries.keys() <= whole.entries.keys()
    assert whole.problems == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<urlset><url>", "sitemap.xml:1: not valid XML"),
        ('<!DOCTYPE x [<!ENTITY a "aaa">]><urlset/>', "no document type"),
        ("<urlset/>", "no <loc>"),
        (pages("../secret"), "no file for"),
    ],
)
def test_a_sitemap_that_cant_be_used_is_named(tmp_path: Path, content: str, said: str) -> None:
    written(tmp_path / "secret.html", page("Secret"))
    found = read(written(tmp_path / "help" / "sitemap.xml", content))
    assert not found.entries
    assert said in found.problems[0]


def test_what_stands_on_most_pages_is_not_their_content(tmp_path: Path) -> None:
    for name in "abcde":
        around = "<div>Call us on weekdays.</div>"
        written(tmp_path / "help" / f"{name}.html", page(name).replace("</body>", f"{around}</body>"))
    assert {e.answer for e in read(tmp_path / "help").entries.values()} == {f"All about {name}." for name in "abcde"}


def test_a_brands_own_folder_and_a_path_that_is_not_there_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "acme" / "brand.yaml", "display_name: Acme\n")
    with pytest.raises(KnowledgeNotUsable, match="FIRSTREPLY_KNOWLEDGE_DIR"):
        read(tmp_path / "acme")
    with pytest.raises(SettingsNotUsable, match="nothing"):
        read(tmp_path / "nothing")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    written(tmp_path / "help" / "a.md", "# A\n\nText.\n").chmod(0)
    assert "can't be read" in read(tmp_path / "help").problems[0]
