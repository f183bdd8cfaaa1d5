"""A page of a help centre read into plain text: its content with headings and anchors, without what stands around it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import ValidationError
from selectolax.lexbor import LexborHTMLParser, LexborNode

from service.documents.blocks import Document, Head
from service.documents.html_blocks import walk
from service.documents.text import decoded, not_utf8, refuse_binary
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
    r"|meta(?:-?(?:data|group|info))?|byline|authors?(?:-(?:name|info|bio))?|last-?(?:updated|modified)|published"
    r"|article-(?:votes|relatives|return-to-top)|recent(?:ly-viewed)?-articles|toc|table-of-contents)",
    re.IGNORECASE,
)
MOST_AROUND = 0.5  # share of a page's words; what holds more is its content whatever it is called
_CONTENT = ("main article", "article", "[role=main]", "main", "[itemprop=articleBody]")
_SITE = re.compile(r"\s+[|–—·»-]\s+")
_META = {"valid_from", "valid_until", "audience", "topic"}


def decoded_html(data: bytes, name: str) -> str:
    """The text of a page, in the encoding it declares, else UTF-8; raises KnowledgeNotUsable naming line and byte."""
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
    except UnicodeError:  # codecs that are no encoding of pages
        raise KnowledgeNotUsable(f"{name}: declares {encoding!r}, which it is not in: save the page as UTF-8") from None


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
    return Document(head, tuple(walk(content, hosts, address)), title=title, url=address, language=language)


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
