"""Personal data taken out of a recorded message before it becomes a case: known values of the record, then patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable

from service.messages import Customer, Message, Order

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_HANDLE = re.compile(r"(?<![\w@])@[\w.]{2,}")
_LONG_NUMBER = re.compile(r"(?<![\w])\+?(?:\d[ ./()-]{0,2}){7,}\d(?!\w)")
_DIGIT = re.compile(r"\d")
LEAST_NAME = 3  # letters of a part of a name; shorter ones are words as well
SOMEBODY, ADDRESS, NUMBER, ACCOUNT = "Alex", "someone@mail.example", "00 0000 0000", "XX00 0000 0000 0000"


class Mask:
    """What is put in the place of each value; the same value gets the same replacement in every text of the case."""

    def __init__(self, message: Message, customer: Customer | None, orders: Iterable[Order], ours: Iterable[str] = ()) -> None:
        self._ours = {handle.casefold() for handle in ours}
        names = [name for name in (message.author.name, customer.name if customer else None) if name]
        self._known: dict[str, str] = {}
        for order in orders:
            self._known[order.order_id] = masked_number(order.order_id)
            if order.tracking:
                self._known[order.tracking] = masked_number(order.tracking)
        ids = (message.author.customer_id, customer.customer_id if customer else None)
        self._known |= {value: masked_number(value) for value in ids if value}
        self._known |= dict.fromkeys(names, SOMEBODY)
        parts = (part for name in names for part in name.split() if len(part) >= LEAST_NAME and not part.islower())
        self._known |= dict.fromkeys(parts, SOMEBODY)
        if customer and customer.email:
            self._known[customer.email] = ADDRESS
        handles = [message.author.handle, *(customer.handles.values() if customer else ())]
        self._known |= {handle: "@someone" for handle in handles if handle and handle.casefold() not in self._ours}

    def text(self, text: str) -> str:
        """The text without personal data."""
        for value in sorted(self._known, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", lambda _, v=value: self._known[v], text, flags=re.IGNORECASE)  # type: ignore[misc]
        text = _EMAIL.sub(ADDRESS, text)
        text = _IBAN.sub(ACCOUNT, text)
        text = _HANDLE.sub(lambda found: found[0] if found[0].casefold() in self._ours else "@someone", text)
        return _LONG_NUMBER.sub(NUMBER, text)


def masked_number(value: str) -> str:
    """An id of the same form with other digits: A-1042 becomes A-9999."""
    return _DIGIT.sub("9", value)
