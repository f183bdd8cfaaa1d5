"""Documents are cut by heading and paragraph, and the ids of the pieces last."""

from __future__ import annotations

import re

import pytest

from service.documents.chunks import LONGEST, Place, entries_of, pack
from service.documents.markdown import read_markdown
from service.knowledge import Entry

LANGUAGES = {"en", "de", "nl", "sv", "fr", "es"}


def cut(text: str, path: str = "returns.md", source: str = "help") -> list[Entry]:
    return entries_of(read_markdown(text, path), Place(source, path), LANGUAGES)


PAGE = """---
url: https://acme.example/returns
valid_until: 2027-01-31
audience: agents
topic: returns
---
# Returns

Anything unused.

## How long do I have?

Thirty days.

## Costs

### In Europe

Nothing.

### Elsewhere

Five euros.
"""


def test_each_piece_keeps_its_titles_its_anchor_and_what_the_head_says() -> None:
    found = cut(PAGE)
    assert [(entry.id, entry.title, entry.answer, entry.url) for entry in found] == [
        ("help.returns.md:returns", "Returns", "Anything unused.", "https://acme.example/returns#returns"),
        (
            "help.returns.md:how-long-do-i-have", "Returns › How long do I have?", "Thirty days.",
            "https://acme.example/returns#how-long-do-i-have",
        ),
        ("help.returns.md:in-europe", "Returns › Costs › In Europe", "Nothing.", "https://acme.example/returns#in-europe"),
        ("help.returns.md:elsewhere", "Returns › Costs › Elsewhere", "Five euros.", "https://acme.example/returns#elsewhere"),
    ]  # fmt: skip
    assert {(e.valid_until, e.audience, e.topic, e.source) for e in found} == {("2027-01-31", "agents", "returns", "help")}
    assert found[1].questions == ("How long do I have?",)


def test_an_edit_changes_no_piece_elsewhere() -> None:
    long = PAGE.replace("Thirty days.", "\n\n".join(f"Paragraph {n}. " + "More of it. " * 30 for n in range(6)))
    before = {entry.id: entry for entry in cut(long)}
    changed = long.replace("Anything unused.", "Anything unused.\n\n## New section\n\nNew text.").replace("Five", "Six")
    after = {entry.id: entry for entry in cut(changed)}
    assert after.keys() - before.keys() == {"help.returns.md:new-section"}
    assert before.keys() <= after.keys()
    assert {key for key, entry in before.items() if after[key] != entry} == {"help.returns.md:elsewhere"}
    assert len([key for key in before if "-part-" in key]) >= 2


@pytest.mark.parametrize(
    "text",
    ["Word " * 2_000, "x" * 5_000, "A sentence of some words. " * 300, "\n".join(f"- item {n} of a list" for n in range(200))],
    ids=["words", "no spaces", "sentences", "list"],
)
def test_no_piece_is_longer_than_the_embedder_reads_and_no_word_is_lost(text: str) -> None:
    pieces = pack([text, "A last line."])
    assert max(map(len, pieces)) <= LONGEST + 120
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text) + "Alastline."


def test_a_line_that_leads_to_a_list_stays_with_it() -> None:
    listed = f"- a box\n- a label {'b' * 200}"
    assert pack(["a" * 780, "You need:", listed])[1:] == [f"You need:\n{listed}"]


def test_headings_of_one_name_get_ids_and_anchors_of_their_own() -> None:
    text = "---\nurl: https://acme.example/a\n---\n# A\n\n## B\n\n### Costs\n\nOne.\n\n## C\n\n### Costs\n\nTwo.\n"
    assert [(entry.id.split(":")[1], (entry.url or "").split("#")[1]) for entry in cut(text)] == [
        ("costs", "costs"),
        ("costs-1", "costs-1"),
    ]


FAQ = "---\nquestions: [{}]\n---\n# {}\n\n{}\n\n## Another wording\n\n{}\n"


def test_translations_of_one_faq_are_one_entry_in_their_folders_languages() -> None:
    (english,) = cut(FAQ.format("send it back", "Returns?", "Send it back.", "Back it goes."), "en/returns.md")
    (german,) = cut(FAQ.format("zurück", "Rückgabe?", "Schick es.", "Zurück damit."), "de/returns.md")
    assert (english.id, german.id) == ("help.en.returns.md", "help.de.returns.md")
    assert english.entry == german.entry
    assert (english.language, german.language) == ("en", "de")
    assert (english.answer, english.wordings, english.questions) == ("Send it back.", ("Back it goes.",), ("send it back",))


def test_the_language_is_that_of_the_text_and_of_each_piece_where_they_are_mixed() -> None:
    text = (
        "# Returns\n\nYou can send anything that you have not used back to us within thirty days after it came to you, "
        "and we pay you the money back at once.\n\n## Rückgabe\n\nWas du nicht benutzt hast, kannst du innerhalb von dreißig "
        "Tagen an uns zurückschicken, und wir zahlen dir dein Geld sofort zurück, wenn es da ist.\n"
    )
    assert [entry.language for entry in cut(text)] == ["en", "de"]


def test_paths_that_differ_only_in_what_ids_cant_hold_stay_apart() -> None:
    assert Place("help", "a b.md").id != Place("help", "a-b.md").id
    assert Place("help", "a/b.md").id != Place("help", "a(b.md").id
    assert re.fullmatch(r"[\w.:@+-]{1,200}", cut(f"# {'ß' * 300}\n\ntext\n", "ä" * 300 + ".md", "quelle mit leer")[0].id)
