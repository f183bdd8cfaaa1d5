"""What is told twice or in two ways is found; what is only near is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.knowledge import Entry, StoredEntry
from service.parts import Parts
from service.similar import Pair, pairs, quantities


async def stored(parts: Parts, *texts: tuple[str, str], **fields: Any) -> list[StoredEntry]:
    found = []
    for number, (title, answer) in enumerate(texts):
        entry = Entry(id=f"e{number}", entry=f"e{number}", language="en", topic=None, title=title, answer=answer)
        entry = entry.model_copy(update={name: values[number] for name, values in fields.items()})
        vectors = np.concatenate([await parts.embedding.passages(entry.passages), await parts.embedding.queries(entry.queries)])
        found.append(StoredEntry("b", entry, entry.digest, "e", vectors))
    return found


def told(found: list[Pair]) -> list[tuple[str, str, str]]:
    return [(pair.kind, pair.first.id, pair.second.id) for pair in found]


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (("How long can I return?", "You have 30 days."), ("How long can I return?", "You have 14 days to do it."), "30 days"),
        (("Opening hours", "We are open 9:00-18:00."), ("When are you open?", "Mon-Fri 10:00-17:00."), "9:00"),
        (("What does delivery cost?", "It costs €3.95."), ("What does delivery cost?", "Delivery is 4.95 euros."), "3.95"),
        (("When does the sale end?", "It ends on 3 May."), ("When does the sale end?", "The last day is 2027-05-04."), "3.5."),
    ],
)
async def test_one_question_with_two_numbers_is_a_contradiction(
    parts: Parts, one: tuple[str, str], other: tuple[str, str], why: str
) -> None:
    (pair,) = pairs(await stored(parts, one, other), parts.heads)
    assert pair.kind == "contradiction"
    assert why in pair.why


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("How long can I return?", "You have 14 days."), ("How long can I return?", "Two rules: 2 weeks, and unused.")),
        (("Do you ship to Norway?", "Yes, within 3 days."), ("Do you ship to Poland?", "Yes, within 5 days.")),
        (("How do I change my order?", "Within 2 hours."), ("How do I cancel my order?", "Within 3 hours.")),
        (("How long does a refund take?", "5 days."), ("What does gift wrapping cost?", "It costs €2.")),
    ],
)
async def test_two_questions_or_one_answer_in_other_units_are_none(
    parts: Parts, one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert [kind for kind, _, _ in told(pairs(await stored(parts, one, other), parts.heads))] in ([], ["duplicate"])


async def test_the_same_and_nearly_the_same_are_duplicates(parts: Parts) -> None:
    answer = "Register the return in your account, print the label and bring the parcel to a shop."
    found = await stored(
        parts,
        ("How do I return something?", answer),
        ("Sending it back", answer.upper()),
        ("How do I return something?", answer.replace("bring", "take").replace("a shop", "one of the shops")),
        ("Can you wash the jacket?", "Yes, at thirty degrees, with no softener."),
    )
    assert {(first, second) for _, first, second in told(pairs(found, parts.heads))} >= {("e0", "e1"), ("e0", "e2")}
    assert not [pair for pair in told(pairs(found, parts.heads)) if "e3" in pair]
    assert told(pairs(found, parts.heads, {"e3"})) == []
    assert {"e0", "e2"} in [{pair.first.id, pair.second.id} for pair in pairs(found, parts.heads, {"e2"})]


async def test_what_never_holds_on_the_same_day_does_not_contradict(parts: Parts) -> None:
    texts = (("Is there a sale?", "Yes, 10% off."), ("Is there a sale?", "Yes, 20% off."))
    assert told(pairs(await stored(parts, *texts), parts.heads)) == [("contradiction", "e0", "e1")]
    apart = await stored(parts, *texts, valid_until=["2027-01-31", None], valid_from=[None, "2027-02-01"])
    assert told(pairs(apart, parts.heads)) == []


async def test_the_demo_brand_contradicts_itself_nowhere(parts: Parts) -> None:
    faqs = [one for one in await parts.records.faqs("demo") if one.content.kind == "faq"]
    assert told(pairs(faqs, parts.heads)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3-5 business days", {"days": {"3", "5"}}),
        ("innerhalb von 2 Wochen oder 10 Werktagen", {"days": {"14", "10"}}),
        ("2 ans, 24 mois", {"months": {"24"}}),
        ("£3.95, SEK 39 en 4,95 €", {"GBP": {"3.95"}, "SEK": {"39"}, "EUR": {"4.95"}}),
        ("van 9:00 tot 17.30 uur op 3 mei", {"time": {"9:00", "17:30"}, "date": {"3.5."}}),
        ("Article 7, call 0800 123", {}),
    ],
)
def test_numbers_are_read_with_what_they_count(text: str, expected: dict[str, set[str]]) -> None:
    assert quantities(text) == expected
