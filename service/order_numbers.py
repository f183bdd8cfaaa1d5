"""What looks like an order number: read by the look-up of orders, the plan of a draft and its checks."""

from __future__ import annotations

import re
from collections.abc import Collection

_DIGITS = re.compile(r"\d{3}")  # in each of them
ORDER_NUMBER = re.compile(r"(?<![\w-])[A-Za-z]{1,4}-?\d{3,}(?!\w)|(?<![\w-])\d{5,}(?!\w)|(?<=#)\d{4,}(?!\w)")


def order_numbers(text: str, codes: Collection[str] = ()) -> list[str]:
    """What looks like an order number in a text, upper case; none of the `codes`, which name something else there."""
    if _DIGITS.search(text) is None:
        return []
    return [match.group().upper() for match in ORDER_NUMBER.finditer(text) if plain(match.group()) not in codes]


def plain(code: str) -> str:
    """A number or code as it is compared, lower case and without hyphens: T-15 and t15 are one."""
    return re.sub("[-_]", "", code.casefold())
