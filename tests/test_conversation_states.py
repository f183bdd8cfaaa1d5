"""Which step leads a conversation from where to where, and which ones are refused in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest
from builders import NOW

from service.conversations import LEADS, Conversation, Step, after
from service.errors import Conflict

LATER = NOW + timedelta(hours=1)


def conversation(state: str = "new", agent: str | None = None, **fields: Any) -> Conversation:
    given = {
        "brand": "demo", "conversation_id": "conv-9", "state": state, "agent": agent, "version": 3, "opened_at": NOW,
        "last_message_at": NOW, "changed_at": NOW, "respond_by": NOW, "queue": "general", "priority": "normal",
        "escalate": False, "last_triage_id": "tri_1",
    }  # fmt: skip
    return Conversation.model_validate(given | fields)


@pytest.mark.parametrize(
    ("state", "step", "leads"),
    [
        ("new", "claim", "claimed"), ("answered", "claim", "claimed"), ("resolved", "claim", None),
        ("new", "answer", "answered"), ("claimed", "answer", "answered"), ("resolved", "answer", None),
        ("new", "resolve", "resolved"), ("claimed", "resolve", "resolved"), ("answered", "resolve", "resolved"),
        ("claimed", "reopen", "new"), ("answered", "reopen", "new"), ("resolved", "reopen", "new"),
    ],
)  # fmt: skip
def test_a_step_leads_on_or_is_refused(state: str, step: Step, leads: str | None) -> None:
    before = conversation(state, "mira" if state == "claimed" else None)
    if leads is None:
        with pytest.raises(Conflict, match=f"is {state}: reopen it first"):
            after(step, before, "mo", LATER)
        return
    changed = after(step, before, "mo", LATER)
    assert (changed.state, changed.version, changed.changed_at) == (leads, 4, LATER)


@pytest.mark.parametrize(
    ("state", "step"), [("claimed", "claim"), ("answered", "answer"), ("resolved", "resolve"), ("new", "reopen")]
)
def test_the_same_step_again_changes_nothing(state: str, step: Step) -> None:
    before = conversation(state, "mo")
    assert after(step, before, "mo", LATER) is before


def test_a_second_agents_claim_names_the_first_and_nothing_else() -> None:
    with pytest.raises(Conflict, match=r"^mira has claimed the conversation: ask them, or reopen it, which gives the claim up$"):
        after("claim", conversation("claimed", "mira"), "mo", LATER)


def test_a_claim_that_was_given_up_is_anybodys() -> None:
    free = after("reopen", conversation("claimed", "mira"), "mira", LATER)
    assert (free.state, free.agent) == ("new", None)
    assert after("claim", free, "mo", LATER).agent == "mo"


def test_times_say_when_it_was_last_answered_and_resolved() -> None:
    answered = after("answer", conversation("claimed", "mira"), None, LATER)
    assert (answered.answered_at, answered.resolved_at, answered.agent) == (LATER, None, "mira")
    resolved = after("resolve", answered, None, LATER + timedelta(hours=1))
    assert (resolved.answered_at, resolved.resolved_at) == (LATER, LATER + timedelta(hours=1))
    again = after("reopen", resolved, "mo", LATER + timedelta(hours=2))
    assert (again.resolved_at, again.opened_at) == (resolved.resolved_at, LATER + timedelta(hours=2))


def test_every_event_says_what_it_does_in_every_state_it_can_come_in() -> None:
    assert set(LEADS) == {"message", *get_args(Step)}
    assert set(LEADS["message"]) == set(LEADS["resolve"]) == set(LEADS["reopen"]) == {"new", "claimed", "answered", "resolved"}
    assert "stale" not in {state for leads in LEADS.values() for state in (*leads, *leads.values())}


@pytest.mark.parametrize(
    ("state", "read"), [("new", "stale"), ("claimed", "stale"), ("answered", "stale"), ("resolved", "resolved")]
)
def test_an_open_one_in_which_nothing_happened_reads_as_stale(state: str, read: str) -> None:
    kept = conversation(state)
    days = timedelta(days=14)
    assert kept.read(NOW + days - timedelta(seconds=1), days).state == state
    assert kept.read(NOW + days, days).state == read
