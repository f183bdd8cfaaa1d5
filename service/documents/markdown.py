"""Markdown read into plain text: front matter, headings, paragraphs, lists and tables, without any markup left."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from service.documents.blocks import Block, Document, Head, known_keys, linked
from service.documents.html_blocks import blocks_of_html, table_text
from service.errors import KnowledgeNotUsable
from service.yaml_files import load_yaml, parse_yaml

WORDING = "another wording"  # a heading of a brand's FAQ file
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_OF_FAQS = {"short", "questions", "terms", "issue", "states"}  # keys that only a FAQ's front matter has
_CUSTOM_ID = re.compile(r"\s*\{#([\w-]+)\}\s*$")


def read_markdown(text: str, name: str, hosts: frozenset[str] = frozenset()) -> Document:
    """The document of a Markdown text; raises KnowledgeNotUsable naming file and line of a front matter that can't be read."""
    head, body = Head(), text
    if parts := _FRONT_MATTER.match(text):
        body = text[parts.end() :]
        head, faq_keys = _head(parts.group(1) or "", name)
    else:
        faq_keys = False
    blocks = _blocks(body, head.url, hosts)
    titles = [block for block in blocks if block.level]
    others = [title for title in titles if title.text.casefold() != WORDING]
    one = len(others) == 1 and bool(blocks) and blocks[0] is others[0]
    wordings = len(others) != len(titles)
    return Document(
        head, tuple(blocks), title=head.title, url=head.url, language=head.language, faq=one and (faq_keys or wordings)
    )


def _head(text: str, name: str) -> tuple[Head, bool]:
    """The front matter, and whether it is a FAQ's. Keys of other systems ("layout", "weight") say nothing to us."""
    try:
        given = load_yaml(text)
    except yaml.YAMLError:
        given = None  # read below, where the error is named with its line
    if given is not None and not isinstance(given, dict):
        raise KnowledgeNotUsable(f"{name}:2: the front matter is no list of keys with values: write `title: …`, a key a line")
    kept, others = known_keys({str(key): value for key, value in (given or {}).items()}, Head.model_fields)
    return parse_yaml(_without(text, others), Path(name), Head, first_line=2), bool(_OF_FAQS & set(kept))


def _without(text: str, keys: list[str]) -> str:
    """The front matter with other systems' keys blanked, so that the lines of an error stay right."""
    lines, dropped = [], False
    for line in text.split("\n"):
        if line[:1].strip():
            dropped = line.partition(":")[0].strip(" \"'") in keys
        lines.append("" if dropped else line)
    return "\n".join(lines)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _blocks(text: str, url: str | None, hosts: frozenset[str]) -> list[Block]:
    def link(words: str, address: str) -> str:
        return words if address.startswith("#") else linked(words, urljoin(url, address) if url else address, hosts)

    found: list[Block] = []
    items: list[str] = []  # lines of the outermost list
    numbers: list[int | None] = []  # of each open list: the next number, None for bullets
    first = False  # the next text begins an item
    rows: list[list[str]] = []
    level = 0
    tokens = _parser().parse(text)
    for at, token in enumerate(tokens):
        kind = token.type
        if kind == "heading_open":
            level = int(token.tag[1])
        elif kind == "inline":
            said = _inline(token, link)
            before = tokens[at - 1].type
            if before in ("th_open", "td_open"):
                rows[-1].append(said)
            elif level:
                anchor = _CUSTOM_ID.search(said)
                found.append(Block(_CUSTOM_ID.sub("", said).strip(), level, anchor[1] if anchor else None))
                level = 0
            elif numbers:
                items.append(("  " * (len(numbers) - 1)) + (_mark(numbers) if first else "  ") + said)
                first = False
            elif said:
                found.append(Block(said))
        elif kind in ("bullet_list_open", "ordered_list_open"):
            numbers.append(int(token.attrGet("start") or 1) if kind == "ordered_list_open" else None)
        elif kind == "list_item_open":
            first = True
        elif kind in ("bullet_list_close", "ordered_list_close"):
            numbers.pop()
            if not numbers and items:
                found.append(Block("\n".join(items)))
                items = []
        elif kind == "tr_open":
            rows.append([])
        elif kind == "table_close":
            found.append(Block(table_text(rows, header=True)))
            rows = []
        elif kind in ("fence", "code_block") and token.content.strip():
            found.append(Block(token.content.rstrip("\n")))
        elif kind == "html_block":
            found += blocks_of_html(token.content, hosts, url)
    return [block for block in found if block.text.strip()]


def _mark(numbers: list[int | None]) -> str:
    number = numbers[-1]
    if number is None:
        return "- "
    numbers[-1] = number + 1
    return f"{number}. "


def _inline(token: Token, link: Any) -> str:
    """The words of an inline token: links with their address, pictures, struck-out text and markup left out."""
    out: list[str] = []
    links: list[tuple[int, str]] = []
    struck = 0
    for child in token.children or ():
        if child.type == "s_open":
            struck += 1
        elif child.type == "s_close":
            struck -= 1
        elif child.type == "link_open":
            links.append((len(out), str(child.attrGet("href") or "")))
        elif child.type == "link_close" and links:
            start, address = links.pop()
            out[start:] = [link("".join(out[start:]), address)]
        elif struck or child.type == "image":
            continue
        elif child.type in ("text", "code_inline"):
            out.append(child.content)
        elif child.type == "softbreak":
            out.append(" ")
        elif child.type == "hardbreak":
            out.append("\n")
        elif child.type == "html_inline" and re.match(r"<br\b", child.content, re.IGNORECASE):
            out.append("\n")
    return re.sub(r"[ \t]{2,}", " ", "".join(out)).strip()
