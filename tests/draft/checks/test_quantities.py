"""Numbers, days and sums in a text: the same fact is the same in any form, and another one never."""

from __future__ import annotations

import pytest
from builders import TODAY

from service.draft.checks.quantities import keys_of, quantities


def same(one: str, other: str, language: str = "en") -> bool:
    """Whether everything that the first says in numbers stands in the second."""
    found, known = quantities(one, language, TODAY), keys_of(other, language, TODAY)
    assert found, f"nothing found in {one!r}"
    return all(quantity.keys & known for quantity in found)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "24 November", "2026-11-24"),
        ("en", "by the 24th", "24 November"),
        ("de", "bis zum 24. bei dir", "24.11.2026"),
        ("sv", "den 24:e.", "24 november"),
        ("fr", "le 24 au plus tard", "24 novembre"),
        ("de", "KW 48", "24. November"),
        ("de", "in der 48. KW", "24. November"),
        ("sv", "vecka 48", "24 november"),
        ("de", "Dienstagvormittag", "24. November"),
        ("nl", "dinsdagochtend", "24 november"),
        ("sv", "tisdagskväll", "24 november"),
        ("de", "fünfundzwanzig Euro", "25 €"),
        ("nl", "vijfentwintig dagen", "25 dagen"),
        ("sv", "tjugofem kronor", "25 kr"),
        ("fr", "soixante-quinze euros", "75 €"),
        ("fr", "vingt et un jours", "21 jours"),
        ("es", "treinta y cinco euros", "35 €"),
        ("en", "two hundred and fifty pounds", "£250"),
        ("de", "zweihundertfünfzig Euro", "250 €"),
        ("en", "November 24", "2026-11-24"),
        ("en", "the 24th of November", "24/11/2026"),
        ("en", "24 November 2026", "24 November"),
        ("de", "am 24.11.", "24. November"),
        ("de", "24.11.2026", "24. November"),
        ("nl", "24 november", "24-11-2026"),
        ("sv", "den 24 november", "2026-11-24"),
        ("fr", "1er décembre", "2026-12-01"),
        ("es", "24 de noviembre de 2026", "24/11/2026"),
        ("de", "Dienstag", "24. November"),
        ("en", "in November", "24 November"),
        ("en", "tomorrow", "23 November"),
        ("de", "übermorgen", "24. November"),
        ("sv", "i morgon", "den 23 november"),
        ("en", "€219", "219,00 €"),
        ("en", "219 euros", "€219.00"),
        ("de", "1.219,50 €", "1 219,50 EUR"),
        ("sv", "2190 kr", "2 190,00 SEK"),
        ("fr", "39 couronnes", "39 SEK"),
        ("nl", "€ 219,-", "219,00 €"),
        ("en", "20 percent", "20%"),
        ("de", "20 Prozent", "20 %"),
        ("en", "two weeks", "14 days"),
        ("de", "zwei Wochen", "14 Tagen"),
        ("nl", "binnen een week", "7 dagen"),
        ("sv", "inom ett år", "12 månader"),
        ("fr", "cinq jours ouvrés", "5 jours ouvrés"),
        ("es", "dos días laborables", "2 días hábiles"),
        ("en", "24 hours", "one day"),
        ("en", "3 more business days", "3 business days"),
        ("en", "4 days", "3–4 days"),
        ("de", "3 Werktage", "3 bis 4 Werktage"),
        ("de", "17:30 Uhr", "17.30 Uhr"),
        ("fr", "17 h 30", "17:30"),
        ("en", "5:30 pm", "17:30"),
        ("de", "9–18 Uhr", "9:00 und 18:00 Uhr"),
        ("en", "a 1001", "A-1001"),
        ("en", "Wednesday", "Monday to Friday"),
        ("en", "+31 (0)50 555 0142", "+31 50 555 0142"),
    ],
)
def test_the_same_in_another_form(language: str, one: str, other: str) -> None:
    assert same(one, other, language)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "25 November", "24 November"),
        ("en", "24 December", "24 November"),
        ("en", "24 November 2025", "24 November"),
        ("de", "24.12.", "24. November"),
        ("en", "€219.50", "€219"),
        ("en", "€219", "£219"),
        ("en", "19 €", "219 €"),
        ("en", "€219", "219"),
        ("en", "25%", "20%"),
        ("en", "20%", "20 items"),
        ("en", "three weeks", "14 days"),
        ("en", "5 days", "5 business days"),
        ("de", "5 Stunden", "5 Tage"),
        ("de", "18:30 Uhr", "17:30 Uhr"),
        ("en", "A-1002", "A-1001"),
        ("en", "Saturday", "Monday to Friday"),
        ("en", "tomorrow", "24 November"),
        ("en", "in December", "24 November"),
        ("fr", "deux semaines", "10 jours"),
        ("en", "2 pm", "2:00 am"),
        ("en", "next week", "22 November"),
    ],
)
def test_another_fact_is_another(language: str, one: str, other: str) -> None:
    assert not same(one, other, language)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Have a nice day"),
        ("de", "Guten Morgen"),
        ("nl", "Goedemorgen"),
        ("sv", "God morgon"),
        ("es", "por la mañana"),
        ("de", "hier"),
        ("nl", "je bent hier"),
        ("en", "you may"),
        ("de", "Schönen Tag"),
        ("fr", "bonne journée"),
        ("en", "we’re here 24/7"),
        ("es", "buenas tardes"),
    ],
)
def test_what_only_looks_like_one_is_none(language: str, said: str) -> None:
    assert not [quantity for quantity in quantities(said, language, TODAY) if quantity.kind != "number"]


def test_the_numbers_of_a_list_say_nothing() -> None:
    assert quantities("1. Open the account\n2. Choose the order", "en", TODAY) == ()
    assert quantities("24. November", "de", TODAY) != ()
