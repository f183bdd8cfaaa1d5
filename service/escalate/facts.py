"""What is known of the customer and the order, as facts that weigh and as reasons that rest on the policy's figures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from service.draft.plan import ORDER_TOPICS
from service.escalate.deadlines import deadline
from service.escalate.policy import Policy
from service.messages import Context, Fact, FactName, Message, Order, PastTriage, Reason, ReasonCode, Turn, Understanding

OF_POLICY: tuple[ReasonCode, ...] = ("press_or_influencer", "repeat_contact", "high_value_loss", "low_confidence")
NAMED = frozenset({
    "number_in_text", "product_in_text", "kind_in_text", "amount_in_text", "number_in_thread", "product_in_thread",
})  # fmt: skip
EVIDENCE = 160  # characters of an earlier turn that are shown


def facts_of(understanding: Understanding, context: Context, policy: Policy) -> tuple[Fact, ...]:
    """The facts that hold; each weighs what the policy's `bonuses` say on a frustrated message, and nothing on another."""
    found: list[tuple[FactName, str]] = []
    order = meant(understanding, context)
    if order is not None and order.late:
        found.append(("late_order", f"{order.order_id} was due on {(order.promised_at or order.due_at or '')[:10]}"))
    if understanding.trajectory == "rising":
        found.append(("rising", "more frustrated than in the turn before"))
    if context.customer is not None and context.customer.vip:
        found.append(("vip", "on the list of VIP customers"))
    return weighed(tuple(Fact(fact=fact, detail=detail) for fact, detail in found), understanding, policy)


def weighed(facts: Iterable[Fact], understanding: Understanding, policy: Policy) -> tuple[Fact, ...]:
    """The same facts with the weights of a policy."""
    ours = understanding.has("frustration") and understanding.addressed.label not in ("not_us", "spam")
    return tuple(fact.model_copy(update={"weight": policy.bonuses.get(fact.fact, 0.0) if ours else 0.0}) for fact in facts)


def meant(understanding: Understanding, context: Context) -> Order | None:
    """The order a message is about: named in it, or the likeliest one where the topic is one that orders have."""
    order = context.orders[0] if context.orders else None
    return order if order and (order.why in NAMED or understanding.topic.label in ORDER_TOPICS) else None


def reasons_by_policy(
    message: Message, understanding: Understanding, context: Context, policy: Policy, known: frozenset[str] = frozenset()
) -> list[Reason]:
    """Reasons whose figures are the policy's, one a code; `known` are codes that the words of the message gave already."""
    given = (
        _followers(message, policy),
        _in_thread(message, understanding, policy)
        or _asked_again(message, understanding, context, policy)
        or _second_time(message, understanding, context, policy),
        _at_stake(message, understanding, context, policy),
        _unsure(understanding, policy),
    )
    return [reason for reason in given if reason is not None and reason.code not in known]


def _followers(message: Message, policy: Policy) -> Reason | None:
    count = message.author.followers or 0
    if count < policy.followers:
        return None
    return Reason(code="press_or_influencer", kind="soft", detail=f"{count} followers")


def _unsure(understanding: Understanding, policy: Policy) -> Reason | None:
    if understanding.confidence >= policy.low_confidence_below:
        return None
    return Reason(code="low_confidence", kind="soft", detail=f"highest label score {understanding.confidence:.2f}")


def _at_stake(message: Message, understanding: Understanding, context: Context, policy: Policy) -> Reason | None:
    """Much money, and a customer who is frustrated about it."""
    order = meant(understanding, context)
    if order is None or not understanding.has("frustration"):
        return None
    refund, today = order.refund, message.received_at.date().isoformat()
    if refund is not None and refund.status == "pending" and refund.at and refund.at[:10] <= today:
        least = policy.value_at_stake.get(refund.currency)
        if least is not None and refund.amount >= least:
            told = f"refund of {refund.amount:.2f} {refund.currency} due on {refund.at[:10]}"
            return Reason(code="high_value_loss", kind="soft", evidence=order.order_id, detail=told)
    least = policy.value_at_stake.get(order.total.currency) if order.total else None
    if order.total is None or least is None or order.total.amount < least or order.status in ("refunded", "cancelled"):
        return None
    state = (order.issue or order.status).replace("_", " ") + (", late" if order.late else "")
    told = f"order of {order.total.amount:.2f} {order.total.currency}, {state}"
    return Reason(code="high_value_loss", kind="soft", evidence=order.order_id, detail=told)


def _second_time(message: Message, understanding: Understanding, context: Context, policy: Policy) -> Reason | None:
    """Two strikes: frustrated again, once an episode; whoever took over at the second contact has the later ones, too."""
    if not understanding.has("frustration"):
        return None
    since = message.received_at - timedelta(days=policy.repeat_window_days)
    strikes = _strikes(context.history, since, message.received_at)
    if not strikes or any(past.escalated for past in strikes[:-1]):
        return None
    latest = strikes[0]
    days = max((message.received_at - strikes[-1].at).days, 0)
    told = f"frustrated contact number {len(strikes) + 1} in {days} days, the one before on {latest.at:%Y-%m-%d}"
    return Reason(code="repeat_contact", kind="soft", evidence=latest.triage_id, detail=told)


def _asked_again(message: Message, understanding: Understanding, context: Context, policy: Policy) -> Reason | None:
    """Asked before and not answered, or answered and asked again in anger: a calm second question alone is none."""
    since = message.received_at - timedelta(days=policy.repeat_window_days)
    same = [past for past in context.history if past.same_question and since <= past.at <= message.received_at]
    if not same or not wants_answer(understanding):
        return None
    last = max(same, key=lambda past: past.at)
    answered = last.outcome in ("accepted", "edited")
    if answered and not understanding.has("frustration"):
        return None
    told = f"asked the same on {last.at.day} {last.at:%B}, {'answered then' if answered else 'no answer recorded'}"
    return Reason(code="repeat_contact", kind="soft", evidence=last.triage_id, detail=told)


def _strikes(history: Iterable[PastTriage], since: datetime, until: datetime) -> list[PastTriage]:
    """The frustrated contacts of the open episode, newest first: back to where all was well, or to the end of the window."""
    strikes: list[PastTriage] = []
    for past in sorted(history, key=lambda one: one.at, reverse=True):
        if past.at < since or past.resolved or past.label == "praise":
            break
        if past.label == "frustration" and past.at <= until:
            strikes.append(past)
    return strikes


def _in_thread(message: Message, understanding: Understanding, policy: Policy) -> Reason | None:
    """Frustrated again in one conversation: said so before, complained twice before, or left without the answer that was due."""
    if not understanding.has("frustration") or understanding.addressed.label in ("not_us", "spam"):
        return None
    if (said := understanding.signal("repeat_in_thread")) is not None:
        return Reason(code="repeat_contact", kind="soft", evidence=said.evidence, detail="said earlier in the conversation")
    if (before := understanding.signal("complained_before")) is not None:
        return Reason(code="repeat_contact", kind="soft", evidence=before.evidence, detail="third complaint of the conversation")
    waiting = _unanswered(message)
    if waiting is None or waiting.at is None:
        return None
    due = deadline(policy, waiting.at, message.channel, private=not message.public, priority=None).respond_by
    if due >= message.received_at:
        return None
    told = f"no answer since {waiting.at:%Y-%m-%d}"
    return Reason(code="repeat_contact", kind="soft", evidence=waiting.text[:EVIDENCE], detail=told)


def _unanswered(message: Message) -> Turn | None:
    """The first customer turn since the brand's last one, where its time is known."""
    first = None
    for turn in reversed(message.thread):
        if turn.role == "brand":
            break
        if turn.at is not None and turn.text.strip() and turn.text != message.text:
            first = turn
    return first


def wants_answer(understanding: Understanding) -> bool:
    """Whether somebody who writes to us, or about us, waits for something."""
    return understanding.addressed.label in ("direct", "about_us") and (
        understanding.has("information_seeking") or understanding.has("frustration")
    )
