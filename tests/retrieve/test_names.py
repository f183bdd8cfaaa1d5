"""Names tell FAQs apart where vectors don't: words that most translations of an entry share, and few entries have."""

from __future__ import annotations

import pytest

from service.knowledge import Entry
from service.retrieve.names import MOST_CODED, codes_of, names_of, read_names, words


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


LIGHTS = [
    entry("fit", "en", "The X200 and the X300 sit on the T-15."),
    entry("charge", "en", "Charge the X200 with USB-C."),
    entry("fault", "en", "E23: too cold to be charged."),
    entry("part", "en", "Part 8812 is the lens."),
    entry("other", "en", "Within 24h, for 3 years and 5 kg."),
]


def test_codes_are_found_in_a_single_language_however_they_are_written() -> None:
    assert codes_of(LIGHTS) == {
        "x200": frozenset({"fit", "charge"}), "x300": frozenset({"fit"}), "t15": frozenset({"fit"}),
        "e23": frozenset({"fault"}), "8812": frozenset({"part"}),
    }  # fmt: skip
    names = read_names(LIGHTS)
    assert names.coded("x-200 + T15? E 23, PART8812 8812!") == {"x200", "t15", "e23", "8812"}
    assert names.coded("see https://shop.example/x200 or x200@mail.example, 24h") == set()


def test_an_entry_with_more_and_rarer_codes_of_a_message_is_meant_more() -> None:
    names = read_names(LIGHTS)
    both = names.said("does the X200 fit the T-15?")
    assert both["fit"] > 1 > both["charge"] > 0
    assert both.keys() == {"fit", "charge"}
    assert names.said("e23 on a T-15") == {"fault": 1.0, "fit": 1.0}
    assert names.said("within 24h") == {}


def test_a_code_that_is_a_name_in_many_languages_counts_once() -> None:
    many = [entry("fault", code, f"E23: {code}.") for code in ("en", "de", "sv")] + [entry("other", "en", "Pay here.")]
    assert read_names(many).said("e23!") == {"fault": 1.0}


@pytest.mark.parametrize(
    "text",
    ["within 24h", "a 30-day trial", "5kg or 5 kg", "the 2nd one", "10er-Pack", "EUR20 off", "in 2026", "from 1000 EUR",
     "over €1500", "10,000 pieces", "0800 1234567", "on 2026-11-22", "12.11.2026", "help2@mail.example", "www.shop1.example/a2b"],
)  # fmt: skip
def test_what_counts_measures_prices_or_dates_is_no_code(text: str) -> None:
    assert codes_of([entry("a", "en", text), entry("b", "en", ""), entry("c", "en", "")]) == {}


def test_a_code_of_most_entries_or_of_very_many_tells_nothing() -> None:
    assert codes_of(LIGHTS[:2]) == {"x300": frozenset({"fit"}), "t15": frozenset({"fit"})}
    many = [entry(f"e{at}", "en", "X200") for at in range(MOST_CODED + 1)]
    assert codes_of([*many, *(entry(f"o{at}", "en", "") for at in range(100))]) == {}
