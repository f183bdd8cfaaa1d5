"""What another policy would have made of recorded messages, from what was recorded alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from builders import DEMO, NOW, message, order, understanding

from service.escalate.replay import Difference, replayed
from service.escalate.verdict import decide
from service.messages import Check, Context, Customer, Draft, Message, PastTriage, Triage, Understanding, Versions

POLICY = DEMO.policy
VERSIONS = Versions(service="1", embedder="e", classifier="c", knowledge="k", policy="p")


def recorded(
    written: Message, given: Understanding, context: Context, draft: Draft | None = None, ident: str = "tri_1"
) -> Triage:
    """A triage as the records give it back: through JSON, which leaves out what is no part of an answer."""
    escalation = decide(written, given, context, POLICY, "delivery").after(draft)
    triage = Triage(
        id=ident, brand="demo", received_at=written.received_at, understanding=given, context=context, escalation=escalation,
        draft=draft, versions=VERSIONS, timings_ms={},
    )  # fmt: skip
    return Triage.model_validate_json(triage.model_dump_json())


PAST = PastTriage.model_validate(
    {"triage_id": "tri_0", "at": NOW - timedelta(days=9), "label": "frustration", "outcome": "drafted"}
)
CASES: dict[str, tuple[Message, Understanding, Context]] = {
    "calm": (message(), understanding(), Context()),
    "words": (message(), understanding("frustration", signals=["legal_threat", "churn_risk"]), Context()),
    "said": (message(), understanding("frustration", signals=["repeat_contact"]), Context()),
    "history": (message(), understanding("frustration"), Context(history=(PAST,))),
    "followers": (message(author={"followers": 50_000}), understanding("frustration"), Context()),
    "value": (message(), understanding("frustration"), Context(orders=(order(total={"amount": 900.0, "currency": "EUR"}),))),
    "guess": (message(), understanding("frustration", confidence=0.3), Context()),
    "vip": (
        message(),
        understanding("frustration", trajectory="rising", signals=["churn_risk"]),
        Context(orders=(order(),), customer=Customer(customer_id="C-1042", vip=True)),
    ),
}


def test_the_same_policy_gives_what_was_recorded() -> None:
    for name, (written, given, context) in CASES.items():
        triage = recorded(written, given, context)
        assert replayed(written, triage, POLICY, "delivery") == triage.escalation, name


def test_a_failed_check_of_the_draft_stays_a_reason() -> None:
    draft = Draft(action="handoff", engine="composer", language="de", checks=(Check(check="language", passed=False),))
    triage = recorded(message(), understanding("frustration"), Context(), draft)
    assert replayed(message(), triage, POLICY, "delivery") == triage.escalation


def changed(name: str, **policy: Any) -> tuple[bool, tuple[str, ...], str]:
    written, given, context = CASES[name]
    then = replayed(written, recorded(written, given, context), POLICY.model_copy(update=policy), "delivery")
    return then.escalate, tuple(reason.code for reason in then.reasons), then.priority


def test_figures_of_the_policy_are_reckoned_anew() -> None:
    assert changed("history", repeat_window_days=5) == (False, (), "normal")
    assert changed("followers", followers=60_000) == (False, (), "normal")
    assert changed("value", value_at_stake={"EUR": 1_000.0})[1] == ()
    assert changed("guess", low_confidence_below=0.2)[1] == ()
    assert changed("vip", bonuses={}) == (False, ("churn_risk",), "normal")
    assert changed("vip", vip_priority="critical")[2] == "critical"
    assert changed("calm", repeat_window_days=30)[1] == ("no_grounding",), "what the policy has no figure for stays"


def test_words_stay_a_reason_whatever_the_figures() -> None:
    assert changed("words", threshold=1.0, weights={})[1] == ("legal_threat", "churn_risk")
    assert changed("said", repeat_window_days=1)[1] == ("repeat_contact",)


def test_a_difference_counts_what_turns_and_what_moves() -> None:
    found = Difference()
    strict = POLICY.model_copy(update={"threshold": 0.6, "priority_minutes": {"high": 5}, "queues": {"legal_threat": "court"}})
    for number, (written, given, context) in enumerate(CASES.values()):
        triage = recorded(written, given, context, ident=f"tri_{number}")
        found.add(triage.id, triage.escalation, replayed(written, triage, strict, "delivery"))
    assert found.messages == len(CASES)
    assert found.escalated == (6, 2)
    assert [one.triage_id for one in found.turned_off] == ["tri_0", "tri_2", "tri_3", "tri_4"]
    assert found.turned_on == []
    assert found.queues[0]["legal"] == 1
    assert found.queues[1]["court"] == 1
    assert found.requeued == 2
    assert (len(found.earlier), len(found.later)) == (2, 3)
