"""Names tell FAQs apart where vectors don't: words that most translations of an entry share, and few entries have."""

from __future__ import annotations

import pytest

from service.knowledge import Entry
from service.retrieve.names import MOST_CODED, Names, words


def entry(name: str, language: str, text: str) -> Entry:
    return Entry(id=f"faq-{name}-{language}", entry=name, language=language, topic=None, title="t", answer=text)


def read(entries: list[Entry]) -> Names:
    names = Names()
    names.put(entries)
    return names


def named(entries: list[Entry]) -> dict[str, set[str]]:
    """By word of the entries, the entries that it names."""
    names = read(entries)
    found = {word: set(names.said(word)) for one in entries for word in words(f"{one.title} {one.answer}")}
    return {word: owners for word, owners in found.items() if owners}


PAY = [
    entry("pay", "en", "Pay by card, PayPal or Swish."),
    entry("pay", "de", "Zahle mit Karte, PayPal oder Swish."),
    entry("pay", "sv", "Betala med kort, PayPal eller Swish."),
]


def test_what_most_translations_share_is_a_name() -> None:
    assert named(PAY) == {"paypal": {"pay"}, "swish": {"pay"}}


def test_fewer_than_three_translations_show_no_name() -> None:
    assert named(PAY[:2]) == {}


def test_a_name_of_many_entries_tells_nothing() -> None:
    others = [entry(f"other-{n}", e.language, "PayPal " + e.language * 3) for n in range(2) for e in PAY]
    assert named([*PAY, *others]) == {"swish": {"pay"}}


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
    names = read(LIGHTS)
    assert {code: set(names.said(code)) for code in ("x200", "x300", "t15", "e23", "8812")} == {
        "x200": {"fit", "charge"}, "x300": {"fit"}, "t15": {"fit"}, "e23": {"fault"}, "8812": {"part"},
    }  # fmt: skip
    assert names.coded("x-200 + T15? E 23, PART8812 8812!") == {"x200", "t15", "e23", "8812"}
    assert names.coded("see https://shop.example/x200 or x200@mail.example, 24h") == set()


def test_an_entry_with_more_and_rarer_codes_of_a_message_is_meant_more() -> None:
    names = read(LIGHTS)
    both = names.said("does the X200 fit the T-15?")
    assert both["fit"] > 1 > both["charge"] > 0
    assert both.keys() == {"fit", "charge"}
    assert names.said("e23 on a T-15") == {"fault": 1.0, "fit": 1.0}
    assert names.said("within 24h") == {}


def test_a_code_that_is_a_name_in_many_languages_counts_once() -> None:
    many = [entry("fault", code, f"E23: {code}.") for code in ("en", "de", "sv")] + [entry("other", "en", "Pay here.")]
    assert read(many).said("e23!") == {"fault": 1.0}


@pytest.mark.parametrize(
    "text",
    ["within 24h", "a 30-day trial", "5kg or 5 kg", "the 2nd one", "10er-Pack", "EUR20 off", "in 2026", "from 1000 EUR",
     "over €1500", "10,000 pieces", "0800 1234567", "on 2026-11-22", "12.11.2026", "help2@mail.example", "www.shop1.example/a2b"],
)  # fmt: skip
def test_what_counts_measures_prices_or_dates_is_no_code(text: str) -> None:
    assert read([entry("a", "en", text), entry("b", "en", ""), entry("c", "en", "")]).coded(text) == set()


def test_a_code_of_most_entries_or_of_very_many_tells_nothing() -> None:
    assert read(LIGHTS[:2]).coded("X200 X300 T-15") == {"x300", "t15"}
    many = [entry(f"e{at}", "en", "X200") for at in range(MOST_CODED + 1)]
    others = [entry(f"o{at}", "en", "") for at in range(100)]
    assert read([*many, *others]).coded("X200") == set()
    assert read([*many[1:], *others]).coded("X200") == {"x200"}


def test_entries_that_come_and_go_leave_the_names_of_those_that_stay() -> None:
    names = read([*PAY, *LIGHTS])
    names.put([entry("pay", "fr", "X200, Bizum."), entry("fault", "en", "E24: too hot.")])
    assert names.said("e23 e24 paypal") == {"fault": 1.0, "pay": 1.0}
    assert names.said("X200").keys() == {"fit", "charge", "pay"}
    for gone in (entry("pay", "fr", ""), *PAY[:1], *LIGHTS[2:3], entry("never", "en", "")):
        names.remove(gone)
    assert names.said("e24 paypal swish") == {}
    assert names.said("X200 8812") == read([*PAY[1:], *LIGHTS[:2], *LIGHTS[3:]]).said("X200 8812")
