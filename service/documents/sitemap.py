"""A sitemap read, and its addresses mapped to pages that lie beside it. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from xml.parsers import expat

from service.errors import KnowledgeNotUsable

SUFFIXES = (".html", ".htm")
DEEPEST = 3  # sitemaps of sitemaps


def read_sitemap(data: bytes, name: str) -> tuple[list[str], list[str]]:
    """Addresses of pages and of further sitemaps; raises KnowledgeNotUsable naming the line."""
    pages: list[str] = []
    maps: list[str] = []
    path: list[str] = []
    words: list[str] = []

    def start(tag: str, _: object) -> None:
        path.append(tag.rsplit(":", 1)[-1].lower())
        words.clear()

    def end(_: str) -> None:
        if path[-2:] == ["url", "loc"]:
            pages.append("".join(words).strip())
        elif path[-2:] == ["sitemap", "loc"]:
            maps.append("".join(words).strip())
        path.pop()

    def refuse(*_: object) -> None:
        raise KnowledgeNotUsable(f"{name}: a sitemap declares no document type: remove <!DOCTYPE …>")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, words.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise KnowledgeNotUsable(f"{name}:{error.lineno}: not valid XML ({expat.errors.messages[error.code]})") from None
    if not pages and not maps:
        raise KnowledgeNotUsable(f"{name}: no <loc> of a page in it: a sitemap lists pages as <url><loc>https://…</loc></url>")
    return pages, maps


def file_for(address: str, folder: Path) -> Path | None:
    """The file of an address below `folder`: by its path or the end of it, with `.html`, as `index.html`, or under its host."""
    parts = urlsplit(address)
    path = unquote(parts.path).strip("/")
    if ".." in path.split("/"):
        return None
    segments = path.split("/") if path else []
    tails = ["/".join(segments[at:]) for at in range(max(len(segments), 1))]
    bases = [f"{parts.netloc}/{path}", *tails] if path else [parts.netloc, ""]
    return next((found for base in bases for found in _candidates(folder, base, parts.query) if found.is_file()), None)


def _candidates(folder: Path, base: str, query: str) -> Iterator[Path]:
    if query:
        yield from (folder / f"{base}{sign}{query}{end}" for sign in "?@" for end in ("", *SUFFIXES))
    if base:
        yield folder / base
        yield from (folder / f"{base}{suffix}" for suffix in SUFFIXES)
        yield from (folder / f"{quote(base)}{suffix}" for suffix in ("", *SUFFIXES))
        yield folder / f"{base.replace('/', '_')}.html"
    yield from (folder / base / f"index{suffix}" for suffix in SUFFIXES)
