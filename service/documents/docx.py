"""A Word document read into plain text: mammoth makes HTML of it, the reader of pages the rest."""

from __future__ import annotations

import io
import zipfile

from service.documents.blocks import Document, Head
from service.documents.html_blocks import blocks_of_html
from service.errors import KnowledgeNotUsable

MOST_UNPACKED = 100_000_000  # bytes of all that is in it, pictures included
MOST_TEXT = 20_000_000  # bytes of its main part; a thousand pages take five million
MOST_FILES = 5_000
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh"
_OLE = b"\xd0\xcf\x11\xe0"


def read_docx(data: bytes, name: str, hosts: frozenset[str] = frozenset()) -> Document:
    """The document; raises KnowledgeNotUsable where it is broken, protected or unpacks to more than it should."""
    _refuse(data, name)
    import mammoth

    try:
        made = mammoth.convert_to_html(io.BytesIO(data), style_map=_STYLES, convert_image=lambda _: [])
    except Exception as error:  # whatever a broken document makes of mammoth and the XML reader below it
        raise KnowledgeNotUsable(
            f"{name}: is broken ({type(error).__name__}): open it in Word, save it again, and import that"
        ) from None
    return Document(Head(), tuple(blocks_of_html(str(made.value), hosts, bold_titles=True)))


def _refuse(data: bytes, name: str) -> None:
    if data.startswith(_OLE):
        raise KnowledgeNotUsable(f"{name}: is protected with a password, or an old .doc: save it as .docx without one")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, EOFError):
        raise KnowledgeNotUsable(f"{name}: is no Word document, or a broken one: open it in Word and save it again") from None
    if not any(part.filename == "word/document.xml" for part in parts):
        raise KnowledgeNotUsable(f"{name}: is an archive without a Word document in it: save it as .docx")
    unpacked = sum(part.file_size for part in parts)
    text = sum(part.file_size for part in parts if part.filename.endswith(".xml"))
    if unpacked > MOST_UNPACKED or text > MOST_TEXT or len(parts) > MOST_FILES:
        raise KnowledgeNotUsable(
            f"{name}: unpacks to {unpacked / 1e6:,.0f} MB in {len(parts)} parts, {text / 1e6:,.0f} MB of them text (at most "
            f"{MOST_UNPACKED / 1e6:.0f} and {MOST_TEXT / 1e6:.0f} MB): split it into several documents"
        )
