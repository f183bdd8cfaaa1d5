"""Values that tests of pure stages start from: a calm German question about a delivery, and what they change of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from service.brands import Brand, read_brand
from service.draft.brief import order_sources
from service.draft.channels import measured, rules_of
from service.draft.checks import Made
from service.draft.phrases import Phrases, read_phrases
from service.draft.plan import Kind, Plan
from service.files import shipped
from service.messages import (
    LABELS,
    Action,
    Context,
    Customer,
    Escalation,
    Message,
    Order,
    Passage,
    Reason,
    ReasonCode,
    Signal,
    Understanding,
)  # fmt: skip

DATABASE = "firstreply.db"
TODAY = date(2026, 11, 22)  # the day the demo orders are written for: nothing in them moves
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)  # a Sunday
LANGUAGES = ("en", "de", "nl", "sv", "fr", "es")
DEMO: Brand = read_brand("demo", shipped("knowledge/demo"))
PHRASES: dict[str, Phrases] = read_phrases(shipped("prompts/compose"))


def message(text: str = "Wo ist mein Paket?", **fields: Any) -> Message:
    return Message.model_validate({"text": text, "received_at": NOW} | fields)


def understanding(label: str = "information_seeking", language: str = "de", **fields: Any) -> Understanding:
    """`topic` and `addressed` may be plain labels, `signals` plain codes."""
    also = tuple(fields.get("also", ()))
    level = "none" if "frustration" not in (label, *also) else "moderate"
    given = {
        "label": label,
        "scores": {name: 0.9 if name in (label, *also) else 0.05 for name in LABELS},
        "frustration_level": level,
        "trajectory": "steady",
        "topic": "delivery",
        "urgency": "normal",
        "addressed": "direct",
        "language": {"code": language, "score": 0.98, "supported": language in LANGUAGES},
        "confidence": 0.9,
    } | fields
    for name in ("topic", "addressed"):
        if isinstance(given[name], str):
            given[name] = {"label": given[name], "score": 0.9}
    given["signals"] = tuple(Signal(code=s, evidence=s) if isinstance(s, str) else s for s in given.get("signals", ()))
    return Understanding.model_validate(given)


def reason(code: ReasonCode, kind: str = "soft", detail: str | None = None) -> Reason:
    return Reason.model_validate({"code": code, "kind": kind, "detail": detail})


def escalation(*reasons: Reason, **fields: Any) -> Escalation:
    given = {
        "escalate": bool(reasons),
        "score": 0.97 if reasons else 0.0,
        "reasons": reasons,
        "queue": "general",
        "priority": "normal",
        "respond_by": datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
    }
    return Escalation.model_validate(given | fields)


def passage(entry: str = "return-item", language: str = "de", **fields: Any) -> Passage:
    """A passage of the demo brand as retrieval gives it."""
    from service.retrieve.folder import read_faqs

    faq = next(f for f in read_faqs(shipped("knowledge/demo")) if (f.entry, f.language) == (entry, language))
    given = {
        "id": faq.id, "title": faq.title, "text": faq.answer, "language": language, "score": 0.9,
        "url": faq.url, "topic": faq.topic, "short": faq.short,
    }  # fmt: skip
    return Passage.model_validate(given | fields)


def order(**fields: Any) -> Order:
    """A-1001 of C-1042, in transit, late, due on 24 November."""
    given = {
        "order_id": "A-1001", "customer_id": "C-1042", "status": "in_transit", "placed_at": "2026-11-12",
        "promised_at": "2026-11-18", "shipped_at": "2026-11-15", "due_at": "2026-11-24",
        "items": [{"name": "Skarn 2", "price": 219.0}], "total": {"amount": 219.0, "currency": "EUR"},
        "carrier": "Rappid", "tracking": "RP48210077DE", "late": True, "why": "number_in_text",
    }  # fmt: skip
    return Order.model_validate(given | fields)


def made(
    private: str | None,
    public: str | None = None,
    *,
    said: Message | None = None,
    language: str = "de",
    passages: tuple[Passage, ...] = (),
    of: Order | None = None,
    orders: tuple[Order, ...] = (),
    customer: Customer | None = None,
    values: tuple[str, ...] = (),
    action: Action = "reply",
    kind: Kind = "general",
    brand: Brand = DEMO,
    **more: Any,
) -> Made:
    """A draft somebody wrote freely, on the brand's passages and the fields of the order `of`."""
    said = said if said is not None else message(channel="whatsapp" if public is None else "x")
    orders = orders or ((of,) if of is not None else ())
    told = tuple(source.text for one in orders for source in order_sources(one, language))
    rules, contact = rules_of(said.channel), brand.identity.contact
    given: dict[str, Any] = {
        "understanding": understanding(language=language), "escalation": escalation(*more.pop("reasons", ())),
        "context": Context(passages=passages, orders=orders, customer=customer),
        "plan": Plan(action, kind, of, passages=passages),
        "values": (*told, *(one.order_id for one in orders), *values, *filter(None, (contact.email, contact.phone))),
    } | more  # fmt: skip
    return Made(
        public=measured(public, rules.public) if public is not None else None,
        private=measured(private, rules.private) if private is not None else None,
        action=action, language=language, message=said, brand=brand, passages=passages, **given,
    )  # fmt: skip
