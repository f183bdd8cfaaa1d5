"""Which of a customer's products a message speaks of: by their names, or by the everyday words for such a thing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import fuzz

from service.messages import Order

SAME_NAME = 88  # similarity (0..100) from which a product counts as named; one typo in seven letters
SAME_KIND = 85  # the same for its kind, so that "ljusslingor" is a "ljusslinga" and "Socken" are "Wollsocken"
LEAST = 4  # letters of a word for a kind; shorter ones stand inside too many others
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HEAD_FIRST = frozenset({"fr", "es", "it", "pt"})  # "saco de dormir" is a kind of saco, "sleeping bag" one of bag
_SIZES = frozenset({"petit", "petite", "grand", "grande", "gros", "grosse", "grosses", "premiere", "primera", "segunda"})
_BEFORE = re.compile(
    r"(?<!^)\b(?:for|with|of|für|mit|aus|zum|voor|met|van|för|med|av|pour|avec|de|à|en|para|con|da|per)\b", re.IGNORECASE
)


def kind_words(phrases: Iterable[str], language: str) -> frozenset[str]:
    """What customers call a product in one word each: the noun of each phrase, in lower case and without accents."""
    found = set()
    for phrase in phrases:
        told = [word for word in _WORD.findall(_plain(_BEFORE.split(phrase)[0])) if word not in _SIZES]
        if told:
            found.add(told[0] if language in _HEAD_FIRST else told[-1])
    return frozenset(word for word in found if len(word) >= LEAST)


def names_product(order: Order, text: str) -> bool:
    """Whether the name of one of the order's items stands in the text, a typo allowed for."""
    lowered = text.casefold()
    return any(
        len(item.name) > 3
        and fuzz.partial_ratio(item.name.casefold(), lowered, score_cutoff=SAME_NAME) > 0
        and len(lowered) >= len(item.name)
        for item in order.items
    )


def of_the_kind(orders: Sequence[Order], text: str, kinds: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Ids of the orders whose products the text calls by their kind, the nearest only; `kinds` are `kind_words` by sku."""
    said = {word for word in _WORD.findall(_plain(text)) if len(word) >= LEAST}
    score = {order.order_id: _likeness(order, said, kinds) for order in orders}
    best = max(score.values(), default=0.0)
    return frozenset(order_id for order_id, likeness in score.items() if likeness == best > 0)


def _likeness(order: Order, said: Iterable[str], kinds: Mapping[str, frozenset[str]]) -> float:
    words = {word for item in order.items for word in kinds.get(item.sku or "", ())}
    return max((_alike(word, other) for word in words for other in said), default=0.0)


def _alike(word: str, said: str) -> float:
    """Likeness (0..100) of two words of which one may be the other's last part or a form of it, else 0."""
    same = fuzz.ratio(word, said)
    if same >= SAME_KIND:
        return same
    for stem in (said, said[:-1], said[:-2]):  # without the ending of a plural or an article: "sovsäcken"
        short, long = sorted((word, stem), key=len)
        if len(short) >= LEAST and fuzz.ratio(short, long[-len(short) :]) >= SAME_KIND:
            return same
    return 0.0


def _plain(text: str) -> str:
    """In lower case, without accents: "Stühle" beside "Stuhl"."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
