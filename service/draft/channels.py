"""How long a text may be on a channel, counted as the channel counts: `knowledge/channels.yaml`."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Annotated

import regex
from pydantic import BaseModel, ConfigDict, Field

from service.files import shipped
from service.messages import Channel, DraftText, Unit
from service.yaml_files import read_yaml

LINK_WEIGHT = 23  # X shortens every link to this length
_LINK = regex.compile(r"https?://[^\s<>()\[\]\"]+[^\s<>()\[\]\".,;:!?'…]")
_EMOJI = regex.compile(r"\p{Extended_Pictographic}|\p{Regional_Indicator}")
# X counts these ranges once and everything else twice (twitter-text configuration version 3).
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("^{}\\[~]|€")  # two septets each
_SEPTETS_PER_UCS2_UNIT = 306 / 134  # two joined parts hold 306 septets or 134 UCS-2 units


class Limit(BaseModel):
    """The longest text, in a unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    limit: Annotated[int, Field(ge=50)]
    unit: Unit


class ChannelRules(BaseModel):
    """What holds on one channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    public: Limit
    private: Limit
    direct_messages: bool = True
    markdown: bool = False  # whether readers see bold type and lists, or the stars they are written with


class _AllRules(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, ChannelRules]


@cache
def _rules() -> dict[str, ChannelRules]:
    return dict(read_yaml(shipped("knowledge/channels.yaml"), _AllRules).__pydantic_extra__ or {})


def rules_of(channel: Channel) -> ChannelRules:
    """The rules of a channel."""
    return _rules()[channel]


def length(text: str, unit: Unit) -> int:
    """The text's length as a channel with this unit counts it."""
    match unit:
        case "chars":
            return len(text)
        case "bytes":
            return len(text.encode())
        case "utf16":
            return len(text.encode("utf-16-le")) // 2
        case "weighted":
            return _weighted(unicodedata.normalize("NFC", text))
        case "septets":
            return _septets(text)


def _weighted(text: str) -> int:
    links = _LINK.findall(text)
    total = LINK_WEIGHT * len(links)
    for cluster in regex.findall(r"\X", _LINK.sub("", text)):
        if _EMOJI.search(cluster):
            total += 2
        else:
            total += sum(1 if any(low <= ord(c) <= high for low, high in _LIGHT) else 2 for c in cluster)
    return total


def _septets(text: str) -> int:
    if all(c in _GSM or c in _GSM_EXTENDED for c in text):
        return sum(2 if c in _GSM_EXTENDED else 1 for c in text)
    return -(-int(length(text, "utf16") * _SEPTETS_PER_UCS2_UNIT * 1000) // 1000)


_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "...",
                        "\u00a0": " ", "\u202f": " "})  # fmt: skip


def spelt(text: str, unit: Unit) -> str:
    """The text in letters the channel holds: one typographic quote in an SMS more than halves what fits into it."""
    return text.translate(_PLAIN) if unit == "septets" else text


def measured(text: str, limit: Limit) -> DraftText:
    """The text with its length and the limit."""
    return DraftText(text=text, length=length(text, limit.unit), limit=limit.limit, unit=limit.unit)


def fits(text: str, limit: Limit) -> bool:
    """Whether the text is within the limit."""
    return length(text, limit.unit) <= limit.limit
