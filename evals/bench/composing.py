"""The composer by itself: a draft from a ready understanding and context, one core."""

from __future__ import annotations

import json
import time
from datetime import date

from evals.bench import machine
from evals.bench.figures import Figure, Section, Target, percentile
from service.brands import read_brand
from service.draft.write import compose
from service.escalate.verdict import decide
from service.files import shipped
from service.messages import LABELS, Context, Message, Understanding
from service.order_files.read import order_lines
from service.retrieve.faqs import passage_of
from service.retrieve.folder import read_faqs

DRAFTS = 2_000

METHOD = f"""{DRAFTS:,} drafts in six languages, public and private text with all checks, one after the other in one process
on one core: each about one of the demo's orders and one of its FAQs, in turn."""


def measure() -> Section:
    """Median and 95th percentile of a draft."""
    machine.settle("composer")
    taken = machine.measured_by("evals.bench.composing", "speed")
    figures = (
        Figure("one draft: p50", taken["p50"], "ms", Target(most=3), 2),
        Figure("one draft: p95", taken["p95"], "ms", digits=2),
    )
    return Section("Composer, one core", METHOD, figures)


def _speed() -> dict[str, float]:
    folder = shipped("knowledge/demo")
    brand, faqs = read_brand("demo", folder), read_faqs(folder)
    day = brand.identity.orders_day(date.min)
    orders = order_lines((folder / "orders.jsonl").read_text(encoding="utf-8").split("\n"), day).orders
    taken: list[float] = []
    for number in range(DRAFTS):
        faq, order = faqs[number % len(faqs)], orders[number % len(orders)].model_copy(update={"why": "number_in_text"})
        message = Message(text=f"{faq.questions[number % len(faq.questions)]} {order.order_id}", channel="instagram")
        scores = {label: 0.9 if label == "frustration" else 0.1 for label in LABELS}
        understood = Understanding.model_validate({
            "label": "frustration", "scores": scores, "also": ("information_seeking",), "frustration_level": "moderate",
            "trajectory": "steady", "topic": {"label": faq.topic, "score": 0.9}, "urgency": "normal",
            "addressed": {"label": "direct", "score": 1.0}, "confidence": 0.9,
            "language": {"code": faq.language, "score": 1.0, "supported": True},
        })  # fmt: skip
        passage = passage_of(faq, 0.95)
        context = Context(passages=(passage,), answers=((passage,),), orders=(order,))
        verdict = decide(message, understood, context, brand.policy, "general").escalation
        start = time.perf_counter()
        compose(message, understood, context, verdict, brand, brand.phrases)
        taken.append((time.perf_counter() - start) * 1000)
    return {"p50": percentile(taken, 50), "p95": percentile(taken, 95)}


if __name__ == "__main__":
    print(json.dumps(_speed()))
