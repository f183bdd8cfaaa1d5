"""What looks like an order number: read by the look-up of orders, the plan of a draft and its checks."""

from __future__ import annotations

import re

ORDER_NUMBER = re.compile(r"(?<![\w-])(?=[\w-]*\d)[A-Za-z]{1,4}-?\d{3,}(?![\w])|(?<![\w-])\d{5,}(?!\w)|(?<=#)\d{4,}(?!\w)")


def order_numbers(text: str) -> list[str]:
    """What looks like an order number in a text, upper case."""
    return [match.group().upper() for match in ORDER_NUMBER.finditer(text)]
