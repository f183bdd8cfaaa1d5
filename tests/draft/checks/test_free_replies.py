"""Replies that somebody wrote freely: the good ones pass whole and sentence by sentence, one with a defect does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import made, message, order, passage

from service.draft.channels import measured, rules_of
from service.draft.checks import Made, check, problems_of_sentence
from service.draft.deltas import sentences_with_gaps
from service.messages import Customer, OrderEvent, Refund
from service.yaml_files import load_yaml

ORDERS = {
    "late": order(),
    "refunded": order(
        status="refunded", refund=Refund(amount=219.0, currency="EUR", at="2026-11-20", status="done"), late=False,
    ),
    "refund due": order(status="returned", refund=Refund(amount=219.0, currency="EUR", at="2026-11-27"), late=False),
    "replaced": order(
        status="damaged", delivered_at="2026-11-19", replacement_at="2026-11-25", late=False, issue="damaged",
        timeline=[OrderEvent(at="2026-11-20", event="photo_received")],
    ),
}  # fmt: skip
NAMES = {
    "en": "Maya Doyle", "de": "Lena Vogt", "nl": "Sanne Hofstra", "sv": "Elin Sandgren", "fr": "Camille Aubertin",
    "es": "Lucía Barrena",
}  # fmt: skip


def reply(written: dict[str, Any]) -> Made:
    """A reply of replies.yaml with what it rests on."""
    language, of = written["language"], ORDERS.get(written.get("order", ""))
    name = NAMES[language]
    channel = ("instagram" if "public" in written else "whatsapp") if of else ("instagram" if "public" in written else "email")
    author = {"customer_id": "C-1042", "handle": "@outside"} if of else {}
    customer = Customer(customer_id="C-1042", name=name, email=f"{name.split()[0].lower()}@mail.example") if of else None
    return made(
        written["private"], written.get("public"), said=message(written["said"], channel=channel, author=author),
        language=language,
        of=of, customer=customer, action=written.get("action", "reply"), kind=written.get("kind", "general"),
        passages=(passage(written["entry"], language),) if "entry" in written else (),
    )  # fmt: skip


REPLIES = {
    written["id"]: reply(written)
    for written in load_yaml((Path(__file__).parent / "replies.yaml").read_text(encoding="utf-8"))
}  # fmt: skip
# Sentences that make any of the replies wrong, by language, with the check that must say so.
DEFECTS: dict[str, list[tuple[str, str]]] = load_yaml((Path(__file__).parent / "defects.yaml").read_text(encoding="utf-8"))


def failed(draft: Made) -> dict[str, str | None]:
    return {one.check: one.detail for one in check(draft) if not one.passed}


@pytest.mark.parametrize("name", REPLIES)
def test_a_good_reply_passes_every_check(name: str) -> None:
    assert failed(REPLIES[name]) == {}


@pytest.mark.parametrize("name", REPLIES)
def test_each_sentence_of_a_good_reply_may_be_shown(name: str) -> None:
    draft = REPLIES[name]
    for side in ("public", "private"):
        text = getattr(draft, side)
        for sentence in sentences_with_gaps(text.text) if text is not None else ():
            assert problems_of_sentence(sentence, public=side == "public", made=draft) == []


def with_sentence(draft: Made, sentence: str) -> Made:
    """The reply with one more sentence at the end of its body."""
    assert draft.private is not None
    greeting, *body, signoff = draft.private.text.split("\n\n")
    text = "\n\n".join([greeting, *body[:-1], f"{body[-1]} {sentence}", signoff])
    return draft.with_texts(draft.public, measured(text, rules_of(draft.message.channel).private))


@pytest.mark.parametrize(
    ("language", "name", "sentence"), [(language, *defect) for language, listed in DEFECTS.items() for defect in listed]
)
def test_a_defect_is_found_in_whatever_reply_it_stands(language: str, name: str, sentence: str) -> None:
    replies = [(key, draft) for key, draft in REPLIES.items() if draft.language == language and draft.plan.order is not None]
    missed = [key for key, draft in replies[:1] + replies[-1:] if name not in failed(with_sentence(draft, sentence))]
    assert not missed
    told = problems_of_sentence(sentence, public=False, made=replies[0][1])
    assert any(problem.startswith(f"{name}: ") for problem in told), told


PLEASANTRIES = {
    "en": "Thank you so much for getting in touch. We really appreciate your message and hope you have a lovely day.",
    "de": "Vielen Dank für deine Nachricht. Wir freuen uns immer über Post von dir und wünschen dir einen schönen Tag.",
    "nl": "Bedankt voor je bericht. Fijn dat je ons schrijft, en nog een mooie dag gewenst.",
    "sv": "Tack så mycket för ditt meddelande. Vi uppskattar att du skriver och önskar dig en fin dag.",
    "fr": "Merci beaucoup pour votre message. Nous sommes heureux de vous lire et vous souhaitons une belle journée.",
    "es": "Muchas gracias por tu mensaje. Nos alegra leerte y te deseamos un buen día.",
}
PASSED_ON = {
    "en": "Thanks for your message. We’ve passed it on to a colleague who will get back to you soon.",
    "de": "Danke für deine Nachricht. Wir haben sie an eine Kollegin weitergegeben, die sich bei dir meldet.",
    "nl": "Bedankt voor je bericht. We hebben het doorgegeven aan een collega die contact met je opneemt.",
    "sv": "Tack för ditt meddelande. Vi har lämnat det vidare till en kollega som hör av sig.",
    "fr": "Merci pour votre message. Nous l’avons transmis à une collègue qui reviendra vers vous.",
    "es": "Gracias por tu mensaje. Se lo hemos pasado a una compañera que te responderá.",
}


def with_body(draft: Made, body: str) -> Made:
    assert draft.private is not None
    greeting, *_, signoff = draft.private.text.split("\n\n")
    return draft.with_texts(
        draft.public, measured("\n\n".join([greeting, body, signoff]), rules_of(draft.message.channel).private)
    )


@pytest.mark.parametrize("name", [name for name, draft in REPLIES.items() if draft.action == "reply"])
def test_a_reply_that_answers_nothing_is_none(name: str) -> None:
    draft = REPLIES[name]
    assert "answers_each_question" in failed(with_body(draft, PLEASANTRIES[draft.language]))
    assert {"answers_each_question", "action_fits"} & failed(with_body(draft, PASSED_ON[draft.language])).keys()


def test_of_two_questions_both_are_answered() -> None:
    passages = (passage("return-item", "en"), passage("gift-cards-and-vouchers", "en"))
    one = "You have 30 days from delivery; register the return under “Orders” in your account and we email you the label."
    both = f"{one} One voucher code per order goes together with a gift card: enter them at checkout before you pay."
    said = message("how do i return a lamp and can i combine codes?", channel="email")
    room = " We’re glad to help with anything else you may be wondering about, so just write to us whenever it suits you." * 3
    assert failed(made(both + room, said=said, language="en", passages=passages)) == {}
    found = failed(made(one + room, said=said, language="en", passages=passages))
    assert found == {"answers_each_question": "nothing of faq-gift-cards-and-vouchers-en is said"}


def test_somebody_in_danger_gets_no_answer_to_a_question() -> None:
    said = message("i can't go on. also where is my parcel", channel="email")
    calm = "Thank you for telling us. Please talk to someone now: Samaritans, 116 123. One of us will write to you personally."
    given: dict[str, Any] = {
        "said": said, "language": "en", "action": "handoff", "kind": "self_harm", "passages": (passage("late-parcel", "en"),),
    }  # fmt: skip
    assert "action_fits" not in failed(made(calm, **given))
    answer = " The tracking link shows the latest scan; after 5 business days we treat the parcel as lost and refund you."
    assert "action_fits" in failed(made(calm + answer, **given))
