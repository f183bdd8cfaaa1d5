"""A page of a help centre read into plain text: its content with headings and anchors, without what stands around it."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from pydantic import ValidationError
from selectolax.lexbor import LexborHTMLParser, LexborNode

from service.documents.blocks import Block, Document, Head, linked
from service.errors import KnowledgeNotUsable

DEEPEST = 5_000  # levels; the parser's time grows with their square
_NESTING = re.compile(
    r"<(/?)(?:div|span|section|article|ul|ol|table|blockquote|b|i|em|strong|font|a|details|main)\b", re.IGNORECASE
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?\s*([\w-]+)", re.IGNORECASE)
_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d+\)(\S+)\s*-->")
_AROUND = (  # what stands around the content on any page
    "script, style, noscript, template, svg, canvas, iframe, object, video, audio, button, select, dialog, nav, footer, aside, "
    "[role=navigation], [role=banner], [role=contentinfo], [role=search], [role=dialog], [role=alertdialog], "
    "[role=complementary]"
)
_AROUND_NAME = re.compile(  # a class or id, whole
    r"(?!(?:has|is|no|with|without|hide|show)[-_])(?:\w+[-_]{1,2}){0,2}?"
    r"(?:(?:cookie|consent|gdpr|privacy)[-_]?(?:banner|notice|bar|pop-?up|modal|dialog|consent|wall|overlay|message)"
    r"|(?:onetrust|usercentrics|cookiebot)[\w-]*|breadcrumbs?|skip-?(?:link|to)[\w-]*|nav(?:bar|igation)?|menu|sidebar|footer"
    r"|pagination|pager|share|social(?:-(?:links?|share|icons?))?|newsletter(?:-\w+)?|related(?:-(?:articles?|links?|posts?))?"
    r"|article-(?:votes|relatives|return-to-top)|recent(?:ly-viewed)?-articles|toc|table-of-contents)",
    re.IGNORECASE,
)
MOST_AROUND = 0.5  # share of a page's words; what holds more is its content whatever it is called
_CONTENT = ("main article", "article", "[role=main]", "main", "[itemprop=articleBody]")
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6, "summary": 5}
_BLOCKS = frozenset({
    "address", "article", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tbody", "td", "th", "thead", "tr", "ul", *_HEADINGS,
})  # fmt: skip
_LEFT_OUT = frozenset({"img", "picture", "del", "s", "strike"})
_PERMALINK = re.compile(r"\s*[¶#§🔗]+\s*$")
_SITE = re.compile(r"\s+[|–—·»-]\s+")
LONGEST_TITLE = 120  # characters of a heading that is only told by its looks
_META = {"valid_from", "valid_until", "audience", "topic"}


def decoded_html(data: bytes, name: str) -> str:
    """The text of a page, in the encoding it declares, else UTF-8; raises KnowledgeNotUsable naming line and byte."""
    from service.documents.text import decoded, not_utf8, refuse_binary

    declared = _CHARSET.search(data[:4_096])
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if encoding in ("utf-8", "utf8"):
        return decoded(data, name)
    refuse_binary(data, name)
    try:
        return data.decode(encoding)
    except LookupError:
        raise KnowledgeNotUsable(f"{name}: declares the unknown encoding {encoding!r}: save the page as UTF-8") from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        said = not_utf8(data, error.start).replace("is not UTF-8", f"is not {encoding}, which the page declares", 1)
        raise KnowledgeNotUsable(f"{name}:{line}: {said}") from None


def read_html(text: str, name: str, hosts: frozenset[str] = frozenset(), url: str | None = None) -> Document:
    """The content of a page; `url` is where it stands, else the page's own word for it. Raises KnowledgeNotUsable."""
    _refuse_too_deep(text, name)
    page = LexborHTMLParser(text)
    address = url or _address(page, text)
    head = _head(page, name)
    title = _title(page)
    root = page.css_first("html")
    language = (root.attributes.get("lang") if root else None) or None
    if page.body is None:
        return Document(head, (), title=title, url=address, language=language)
    content = _content(page.body)
    _remove_around(content)
    return Document(head, tuple(_walk(content, hosts, address)), title=title, url=address, language=language)


def blocks_of_html(text: str, hosts: frozenset[str], url: str | None = None, *, bold_titles: bool = False) -> list[Block]:
    """The blocks of a piece of HTML, all of it; a short paragraph all in bold is a heading with `bold_titles`."""
    body = LexborHTMLParser(text).body
    return _walk(body, hosts, url, bold_titles=bold_titles) if body else []


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


def _refuse_too_deep(text: str, name: str) -> None:
    depth = 0
    for tag in _NESTING.finditer(text):
        depth = max(depth + (-1 if tag[1] else 1), 0)
        if depth > DEEPEST:
            line = text[: tag.start()].count("\n") + 1
            raise KnowledgeNotUsable(
                f"{name}:{line}: more than {DEEPEST} tags inside each other: save the page again, or leave it out"
            )


def _address(page: LexborHTMLParser, text: str) -> str | None:
    canonical = page.css_first("link[rel=canonical]")
    graph = page.css_first('meta[property="og:url"]')
    saved = _SAVED_FROM.search(text[:2_000])
    given = (
        canonical.attributes.get("href") if canonical else None,
        graph.attributes.get("content") if graph else None,
        saved[1] if saved else None,
    )
    return next((address for address in given if address and urlsplit(address).scheme in ("http", "https")), None)


def _head(page: LexborHTMLParser, name: str) -> Head:
    said = {
        str(node.attributes.get("name")): node.attributes.get("content")
        for node in page.css("meta[name]")
        if node.attributes.get("name") in _META and node.attributes.get("content")
    }
    try:
        return Head.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        raise KnowledgeNotUsable(f'{name}: <meta name="{first["loc"][0]}" content="{first["input"]}">: {first["msg"]}') from None


def _title(page: LexborHTMLParser) -> str | None:
    node = page.css_first("title")
    said = " ".join(node.text().split()) if node else ""
    return _SITE.split(said)[0].strip() or None


def _content(body: LexborNode) -> LexborNode:
    """The part of a page that is its content: the one article or the main part, else all of it."""
    for selector in _CONTENT:
        found = body.css(selector)
        if len(found) == 1 and len(found[0].text().split()) >= 5:
            return found[0]
    return body


def _remove_around(content: LexborNode) -> None:
    for node in content.css(_AROUND):
        if node.parent is not None and node.mem_id != content.mem_id:
            node.decompose()
    most = MOST_AROUND * len(content.text())
    for node in content.css("header, form, div, section, ul, ol, p, span, a"):
        if node.parent is None or node.mem_id == content.mem_id:
            continue
        if node.tag in ("header", "form"):  # of the site; an article's own header holds its title
            around = node.css_first("h1") is None
        else:
            named = f"{node.attributes.get('id') or ''} {node.attributes.get('class') or ''}".split()
            around = any(_AROUND_NAME.fullmatch(name) for name in named) and node.css_first("h1") is None
        if around and len(node.text()) <= most:
            node.decompose()


def _walk(root: LexborNode, hosts: frozenset[str], url: str | None, *, bold_titles: bool = False) -> list[Block]:
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
