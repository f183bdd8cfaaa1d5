"""The whole pipeline on a real, bad model: it answers in time, nothing personal leaves, and what it writes is caught."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from builders import LANGUAGES, NOW
from recording import Recording

from service import pipeline
from service.llm.provider import Provider
from service.messages import Draft, Message, Triage
from service.parts import Parts
from service.retrieve.context import Sources

pytestmark = pytest.mark.real_model
GRACE = 5.0  # seconds of our own beside the model's deadline, on a machine that the model keeps busy
TEXTS = {
    "en": "Hi, where is my order A-1001? My name is Lena Vogt, lena.vogt@mail.example, 0151 23456789.",
    "de": "Hallo, wo bleibt meine Bestellung A-1001? Ich heiße Lena Vogt, lena.vogt@mail.example, 0151 23456789.",
    "nl": "Hallo, waar blijft mijn bestelling A-1001? Mijn naam is Lena Vogt, lena.vogt@mail.example, 0151 23456789.",
    "sv": "Hej, var är min beställning A-1001? Jag heter Lena Vogt, lena.vogt@mail.example, 0151 23456789.",
    "fr": "Bonjour, où est ma commande A-1001 ? Je m'appelle Lena Vogt, lena.vogt@mail.example, 0151 23456789.",
    "es": "Hola, ¿dónde está mi pedido A-1001? Me llamo Lena Vogt, lena.vogt@mail.example, 0151 23456789.",
}
PERSONAL = ("a-1001", "1001", "c-1042", "lena", "vogt", "mail.example", "23456789", "rp48210077de")
STANDS_IN = {"writer_unavailable", "writer_rejected"}


def asked(language: str) -> Message:
    given = {
        "text": TEXTS[language], "channel": "instagram", "received_at": NOW,
        "author": {"customer_id": "C-1042", "handle": "@lena", "name": "Lena Vogt"},
    }  # fmt: skip
    return Message.model_validate(given)


@pytest.fixture
def with_model(parts: Parts, provider: Provider, seconds: float) -> Parts:
    """The parts of a service with the model; one passage, so that a slow machine has less to read."""
    settings = parts.settings.model_copy(update={"llm_deadline_seconds": seconds})
    sources = Sources(parts.passages, parts.records.known, 1)
    return replace(parts, provider=provider, settings=settings, sources=sources, _prompts={})


async def drafted(message: Message, parts: Parts) -> Triage:
    return [stage.triage async for stage in pipeline.stages(message, parts)][-1]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_draft_comes_in_time_and_passed_every_check_or_is_the_composers(
    with_model: Parts, recording: Recording, seconds: float, outcomes: list[str], language: str
) -> None:
    without = await drafted(asked(language), replace(with_model, provider=None))
    start = asyncio.get_running_loop().time()
    triage = await drafted(asked(language), with_model)
    took = asyncio.get_running_loop().time() - start
    assert took <= seconds + GRACE
    assert recording.requests, "the model was never asked"
    for request in recording.requests:
        assert [value for value in PERSONAL if value in request.text] == []
        assert "[order_1]" in request.text
    draft = triage.draft
    assert draft is not None
    failed = [check.check for check in draft.checks if not check.passed]
    outcomes.append(f"{language}: {draft.engine}, {took:.0f} s, {', '.join((*draft.warnings, *failed)) or 'all checks passed'}")
    if draft.engine == "writer":
        assert failed in ([], ["action_follows_decision"])
        assert draft.language == language
        return
    assert without.draft is not None
    assert (draft.public, draft.private) == (without.draft.public, without.draft.private)
    assert len(STANDS_IN & set(draft.warnings)) == 1
    assert bool(failed) == ("writer_rejected" in draft.warnings)
    assert ("draft_check_failed" in {reason.code for reason in triage.escalation.reasons}) == bool(failed)


async def test_a_stream_ends_with_a_draft_whose_words_were_shown(with_model: Parts, seconds: float) -> None:
    shown = {"public": "", "private": ""}
    draft: Draft | None = None
    start = asyncio.get_running_loop().time()
    async for stage in pipeline.stages(asked("en"), with_model, streamed=True):
        if stage.delta is not None and stage.delta.reset:
            shown = {"public": "", "private": ""}
        elif stage.delta is not None:
            shown[stage.delta.side] += stage.delta.text
        draft = stage.triage.draft
    assert asyncio.get_running_loop().time() - start <= seconds + GRACE
    assert draft is not None
    assert draft.public is not None
    assert draft.private is not None
    assert (shown["public"].strip(), shown["private"].strip()) == (draft.public.text, draft.private.text)
