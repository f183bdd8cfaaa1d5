"""What went wrong for this customer, so that a draft can name it: the order says it, or the passage that answers."""

from __future__ import annotations

from collections.abc import Sequence

from service.draft.plan import SURE, Plan
from service.messages import Message, Understanding

# By the key of the order's state, what went wrong.
_OF_STATE = {
    "lost": "lost", "overdue": "late", "in_transit_late": "late", "delayed": "late", "damaged": "damaged",
    "wrong_item": "wrong_item", "missing_item": "missing_item", "not_received": "not_received", "faulty": "faulty",
    "double_charge": "double_charge", "cancelled_by_us": "cancelled_by_us", "payment_failed": "payment_failed",
    "refund_overdue": "refund_wait",
}  # fmt: skip
# States in which somebody cross about a refund waits for it.
_OF_MONEY = frozenset({"returned", "refund_pending", "refund_due", "refund_overdue"})
_ON_TIME = frozenset({"placed", "packed", "in_transit", "out_for_delivery"})
# What the order's state already contradicts, whatever a passage is about.
_NOT_WHEN = {"late": _ON_TIME, "lost": _ON_TIME, "not_received": _ON_TIME}


def issue_of(message: Message, understanding: Understanding, plan: Plan, states: Sequence[str]) -> str | None:
    """One of the issues under `empathy.issue` in the phrases, or None where it is not known for sure.

    `states` are the keys of the order's state, the main one first. An order's own trouble goes first; what a passage is
    about counts only for somebody who complains, and never against what the order says.
    """
    state = states[0] if states else None
    if state in _OF_STATE:
        return _OF_STATE[state]
    if not understanding.has("frustration"):
        return None
    if _OF_MONEY & set(states) and understanding.topic.label == "refund":
        return "refund_wait"
    waiting = message.thread and message.thread[-1].role == "customer" and understanding.signal("greeting_only")
    if waiting:
        return "no_reply"
    best = plan.passages[0] if plan.passages else None
    if best is None or best.issue is None or best.score < SURE or state in _NOT_WHEN.get(best.issue, ()):
        return None
    return best.issue
