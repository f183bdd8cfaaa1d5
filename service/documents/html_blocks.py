"""The blocks of a piece of HTML: headings with their anchors, paragraphs, lists and tables in plain text."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from service.documents.blocks import Block, linked

_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6, "summary": 5}
_BLOCKS = frozenset({
    "address", "article", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tbody", "td", "th", "thead", "tr", "ul", *_HEADINGS,
})  # fmt: skip
_LEFT_OUT = frozenset({"img", "picture", "del", "s", "strike"})
_PERMALINK = re.compile(r"\s*[¶#§🔗]+\s*$")
LONGEST_TITLE = 120  # characters of a heading that is only told by its looks


def blocks_of_html(text: str, hosts: frozenset[str], url: str | None = None, *, bold_titles: bool = False) -> list[Block]:
    """The blocks of a piece of HTML, all of it; a short paragraph all in bold is a heading with `bold_titles`."""
    body = LexborHTMLParser(text).body
    return walk(body, hosts, url, bold_titles=bold_titles) if body else []


def table_text(rows: list[list[str]], *, header: bool) -> str:
    """A table as lines of text: "first: second", or with more columns "first: Header second, Header third"."""
    rows = [[" ".join(cell.split()) for cell in row] for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        return ""
    names = rows[0] if header and len(rows) > 1 else None
    lines = []
    for row in rows[1:] if names else rows:
        if len(row) == 1:
            lines.append(row[0])
        elif len(row) == 2 or names is None:
            lines.append(f"{row[0]}: {', '.join(cell for cell in row[1:] if cell)}" if row[0] else ", ".join(filter(None, row)))
        else:
            told = [f"{name} {cell}".strip() for name, cell in zip(names[1:], row[1:], strict=False) if cell]
            lines.append(f"{row[0]}: {', '.join(told)}" if row[0] else ", ".join(told))
    return "\n".join(f"- {line}" for line in lines)


def walk(root: LexborNode, hosts: frozenset[str], url: str | None, *, bold_titles: bool = False) -> list[Block]:
    """The blocks below `root`; a loop, since pages nest deeper than Python calls may."""
    page = _Page(hosts, url, bold_titles)
    node = root.child
    while node is not None:
        below = node.child if page.enter(node) else None
        while below is None:
            page.leave(node)
            below = node.next
            if below is None:
                parent = node.parent
                if parent is None or parent.mem_id == root.mem_id:
                    page.flush()
                    return page.blocks
                node = parent
        node = below
    return page.blocks


class _Page:
    """What has been read of a page: whole blocks, and the words of the one that is open."""

    def __init__(self, hosts: frozenset[str], url: str | None, bold_titles: bool) -> None:
        self.blocks: list[Block] = []
        self._hosts, self._url, self._bold_titles = hosts, url, bold_titles
        self._words: list[str] = []
        self._bold = 0  # characters of the open block in bold
        self._in_bold = 0
        self._preformatted = 0
        self._level = 0
        self._anchor: str | None = None
        self._lists: list[int | None] = []  # of each open list: the next number, None for bullets
        self._items: list[str] = []  # lines of the outermost list
        self._first = False  # the next words begin an item
        self._links: list[tuple[int, str]] = []
        self._around: list[Block | None] = []  # of each open accordion: the heading above it

    def enter(self, node: LexborNode) -> bool:
        """Takes a node up; whether to look inside it."""
        tag = node.tag or ""
        if node.is_text_node:
            self._say(node.text_content or "")
        elif tag == "br":
            self._words.append("\n")
        elif tag in _LEFT_OUT or (node.attributes.get("aria-hidden") == "true" and tag in ("i", "span", "a", "svg")):
            return False
        elif tag == "table" and _is_data(node):
            self.flush()
            rows = [[cell.text(separator=" ") for cell in row.css("th, td")] for row in node.css("tr")]
            self._add(table_text(rows, header=node.css_first("th") is not None))
            return False
        elif tag in _BLOCKS:
            self.flush()
            if tag in _HEADINGS:
                self._level, self._anchor = _HEADINGS[tag], _anchor(node)
            elif tag == "dt" and (node.text() or "").strip().endswith("?"):
                self._level, self._anchor = 6, _anchor(node)
            elif tag in ("ul", "ol"):
                self._lists.append(_number(node) if tag == "ol" else None)
            elif tag == "li":
                self._first = True
            elif tag == "pre":
                self._preformatted += 1
            elif tag == "details":
                self._around.append(next((block for block in reversed(self.blocks) if block.level), None))
        elif tag in ("b", "strong"):
            self._in_bold += 1
        elif tag == "a":
            self._links.append((len(self._words), node.attributes.get("href") or ""))
        return True

    def leave(self, node: LexborNode) -> None:
        """Ends a node that was taken up."""
        tag = node.tag or ""
        if tag in _BLOCKS:
            self.flush()
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()
                if not self._lists and self._items:
                    self.blocks.append(Block("\n".join(self._items)))
                    self._items = []
            elif tag == "pre":
                self._preformatted = max(self._preformatted - 1, 0)
            elif tag == "details" and self._around:
                above = self._around.pop()  # what follows belongs to the section around it again
                if above is not None:
                    self.blocks.append(above)
        elif tag in ("b", "strong"):
            self._in_bold = max(self._in_bold - 1, 0)
        elif tag == "a" and self._links:
            start, address = self._links.pop()
            said = "".join(self._words[start:])
            if address and not address.startswith("#"):
                said = linked(said, urljoin(self._url, address) if self._url else address, self._hosts)
            self._words[start:] = [said]

    def flush(self) -> None:
        """Ends the open block."""
        said = "".join(self._words)
        text = said.strip("\n") if self._preformatted else "\n".join(" ".join(line.split()) for line in said.split("\n")).strip()
        level, anchor, bold = self._level, self._anchor, self._bold
        self._words, self._bold, self._links = [], 0, []
        if not text:
            return
        self._level, self._anchor = 0, None
        if level:
            self.blocks.append(Block(_PERMALINK.sub("", " ".join(text.split())), level, anchor))
        elif self._lists:
            self._items.append("  " * (len(self._lists) - 1) + (self._mark() if self._first else "  ") + text)
            self._first = False
        elif self._bold_titles and bold >= len(text.replace(" ", "")) and len(text) <= LONGEST_TITLE and text[-1] not in ".:,;":
            self.blocks.append(Block(text, 4))
        else:
            self._add(text)

    def _add(self, text: str) -> None:
        if not text:
            return
        if self._lists:
            self._items.append(text)
        else:
            self.blocks.append(Block(text))

    def _say(self, text: str) -> None:
        self._words.append(text if self._preformatted else re.sub(r"\s+", " ", text))
        if self._in_bold:
            self._bold += len("".join(text.split()))

    def _mark(self) -> str:
        number = self._lists[-1]
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "


def _number(node: LexborNode) -> int:
    start = node.attributes.get("start") or "1"
    return int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1


def _is_data(table: LexborNode) -> bool:
    """Whether a table holds data; pages of old are laid out with tables, too."""
    widest = max((len(row.css("th, td")) for row in table.css("tr")), default=0)
    inside = [node for node in table.css("table, h1, h2, h3, h4, p + p, ul, ol") if node.mem_id != table.mem_id]
    return widest > 1 and not inside


def _anchor(node: LexborNode) -> str | None:
    """The fragment that leads to a heading: its own id, that of a mark inside it, that of the section it opens."""
    own = node.attributes.get("id")
    if own:
        return own
    inside = node.css_first("[id], a[name]")
    if inside is not None:
        return inside.attributes.get("id") or inside.attributes.get("name")
    parent = node.parent
    if (
        parent is not None
        and parent.tag in ("section", "details", "div")
        and parent.css_first("h1, h2, h3, h4, h5, h6, summary") == node
    ):
        return parent.attributes.get("id") or None
    return None
