"""Personal data taken out of a recorded message before it becomes a case: known values of the record, then patterns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from service.messages import Customer, Message, Order
from service.order_numbers import order_numbers

# On folded text: lower case, without accents. A space, a hyphen or a dash of any kind may part the digits of a number.
_GAP = r"[ .\-\u00a0\u2009\u202f\u2010-\u2015]"
_EMAIL = r"[^\s@<>()\[\],;:\"]{0,63}\w(?:@[\w-]+(?:\.[\w-]+)+|\s?[\[(]\s?at\s?[\])]\s?[\w-]+(?:\.[\w-]+)*)"
_GROUP = rf"(?:[a-z]{{4}}(?={_GAP}?\d)|[a-z]{{0,4}}\d[a-z0-9]*)"  # of an IBAN: a bank's code, or digits among letters
_IBAN = rf"(?<![^\W_])[a-z]{{2}}{_GAP}?\d\d(?=(?:{_GAP}?[a-z0-9]){{11}})(?:{_GAP}?{_GROUP})+"
_HANDLE = r"@\w(?:[\w.-]*\w)?|(?<!\w)u/[\w-]*\w"
_CODE = r"(?<![^\W_])(?=[\w-]*\d)[a-z]{1,4}-?\d{3,}[a-z]{0,3}(?!\w)"
_LONG_NUMBER = rf"[+(]{{0,2}}(?<!\d)\d(?:(?:{_GAP}|[/()_]){{0,3}}\d){{6,}}"
_NUMBER = r"(?<![\w-])\d{5,}"
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_PARTS = re.compile(r"[\s.,'’-]+")
_STROKES = str.maketrans("øłđðþıœæ", "olddpioa")
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe"})
LEAST_NAME = 3  # letters of a part of a name; shorter ones are words as well
PARTICLES = frozenset("van von der den dem del della dos das las los ter ten bin the".split())  # of names; words, too
FORM_LETTERS, FORM_DIGITS = 4, 3  # an id with more letters or fewer digits is no number with a prefix: nothing of it is kept
SOMEBODY = ("Alex", "Robin", "Kim", "Sam")  # the first one that is nobody's name here
ADDRESS, NUMBER, ACCOUNT, HANDLE = "someone@mail.example", "00 0000 0000", "XX00 0000 0000 0000", "@someone"


class Mask:
    """What is put in the place of each value; the same value gets the same replacement in every text of the case.

    `ours` are the brand's own handles, which stay; `people` are further names, such as the agent's.
    """

    def __init__(
        self,
        message: Message,
        customer: Customer | None,
        orders: Iterable[Order],
        ours: Iterable[str] = (),
        people: Iterable[str] = (),
    ) -> None:
        orders = list(orders)
        self._ours = {_bare(handle) for handle in ours}
        self._numbers: dict[str, str] = {}
        ids = [message.author.customer_id, customer.customer_id if customer else None]
        ids += [value for order in orders for value in (order.order_id, order.tracking, order.customer_id)]
        said = [message.content, *(turn.text for turn in message.thread)]
        self._real = {value.upper() for value in ids if value} | {number for text in said for number in order_numbers(text)}
        self._known = {_folded(value): self.number(value) for value in ids if value}
        for order in orders:  # customers leave the prefix out
            if len(digits := "".join(_DIGIT.findall(order.order_id))) > FORM_DIGITS:
                self._known.setdefault(digits, "".join(_DIGIT.findall(self.number(order.order_id))))
        if customer and customer.email:
            self._known[_folded(customer.email)] = ADDRESS
        for handle in (message.author.handle, *(customer.handles.values() if customer else ())):
            if handle and _bare(handle) and _bare(handle) not in self._ours:
                self._known |= {_folded(handle): HANDLE, f"@{_bare(handle)}": HANDLE}
                if len(_bare(handle)) >= LEAST_NAME:
                    self._known[_bare(handle)] = HANDLE
        names = {name for name in (message.author.name, customer.name if customer else None, *people) if name and name.strip()}
        parts = {part for name in names for cut in (name.split(), _PARTS.split(name)) for part in cut}
        parts = {part for part in parts if len(part) >= LEAST_NAME and part.casefold() not in PARTICLES}
        self._names = {form for name in names | parts for form in _spellings(name)}
        self._known = {value: instead for value, instead in self._known.items() if value not in self._names or instead != HANDLE}
        self._somebody = next((name for name in SOMEBODY if name.lower() not in self._names), SOMEBODY[0])
        self._all = re.compile(
            "|".join(
                f"(?P<{name}>{pattern})"
                for name, pattern in (
                    ("email", _EMAIL), ("known", _any_of(self._known)), ("iban", _IBAN), ("name", _any_of(self._names, "s?")),
                    ("handle", _HANDLE), ("code", _CODE), ("long", _LONG_NUMBER), ("number", _NUMBER),
                )
            )
        )  # fmt: skip

    def text(self, text: str) -> str:
        """The text without personal data."""
        text = unicodedata.normalize("NFC", text)
        parts: list[str] = []
        at = 0
        for found in self._all.finditer(_folded(text)):
            parts += text[at : found.start()], self._instead(found, text[found.start() : found.end()])
            at = found.end()
        return "".join([*parts, text[at:]])

    def _instead(self, found: re.Match[str], written: str) -> str:
        kind = found.lastgroup
        if kind == "known":
            return self._known[found["known"]]
        if kind in ("code", "number"):
            return self.number(written)
        if kind == "handle":
            return written if _bare(written) in self._ours else HANDLE
        return {"email": ADDRESS, "iban": ACCOUNT, "name": self._somebody}.get(kind or "", NUMBER)

    def number(self, value: str) -> str:
        """An id of the same form with other digits, a different one for each: A-1042 becomes A-9999."""
        key = value.upper()
        if key not in self._numbers:
            kept = len(_LETTER.findall(key)) <= FORM_LETTERS and len(_DIGIT.findall(key)) >= FORM_DIGITS
            form = key if kept else "ID-0000"
            count = len(_DIGIT.findall(form))
            taken = {key, *self._real, *self._numbers.values()}
            made = (_filled(form, str(number)) for number in range(10**count - 1, 0, -1))
            self._numbers[key] = next(number for number in made if number not in taken)
        return self._numbers[key]


def rounded(followers: int) -> int:
    """Two digits of it, which tell a reach and nobody."""
    step = int(10 ** max(len(str(followers)) - 2, 0))
    return followers // step * step


def _filled(form: str, digits: str) -> str:
    left = iter(digits.zfill(len(_DIGIT.findall(form))))
    return _DIGIT.sub(lambda _: next(left), form)


def _folded(text: str) -> str:
    """Lower case without accents, a character for a character."""
    plain = unicodedata.normalize("NFC", text)
    return "".join(unicodedata.normalize("NFD", char.lower())[0] for char in plain).translate(_STROKES)


def _spellings(name: str) -> tuple[str, ...]:
    """A name without its accents: Müßig as mußig, as mussig, and as muessig."""
    return _folded(name), _folded(name.replace("ß", "ss")), _folded(name.lower().translate(_SPELT))


def _bare(handle: str) -> str:
    return _folded(handle.strip()).lstrip("@").rstrip(".")


def _any_of(values: Iterable[str], ending: str = "") -> str:
    """A pattern of whole words, the longest first; an `ending` may follow, such as that of a genitive."""
    longest = sorted((value for value in values if value), key=len, reverse=True)
    return rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest))})(?={ending}(?![^\W_]))" if longest else r"(?!)"
