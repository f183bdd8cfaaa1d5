"""PDF and Word documents come out with headings, whole paragraphs and lists; what can't be read is named."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from service.documents.docx import read_docx
from service.documents.pdf import read_pdf
from service.errors import KnowledgeNotUsable

FILES = Path(__file__).parent / "files"
Line = tuple[str, int, str]  # font, size, text


def pdf(*pages: list[Line]) -> bytes:
    """A PDF with a line of text below the other on each page."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    kids = []
    for lines in pages:
        y, content = 800, b""
        for font, size, text in lines:
            y -= 2 * size if font == "F2" else round(1.25 * size)
            content += f"BT /{font} {size} Tf 60 {y} Td ({text}) Tj ET\n".encode("latin-1")
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        fonts = b"/F1 <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> /F2 <</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>"
        kids.append(len(objects) + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<<%s>>>>>>" % (len(objects), fonts)
        )
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (len(objects) + 1, table, trailer)


def page(number: int, *lines: Line) -> list[Line]:
    return [("F1", 8, "Acme manual"), *lines, ("F1", 8, f"Page {number} of 3")]


def test_a_pdf_has_headings_whole_paragraphs_and_no_page_furniture() -> None:
    data = pdf(
        page(
            1,
            ("F2", 18, "Warranty"),
            ("F1", 11, "It covers two years from the day of pur-"),
            ("F1", 11, "chase, whatever breaks."),
        ),
        page(2, ("F2", 11, "Repairs"), ("F1", 11, "They take ten days."), ("F1", 11, "- at home"), ("F1", 11, "- in the shop.")),
        page(3, ("F1", 11, "And that is all.")),
    )
    problems: list[str] = []
    assert [(block.level, block.text, block.page) for block in read_pdf(data, "m.pdf", problems).blocks] == [
        (1, "Warranty", 1),
        (0, "It covers two years from the day of purchase, whatever breaks.", 1),
        (6, "Repairs", 2),
        (0, "They take ten days.", 2),
        (0, "- at home\n- in the shop.", 2),
        (0, "And that is all.", 3),
    ]
    assert problems == []


def test_a_page_without_text_is_named_and_the_others_are_read() -> None:
    problems: list[str] = []
    read_pdf(pdf([("F1", 11, "Text.")], []), "m.pdf", problems)
    assert len(problems) == 1
    assert problems[0].startswith("m.pdf: no text on page 2: ")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.4 nothing more", "broken or no PDF"),
        (pdf([("F1", 11, "Text.")])[:200], "broken or no PDF"),
        (pdf([], []), "its 2 pages hold no text"),
        ((FILES / "locked.pdf").read_bytes(), "password"),
    ],
    ids=["garbage", "cut off", "scanned", "locked"],
)
def test_a_pdf_that_cant_be_read_is_named(data: bytes, said: str) -> None:
    with pytest.raises(KnowledgeNotUsable, match=said) as caught:
        read_pdf(data, "m.pdf", [])
    assert caught.value.detail.startswith("m.pdf: ")


def test_a_pdf_that_only_may_not_be_printed_is_read() -> None:
    (block,) = read_pdf((FILES / "ownerlocked.pdf").read_bytes(), "m.pdf", []).blocks
    assert block.text == "Readable to everybody though printing is not allowed."


def test_a_word_document_has_headings_lists_and_tables() -> None:
    assert [(block.level, block.text) for block in read_docx((FILES / "shipping.docx").read_bytes(), "s.docx").blocks] == [
        (1, "Shipping guide"),
        (1, "Where do we ship?"),
        (0, "We ship to Norway and Sweden."),
        (0, "- one\n- two"),
        (4, "Bold fake heading"),
        (0, "Text below."),
        (0, "- Land: Tage\n- NO: 5"),
    ]


def archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name.replace("__", "/"), data)
    return out.getvalue()


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 10) for at in range(9)
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 nothing", "no Word document"),
        (b"\xd0\xcf\x11\xe0 an old one", "password, or an old .doc"),
        (archive(hello=b"x"), "without a Word document"),
        (archive(**{"word__document.xml": b"<not finished"}), "broken"),
        (archive(**{"word__document.xml": b" " * 60_000_000}), "unpacks to 60 MB"),
        (archive(**{"word__document.xml": BOMB + b"]><x>&j;</x>"}), "broken"),
        (archive(**{"word__document.xml": b"<w>" * 100_000 + b"</w>" * 100_000}), "broken"),
    ],
    ids=["no archive", "old", "no document", "broken", "zip bomb", "entities", "deep"],
)
def test_a_word_document_that_cant_be_read_is_named(data: bytes, said: str) -> None:
    with pytest.raises(KnowledgeNotUsable, match=said) as caught:
        read_docx(data, "s.docx")
    assert caught.value.detail.startswith("s.docx: ")
