"""`firstreply brands check`: everything that is wrong in a brand's folder, one line each, with file and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from service.brands import Brand, read_brand
from service.errors import FirstReplyError
from service.knowledge import Entry
from service.messages import Order
from service.order_files.customers import customer_lines
from service.order_files.read import order_lines
from service.retrieve.folder import faq_terms, read_faqs, read_macros, read_offer_dates, read_offers, read_products
from service.retrieve.ingest import Report, read_contacts
from service.understand.examples import read_searches
from service.yaml_files import read_text

MOST_SHORT = 600  # characters of an answer without a short form that a public reply can still hold
_NUMBER = re.compile(r"\d+(?:(?:[.,:\s]|\sh\s)\d+)*")  # French writes the time of day as 14 h 00
_DATED = frozenset({"in_transit", "out_for_delivery", "delivered", "delayed", "lost", "damaged"})


def check_brand(name: str, folder: Path) -> list[str]:
    """What is wrong in a brand's folder, one line each."""
    try:
        brand = read_brand(name, folder)
        faqs = read_faqs(folder)
        offers = read_offers(folder)
        others = [*read_macros(folder), *read_products(folder), *offers]
        read_searches(name, folder, {entry.entry for entry in (*faqs, *offers)})
    except FirstReplyError as error:
        return [error.detail]
    return [
        *_people(brand, folder),
        *_topics(brand, [*faqs, *others]),
        *_translations(brand, [*faqs, *others], folder),
        *_answers(faqs),
        *_terms(brand, faqs, folder),
        *_products(brand, folder, {faq.entry for faq in faqs}),
        *_voices(brand),
    ]


def file_of(entry: Entry) -> str:
    """The file of a brand's folder that an entry stands in."""
    if entry.kind == "product" or entry.entry.startswith("offer-"):
        return f"{'products' if entry.kind == 'product' else 'offers'}/{entry.language}.yaml: {entry.entry}"
    return f"{'macros' if entry.kind == 'macro' else 'faqs'}/{entry.language}/{entry.entry}.md"


def _people(brand: Brand, folder: Path) -> Iterable[str]:
    customers: set[str] = set()
    orders: list[Order] = []
    today = brand.identity.orders_day(datetime.now(UTC).date())
    for file in ("customers.jsonl", "orders.jsonl", "contacts.jsonl"):
        path = folder / file
        if not path.exists():
            continue
        found, problems = _read(file, read_text(path).split("\n"), today)
        yield from (f"{path}: {problem}" for problem in problems)
        if problems:
            return  # who is missing can't be told from what can't be read
        if file == "customers.jsonl":
            customers = {customer.customer_id for customer in found}
            continue
        yield from (f"{path}: {_id(one)} belongs to {one.customer_id}, who is not in customers.jsonl"
                    for one in found if customers and one.customer_id not in customers)  # fmt: skip
        if file == "orders.jsonl":
            orders = found
        elif ids := {order.order_id for order in orders}:
            yield from (f"{path}: {_id(one)} names order {one.order_id}, which is not in orders.jsonl"
                        for one in found if one.order_id and one.order_id not in ids)  # fmt: skip
    for order in orders:
        dates = (order.placed_at, order.promised_at, order.shipped_at, order.due_at, order.delivered_at)
        if order.status in _DATED and not any(dates):
            yield f"{folder / 'orders.jsonl'}: {order.order_id} is {order.status} and has no date: drafts can only say its status"


def _read(file: str, lines: list[str], today: date) -> tuple[list[Any], list[str]]:
    """What stands in one of the files, and what is wrong with the rest."""
    if file == "customers.jsonl":
        people, told = customer_lines(lines)
        return list(people), told.problems
    if file == "orders.jsonl":
        read = order_lines(lines, today)
        return list(read.orders), read.problems
    report = Report()
    return list(read_contacts(lines, report)), report.problems


def _id(one: Any) -> str:
    return str(getattr(one, "order_id", None) if isinstance(one, Order) else one.contact_id)


def _topics(brand: Brand, entries: Iterable[Entry]) -> Iterable[str]:
    topics = {topic.id for topic in brand.topics}
    for entry in entries:
        if entry.kind != "product" and entry.topic not in topics:
            near = difflib.get_close_matches(str(entry.topic), topics, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"topics.yaml has {', '.join(sorted(topics))}"
            yield f"{file_of(entry)}: unknown topic {entry.topic!r}; {hint}"


def _translations(brand: Brand, entries: list[Entry], folder: Path) -> Iterable[str]:
    for kind, place in (("faq", "faqs/{}/{}.md"), ("macro", "macros/{}/{}.md"), ("product", "products/{}.yaml: {}")):
        mine = [entry for entry in entries if entry.kind == kind]
        for language in brand.identity.languages:
            have = {entry.entry for entry in mine if entry.language == language}
            for entry in sorted({entry.entry for entry in mine} - have):
                where = (
                    f"offers/{language}.yaml: {entry.removeprefix('offer-')}"
                    if entry.startswith("offer-")
                    else place.format(language, entry)
                )
                yield f"{where} is missing: the other languages have it"
    told = {entry.entry.removeprefix("offer-") for entry in entries if entry.entry.startswith("offer-")}
    yield from (f"offers.yaml: {offer} has no text in offers/" for offer in sorted(set(read_offer_dates(folder)) - told))


def _answers(faqs: Iterable[Entry]) -> Iterable[str]:
    for faq in faqs:
        if not faq.short and len(faq.answer) > MOST_SHORT:
            yield f"{file_of(faq)}: the answer has {len(faq.answer)} characters and no `short`: public replies need a short form"
        if not faq.questions:
            yield f"{file_of(faq)}: no `questions`: without the words customers use it is hard to find"


def _terms(brand: Brand, faqs: Iterable[Entry], folder: Path) -> Iterable[str]:
    """What an answer says of a term must be what terms/ says."""
    for faq in faqs:
        path = folder / "faqs" / faq.language / f"{faq.entry}.md"
        for line, name in faq_terms(path):
            value = _value(brand.terms, name.split("."))
            if value is None:
                known = sorted(_names(brand.terms))
                near = difflib.get_close_matches(name, known, n=1)
                yield f"{path}:{line}: unknown term {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
                continue
            wanted = {n for n in _NUMBER.findall(_written(value))}
            for number, text in enumerate((faq.answer, *faq.wordings), 1):
                said = {_plain(n) for n in _NUMBER.findall(text)}
                if gone := sorted(n for n in wanted if _plain(n) not in said):
                    which = "the answer" if number == 1 else f"wording {number}"
                    yield f"{path}:{line}: {name} is {', '.join(gone)} in terms/, {which} does not say so: correct one of them"


def _value(terms: Any, path: list[str]) -> Any:
    for part in path:
        terms = terms.get(part) if isinstance(terms, dict) else None
    return terms


def _names(terms: Any, prefix: str = "") -> Iterable[str]:
    if isinstance(terms, dict):
        for key, value in terms.items():
            name = f"{prefix}.{key}" if prefix else str(key)
            yield name
            yield from _names(value, name)


def _written(value: Any) -> str:
    """Every number of a term as text; whole amounts without decimals."""
    if isinstance(value, dict):
        return " | ".join(_written(inner) for inner in value.values())
    if isinstance(value, list):
        return " | ".join(_written(inner) for inner in value)
    if isinstance(value, float):
        return f"{value:.2f}" if value % 1 else f"{value:.0f}"
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def _plain(number: str) -> str:
    """A number without the marks that languages write differently: 4.95 and 4,95, 5,000 and 5 000, 14:00 and 14."""
    digits = re.sub(r"\D", "", number)
    return re.sub(r"^0+(?=\d)", "", digits)


def _products(brand: Brand, folder: Path, entries: set[str]) -> Iterable[str]:
    ids = {product.id for product in brand.catalogue}
    for product in brand.catalogue:
        yield from (f"products/catalogue.yaml: {product.id} names help {name!r}, which is no FAQ"
                    for name in product.help if name not in entries)  # fmt: skip
    for name, offer in read_offer_dates(folder).items():
        yield from (f"offers.yaml: {name} names product {product!r}, which is not in products/catalogue.yaml"
                    for product in offer.products if product not in ids)  # fmt: skip
        if offer.valid_until < offer.valid_from:
            yield f"offers.yaml: {name} ends on {offer.valid_until} before it begins on {offer.valid_from}"


def _voices(brand: Brand) -> Iterable[str]:
    for language in brand.identity.languages:
        if language not in brand.voices:
            yield f"voice.yaml: no voice for {language}"
        phrases = brand.phrases.get(language)
        if phrases is None:
            yield f"no phrases for {language}: add phrases/{language}.yaml with the keys of prompts/compose/en.yaml"
    for language, voice in brand.voices.items():
        phrases = brand.phrases.get(language)
        said = " ".join(text for variants in phrases.variants.values() for text in variants) if phrases else ""
        for word, instead in voice.words.items():
            if instead not in said:
                yield f"voice.yaml: {language}.words: {word!r} stands in no phrase"
