"""Markdown comes out as plain text that may stand in a draft."""

from __future__ import annotations

import pytest

from service.documents.markdown import read_markdown
from service.errors import KnowledgeNotUsable


def texts(text: str, hosts: frozenset[str] = frozenset()) -> list[tuple[int, str]]:
    return [(block.level, block.text) for block in read_markdown(text, "a.md", hosts).blocks]


def test_no_markup_is_left_of_prose_lists_and_tables() -> None:
    text = """# Returns

You can **return** _unused_ `items`,
~~within 14 days~~ any day.<br>Really. ![a parcel](parcel.png)

1. Register it
2. Pack it
   - well

> Gift cards can't be returned.

| Country | Price |
|---|---|
| NL | free |
| UK | £3.95 |
"""
    assert texts(text) == [
        (1, "Returns"),
        (0, "You can return unused items, any day.\nReally."),
        (0, "1. Register it\n2. Pack it\n  - well"),
        (0, "Gift cards can't be returned."),
        (0, "- NL: free\n- UK: £3.95"),
    ]


def test_a_link_keeps_its_address_only_where_a_draft_may_hold_it() -> None:
    text = (
        "See [the portal](https://acme.example/r), [Norway](#norway), [them](https://else.example) or <https://acme.example/x>."
    )
    open_to_all = "See the portal (https://acme.example/r), Norway, them (https://else.example) or https://acme.example/x."
    assert texts(text) == [(0, open_to_all)]
    assert texts(text, frozenset({"acme.example"})) == [(0, open_to_all.replace(" (https://else.example)", ""))]


def test_front_matter_is_read_and_keys_of_other_systems_are_passed_over() -> None:
    text = (
        "---\nlayout: page\ntags:\n  - a\nvalid_until: 2027-01-31\naudience: agents\nurl: https://acme.example/r\n---\n\nText.\n"
    )
    head = read_markdown(text, "a.md").head
    assert (str(head.valid_until), head.audience, head.url) == ("2027-01-31", "agents", "https://acme.example/r")


@pytest.mark.parametrize(
    ("front", "line", "said"),
    [
        ("layout: x\nvalid_untl: 2027-01-31", 3, "valid_until"),
        ("layout: x\n\nvalid_until: soon", 4, "valid_until"),
        ("audience: staff", 2, "audience"),
        ("title: [", 3, ""),
        ("- a list", 2, "front matter"),
    ],
)
def test_a_wrong_front_matter_is_named_with_its_line(front: str, line: int, said: str) -> None:
    with pytest.raises(KnowledgeNotUsable) as caught:
        read_markdown(f"---\n{front}\n---\n# A\n\ntext\n", "a.md")
    assert caught.value.detail.startswith(f"a.md:{line}: "), caught.value.detail
    assert said in caught.value.detail


def test_a_brands_faq_file_is_told_from_a_page() -> None:
    faq = "---\nquestions: [how]\n---\n# How?\n\nSo.\n\n## Another wording\n\nThus.\n"
    assert read_markdown(faq, "a.md").faq
    assert not read_markdown("---\ntopic: x\n---\n# How?\n\nSo.\n", "a.md").faq
    assert not read_markdown(faq + "\n## More\n\nText.\n", "a.md").faq
