"""What a text says in numbers and days: one of them, and the keys by which the same one is found in another form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "money", "percent", "span", "date", "month", "clock", "weekday", "relative", "feast", "code", "phone"]
Key = tuple[str, object]


@dataclass(frozen=True)
class Quantity:
    """One of them as it stands in a text; it is the same as another that shares a key."""

    text: str
    kind: Kind
    keys: frozenset[Key]
    start: int
