"""The escalation policy: a brand's file of weights, queues and targets, read and validated."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from service.messages import Channel, Reason, ReasonCode, Urgency

HARD: frozenset[str] = frozenset({
    "explicit_human_request", "legal_threat", "regulator_complaint", "safety_risk", "self_harm", "fraud_or_security",
    "data_privacy_request", "discrimination_or_harassment", "processing_error",
})  # fmt: skip
HARD_SCORE = 0.97  # score of a message with a hard reason; above what soft ones usually add up to
Weight = Annotated[float, Field(ge=0, le=1)]
Minutes = Annotated[int, Field(ge=1)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


class Policy(BaseModel):
    """escalation.yaml; its comments in knowledge/_default say what each key does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    weights: dict[ReasonCode, Weight]
    low_confidence_below: Weight = 0.4
    followers: Annotated[int, Field(ge=1)] = 20_000
    repeat_window_days: Annotated[int, Field(ge=1)] = 14
    default_queue: str = "general"
    queues: dict[ReasonCode, str] = {}
    priorities: dict[ReasonCode, Urgency] = {}
    targets_minutes: dict[Channel | Literal["default", "private"], Minutes]
    priority_minutes: dict[Urgency, Minutes] = {}
    opening_hours: dict[Weekday, Annotated[str, Field(pattern=r"^\d{1,2}:\d{2}-\d{1,2}:\d{2}$")]] = {}

    @field_validator("weights")
    @classmethod
    def _soft_only(cls, weights: dict[ReasonCode, float]) -> dict[ReasonCode, float]:
        if hard := sorted(HARD & weights.keys()):
            raise ValueError(f"{', '.join(hard)} always escalates and takes no weight: remove the line")
        return weights

    @field_validator("targets_minutes")
    @classmethod
    def _has_default(cls, targets: dict[str, int]) -> dict[str, int]:
        if "default" not in targets:
            raise ValueError("default is missing: minutes for channels that are not listed")
        return targets

    @field_validator("opening_hours")
    @classmethod
    def _real_hours(cls, hours: dict[Weekday, str]) -> dict[Weekday, str]:
        for day, text in hours.items():
            minutes = [int(h) * 60 + int(m) for h, m in (part.split(":") for part in text.split("-"))]
            if not 0 <= minutes[0] < minutes[1] <= 24 * 60 - 1 or any(int(part[-2:]) > 59 for part in text.split("-")):
                raise ValueError(f"{day} {text}: from an earlier to a later time of one day, such as 9:00-18:00")
        return hours

    def score(self, reasons: list[Reason]) -> float:
        """How much speaks for a human, 0..1: soft weights as independent causes; a hard reason alone is enough."""
        calm = 1.0
        for reason in reasons:
            calm *= 1 - (HARD_SCORE if reason.kind == "hard" else self.weights.get(reason.code, 0.0))
        return round(1 - calm, 4)
