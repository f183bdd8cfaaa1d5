"""Personal data taken out before a text leaves for a model, and put back into what the model writes.

The same value has the same pseudonym in every text of one message, so that a model can tell two orders apart: `[ORDER_1]`.
Days and sums stay: without them there is nothing to write, and they name nobody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from service.brands import Brand
from service.masking import Mask
from service.messages import Context, Message

_TOKEN = re.compile(r"\[?\b(?P<kind>ORDER|TRACKING|CUSTOMER|NAME|EMAIL|HANDLE|ACCOUNT|ADDRESS|NUMBER)_(?P<number>\d{1,3})\b\]?")
_KINDS = {
    "email": "EMAIL", "iban": "ACCOUNT", "name": "NAME", "handle": "HANDLE", "street": "ADDRESS",
    "code": "NUMBER", "long": "NUMBER", "number": "NUMBER",
}  # fmt: skip


class Pseudonyms:
    """The pseudonyms of one message, its customer and their orders."""

    def __init__(self, message: Message, context: Context, brand: Brand) -> None:
        orders = context.orders
        handles = brand.identity.support_handles.values()
        self._mask = Mask(message, context.customer, orders, handles, marked=True)
        contact = brand.identity.contact
        self._ours = {value.casefold() for value in (contact.email, contact.phone) if value}
        self._kinds: dict[str, str] = {}
        for order in orders:
            self._kinds[_key(order.order_id)] = "ORDER"
            if order.tracking:
                self._kinds[_key(order.tracking)] = "TRACKING"
        for owner in (message.author.customer_id, context.customer.customer_id if context.customer else None):
            if owner:
                self._kinds[_key(owner)] = "CUSTOMER"
        self._tokens: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        for order in orders:  # in the order they come, the likeliest one first
            self._token("ORDER", order.order_id)

    def hide(self, text: str) -> str:
        """The text without personal data."""
        text = _untokened(unicodedata.normalize("NFC", text))
        parts: list[str] = []
        at = 0
        for kind, start, end in self.found(text):
            written = text[start:end]
            parts += text[at:start], self._token(self._kinds.get(_key(written), _KINDS[kind]), written)
            at = end
        return "".join([*parts, text[at:]])

    def found(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Where a text in NFC is hidden: (kind, start, end) in order, none inside another."""
        at = 0
        for kind, start, end in self._mask.found(text):
            if kind in _KINDS and text[start:end].casefold() not in self._ours and start >= at:
                yield kind, start, end
                at = end

    def show(self, text: str) -> str:
        """What a model wrote, with the values in their places; a pseudonym that was never given stays as it is."""
        return _TOKEN.sub(lambda found: self._values.get(_name(found), found[0]), text)

    def unknown(self, text: str) -> list[str]:
        """Pseudonyms in what a model wrote that were never given to it."""
        return [found[0] for found in _TOKEN.finditer(text) if _name(found) not in self._values]

    def personal(self, text: str, but: Iterable[str] = ()) -> list[str]:
        """Pseudonyms that stand in what a model wrote, without those of the values `but`."""
        left = {_key(value) for value in but}
        named = (_name(found) for found in _TOKEN.finditer(text))
        return [name for name in named if name in self._values and _key(self._values[name]) not in left]

    def _token(self, kind: str, written: str) -> str:
        if (kind, _key(written)) not in self._tokens:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = f"{kind}_{self._counts[kind]}"
            self._tokens[kind, _key(written)] = name
            self._values[name] = written
        return f"[{self._tokens[kind, _key(written)]}]"


def _untokened(text: str) -> str:
    """A customer's text that holds the form of a pseudonym must not be taken for one."""
    return _TOKEN.sub(lambda found: found[0].lower(), text)


def _name(found: re.Match[str]) -> str:
    return f"{found['kind']}_{found['number']}"


def _key(value: str) -> str:
    return unicodedata.normalize("NFC", value).casefold()
