"""Which reasons a message gives, and on what they rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import DEMO, NOW, message, order, passage, understanding

from service.escalate.policy import HARD
from service.escalate.reasons import reasons_of
from service.messages import Context, Label, Message, Outcome, PastTriage, Reason, Signal, Understanding

ANSWER = passage()
GROUNDED = Context(passages=(ANSWER,), answers=((ANSWER,),))


def found(given: Understanding, context: Context = GROUNDED, written: Message | None = None) -> dict[str, Reason]:
    return {r.code: r for r in reasons_of(written or message(), given, context, DEMO.policy)}


def past(days: float, label: str = "frustration", **fields: Any) -> PastTriage:
    return PastTriage.model_validate(
        {"triage_id": "tri_1", "at": NOW - timedelta(days=days), "label": label, "outcome": "drafted"} | fields
    )


def test_a_calm_question_with_an_answer_gives_none() -> None:
    assert found(understanding()) == {}


class TestSignals:
    @pytest.mark.parametrize("code", sorted(HARD - {"processing_error"}))
    def test_a_hard_signal_is_a_hard_reason_whatever_the_mood(self, code: str) -> None:
        for label in ("frustration", "information_seeking", "praise", "other"):
            assert found(understanding(label, signals=[code]))[code].kind == "hard"

    @pytest.mark.parametrize("code", ["churn_risk", "payment_dispute", "vulnerable_customer", "prompt_injection"])
    def test_other_signals_are_soft_reasons(self, code: str) -> None:
        assert found(understanding("frustration", signals=[code]))[code].kind == "soft"

    @pytest.mark.parametrize("code", ["thanks", "sarcasm", "greeting_only", "waiting", "time_pressure", "profanity"])
    def test_signals_that_are_no_reasons_stay_out(self, code: str) -> None:
        assert code not in found(understanding("frustration", signals=[code]))

    @pytest.mark.parametrize("code", ["strong_frustration", "unsupported_language", "low_confidence", "no_grounding"])
    def test_a_rule_can_not_claim_what_only_the_understanding_knows(self, code: str) -> None:
        assert found(understanding(signals=[code])) == {}

    def test_evidence_is_the_customers_words(self) -> None:
        signal = Signal(code="legal_threat", evidence="schalte meinen Anwalt ein", start=4, end=29)
        assert found(understanding(signals=[signal]))["legal_threat"].evidence == "schalte meinen Anwalt ein"

    @pytest.mark.parametrize(("also", "counts"), [((), False), (("frustration",), True)])
    def test_a_soft_signal_of_a_happy_customer_is_a_turn_of_phrase(self, also: tuple[str, ...], counts: bool) -> None:
        assert ("churn_risk" in found(understanding("praise", also=also, signals=["churn_risk"]))) is counts

    def test_an_attempt_on_the_machine_counts_in_praise_too(self) -> None:
        assert "prompt_injection" in found(understanding("praise", signals=["prompt_injection"]))

    def test_hard_reasons_come_first(self) -> None:
        reasons = found(understanding("frustration", signals=["churn_risk", "legal_threat", "payment_dispute"])).values()
        assert [r.kind for r in reasons] == ["hard", "soft", "soft"]

    def test_the_gravest_of_the_hard_ones_comes_first(self) -> None:
        codes = ["explicit_human_request", "data_privacy_request", "legal_threat", "self_harm"]
        assert next(iter(found(understanding("frustration", signals=codes)))) == "self_harm"

    def test_words_a_rule_named_go_before_an_opinion(self) -> None:
        named = Signal(code="explicit_human_request", evidence="einen Menschen", start=0, end=14)
        given = understanding("frustration", signals=["legal_threat", named])
        assert list(found(given)) == ["explicit_human_request", "legal_threat"]


class TestStrongFrustration:
    @pytest.mark.parametrize(("level", "expected"), [("mild", False), ("moderate", False), ("strong", True)])
    def test_needs_the_strongest_level(self, level: str, expected: bool) -> None:
        assert ("strong_frustration" in found(understanding("frustration", frustration_level=level))) is expected

    @pytest.mark.parametrize(
        ("addressed", "expected"), [("direct", True), ("about_us", True), ("mention", True), ("not_us", False), ("spam", False)]
    )
    def test_is_ours_only_where_it_is_about_us(self, addressed: str, expected: bool) -> None:
        given = understanding("frustration", frustration_level="strong", addressed=addressed)
        assert ("strong_frustration" in found(given)) is expected

    def test_tells_its_score(self) -> None:
        given = understanding("frustration", frustration_level="strong")
        assert found(given)["strong_frustration"].detail == "frustration score 0.90"


class TestFollowers:
    @pytest.mark.parametrize(("followers", "expected"), [(None, False), (19_999, False), (20_000, True), (48_000, True)])
    def test_many_make_a_press_or_influencer(self, followers: int | None, expected: bool) -> None:
        reasons = found(understanding(), written=message(author={"followers": followers}))
        assert ("press_or_influencer" in reasons) is expected
        if expected:
            assert reasons["press_or_influencer"].detail == f"{followers} followers"

    def test_are_not_counted_beside_the_words(self) -> None:
        given = understanding("frustration", signals=["press_or_influencer"])
        reasons = reasons_of(message(author={"followers": 90_000}), given, GROUNDED, DEMO.policy)
        assert [r.evidence for r in reasons] == ["press_or_influencer"]


class TestRepeatContact:
    def reasons(self, *history: PastTriage, label: str = "frustration") -> dict[str, Reason]:
        return found(understanding(label), GROUNDED.model_copy(update={"history": history}))

    def test_an_earlier_frustrated_contact_in_the_window_counts(self) -> None:
        one = self.reasons(past(3))["repeat_contact"]
        assert (one.evidence, one.detail) == ("tri_1", "frustrated contact number 2 in 3 days, the one before on 2026-11-19")
        two = self.reasons(past(2), past(9))["repeat_contact"]
        assert two.detail == "frustrated contact number 3 in 9 days, the one before on 2026-11-20"

    def test_an_episode_that_ended_well_is_over(self) -> None:
        assert "repeat_contact" not in self.reasons(past(1, "praise"), past(3))
        assert "repeat_contact" not in self.reasons(past(1, "other", resolved=True), past(3))
        assert "repeat_contact" in self.reasons(past(1), past(3, "praise"), past(5))
        assert "repeat_contact" in self.reasons(past(1, "information_seeking"), past(3))

    def test_counts_once_an_episode(self) -> None:
        first, second = past(9), past(5, escalated=True)
        assert "repeat_contact" not in self.reasons(past(2), second, first)
        assert "repeat_contact" not in self.reasons(second, first)
        assert "repeat_contact" in self.reasons(past(5), past(9, escalated=True)), "the first contact was no second strike"
        assert "repeat_contact" in self.reasons(past(1), past(3, "praise"), second, first), "a new episode"

    @pytest.mark.parametrize(("days", "expected"), [(0, True), (14, True), (14.01, False), (60, False), (-1, False)])
    def test_the_window_is_fourteen_days_before_the_message(self, days: float, expected: bool) -> None:
        assert ("repeat_contact" in self.reasons(past(days))) is expected

    def test_calm_contacts_then_or_now_do_not_count(self) -> None:
        assert "repeat_contact" not in self.reasons(past(3, "information_seeking"))
        assert "repeat_contact" not in self.reasons(past(3), label="information_seeking")

    def test_own_words_stand_beside_the_fact_of_the_history(self) -> None:
        given = understanding("frustration", signals=["repeat_contact"])
        reasons = reasons_of(message(), given, GROUNDED.model_copy(update={"history": (past(3),)}), DEMO.policy)
        assert [(r.code, r.evidence, r.detail) for r in reasons] == [
            ("repeat_contact", "repeat_contact", "frustrated contact number 2 in 3 days, the one before on 2026-11-19")
        ]

    @pytest.mark.parametrize(
        ("outcome", "label", "detail"),
        [
            ("drafted", "information_seeking", "asked the same on 19 November, no answer recorded"),
            ("escalated", "frustration", "asked the same on 19 November, no answer recorded"),
            ("rejected", "information_seeking", "asked the same on 19 November, no answer recorded"),
            ("edited", "frustration", "asked the same on 19 November, answered then"),
            ("accepted", "information_seeking", None),
        ],
    )
    def test_the_same_question_again_counts_unless_it_was_answered_and_is_calm(
        self, outcome: Outcome, label: Label, detail: str | None
    ) -> None:
        asked = past(3, "information_seeking").model_copy(update={"same_question": True, "outcome": outcome})
        reasons = self.reasons(past(1, "information_seeking"), asked, label=label)
        assert (reasons["repeat_contact"].detail if "repeat_contact" in reasons else None) == detail

    @pytest.mark.parametrize(("days", "expected"), [(14, True), (14.01, False), (-1, False)])
    def test_a_question_of_long_ago_is_a_new_one(self, days: float, expected: bool) -> None:
        asked = past(days, "information_seeking").model_copy(update={"same_question": True})
        assert ("repeat_contact" in self.reasons(asked, label="information_seeking")) is expected

    def test_a_question_to_somebody_else_is_none(self) -> None:
        asked = past(3, "information_seeking").model_copy(update={"same_question": True})
        given = understanding(addressed="mention")
        assert "repeat_contact" not in found(given, GROUNDED.model_copy(update={"history": (asked,)}))


class TestLanguage:
    @pytest.mark.parametrize(
        ("label", "language", "addressed", "expected"),
        [
            ("information_seeking", "pl", "direct", True),
            ("frustration", "pl", "about_us", True),
            ("praise", "pl", "direct", False),
            ("other", "pl", "direct", False),
            ("frustration", "pl", "mention", False),
            ("frustration", "de", "direct", False),
            ("frustration", "und", "direct", False),
        ],
    )
    def test_an_unsupported_one_is_a_reason_where_an_answer_is_wanted(
        self, label: str, language: str, addressed: str, expected: bool
    ) -> None:
        reasons = found(understanding(label, language, addressed=addressed))
        assert ("unsupported_language" in reasons) is expected
        if expected:
            assert reasons["unsupported_language"].detail == "written in pl"


class TestConfidence:
    @pytest.mark.parametrize(("confidence", "expected"), [(0.39, True), (0.4, False), (0.9, False)])
    def test_a_guess_is_a_reason(self, confidence: float, expected: bool) -> None:
        reasons = found(understanding(confidence=confidence))
        assert ("low_confidence" in reasons) is expected
        if expected:
            assert reasons["low_confidence"].detail == "highest label score 0.39"


class TestGrounding:
    def test_a_question_that_nothing_answers_is_a_reason(self) -> None:
        assert found(understanding(), Context())["no_grounding"].detail == "no passage and no order answers this"

    @pytest.mark.parametrize(
        ("given", "context"),
        [
            (understanding(), GROUNDED),
            (understanding(), Context(orders=(order(),))),
            (understanding("frustration"), Context()),
            (understanding("praise"), Context()),
            (understanding(addressed="mention"), Context()),
            (understanding(signals=["greeting_only"]), Context()),
        ],
        ids=["passage", "order", "complaint", "praise", "mention", "greeting"],
    )
    def test_anything_else_is_none(self, given: Understanding, context: Any) -> None:
        assert "no_grounding" not in found(given, context)
