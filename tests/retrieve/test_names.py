"""Names tell FAQs apart where vectors don't: words that most translations of an entry share, and few entries have."""

from __future__ import annotations

from service.knowledge import Entry
from service.retrieve.names import names_of, words


def entry(name: str, language: str, text: str) -> Entry:
    return Entry(id=f"faq-{name}-{language}", entry=name, language=language, topic=None, title="t", answer=text)


PAY = [
    entry("pay", "en", "Pay by card, PayPal or Swish."),
    entry("pay", "de", "Zahle mit Karte, PayPal oder Swish."),
    entry("pay", "sv", "Betala med kort, PayPal eller Swish."),
]


def test_what_most_translations_share_is_a_name() -> None:
    assert names_of(PAY) == {"paypal": frozenset({"pay"}), "swish": frozenset({"pay"})}


def test_fewer_than_three_translations_show_no_name() -> None:
    assert names_of(PAY[:2]) == {}


def test_a_name_of_many_entries_tells_nothing() -> None:
    others = [entry(f"other-{n}", e.language, "PayPal " + e.language * 3) for n in range(2) for e in PAY]
    assert names_of([*PAY, *others]) == {"swish": frozenset({"pay"})}


def test_words_are_compared_without_case_and_short_ones_left_out() -> None:
    assert words("Tar ni SWISH? (usb-c ok)") == {"tar", "swish", "usb-c"}
