"""Everyday wordings in six languages: what a model may not say however it puts it, and the near sentences that stay free."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import made, message, order, passage

from service.draft.checks import Made, check, problems_of_sentence
from service.messages import Customer
from service.yaml_files import load_yaml

IDIOMS: dict[str, dict[str, list[Any]]] = load_yaml((Path(__file__).parent / "idioms.yaml").read_text(encoding="utf-8"))
BEFORE = {
    "en": ("Hi Maya, A-1001 is with Rappid and due on 24 November.", "your Tarn & Timber team"),
    "de": ("Hallo Maya, A-1001 ist mit Rappid unterwegs und soll am 24. November ankommen.", "dein Team von Tarn & Timber"),
    "nl": ("Hoi Maya, A-1001 is met Rappid op pad en wordt op 24 november verwacht.", "Team Tarn & Timber"),
    "sv": ("Hej Maya! A-1001 är hos Rappid och väntas den 24 november.", "Teamet på Tarn & Timber"),
    "fr": ("Bonjour Maya, A-1001 est chez Rappid et attendue le 24 novembre.", "L’équipe Tarn & Timber"),
    "es": ("Hola, Maya: A-1001 está con Rappid y se espera el 24 de noviembre.", "El equipo de Tarn & Timber"),
}
SAID = "A-1001? (Norway, Norwegen, Noorwegen, Norge, Norvège, Noruega?)"
CUSTOMER = Customer(customer_id="C-1042", name="Maya Doyle", email="maya@mail.example", country="DE")


def with_sentence(language: str, sentence: str) -> Made:
    """A reply on a late order, with the entry on returns at hand, that says the sentence as well."""
    before, team = BEFORE[language]
    return made(
        f"{before} {sentence}\n\n{team}", said=message(SAID, channel="whatsapp", author={"customer_id": "C-1042"}),
        language=language, of=order(), customer=CUSTOMER, passages=(passage("return-item", language),),
    )  # fmt: skip


def failed(draft: Made) -> dict[str, str | None]:
    return {one.check: one.detail for one in check(draft) if not one.passed and one.check != "answers_each_question"}


@pytest.mark.parametrize(
    ("language", "name", "sentence"), [(language, *one) for language, given in IDIOMS.items() for one in given["caught"]]
)
def test_however_it_is_put_it_is_found(language: str, name: str, sentence: str) -> None:
    draft = with_sentence(language, sentence)
    assert name in failed(draft)
    assert any(problem.startswith(f"{name}: ") for problem in problems_of_sentence(sentence, public=False, made=draft))


@pytest.mark.parametrize(
    ("language", "sentence"), [(language, one) for language, given in IDIOMS.items() for one in given["passes"]]
)
def test_what_is_near_and_true_may_be_said(language: str, sentence: str) -> None:
    assert failed(with_sentence(language, sentence)) == {}
