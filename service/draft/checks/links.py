"""only_known_links: links lead to the brand's own hosts."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from service.draft.checks.made import Made

LINK = re.compile(r"(?:https?://|www\.)[^\s)>\]]+", re.IGNORECASE)
# A host without "https://" before it; the ending tells it from "z.B." and from a sentence without a space after it.
_DOTTED = re.compile(r"[\w-]\.\w")
_BARE = re.compile(
    r"(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|shop|store|online|site|app|io|co|me|ly|link|top|xyz|example|eu|de|nl|se|fr|es|uk|ie|be|at|ch)"
    r"(?:/[^\s)>\]]*)?(?![\w-]|\.\w|@)", re.IGNORECASE,
)  # fmt: skip


def foreign_links(text: str, made: Made) -> list[str]:
    """Links to hosts that are not the brand's; a brand that lists none may link to what its own passages link to."""
    listed = made.brand.identity.url_hosts
    known: set[str | None] = {host.casefold() for host in listed} or {_host(link) for link in _links(made.sources)}
    return [f"link to {link}" for link in _links(text) if _host(link) not in known]


def _links(text: str) -> list[str]:
    if _DOTTED.search(text) is None and "://" not in text:
        return []
    found = [link.rstrip(".,;:!?'\"”“»") for link in LINK.findall(text)]
    return found + [match[0] for match in _BARE.finditer(LINK.sub(" ", text))]


def _host(link: str) -> str | None:
    try:
        return urlsplit(link if "://" in link else f"//{link}").hostname
    except ValueError:
        return None
