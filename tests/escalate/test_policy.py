"""The policy adds reasons up; the decision made from it only ever grows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, get_args

import pytest
from builders import DEMO, NOW, message, reason, understanding
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.brands import read_brand
from service.escalate.hours import Holidays
from service.escalate.policy import HARD, HARD_SCORE, Policy
from service.escalate.verdict import Verdict, decide
from service.messages import URGENCIES, Check, Context, Draft, Fact, FactName, Reason, ReasonCode

POLICY = DEMO.policy
CODES: tuple[ReasonCode, ...] = get_args(ReasonCode)
SOFT = [code for code in CODES if code not in HARD]
MINIMAL: dict[str, Any] = {"weights": {}, "targets_minutes": {"default": 60}}


def made(code: ReasonCode) -> Reason:
    return reason(code, "hard" if code in HARD else "soft")


reasons = st.lists(st.sampled_from(CODES).map(made), max_size=6, unique_by=lambda r: r.code)
policies = st.builds(
    lambda weights, threshold: Policy.model_validate(MINIMAL | {"weights": weights, "threshold": threshold}),
    st.dictionaries(st.sampled_from(SOFT), st.floats(0, 1)),
    st.floats(0.01, 1),
)


def verdict(*found: Reason, policy: Policy = POLICY, **fields: Any) -> Verdict:
    given = {"policy": policy, "reasons": found, "topic_queue": "delivery", "received_at": NOW, "channel": "x", "private": False}
    return Verdict(**(given | fields))


def draft(*checks: Check) -> Draft:
    return Draft(action="reply", engine="composer", language="de", checks=checks)


class TestScore:
    @pytest.mark.parametrize(
        ("codes", "expected"),
        [
            ([], 0.0),
            (["churn_risk"], 0.35),
            (["strong_frustration"], 0.55),
            (["churn_risk", "strong_frustration"], 0.7075),
            (["churn_risk", "vulnerable_customer", "low_confidence"], 0.662),
            (["draft_check_failed"], 1.0),
            (["legal_threat"], HARD_SCORE),
            (["legal_threat", "churn_risk"], 0.9805),
        ],
    )
    def test_adds_weights_up_as_independent_causes(self, codes: list[ReasonCode], expected: float) -> None:
        weights = {"churn_risk": 0.35, "strong_frustration": 0.55, "vulnerable_customer": 0.35, "low_confidence": 0.2}
        policy = Policy.model_validate(MINIMAL | {"weights": weights | {"draft_check_failed": 1}})
        assert policy.score([made(code) for code in codes]) == pytest.approx(expected)

    def test_a_reason_without_a_weight_counts_nothing(self) -> None:
        assert Policy.model_validate(MINIMAL).score([made("churn_risk")]) == 0.0

    @given(policies, reasons, st.sampled_from(CODES))
    def test_another_reason_never_lowers_the_score_or_turns_escalate_off(
        self, policy: Policy, found: list[Reason], code: ReasonCode
    ) -> None:
        before = verdict(*found, policy=policy).escalation
        after = verdict(*found, made(code), policy=policy).escalation
        assert after.score >= before.score
        assert after.escalate >= before.escalate
        assert 0 <= after.score <= 1

    @given(reasons)
    def test_the_order_of_reasons_does_not_matter(self, found: list[Reason]) -> None:
        assert POLICY.score(found) == pytest.approx(POLICY.score(found[::-1]), abs=1e-4)


class TestDecision:
    @given(policies, reasons, st.sampled_from(sorted(HARD)))
    def test_a_hard_reason_always_escalates(self, policy: Policy, found: list[Reason], code: ReasonCode) -> None:
        assert verdict(*found, made(code), policy=policy).escalation.escalate is True

    def test_soft_reasons_escalate_from_the_threshold_on(self) -> None:
        policy = Policy.model_validate(MINIMAL | {"weights": {"churn_risk": 0.5, "low_confidence": 0.49}, "threshold": 0.5})
        assert verdict(made("churn_risk"), policy=policy).escalation.escalate is True
        assert verdict(made("low_confidence"), policy=policy).escalation.escalate is False

    @pytest.mark.parametrize(
        ("codes", "expected"),
        [
            ([], False),
            (["churn_risk"], False),
            (["churn_risk", "vulnerable_customer"], True),
            (["low_confidence", "prompt_injection"], False),
            (["no_grounding"], True),
            (["payment_dispute"], True),
        ],
    )
    def test_the_demo_brand_escalates_when_it_should(self, codes: list[ReasonCode], expected: bool) -> None:
        assert verdict(*map(made, codes)).escalation.escalate is expected

    def test_nothing_to_escalate_stays_in_the_topics_queue_with_normal_priority(self) -> None:
        found = verdict(made("churn_risk")).escalation
        assert (found.escalate, found.queue, found.priority) == (False, "delivery", "normal")
        assert found.reasons == (made("churn_risk"),)

    @pytest.mark.parametrize(
        ("codes", "queue", "priority"),
        [
            (["strong_frustration"], "delivery", "high"),
            (["legal_threat", "strong_frustration"], "legal", "high"),
            (["safety_risk"], "safety", "critical"),
            (["data_privacy_request"], "privacy", "normal"),
            (["explicit_human_request"], "delivery", "normal"),
            (["explicit_human_request", "payment_dispute"], "payments", "high"),
            (["no_grounding"], "delivery", "normal"),
        ],
    )
    def test_the_first_reason_with_a_queue_and_the_highest_priority_count(
        self, codes: list[ReasonCode], queue: str, priority: str
    ) -> None:
        found = verdict(*map(made, codes)).escalation
        assert (found.queue, found.priority) == (queue, priority)

    @pytest.mark.parametrize("code", ["self_harm", "safety_risk"])
    def test_danger_to_people_is_critical_whatever_a_file_says(self, code: ReasonCode) -> None:
        careless = Policy.model_validate(MINIMAL | {"priorities": {code: "low"}})
        assert verdict(made(code), policy=careless).escalation.priority == "critical"

    @given(reasons, st.sampled_from(CODES))
    def test_another_reason_never_lowers_the_priority_or_moves_the_deadline_back(
        self, found: list[Reason], code: ReasonCode
    ) -> None:
        before, after = verdict(*found).escalation, verdict(*found, made(code)).escalation
        assert URGENCIES.index(after.priority) >= URGENCIES.index(before.priority)
        assert after.respond_by <= before.respond_by

    def test_the_same_inputs_give_the_same_decision(self) -> None:
        arguments = (
            message(),
            understanding("frustration", signals=["legal_threat", "churn_risk"]),
            Context(),
            POLICY,
            "delivery",
        )
        assert decide(*arguments) == decide(*arguments)
        assert decide(*arguments).escalation == decide(*arguments).escalation

    @pytest.mark.parametrize("received_at", [NOW.replace(year=2100, month=12, day=31), NOW.replace(year=2000, month=1, day=1)])
    @pytest.mark.parametrize("channel", ["x", "trustpilot", "other"])
    def test_every_moment_a_message_may_carry_has_a_deadline(self, received_at: Any, channel: str) -> None:
        written = message(channel=channel, received_at=received_at)
        found = decide(written, understanding(), Context(), POLICY, "delivery").escalation
        assert found.respond_by > written.received_at


class TestFacts:
    def facts(self, *names: FactName) -> tuple[Fact, ...]:
        return tuple(Fact(fact=name, weight=POLICY.bonuses[name], detail="so it is") for name in names)

    def test_add_to_a_reason(self) -> None:
        alone = verdict(made("churn_risk")).escalation
        late = verdict(made("churn_risk"), facts=self.facts("late_order", "rising")).escalation
        assert (alone.escalate, late.escalate) == (False, True)
        assert late.score == pytest.approx(1 - 0.65 * 0.85 * 0.85, abs=1e-4)

    def test_alone_never_escalate_whatever_they_weigh(self) -> None:
        heavy = (Fact(fact="vip", weight=1.0, detail="a VIP"),)
        assert (verdict(facts=heavy).escalation.escalate, verdict(facts=heavy).escalation.score) == (False, 0.0)

    def test_a_vip_has_at_least_the_vips_priority_where_the_message_escalates(self) -> None:
        vip = self.facts("vip")
        assert verdict(made("explicit_human_request")).escalation.priority == "normal"
        assert verdict(made("explicit_human_request"), facts=vip).escalation.priority == "high"
        assert verdict(made("self_harm"), facts=vip).escalation.priority == "critical"
        assert verdict(facts=vip).escalation.priority == "normal"

    @given(reasons, st.sampled_from(("late_order", "rising", "vip")))
    def test_a_fact_never_calms_a_decision_down(self, found: list[Reason], name: FactName) -> None:
        before, after = verdict(*found).escalation, verdict(*found, facts=self.facts(name)).escalation
        assert after.score >= before.score
        assert after.escalate >= before.escalate
        assert after.respond_by <= before.respond_by


class TestRouting:
    ROUTES: ClassVar[list[dict[str, Any]]] = [
        {"topic": "delivery", "language": ["nl", "fr"], "queue": "benelux"},
        {"reason": "legal_threat", "language": "de", "queue": "legal_de"},
        {"language": "nl", "queue": "dutch"},
        {"reason": ["legal_threat", "churn_risk"], "topic": "payment", "queue": "retention"},
    ]
    POLICY = Policy.model_validate(MINIMAL | {"routing": ROUTES, "queues": {"self_harm": "safety", "legal_threat": "legal"}})

    @pytest.mark.parametrize(
        ("codes", "topic", "language", "queue"),
        [
            ([], "delivery", "nl", "benelux"),
            ([], "returns", "nl", "dutch"),
            ([], "delivery", "de", "delivery"),
            (["legal_threat"], "delivery", "de", "legal_de"),
            (["legal_threat"], "delivery", "en", "legal"),
            (["legal_threat"], "payment", "nl", "retention"),
            (["self_harm"], "delivery", "nl", "safety"),
            (["explicit_human_request"], "delivery", "nl", "benelux"),
            (["churn_risk"], "payment", "en", "delivery"),
        ],
        ids=[
            "topic and language", "language", "nothing fits", "reason and language", "queues", "one of two reasons",
            "a reason's queue goes before a language's", "a reason without a queue", "does not escalate",
        ],
    )  # fmt: skip
    def test_the_first_route_that_fits_counts(self, codes: list[ReasonCode], topic: str, language: str, queue: str) -> None:
        found = verdict(*map(made, codes), policy=self.POLICY, topic=topic, language=language)
        assert found.escalation.queue == queue


class TestAfterTheDraft:
    FAILED = Check(check="facts_cited", passed=False, detail="31 is in no source")
    PASSED = Check(check="language", passed=True)

    def test_no_draft_and_passed_checks_change_nothing(self) -> None:
        before = verdict(made("churn_risk"))
        assert before.after(None) == before.escalation
        assert before.after(draft()) == before.escalation
        assert before.after(draft(self.PASSED)) == before.escalation

    def test_a_failed_check_escalates_and_says_which(self) -> None:
        found = verdict(made("churn_risk")).after(draft(self.PASSED, self.FAILED, Check(check="not_empty", passed=False)))
        assert found.escalate is True
        assert [r.code for r in found.reasons] == ["churn_risk", "draft_check_failed"]
        assert found.reasons[-1].detail == "facts_cited: 31 is in no source; not_empty"

    @given(reasons, st.lists(st.booleans(), max_size=4))
    def test_never_removes_a_reason_and_never_calms_down(self, found: list[Reason], passed: list[bool]) -> None:
        before = verdict(*found)
        after = before.after(draft(*(Check(check=f"c{n}", passed=ok) for n, ok in enumerate(passed))))
        assert after.reasons[: len(found)] == tuple(found)
        assert len(after.reasons) == len(found) + (not all(passed))
        assert after.score >= before.escalation.score
        assert after.escalate >= before.escalation.escalate
        assert after.escalate >= (not all(passed))


class TestFile:
    def test_the_demo_brand_and_the_default_agree(self) -> None:
        own = {"queue_names": (), "timezone": "UTC", "holidays": Holidays()}
        assert read_brand("new", None).policy == POLICY.model_copy(update=own)

    def test_every_soft_reason_has_a_weight_and_no_hard_one(self) -> None:
        assert set(POLICY.weights) == set(SOFT)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"weights": {"legal_threat": 0.3}}, "legal_threat always escalates and takes no weight: remove the line"),
            ({"weights": {"churn_risk": 1.2}}, "less than or equal to 1"),
            ({"weights": {"churn_risks": 0.2}}, "churn_risks"),
            ({"threshold": 0}, "greater than 0"),
            ({"threshold": 1.1}, "less than or equal to 1"),
            ({"targets_minutes": {"x": 60}}, "default is missing: minutes for channels that are not listed"),
            ({"targets_minutes": {"default": 0}}, "greater than or equal to 1"),
            ({"targets_minutes": {"default": 60, "myspace": 5}}, "myspace"),
            ({"opening_hours": {"monday": "9:00-18:00"}}, "monday"),
            ({"opening_hours": {"mon": "9-18"}}, "write hours such as"),
            ({"opening_hours": {"mon": "25:00-26:00"}}, "opening_hours"),
            ({"opening_hours": {"mon": "18:00-9:00"}}, "ends before it begins"),
            ({"opening_hours": {"mon": "9:00-13:00, 12:00-18:00"}}, "9:00-13:00 and 12:00-18:00 overlap"),
            ({"opening_hours": {"mon": ["12:00-18:00", "9:00-13:00"]}}, "9:00-13:00 and 12:00-18:00 overlap"),
            ({"opening_hours": {"mon": "9:00-24:30"}}, "a day ends at 24:00"),
            ({"opening_hours": {"mon": 540}}, "write hours such as"),
            ({"repeat_window_days": 0}, "greater than or equal to 1"),
            ({"count_open_hours_only": True}, "needs opening_hours"),
            ({"bonuses": {"late": 0.1}}, "late_order"),
            ({"value_at_stake": {"EUR": 0}}, "greater than 0"),
            ({"value_at_stake": {"euro": 100}}, "value_at_stake"),
            ({"warn_at_share": 1}, "less than 1"),
            ({"timezone": "Europe/Amsterdm"}, "did you mean 'Europe/Amsterdam'"),
            ({"holidays": {"country": "ZZ"}}, "no holidays are known of country 'ZZ'"),
            ({"holidays": {"country": "DE", "region": "XX"}}, "unknown region 'XX' of DE; it has: BB, BE"),
            ({"holidays": {"region": "BY"}}, "region needs a country"),
            ({"queue_names": ["general", "legal"], "queues": {"legal_threat": "leagl"}}, "did you mean 'legal'"),
            ({"queue_names": ["legal"]}, "unknown queue 'general'"),
            ({"queue_names": ["general"], "routing": [{"topic": "delivery", "queue": "parcels"}]}, "unknown queue 'parcels'"),
            ({"routing": [{"queue": "general"}]}, "name a topic, a language or a reason"),
            ({"routing": [{"reason": "legal", "queue": "general"}]}, "legal_threat"),
            ({"targets_minutes": {"default": 10**9}}, "less than or equal to"),
            ({"priorities": {"self_harm": "urgent"}}, "priorities.self_harm"),
            ({"thresold": 0.5}, "thresold"),
        ],
        ids=lambda value: None if isinstance(value, str) else next(iter(value)),
    )
    def test_a_wrong_policy_is_refused_by_what_is_wrong(self, change: dict[str, Any], said: str) -> None:
        with pytest.raises(ValidationError, match=said):
            Policy.model_validate(MINIMAL | change)

    def test_a_short_policy_has_defaults(self) -> None:
        policy = Policy.model_validate(MINIMAL)
        assert (policy.threshold, policy.default_queue, policy.opening_hours) == (0.5, "general", {})
        assert verdict(policy=policy).escalation.respond_by == NOW + timedelta(minutes=60)
