"""A PDF document read into plain text: lines become paragraphs, larger or bold lines headings, repeated ones are left out."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from service.documents.blocks import Block, Document, Head
from service.errors import KnowledgeNotUsable

LARGER = 1.12  # times the size of the text from which a line is a heading
GAP = 1.7  # times its size between two lines' feet from which a paragraph begins
BOLD = 600  # weight from which a font is bold
LONGEST_TITLE = 120
MOST_PAGES = 2_000
EDGE_LINES = 2  # lines at the top and the bottom of a page that may be its header and footer
_BULLET = re.compile(r"^(?:[•◦▪‣●○■–*·-]|\uf0b7)\s*(?=\S)")
_NUMBERED = re.compile(r"^\(?\d{1,2}[.)]\s+(?=\S)")
_LEADERS = re.compile(r"(?:\.\s?){4,}\s*\d+$")
_HYPHENS = "\x02\ufffe\u00ad"  # how the reader marks a word broken at the end of a line


@dataclass(frozen=True)
class _Line:
    text: str
    page: int
    size: float
    foot: float  # distance from the bottom of the page
    bold: bool


def read_pdf(data: bytes, name: str, problems: list[str]) -> Document:
    """The document; a page without text goes into `problems`. Raises KnowledgeNotUsable where there is nothing to read."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise KnowledgeNotUsable(f"{name}: is protected with a password: save a copy without one, and import that") from None
        raise KnowledgeNotUsable(f"{name}: is broken or no PDF: open it in a reader, save it again, and import that") from None
    try:
        count = len(document)
        if count > MOST_PAGES:
            raise KnowledgeNotUsable(f"{name}: has {count} pages, at most {MOST_PAGES}: split it into several documents")
        lines: list[_Line] = []
        empty: list[int] = []
        for at in range(count):
            found = _lines(document, at)
            lines += found
            if not found:
                empty.append(at + 1)
        title = str(document.get_metadata_value("Title") or "").strip() or None
    except pdfium.PdfiumError:
        raise KnowledgeNotUsable(f"{name}: is broken: open it in a reader, save it again, and import that") from None
    finally:
        document.close()
    if not lines:
        raise KnowledgeNotUsable(
            f"{name}: its {count} pages hold no text, only pictures: run text recognition (OCR) over it, and import the result"
        )
    if empty:
        pages = ", ".join(str(page) for page in empty[:10]) + (" …" if len(empty) > 10 else "")
        problems.append(
            f"{name}: no text on page {pages}: run text recognition (OCR) where it is a scan; the other pages are read"
        )
    return Document(Head(), tuple(_blocks(_without_edges(lines, count))), title=_plausible(title))


def _plausible(title: str | None) -> str | None:
    """A title that a person gave: programs write file names and their own name."""
    return None if title is None or re.search(r"\.\w{2,4}$|^Microsoft Word|^untitled", title, re.IGNORECASE) else title


def _lines(document: Any, at: int) -> list[_Line]:
    import pypdfium2.raw as raw

    page = document[at]
    text_page = page.get_textpage()
    try:
        lines: list[_Line] = []
        letters: list[str] = []
        first = last = -1
        count = text_page.count_chars()
        for index in range(count + 1):
            code = raw.FPDFText_GetUnicode(text_page, index) if index < count else 10
            letter = chr(code) if code and not 0xD800 <= code <= 0xDFFF else ""
            if letter not in ("\r", "\n") and letter not in _HYPHENS:
                if letter.strip():
                    first, last = (index if first < 0 else first), index
                letters.append(letter)
                continue
            if letter and letter in _HYPHENS:
                letters.append("\u00ad")
                continue
            said = " ".join("".join(letters).split())
            if said and first >= 0:
                box = raw.FS_RECTF()
                raw.FPDFText_GetLooseCharBox(text_page, first, ctypes.byref(box))
                bold = _bold(text_page, first) and _bold(text_page, last)
                lines.append(_Line(said, at + 1, round(abs(box.top - box.bottom), 1), box.bottom, bold))
            letters, first = [], -1
        return lines
    finally:
        text_page.close()
        page.close()


def _bold(text_page: Any, index: int) -> bool:
    """Whether a letter is bold, by its font's weight or name: fonts that are not in the document have no weight."""
    import pypdfium2.raw as raw

    name, flags = ctypes.create_string_buffer(100), ctypes.c_int()
    raw.FPDFText_GetFontInfo(text_page, index, name, len(name), ctypes.byref(flags))
    return b"bold" in name.value.lower() or raw.FPDFText_GetFontWeight(text_page, index) >= BOLD


def _without_edges(lines: list[_Line], pages: int) -> list[_Line]:
    """Without headers, footers and page numbers: lines at the edges that come again on half of the pages."""
    edges: Counter[str] = Counter()
    at_edge: set[int] = set()
    for page in {line.page for line in lines}:
        mine = [at for at, line in enumerate(lines) if line.page == page]
        edge = set(mine[:EDGE_LINES] + mine[-EDGE_LINES:])
        at_edge |= edge
        edges.update({_unnumbered(lines[at].text) for at in edge})
    often = {text for text, count in edges.items() if pages >= 3 and count > pages / 2}

    def around(at: int, line: _Line) -> bool:
        alone = line.text.strip(" -–|/").isdigit()
        return at in at_edge and (alone or _unnumbered(line.text) in often)

    return [line for at, line in enumerate(lines) if not around(at, line) and not _LEADERS.search(line.text)]


def _unnumbered(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _blocks(lines: list[_Line]) -> list[Block]:
    if not lines:
        return []
    weights: Counter[float] = Counter()
    for line in lines:
        weights[line.size] += len(line.text)
    body = weights.most_common(1)[0][0]
    sizes = sorted({line.size for line in lines if line.size >= body * LARGER}, reverse=True)
    found: list[Block] = []
    open_text: list[str] = []
    before: _Line | None = None
    before_level = 0
    for line in lines:
        level = _level(line, body, sizes)
        if level and before_level == level and before is not None and before.page == line.page and found and not open_text:
            if before.foot - line.foot < GAP * line.size:  # a heading over two lines
                found[-1] = Block(_joined(found[-1].text, line.text), level, page=found[-1].page)
                before = line
                continue
        starts = level or before is None or before_level or _BULLET.match(line.text) or _NUMBERED.match(line.text)
        gap = before is not None and before.page == line.page and before.foot - line.foot > GAP * line.size
        ended = before is not None and before.page != line.page and before.text[-1:] in ".!?:"
        if (starts or gap or ended) and open_text:
            found.append(Block("\n".join(open_text), page=before.page if before else line.page))
            open_text = []
        if level:
            found.append(Block(line.text.replace("\u00ad", ""), level, page=line.page))
        elif open_text:
            open_text[-1] = _joined(open_text[-1], line.text)
        else:
            open_text = [_BULLET.sub("- ", line.text)]
        before, before_level = line, level
    if open_text and before is not None:
        found.append(Block("\n".join(open_text), page=before.page))
    return _lists([Block(block.text.replace("\u00ad", ""), block.level, page=block.page) for block in found])


def _lists(blocks: list[Block]) -> list[Block]:
    """Items that follow each other as one list."""
    found: list[Block] = []
    for block in blocks:
        item = not block.level and (block.text.startswith("- ") or _NUMBERED.match(block.text))
        last = found[-1] if found else None
        if item and last and not last.level and (last.text.startswith("- ") or _NUMBERED.match(last.text)):
            found[-1] = Block(f"{last.text}\n{block.text}", page=last.page)
        else:
            found.append(block)
    return found


def _level(line: _Line, body: float, sizes: list[float]) -> int:
    if len(line.text) > LONGEST_TITLE or _BULLET.match(line.text) or not re.search(r"[^\W\d_]{2}", line.text):
        return 0
    if line.size in sizes:
        return min(1 + sizes.index(line.size), 5)
    return 6 if line.bold and line.size >= body * 0.95 and line.text[-1] not in ".,;:" else 0


def _joined(text: str, more: str) -> str:
    """Two lines as one; a word that was broken at the end of the first is whole again."""
    if text.endswith("\u00ad"):
        return text[:-1] + more
    if re.search(r"[^\W\d_]-$", text) and more[:1].islower():
        return text[:-1] + more
    return f"{text} {more}"
