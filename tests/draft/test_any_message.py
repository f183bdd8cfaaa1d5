"""Five thousand drafts: every channel, language, order, FAQ and macro of the demo, every level and handoff. All sound."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any, get_args

import pytest
from builders import DEMO, LANGUAGES, message, reason, understanding
from builders import escalation as decided

from service.draft.channels import length
from service.draft.write import compose
from service.files import shipped
from service.knowledge import Entry
from service.messages import Channel, Context, Customer, Draft, Level, Macro, Message, Order, PastTriage, ReasonCode, Trajectory
from service.retrieve.faqs import passage_of
from service.retrieve.folder import read_folder
from service.understand.embedder import sentences

MESSAGES = 5_000
ENTRIES = read_folder(shipped("knowledge/demo"))
FAQS = {language: [e for e in ENTRIES if e.kind == "faq" and e.language == language] for language in LANGUAGES}
MACROS = {language: [e for e in ENTRIES if e.kind == "macro" and e.language == language] for language in LANGUAGES}


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shipped(f"knowledge/demo/{name}").read_text(encoding="utf-8").splitlines()]


ORDERS = [Order.model_validate(line) for line in lines("orders.jsonl")]
CUSTOMERS = {line["customer_id"]: Customer.model_validate(line) for line in lines("customers.jsonl")}


def macro_of(entry: Entry) -> Macro:
    return Macro(
        id=entry.entry, language=entry.language, texts=(entry.answer, *entry.wordings), publics=entry.publics, score=0.95,
    )  # fmt: skip


def any_draft(chance: random.Random, number: int, language: str) -> tuple[Message, Context, Draft]:
    """A draft to a made-up situation."""
    order = chance.choice(ORDERS) if chance.random() < 0.5 else None
    if order is not None:
        order = order.model_copy(update={"why": chance.choice(["number_in_text", "status_fits", "latest_open"])})
    faqs = chance.sample(FAQS[language], chance.choice([0, 1, 1, 2]))
    passages = tuple(passage_of(faq, round(chance.uniform(0.5, 1), 2)) for faq in faqs)
    macro = chance.choice(MACROS[language]) if chance.random() < 0.2 else None
    label = chance.choice(["frustration", "information_seeking", "praise", "other"]) if macro is None else macro.labels[0]
    level: Level = chance.choice(["mild", "moderate", "strong"]) if label == "frustration" else "none"
    asked = chance.choice(faqs).questions if faqs else ("hm?",)
    channel = chance.choice(get_args(Channel))
    said = message(
        chance.choice(macro.questions if macro else asked), id=f"m-{number}", channel=channel,
        author={"customer_id": order.customer_id} if order else {}, visibility=chance.choice([None, "public", "private"]),
        options={"tone": chance.choice(["warm", "neutral", "formal", "brief"])},
    )  # fmt: skip
    what = understanding(
        label, language, frustration_level=level, trajectory=chance.choice(get_args(Trajectory)),
        topic=macro.topic if macro and macro.topic else passages[0].topic if passages else chance.choice(DEMO.topics).id,
        also=("information_seeking",) if label == "frustration" and faqs else (),
    )  # fmt: skip
    history = (
        PastTriage(triage_id="tri_1", at="2026-11-19T09:00:00Z", label="frustration", outcome="drafted", topic=what.topic.label),
    )
    context = Context(
        passages=passages, answers=tuple((p,) for p in passages), orders=(order,) if order else (),
        customer=CUSTOMERS.get(order.customer_id) if order else None, macro=macro_of(macro) if macro else None,
        history=history if chance.random() < 0.3 else (),
    )  # fmt: skip
    to = decided(reason(chance.choice(get_args(ReasonCode)), "hard")) if chance.random() < 0.25 else decided()
    return said, context, compose(said, what, context, to, DEMO, DEMO.phrases)[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_draft_passes_its_checks_and_fits_its_channel(language: str) -> None:
    chance = random.Random(f"{language}, five thousand in all")
    actions: Counter[str] = Counter()
    for number in range(-(-MESSAGES // len(LANGUAGES))):
        said, context, draft = any_draft(chance, number, language)
        actions[draft.action] += 1
        failed = [(check.check, check.detail) for check in draft.checks if not check.passed]
        assert not failed, (said, failed, draft)
        assert "draft_replaced_by_holding_text" not in draft.warnings
        assert (draft.action == "none") == (draft.private is None)
        for side in (draft.public, draft.private):
            if side is not None:
                assert side.limit is not None
                assert 0 < length(side.text, side.unit) <= side.limit
        if draft.action == "handoff":
            assert draft.macro is None
        if draft.public is not None:
            for order in context.orders:
                assert order.order_id not in draft.public.text
    assert set(actions) == {"reply", "ask", "handoff", "none"}


DRAFTS = 200  # of one language, no two of which share more than half the sentences of the shorter one
GREETING, SIGNOFF = 1, 1  # paragraphs at the ends of a private text


def body(draft: Draft) -> set[str]:
    """The sentences of a private text between greeting and sign-off."""
    assert draft.private is not None
    paragraphs = draft.private.text.split("\n\n")
    return {part for paragraph in paragraphs[GREETING:-SIGNOFF] for part in sentences(paragraph)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_drafts_to_different_matters_do_not_read_like_one_form(language: str) -> None:
    chance = random.Random(f"{language}, as they come")
    bodies: list[tuple[str, set[str]]] = []
    matters: list[tuple[Entry | None, Order | None]] = [
        *((faq, None) for faq in FAQS[language]), *((macro, None) for macro in MACROS[language]), *((None, o) for o in ORDERS),
    ]  # fmt: skip
    for number, (entry, order) in enumerate(matters[:DRAFTS]):
        private = chance.choice(["whatsapp", "email", "messenger"])
        if order is not None:
            level: Level = chance.choice(["mild", "moderate", "strong"])
            said = message(f"{order.order_id}?!", id=f"o-{number}", channel=private, author={"customer_id": order.customer_id})
            what = understanding(
                "frustration", language, frustration_level=level, topic=chance.choice(["delivery", "refund", "returns"])
            )
            context = Context(orders=(order.model_copy(update={"why": "number_in_text"}),), customer=CUSTOMERS[order.customer_id])
        else:
            assert entry is not None
            said = message(chance.choice(entry.questions), id=f"e-{number}", channel=private)
            label = entry.labels[0] if entry.kind == "macro" else "information_seeking"
            what = understanding(label, language, topic=entry.topic or "other")
            found = (passage_of(entry, 0.97),) if entry.kind == "faq" else ()
            context = Context(passages=found, answers=tuple((p,) for p in found), macro=macro_of(entry) if not found else None)
        draft = compose(said, what, context, decided(), DEMO, DEMO.phrases)[0]
        if draft.private is not None:
            bodies.append((said.content, body(draft)))
    assert len(bodies) >= DRAFTS * 0.95
    alike = [
        (a[0], b[0]) for at, a in enumerate(bodies) for b in bodies[:at]
        if len(a[1] & b[1]) > min(len(a[1]), len(b[1])) / 2
    ]  # fmt: skip
    assert not alike
