"""no_personal_data_in_public: nothing of this customer where everybody reads. no_foreign_data: nothing of anybody else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.draft.checks.made import Made
from service.draft.checks.names import knows
from service.draft.checks.quantities import keys_of, quantities, quantities_of
from service.draft.checks.quantity import Key
from service.draft.checks.wording import names, plain, stands_in
from service.draft.facts import amount
from service.masking import STREET_ADDRESS, folded
from service.messages import Order
from service.order_numbers import order_numbers

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_SPELT_EMAIL = re.compile(r"[\w.+-]+\s?[\[(]\s?(?:at|ät|arroba|snabel-?a|apenstaartje|arobase)\s?[\])]\s?[\w.-]+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w.+-])@\w(?:[\w.]*\w)?")
_LONG_NUMBER = re.compile(r"(?:\d[ ./()_-]{0,2}){9,}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b")
_DIGITS = re.compile(r"\D+")
_RUN = re.compile(
    r"(?<![\w.,])\+?\d(?:[\s./_–-]{0,2}\d)*(?![\d%€£]|[.,]\d| ?(?:€|£|%|eur|kr|sek))|(?<=[a-z-])\d(?:[\s./_–-]{0,2}\d)*"
)  # digits of a number
_YOUR = re.compile(
    r"(?<!\w)(?:your|dein|deine[nmrs]?|ihr|ihre[nmrs]?|je|jouw|uw|din|ditt|dina|votre|vos|ton|ta|tes|tu|tus|su|sus)"
    r"\s(?P<what>\w+(?:[ -]\w+)?)"
)
LEAST_DIGITS = 4  # of a number told without its prefix: fewer are a number like any other
LEAST_NAME = 3


def personal(text: str, made: Made) -> list[str]:
    """What kinds of this customer's data stand in a public text; never the data itself."""
    said = plain(text)
    lowered = said.casefold()
    context, message = made.context, made.message
    known: list[tuple[str, str | None]] = [("customer id", message.author.customer_id)]
    for order in context.orders:
        known += [("order number", order.order_id), ("tracking number", order.tracking)]
    if context.customer:
        known += [("email", context.customer.email), ("customer id", context.customer.customer_id)]
        known += [
            ("handle", handle.lstrip("@")) for handle in context.customer.handles.values() if handle != message.author.handle
        ]
    problems = [what for what, value in known if value and len(value) > 2 and _spelt_in(value, lowered)]
    people = (context.customer.name if context.customer else None, message.author.name)
    problems += ["name" for name in people for part in re.split(r"[\s,-]+", name or "") if _is_named(plain(part), said)]
    problems += [
        "email"
        for address in (*_EMAIL.findall(lowered), *_SPELT_EMAIL.findall(lowered))
        if address.rstrip(".") not in _ours(made)
    ]
    problems += _numbers(said, lowered, made)
    if (street := STREET_ADDRESS.search(folded(said))) is not None and said[
        street.start() : street.end()
    ].casefold() not in made.sources.casefold():
        problems.append("address")
    problems += ["what was bought" for order in context.orders if _tells_items(order, lowered, made)]
    problems += _facts_of_orders(said, made)
    return sorted(set(problems))


def foreign_data(text: str, made: Made) -> list[str]:
    """Addresses, numbers and names in a text that belong to nobody known here."""
    said = plain(text)
    lowered = said.casefold()
    customer = made.context.customer
    problems: list[str] = []
    if "@" in said:
        mine = {value.casefold() for value in (customer.email if customer else None,) if value} | _ours(made)
        everything = f"{made.sources}\n{made.said}".casefold()
        addresses = (found.rstrip(".") for found in _EMAIL.findall(lowered))
        problems += [f"the address {found}" for found in addresses if found not in mine and found not in everything]
        accounts = (
            *made.brand.identity.support_handles.values(),
            made.message.author.handle or "",
            *(customer.handles.values() if customer else ()),
        )
        handles = {account.casefold() for account in accounts}
        problems += [
            f"the account {found}"
            for found in _HANDLE.findall(_EMAIL.sub(" ", said))
            if found.casefold() not in handles and found.casefold() not in everything
        ]
    problems += [f"the number {found}" for found in _unknown_numbers(said, made)]
    return [*problems, *(f"greets {name}" for name in _strangers_greeted(said, made))]


def foreign_orders(text: str, made: Made) -> list[str]:
    """Numbers of the form of this customer's orders that are not theirs."""
    mine = {order.order_id.upper() for order in made.context.orders}
    forms = {re.sub(r"\d", "#", order_id) for order_id in mine}
    found = [number for number in order_numbers(text) if number not in mine]
    return [f"{number} is not this customer's" for number in found if re.sub(r"\d", "#", number) in forms]


def _spelt_in(value: str, text: str) -> bool:
    """Whether a number or address stands there in any spelling: "A-1001", "a 1001", and 1001 alone where it is long enough."""
    folded = value.casefold()
    if stands_in(folded, text):
        return True
    digits = _DIGITS.sub("", value)
    if "@" in value or not digits:
        return False
    if len(digits) >= LEAST_DIGITS:
        return any(digits in _DIGITS.sub("", run[0]) for run in _RUN.finditer(text))
    letters = "".join(sign for sign in folded if sign.isalpha())
    return bool(letters) and any(stands_in(f"{letters}{gap}{digits}", text) for gap in ("", " ", "-"))


def _is_named(part: str, text: str) -> bool:
    """Whether a part of a name stands in the text as a name: "van" and "may" are words, "Van" and "May" may be a customer."""
    if len(part) < LEAST_NAME:
        return False
    forms = {part, part.capitalize(), part.upper()}
    return any(stands_in(form, text) or stands_in(f"{form}s", text) for form in forms if not form.islower())


def _numbers(said: str, lowered: str, made: Made) -> list[str]:
    without_ours = lowered
    for value in _ours(made):
        without_ours = without_ours.replace(value, "")
    for line in made.brand.identity.help_lines:
        without_ours = without_ours.replace(line.phone.casefold(), "")
    long = [found for found in _LONG_NUMBER.findall(without_ours) if _DIGITS.sub("", found) not in _DIGITS.sub("", made.sources)]
    return ["a long number"] if long or _IBAN.search(said) else []


def _ours(made: Made) -> set[str]:
    contact = made.brand.identity.contact
    return {value.casefold() for value in (contact.email, contact.phone) if value}


def _tells_items(order: Order, lowered: str, made: Made) -> bool:
    """Whether the text, lower case, names what was bought, where neither the conversation nor a passage did."""
    yours = {word for found in _YOUR.finditer(lowered) for word in (found["what"], *found["what"].split())}
    told = {name for item in order.items if stands_in(name := plain(item.name).casefold(), lowered)}
    for item in order.items:
        told |= made.brand.kinds.get(item.sku or "", frozenset()) & yours
    if not told:
        return False
    elsewhere = "\n".join(
        [made.said, *(text for text, _ in made.passage_texts), *(s.title for s in made.context.suggestions if not s.personal)]
    ).casefold()
    return any(not stands_in(name, elsewhere) for name in told)


def _facts_of_orders(said: str, made: Made) -> list[str]:
    """Sums and days of the record that neither the conversation nor a passage has."""
    told = [q for q in quantities_of(said, made.language, made.today) if q.kind in ("money", "date")]
    own = frozenset(_keys_of_orders(made)) if told else frozenset[Key]()
    found = [q for q in told if q.keys & own and not q.keys & made.heard and not q.keys & _keys_of_passages(made)]
    return ["the sum of an order" if q.kind == "money" else "a day of an order" for q in found]


def _keys_of_passages(made: Made) -> frozenset[Key]:
    return frozenset[Key]().union(*(keys_of(text, language, made.today) for text, language in made.passage_texts))


def _keys_of_orders(made: Made) -> Iterator[Key]:
    for order in made.context.orders:
        money = [(sum_.amount, sum_.currency) for sum_ in (order.total, order.refund) if sum_ is not None]
        currency = money[0][1] if money else "EUR"
        money += [(item.price, currency) for item in order.items if item.price is not None]
        told = " ; ".join(amount(value, unit, made.language) for value, unit in money)
        days = (order.placed_at, order.promised_at, order.shipped_at, order.due_at, order.delivered_at, order.replacement_at,
                order.held_until,
                order.refund.at if order.refund else None)  # fmt: skip
        told += " ; ".join(["", *(day[:10] for day in days if day)])
        yield from (key for q in quantities(plain(told), made.language, made.today) for key in q.keys)


def _unknown_numbers(said: str, made: Made) -> Iterator[str]:
    """Codes and long numbers, such as of an order, a parcel, a card or a phone, that are in no source and were not said."""
    orders = made.context.orders
    mine = {re.sub(r"\W", "", value).upper() for order in orders for value in (order.order_id, order.tracking) if value}
    if made.message.author.customer_id:
        mine.add(re.sub(r"\W", "", made.message.author.customer_id).upper())
    for found in quantities_of(said, made.language, made.today):
        if found.kind in ("code", "phone") and not found.keys & (made.known | made.heard):
            if re.sub(r"\W", "", found.text).upper() not in mine and not _of_help_line(found.text, made):
                yield found.text.strip()


def _of_help_line(number: str, made: Made) -> bool:
    digits = _DIGITS.sub("", number)
    return any(digits in _DIGITS.sub("", line.phone) for line in made.brand.identity.help_lines)


def _strangers_greeted(said: str, made: Made) -> Iterator[str]:
    """Names in a greeting that are not the customer's."""
    for found in made.words.greeted.finditer(said):
        who = [word for word in found["who"].split() if word[:1].isupper() and word.isalpha()]
        if not who or len(found["who"].split()) > 4:
            continue
        for word in who:
            if made.words.titles.fullmatch(word) or knows(word, made):
                continue
            if word in names()["people"] or (
                found["who"].strip() and len(found["who"].split()) <= 3 and said[found.end() : found.end() + 1] in ",!.:\n"
            ):
                yield word
