"""The states of a conversation, and which event leads from where to where: pure.

new (nobody has it) -> claimed (an agent has it) -> answered -> resolved. A message of the customer brings an answered or a
resolved one back to new. `stale` is no state of its own: it is how an open one reads in which nothing happened for long.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from service.errors import Conflict
from service.messages import Instant, Noun, Urgency

ConversationState = Literal["new", "claimed", "answered", "resolved", "stale"]
Step = Literal["claim", "answer", "resolve", "reopen"]  # by an agent or another system
Event = Literal["message", "claim", "answer", "resolve", "reopen"]
LEADS: dict[Event, dict[ConversationState, ConversationState]] = {
    "message": {"new": "new", "claimed": "claimed", "answered": "new", "resolved": "new"},
    "claim": {"new": "claimed", "claimed": "claimed", "answered": "claimed"},
    "answer": {"new": "answered", "claimed": "answered", "answered": "answered"},
    "resolve": {"new": "resolved", "claimed": "resolved", "answered": "resolved", "resolved": "resolved"},
    # Of a claimed one: the claim is given up, such as when its agent has gone home.
    "reopen": {"new": "new", "claimed": "new", "answered": "new", "resolved": "new"},
}


class Conversation(Noun):
    """All messages of one conversation and what became of them; a message without one is a conversation by itself.

    While nobody has answered, `respond_by`, `priority` and `escalate` are the most urgent of its messages. `version` counts
    changes. `answered_at` and `resolved_at` are the last times of it, and stay when the customer writes again.
    """

    brand: str
    conversation_id: str
    state: ConversationState
    agent: str | None = None
    version: int
    opened_at: Instant
    last_message_at: Instant
    changed_at: Instant
    answered_at: Instant | None = None
    resolved_at: Instant | None = None
    respond_by: Instant
    queue: str
    priority: Urgency
    escalate: bool
    last_triage_id: str

    def read(self, now: datetime, stale_after: timedelta) -> Conversation:
        """The conversation as it is shown: stale where nothing happened for long, and it is not resolved."""
        if self.state == "resolved" or now - self.changed_at < stale_after:
            return self
        return self.model_copy(update={"state": "stale"})


def after(step: Step, before: Conversation, agent: str | None, now: datetime) -> Conversation:
    """The conversation after a step by an agent; the same value where nothing changes. Raises Conflict where it can't be.

    `before` is as it is kept, so never stale. A message, the other event, is put by the records in one statement.
    """
    leads = LEADS[step]
    if before.state not in leads:
        raise Conflict(f"the conversation is {before.state}: reopen it first")
    state = leads[before.state]
    taken = step == "claim" and before.state == "claimed"
    if taken and before.agent != agent:
        raise Conflict(f"{before.agent} has claimed the conversation: ask them, or reopen it, which gives the claim up")
    if state == before.state:
        return before
    changed: dict[str, Any] = {"state": state, "version": before.version + 1, "changed_at": now}
    if step == "reopen":
        changed |= {"agent": None, "opened_at": now if before.state == "resolved" else before.opened_at}
    elif agent is not None:
        changed |= {"agent": agent}
    if step in ("answer", "resolve"):
        changed |= {f"{state}_at": now}
    return before.model_copy(update=changed)
