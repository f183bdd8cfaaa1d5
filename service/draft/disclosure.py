"""The sentence by which a brand says in every draft who wrote it: voice.yaml `disclosure`, the last paragraph of both texts."""

from __future__ import annotations

from service.brands import Brand
from service.draft.channels import Limit, length

GAP = "\n\n"


def disclosed(text: str, brand: Brand, language: str) -> str:
    """The text with the brand's disclosure, as it is where the brand has none or it stands there already."""
    said = brand.voice(language).disclosure
    return f"{text}{GAP}{said}" if said and text.strip() and said not in text else text


def room(limit: Limit, brand: Brand, language: str) -> Limit:
    """What of a limit is left for the rest of a text."""
    said = brand.voice(language).disclosure
    return limit.model_copy(update={"limit": limit.limit - length(GAP + said, limit.unit)}) if said else limit
