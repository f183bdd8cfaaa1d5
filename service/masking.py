"""Personal data taken out of a recorded message or a reply: known values of the record, then patterns.

A case of the evals gets values that read on in their place; a reply that people read again says in brackets what was there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from service.draft.facts import amount, day
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
_STREET = "|".join(
    (
        r"(?<![^\W_])(?:\w{2,}(?:stra(?:ß|ss)e|strasse|str\.|weg|gasse|allee|platz|damm|laan|straat|plein|gracht|kade)"
        r"|\w{2,}(?:vagen|gatan|gata|torget|stigen|grand))\s\d{1,4}(?:\s?[a-z])?(?!\w)",
        r"(?<!\w)\d{1,4}[a-z]?,?\s(?:\w+\s){1,3}(?:street|road|avenue|lane|drive|crescent|terrace|gardens)(?!\w)",
        r"(?<!\w)\d{1,4}(?:\s?(?:bis|ter))?,?\s(?:rue|avenue|boulevard|bd|chemin|impasse|quai|allee)\s(?:(?:de|du|des|la|le|les)\s)*"
        r"[\w'’-]+(?:\s[\w'’-]*\d)?",
        r"(?<!\w)(?:calle|avenida|avda\.?|paseo|plaza|camino)\s(?:[\w.]+\s){0,3}[\w.]+,?\s(?:n[.º°o]*\s?)?\d{1,4}(?!\w)",
    )
)
# How a letter begins and ends, on the text as it is: a name has a capital.
_NAME = r"[^\W\d_a-zß-öø-ÿ][\w'’-]*"
_GREETED = re.compile(
    r"^\W*(?i:hallo|hello|hi|hey|hej|hejsan|hoi|dag|dear|lieber?|lieve|beste|geachte|sehr\sgeehrter?|bonjour|bonsoir|salut|ch[eè]re?"
    r"|hola|querid[oa]|estimad[oa]|kära?|guten\s(?:tag|morgen|abend)|good\s(?:morning|afternoon|evening)|goede(?:morgen|middag|navond)"
    r"|god\s(?:dag|morgon|kväll)|buen[oa]s\s(?:días|tardes|noches))"
    r"(?P<comma>,)?[^\S\n]+(?:(?i:frau|herrn?|mrs?|ms|mme|madame|monsieur|m|señora?|sra?|mevrouw|meneer|de\sheer|fru)\.?[^\S\n]+)*"
    rf"(?P<who>(?!(?i:gr[uü](?:ß|ss)|wünsch|regards|wishes|groet|dank)){_NAME}(?:[^\S\n]{_NAME}){{0,3}})"
    r"(?(comma)(?=[^\S\n]*(?:[,!.:;]|$)))",  # "Hallo, wir …" greets nobody
    re.MULTILINE,
)
_SIGNED = re.compile(
    r"(?i:grü(?:ß|ss)en?|gru(?:ß|ss)|regards|wishes|cheers|thanks|groet(?:en|jes)?|hälsning(?:ar)?|cordialement|bien\sà\svous|saludos?)"
    rf"[\s,.!–-]+(?:(?i:von|from|de|van|från)\s)?(?P<who>(?!(?i:dein|deine|ihr|ihre|euer|eure|das|your|the|team)\b){_NAME}"
    rf"(?:\s{_NAME}){{0,2}})\W*$",
    re.MULTILINE,
)
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
        self._facts = {form: kind for order in orders for form, kind in _facts(order)} if marked else {}
        self._somebody = next((name for name in SOMEBODY if name.lower() not in self._names), SOMEBODY[0])
        self._all = re.compile(
            "|".join(
                f"(?P<{name}>{pattern})"
                for name, pattern in (
                    ("email", _EMAIL), ("known", _any_of(self._known)), ("iban", _IBAN), ("name", _any_of(self._names, "s?")),
                    ("street", _STREET), ("fact", _any_of(self._facts)), ("handle", _HANDLE),
                    ("code", _CODE), ("long", _LONG_NUMBER), ("number", _NUMBER),
                )
            )
        )  # fmt: skip

    def text(self, text: str) -> str:
        """The text without personal data."""
        text = unicodedata.normalize("NFC", text)
        if self._marked:
            for pattern in (_GREETED, _SIGNED):
                text = pattern.sub(_without_name, text)
        parts: list[str] = []
        at = 0
        for found in self._all.finditer(_folded(text)):
            parts += text[at : found.start()], self._instead(found, text[found.start() : found.end()])
            at = found.end()
        return "".join([*parts, text[at:]])

    def _instead(self, found: re.Match[str], written: str) -> str:
        kind = found.lastgroup or ""
        if kind == "handle" and _bare(written) in self._ours:
            return written
        if self._marked:
            return MARKS[self._kind(kind, found[0])]
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


def _without_name(found: re.Match[str]) -> str:
    start, end = (at - found.start() for at in found.span("who"))
    return found[0][:start] + MARKS["name"] + found[0][end:]


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
                yield from ((_folded(form), "date") for form in (told, f"{number} {month}", f"{month} {number}"))
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
        yield from ((_folded(form), "amount") for form in forms)
        yield from ((re.sub(r"[\u00a0\u202f]", " ", _folded(form)), "amount") for form in forms)


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
