"""only_known_links: links lead to the brand's own hosts, and to pages of theirs that a source names."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from service.draft.checks.made import Made

LINK = re.compile(r"(?:https?://|www\.)[^\s)>\]]+", re.IGNORECASE)
# A host without "https://" before it; the ending tells it from "z.B." and from a sentence without a space after it.
_DOTTED = re.compile(r"[\w-]\.\w")
_BARE = re.compile(
    r"(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|shop|store|online|site|app|io|co|me|ly|link|top|xyz|example|eu|de|nl|se|fr|es|uk|ie|be|at|ch|"
    r"pl|dk|fi|pt|page|cloud|dev|gg|cc|ru|cn|test)"
    r"(?:/[^\s)>\]]*)?(?![\w-]|\.\w|@)", re.IGNORECASE,
)  # fmt: skip


def foreign_links(text: str, made: Made) -> list[str]:
    """Links to hosts that are not the brand's, and to pages of the brand's that no source and no customer names.

    A brand that lists no hosts may link to what its own passages link to.
    """
    found = _links(text)
    if not found:
        return []
    listed = made.brand.identity.url_hosts
    pages = {_page(link) for source in _sources(made) for link in _links(source)}
    hosts: set[str | None] = {host.casefold() for host in listed} or {_host(link) for link in _links(made.sources)}
    return [f"link to {link}" for link in found if _host(link) not in hosts or ("/" in _page(link) and _page(link) not in pages)]


def _sources(made: Made) -> tuple[str, ...]:
    """Texts that may name a page: what the draft rests on, what was found, and the conversation."""
    found = (text for passage in made.context.passages for text in (passage.text, passage.short, passage.url, *passage.wordings))
    shown = (value for suggestion in made.context.suggestions for value in suggestion.model_dump().values())
    own = (made.sources, made.said, *made.approved, made.brand.voice(made.language).disclosure)
    orders = (value for order in made.context.orders for value in order.model_dump().values())
    return tuple(value for value in (*own, *found, *shown, *orders) if isinstance(value, str))


def _links(text: str) -> list[str]:
    if _DOTTED.search(text) is None and "://" not in text:
        return []
    found = [link.rstrip(".,;:!?'\"”“»") for link in LINK.findall(text)]
    return found + [match[0] for match in _BARE.finditer(LINK.sub(" ", text))]


def _page(link: str) -> str:
    """The link without what says nothing of where it leads: the scheme, "www.", a slash at the end, a place in the page."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", link.casefold())
    return bare.split("#")[0].rstrip(".,;:!?/'\"")


def _host(link: str) -> str | None:
    try:
        return urlsplit(link if "://" in link else f"//{link}").hostname
    except ValueError:
        return None
