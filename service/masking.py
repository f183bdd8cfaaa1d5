"""Personal data taken out of a recorded message or a reply: known values of the record, then patterns.

A case of the evals gets values that read on in their place; a reply that people read again says in brackets what was there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from service import personal_patterns as patterns
from service.draft.facts import amount, day
from service.messages import Customer, Message, Order
from service.order_numbers import order_numbers

STREET_ADDRESS = re.compile(patterns.STREET)  # on folded text
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_SWAPPED = str.maketrans(",.", ".,")
_PARTS = re.compile(r"[\s.,'’-]+")
_STROKES = str.maketrans("øłđðþıœæ", "olddpioa")
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe"})
LEAST_NAME = 3  # letters of a part of a name; shorter ones are words as well
PARTICLES = frozenset("van von der den dem del della dos das las los ter ten bin the".split())  # of names; words, too
FORM_LETTERS, FORM_DIGITS = 4, 3  # an id with more letters or fewer digits is no number with a prefix: nothing of it is kept
SOMEBODY = ("Alex", "Robin", "Kim", "Sam")  # the first one that is nobody's name here
ADDRESS, NUMBER, ACCOUNT, HANDLE = "someone@mail.example", "00 0000 0000", "XX00 0000 0000 0000", "@someone"
STREET = "Example Street 1"
MARKS = {
    "email": "[e-mail]", "iban": "[account]", "name": "[name]", "handle": "[handle]", "street": "[address]", "date": "[date]",
    "amount": "[amount]", "code": "[number]", "long": "[number]", "number": "[number]",
}  # fmt: skip
_LANGUAGES = ("en", "de", "nl", "sv", "fr", "es")
LEAST_PLAIN = 15  # a smaller amount without its currency is a number like any other


class Mask:
    """What is put in the place of each value; the same value gets the same replacement in every text of the case.

    `ours` are the brand's own handles, which stay; `people` are further names, such as the agent's. With `marked`, a
    value is replaced by what it was, in brackets, and so are the days and sums of the orders and the names that a text
    begins and ends with.
    """

    def __init__(
        self,
        message: Message,
        customer: Customer | None,
        orders: Iterable[Order],
        ours: Iterable[str] = (),
        people: Iterable[str] = (),
        *,
        marked: bool = False,
    ) -> None:
        orders = list(orders)
        self._marked = marked
        self._ours = {_bare(handle) for handle in ours}
        self._numbers: dict[str, str] = {}
        ids = [message.author.customer_id, customer.customer_id if customer else None]
        ids += [value for order in orders for value in (order.order_id, order.tracking, order.customer_id)]
        said = [message.content, *(turn.text for turn in message.thread)]
        self._real = {value.upper() for value in ids if value} | {number for text in said for number in order_numbers(text)}
        self._known = {folded(value): self.number(value) for value in ids if value}
        for order in orders:  # customers leave the prefix out
            if len(digits := "".join(_DIGIT.findall(order.order_id))) > FORM_DIGITS:
                self._known.setdefault(digits, "".join(_DIGIT.findall(self.number(order.order_id))))
        if customer and customer.email:
            self._known[folded(customer.email)] = ADDRESS
        for handle in (message.author.handle, *(customer.handles.values() if customer else ())):
            if handle and _bare(handle) and _bare(handle) not in self._ours:
                self._known |= {folded(handle): HANDLE, f"@{_bare(handle)}": HANDLE}
                if len(_bare(handle)) >= LEAST_NAME:
                    self._known[_bare(handle)] = HANDLE
        names = {name for name in (message.author.name, customer.name if customer else None, *people) if name and name.strip()}
        parts = {part for name in names for cut in (name.split(), _PARTS.split(name)) for part in cut}
        parts = {part for part in parts if len(part) >= LEAST_NAME and part.casefold() not in PARTICLES}
        self._names = {form for name in names | parts for form in _spellings(name)}
        self._known = {value: instead for value, instead in self._known.items() if value not in self._names or instead != HANDLE}
        self._facts = {form: kind for order in orders for form, kind in _facts(order)} if marked else {}
        self._somebody = next((name for name in SOMEBODY if name.lower() not in self._names), SOMEBODY[0])
        self._all = re.compile(
            "|".join(
                f"(?P<{name}>{pattern})"
                for name, pattern in (
                    ("email", patterns.EMAIL), ("known", _any_of(self._known)), ("iban", patterns.IBAN),
                    ("name", _any_of(self._names, "s?")), ("street", patterns.STREET), ("fact", _any_of(self._facts)),
                    ("handle", patterns.HANDLE), ("code", patterns.CODE), ("long", patterns.LONG_NUMBER),
                    ("number", patterns.NUMBER),
                )
            )
        )  # fmt: skip

    def text(self, text: str) -> str:
        """The text without personal data."""
        text = unicodedata.normalize("NFC", text)
        parts: list[str] = []
        at = 0
        if self._marked:
            for kind, start, end in self.found(text):
                parts += text[at:start], MARKS[kind]
                at = end
        else:
            for found in self._all.finditer(folded(text)):
                parts += text[at : found.start()], self._instead(found, text[found.start() : found.end()])
                at = found.end()
        return "".join([*parts, text[at:]])

    def found(self, text: str) -> list[tuple[str, int, int]]:
        """Where personal data stands in a text in NFC: (kind, start, end) in order, none inside another; kinds as in MARKS.

        What two patterns find together is one place, of the kind that its form tells rather than the words around it.
        """
        spans = [("street", *match.span()) for match in patterns.ADDRESSES.finditer(text)]
        for match in self._all.finditer(folded(text)):
            kind = match.lastgroup or ""
            if kind != "handle" or _bare(match[0]) not in self._ours:
                spans.append((self._kind(kind, match[0]), match.start(), match.end()))
        spans += _named(text)
        apart: list[tuple[str, int, int]] = []
        for kind, start, end in sorted(spans, key=lambda span: span[1:]):
            if apart and start < apart[-1][2]:
                before, first, last = apart[-1]
                apart[-1] = (kind if before == "name" else before, first, max(last, end))
            else:
                apart.append((kind, start, end))
        return apart

    def _instead(self, found: re.Match[str], written: str) -> str:
        kind = found.lastgroup or ""
        if kind == "handle" and _bare(written) in self._ours:
            return written
        if kind == "known":
            return self._known[found["known"]]
        if kind in ("code", "number"):
            return self.number(written)
        stand_ins = {"email": ADDRESS, "iban": ACCOUNT, "name": self._somebody, "handle": HANDLE, "street": STREET}
        return stand_ins.get(kind, NUMBER)

    def _kind(self, kind: str, value: str) -> str:
        if kind == "known":
            return {ADDRESS: "email", HANDLE: "handle"}.get(self._known[value], "number")
        return self._facts[value] if kind == "fact" else kind

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


def _named(text: str) -> list[tuple[str, int, int]]:
    """Names that the words around them give away, and where else in the text a part of one stands with a capital."""
    told = [
        match.span(group)
        for pattern in patterns.NAMES
        for match in pattern.finditer(text)
        for group in patterns.WHO & match.groupdict().keys()
        if match[group]
    ]
    parts = {part for start, end in told for part in _PARTS.split(text[start:end])}
    parts = {part for part in parts if len(part) >= LEAST_NAME and part[0].isupper() and part.casefold() not in PARTICLES}
    again = [match.span() for match in re.finditer(_any_of(parts, "s?"), text)]
    return [("name", *span) for span in (*told, *again)]


def rounded(followers: int) -> int:
    """Two digits of it, which tell a reach and nobody."""
    step = int(10 ** max(len(str(followers)) - 2, 0))
    return followers // step * step


def _facts(order: Order) -> Iterator[tuple[str, str]]:
    """Days and sums of an order as people write them, folded, each with its kind."""
    days = [
        order.placed_at, order.promised_at, order.shipped_at, order.due_at, order.delivered_at, order.replacement_at,
        order.held_until, order.refund.at if order.refund else None, *(event.at for event in order.timeline),
    ]  # fmt: skip
    for iso in {value[:10] for value in days if value}:
        for language in _LANGUAGES:
            if told := day(iso, language):
                number, _, month = told.replace(".", "").partition(" ")
                yield from ((folded(form), "date") for form in (told, f"{number} {month}", f"{month} {number}"))
        if re.fullmatch(r"\d{4}-\d\d-\d\d", iso):
            year, month, number = iso.split("-")
            for m, d in ((month, number), (str(int(month)), str(int(number)))):
                for gap in "./-":
                    shorts = (f"{d}{gap}{m}", f"{d}{gap}{m}{gap}{year}", f"{d}{gap}{m}{gap}{year[2:]}", f"{m}{gap}{d}")
                    yield from ((form, "date") for form in shorts)
            yield iso, "date"
    money = [(sum.amount, sum.currency) for sum in (order.total, order.refund) if sum]
    currency = money[0][1] if money else "EUR"
    money += [(item.price, currency) for item in order.items if item.price is not None]
    for value, unit in money:
        whole, cents = f"{value:.2f}".split(".")
        forms = {f"{whole}{mark}{cents}" for mark in ".,"} | {f"{value:,.2f}", f"{value:,.2f}".translate(_SWAPPED)}
        forms |= {amount(value, unit, language) for language in _LANGUAGES}
        if cents == "00":
            forms |= {f"{whole}{gap}{sign}" for gap in ("", " ") for sign in "€£$"} | {f"{sign}{whole}" for sign in "€£$"}
            forms |= {f"{whole} {word}" for word in ("eur", "euro", "euros", "kr", "gbp", "sek", "usd")}
            if value >= LEAST_PLAIN:
                forms |= {whole, f"{value:,.0f}", f"{value:,.0f}".replace(",", ".")}
        yield from ((folded(form), "amount") for form in forms)
        yield from ((re.sub(r"[\u00a0\u202f]", " ", folded(form)), "amount") for form in forms)


def _filled(form: str, digits: str) -> str:
    left = iter(digits.zfill(len(_DIGIT.findall(form))))
    return _DIGIT.sub(lambda _: next(left), form)


def folded(text: str) -> str:
    """Lower case without accents, a character for a character."""
    return "".join(map(_folded_character, unicodedata.normalize("NFC", text)))


@lru_cache(maxsize=4_096)
def _folded_character(character: str) -> str:
    return unicodedata.normalize("NFD", character.lower())[0].translate(_STROKES)


def _spellings(name: str) -> tuple[str, ...]:
    """A name without its accents: Müßig as mußig, as mussig, and as muessig."""
    return folded(name), folded(name.replace("ß", "ss")), folded(name.lower().translate(_SPELT))


def _bare(handle: str) -> str:
    return folded(handle.strip()).lstrip("@").rstrip(".")


def _any_of(values: Iterable[str], ending: str = "") -> str:
    """A pattern of whole words, the longest first; an `ending` may follow, such as that of a genitive."""
    longest = sorted((value for value in values if value), key=len, reverse=True)
    return rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest))})(?={ending}(?![^\W_]))" if longest else r"(?!)"
