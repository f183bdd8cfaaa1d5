"""Promises that two words of a sentence make: a source may bear them, and a clause that denies or asks takes them back."""

from __future__ import annotations

import pytest
from builders import made, message, order, passage

from service.draft.checks.beyond import beyond
from service.draft.checks.cited import uncited
from service.draft.checks.forbidden import human_claims
from service.draft.checks.links import foreign_links


def promised(text: str, language: str = "en", **more: object) -> list[str]:
    return beyond(text, made(text, said=message("hello?", channel="email"), language=language, **more))  # type: ignore[arg-type]


VISIT = "One of our technicians comes by and mends it."
MENDED = passage("warranty-repair", "en", text="One of our technicians comes by within a week and mends what is broken.")


def test_what_a_source_bears_may_be_promised() -> None:
    assert promised(VISIT)
    assert promised(VISIT, passages=(MENDED,)) == []


def test_what_a_source_denies_is_not_borne_by_it() -> None:
    denied = passage("warranty-repair", "en", text="Our technicians never come by, please send it in.")
    assert promised(VISIT, passages=(denied,))


@pytest.mark.parametrize(
    "text",
    [
        "We can’t send a technician, unfortunately: nobody comes by.",
        "We’re checking whether a technician can come by.",
        "Would you like a technician to come by?",
        "Until it’s packed you can change the address; once it’s on its way, we can’t.",
    ],
)
def test_what_is_denied_asked_or_looked_into_is_no_promise(text: str) -> None:
    assert promised(text) == []


def test_what_is_looked_into_afterwards_is_a_promise_all_the_same() -> None:
    assert promised("A technician comes by to check it.")


def test_parcels_go_to_the_brands_countries_and_where_a_source_says() -> None:
    assert promised("We ship to Germany and to Sweden.") == []
    assert promised("We ship to Portugal as well.")
    assert promised("We ship to Portugal as well.", passages=(passage("where-we-deliver", "en"),))
    served = passage("where-we-deliver", "en", text="We deliver to Spain and Portugal.")
    assert promised("We ship to Portugal as well.", passages=(served,)) == []


def test_somebody_called_like_a_country_is_no_place() -> None:
    said = message("hello?", channel="email", author={"name": "Jordan Reed"})
    assert beyond("We’ve sent the link to Jordan.", made("x", said=said, language="en")) == []
    assert promised("We’ve sent parcels to Jordan for years.")


def test_a_feast_is_a_deadline_only_where_something_is_due_by_it() -> None:
    late = order()

    def facts(text: str, said: str = "hello?") -> list[str]:
        return uncited(text, made(text, said=message(said, channel="email"), language="en", of=late))

    assert facts("It will be there by Christmas.")
    assert facts("Merry Christmas to you all!") == []
    asked = "will it be there before christmas?"
    assert facts("It’s due on 24 November, so you’ll have it before Christmas.", asked) == []
    assert facts("You’ll have it before Halloween.", asked)


def test_what_the_customer_said_may_be_reckoned_with() -> None:
    sizes = passage("size-guide", "en")
    said = message("my foot measures 25.5 cm, which size?", channel="email")

    def facts(text: str) -> list[str]:
        return uncited(text, made(text, said=said, language="en", passages=(sizes,)))

    assert facts("Add 1 cm to your 25.5 cm and look for 26.5 cm.") == []
    assert facts("Add 1 cm to your 25.5 cm and look for 27.5 cm.")


def test_a_page_of_the_brand_is_known_where_a_source_or_the_customer_names_it() -> None:
    link = "help.tarnandtimber.example/en/return-item"
    assert foreign_links(link, made(link, language="en"))
    assert foreign_links(link, made(link, language="en", passages=(passage("return-item", "en"),))) == []
    said = message(f"is https://{link}/ right?", channel="email")
    assert foreign_links(f"https://{link}#label", made(link, said=said, language="en")) == []


def test_nobody_signs_for_the_team() -> None:
    said = message("hello?", channel="email")
    for language, ending in (("en", "Best wishes,\nMegan from customer care"), ("nl", "Liefs,\nKim van de klantenservice")):
        assert human_claims(ending, made(ending, said=said, language=language))
