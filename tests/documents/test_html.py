"""A page's content comes out as plain text, without what stands around it."""

from __future__ import annotations

import pytest

from service.documents.html import decoded_html, read_html
from service.errors import KnowledgeNotUsable

PAGE = """<!doctype html><html lang="de"><head><title>Gift cards | Acme Help</title>
<link rel="canonical" href="https://help.acme.example/gift"><meta name="valid_until" content="2027-01-31">
<meta name="audience" content="agents"><style>p { color: red }</style></head><body class="has-sidebar">
<header><nav><a href="/">Home</a></nav></header><div class="cookie-banner">We use cookies. <button>Accept</button></div>
<div class="breadcrumbs">Home / Gift cards</div>
<div class="content has-sidebar"><h1 id="top">Gift cards</h1><ul class="meta-group"><li>Updated 5 months ago</li></ul>
<p>They come by <b>email</b>.</p>
<h2 id="validity">How long do they last? <a href="#validity">#</a></h2><p>For 2 years, see <a href="/terms">our terms</a>.</p>
<details><summary>Can I get money?</summary><div>No.</div></details>
<ul><li>one</li><li>two<ul><li>deep</li></ul></li></ul>
<table><tr><th>Card</th><th>Price</th><th>Days</th></tr><tr><td>Small</td><td>€10</td><td>30</td></tr></table></div>
<aside>Related</aside><script>alert(1)</script><noscript>Turn it on</noscript><footer>© Acme</footer></body></html>"""


def test_navigation_scripts_banners_and_footers_are_left_out() -> None:
    page = read_html(PAGE, "gift.html")
    said = "\n".join(block.text for block in page.blocks)
    assert [
        word for word in ("Home", "months", "cookies", "Accept", "Related", "alert", "Turn", "©", "color", "#") if word in said
    ] == []
    assert [(block.level, block.text, block.anchor) for block in page.blocks] == [
        (1, "Gift cards", "top"),
        (0, "They come by email.", None),
        (2, "How long do they last?", "validity"),
        (0, "For 2 years, see our terms (https://help.acme.example/terms).", None),
        (5, "Can I get money?", None),
        (0, "No.", None),
        (2, "How long do they last?", "validity"),
        (0, "- one\n- two\n  - deep", None),
        (0, "- Small: Price €10, Days 30", None),
    ]
    assert (page.title, page.url, page.language) == ("Gift cards", "https://help.acme.example/gift", "de")
    assert (str(page.head.valid_until), page.head.audience) == ("2027-01-31", "agents")


def test_a_page_laid_out_in_a_form_or_a_table_keeps_its_content() -> None:
    old = "<body><form><table><tr><td>Menu</td><td><h2>Hours</h2><p>We are open from nine to five.</p></td></tr></table></form>"
    assert [block.text for block in read_html(old, "old.html").blocks] == ["Menu", "Hours", "We are open from nine to five."]


def test_an_article_is_the_content_of_a_page_that_has_one() -> None:
    page = "<body><div>Search our help</div><article><h1>Hours</h1><p>We are open from nine to five.</p></article>"
    assert [block.text for block in read_html(page, "a.html").blocks] == ["Hours", "We are open from nine to five."]


def test_a_page_of_a_thousand_levels_is_read_and_one_of_ten_thousand_named() -> None:
    def nested(levels: int) -> str:
        return "<body>" + "<div>" * levels + "<p>Down here.</p>" + "</div>" * levels

    assert [block.text for block in read_html(nested(1_000), "deep.html").blocks] == ["Down here."]
    with pytest.raises(KnowledgeNotUsable, match=r"^deep\.html:1: more than 5000 tags"):
        read_html(nested(10_000), "deep.html")


def test_a_page_is_read_in_the_encoding_it_declares() -> None:
    page = '<html><head><meta charset="iso-8859-1"></head><body><p>Größe</p></body></html>'
    assert "Größe" in decoded_html(page.encode("latin-1"), "a.html")
    with pytest.raises(KnowledgeNotUsable, match=r"^a\.html:2: byte 0xF6 \(number 25 of the file\) is not UTF-8"):
        decoded_html("<html>\n<body><p>Hier: Größe</p>".encode("latin-1"), "a.html")
