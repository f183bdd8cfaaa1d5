"""Checks on every draft. A failed one adds `draft_check_failed` to the escalation; none can be turned off."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from service.brands import Brand
from service.messages import Check, Context, DraftText, Message
from service.order_numbers import order_numbers
from service.understand.language import identify

_NUMBER = re.compile(r"\d+(?:[.,:\u00a0\u202f]\d+)*")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_LINK = re.compile(r"(?:https?://|www\.)[^\s)>\]]+", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\w*\}|\[\[|\]\]|<\w+>")
_LONG_NUMBER = re.compile(r"(?:\d[ -]?){9,}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b")
LEAST_WORDS = 8  # a shorter text's language can't be told reliably
CLEARLY = 0.8  # score from which a text counts as written in another language


def check(
    public: DraftText | None,
    private: DraftText | None,
    *,
    language: str,
    sources: Iterable[str],
    context: Context,
    message: Message,
    brand: Brand,
    foreign_quotes: Iterable[str] = (),
) -> tuple[Check, ...]:
    """Every check on both texts; `sources` are all texts and values the draft was made from.

    `foreign_quotes` are quoted from passages in another language, which a warning tells of.
    """
    texts = [text for text in (public, private) if text is not None]
    allowed = " ".join(sources)
    return (
        _language(texts, language, brand, foreign_quotes),
        _result("within_limit", [f"{t.length} of {t.limit} {t.unit}" for t in texts if t.limit and t.length > t.limit]),
        _result("no_personal_data_in_public", _personal(public.text, context, message, brand) if public else []),
        _result("facts_cited", _uncited([t.text for t in texts], allowed)),
        _result("only_known_links", _foreign_links([t.text for t in texts], brand, allowed)),
        _result("no_foreign_order", _foreign_orders([t.text for t in texts], context)),
        _result("no_placeholder", [found for t in texts for found in _PLACEHOLDER.findall(t.text)]),
        _result("not_empty", ["a text is empty" for t in texts if not t.text.strip()]),
    )


def _result(name: str, problems: list[str]) -> Check:
    return Check(check=name, passed=not problems, detail="; ".join(problems[:3]) or None)


def _language(texts: list[DraftText], language: str, brand: Brand, foreign_quotes: Iterable[str]) -> Check:
    names = re.compile("|".join(re.escape(n) for n in (brand.identity.display_name, *brand.identity.support_handles.values())))
    wrong = []
    for text in texts:
        plain = names.sub("", text.text)
        for quote in foreign_quotes:
            plain = plain.replace(quote, "")
        if len(plain.split()) < LEAST_WORDS:
            continue
        found = identify(plain, said=None, supported=brand.identity.languages)
        if found.code != language and found.supported and found.score >= CLEARLY:
            wrong.append(f"reads as {found.code}, not {language}")
    return _result("language", wrong)


def _personal(text: str, context: Context, message: Message, brand: Brand) -> list[str]:
    lowered = text.casefold()
    contact = brand.identity.contact
    ours = {value.casefold() for value in (contact.email, contact.phone) if value}
    known: list[tuple[str, str | None]] = [("customer id", message.author.customer_id)]
    for order in context.orders:
        known += [("order number", order.order_id), ("tracking number", order.tracking)]
    if context.customer:
        known.append(("email", context.customer.email))
    names = (context.customer.name if context.customer else None, message.author.name)
    problems = [what for what, value in known if value and len(value) > 2 and _stands_in(value.casefold(), lowered)]
    problems += ["name" for name in names for part in (name or "").split() if _names(part, text)]
    problems += ["email" for address in _EMAIL.findall(lowered) if address.rstrip(".") not in ours]
    without_ours = lowered
    for value in ours:
        without_ours = without_ours.replace(value, "")
    if _LONG_NUMBER.search(without_ours) or _IBAN.search(text):
        problems.append("a long number")
    return sorted(set(problems))


def _names(part: str, text: str) -> bool:
    """Whether a part of a name stands in the text as a name: "van" and "may" are words, "Van" and "May" may be a customer."""
    return len(part) > 2 and any(_stands_in(form, text) for form in {part, part.capitalize(), part.upper()} if not form.islower())


def _stands_in(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None


def _uncited(texts: list[str], allowed: str) -> list[str]:
    known = set(_numbers(allowed))
    return [f"{number} is in no source" for text in texts for number in _numbers(text) if number not in known]


def _numbers(text: str) -> list[str]:
    return [re.sub(r"[\u00a0\u202f ]", "", found) for found in _NUMBER.findall(text)]


def _foreign_links(texts: list[str], brand: Brand, allowed: str) -> list[str]:
    """Links to hosts that are not the brand's; a brand that lists none may link to what its own passages link to."""
    hosts: set[str | None] = set(brand.identity.url_hosts) or {_host(link) for link in _LINK.findall(allowed)}
    return [f"link to {link}" for text in texts for link in _LINK.findall(text) if _host(link) not in hosts]


def _host(link: str) -> str | None:
    return urlsplit(link if "://" in link else f"//{link}").hostname


def _foreign_orders(texts: list[str], context: Context) -> list[str]:
    """Numbers of the form of this customer's orders that are not theirs."""
    mine = {order.order_id.upper() for order in context.orders}
    forms = {re.sub(r"\d", "#", order_id) for order_id in mine}
    found = [number for text in texts for number in order_numbers(text) if number not in mine]
    return [f"{number} is not this customer's" for number in found if re.sub(r"\d", "#", number) in forms]
