"""The escalation policy: a brand's file of weights, queues and targets, read and validated."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from service.escalate.hours import Holidays, OpeningHours
from service.messages import URGENCIES, Channel, Fact, FactName, Reason, ReasonCode, Urgency

HARD: frozenset[str] = frozenset({
    "explicit_human_request", "legal_threat", "regulator_complaint", "safety_risk", "self_harm", "fraud_or_security",
    "data_privacy_request", "discrimination_or_harassment", "processing_error",
})  # fmt: skip
HARD_SCORE = 0.97  # score of a message with a hard reason; above what soft ones usually add up to
ALWAYS_CRITICAL: frozenset[str] = frozenset({"self_harm", "safety_risk"})  # whatever a file says: a life may hang on it
YEAR = 366 * 24 * 60  # minutes; no target is longer
Weight = Annotated[float, Field(ge=0, le=1)]
Minutes = Annotated[int, Field(ge=1, le=YEAR)]
Target = Literal[Channel, "default", "private"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
QueueName = Annotated[str, Field(min_length=1, max_length=100)]  # as long as the records hold it


def _several(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


class Route(BaseModel):
    """One line of `routing`: a message that fits every condition given goes to the queue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    language: Annotated[tuple[Annotated[str, Field(pattern="^[a-z]{2,3}$")], ...], BeforeValidator(_several)] = ()
    reason: Annotated[tuple[ReasonCode, ...], BeforeValidator(_several)] = ()
    queue: QueueName

    @model_validator(mode="after")
    def _conditional(self) -> Route:
        if not (self.topic or self.language or self.reason):
            raise ValueError("name a topic, a language or a reason; where everything else goes is default_queue")
        return self

    def fits(self, topic: str, language: str, reasons: Collection[str]) -> bool:
        """Whether the queue is for a message of this topic and language with these reasons."""
        return (
            (not self.topic or topic in self.topic)
            and (not self.language or language in self.language)
            and (not self.reason or any(code in self.reason for code in reasons))
        )


class Policy(BaseModel):
    """escalation.yaml; its comments in knowledge/_default say what each key does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    weights: dict[ReasonCode, Weight]
    bonuses: dict[FactName, Weight] = {}
    value_at_stake: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Annotated[float, Field(gt=0)]] = {}
    low_confidence_below: Weight = 0.4
    followers: Annotated[int, Field(ge=1)] = 20_000
    repeat_window_days: Annotated[int, Field(ge=1, le=3_650)] = 14
    queue_names: tuple[QueueName, ...] = ()
    default_queue: QueueName = "general"
    queues: dict[ReasonCode, QueueName] = {}
    routing: tuple[Route, ...] = ()
    priorities: dict[ReasonCode, Urgency] = {}
    vip_priority: Urgency | None = None
    targets_minutes: dict[Target, Minutes]
    priority_minutes: dict[Urgency, Minutes] = {}
    warn_at_share: Annotated[float, Field(gt=0, lt=1)] = 0.8
    opening_hours: OpeningHours = {}
    holidays: Holidays = Holidays()
    timezone: str | None = None
    count_open_hours_only: bool = False
    around_the_clock: tuple[Urgency, ...] = ("critical",)

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

    @field_validator("timezone")
    @classmethod
    def _real_zone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError(f"unknown time zone {name!r}{did_you_mean(name, available_timezones())}")
        return name

    @model_validator(mode="after")
    def _agrees(self) -> Policy:
        for at, queue in self.queues_named():
            if problem := self.unknown_queue(queue):
                raise PydanticCustomError("unknown_queue", "{problem}", {"problem": problem, "at": at})
        if self.count_open_hours_only and not self.opening_hours:
            raise PydanticCustomError(
                "no_hours", "needs opening_hours: without them every hour counts", {"at": ("count_open_hours_only",)}
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the opening hours."""
        return ZoneInfo(self.timezone or "UTC")

    def queues_named(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Every queue of the file with the place it stands at."""
        return [
            (("default_queue",), self.default_queue),
            *((("queues", code), queue) for code, queue in self.queues.items()),
            *((("routing", number, "queue"), route.queue) for number, route in enumerate(self.routing)),
        ]

    def unknown_queue(self, queue: str) -> str | None:
        """What is wrong with the name of a queue; None where it is on the list, or there is no list."""
        if not self.queue_names or queue in self.queue_names:
            return None
        return f"unknown queue {queue!r}{did_you_mean(queue, self.queue_names)}"

    def score(self, reasons: Sequence[Reason], facts: Sequence[Fact] = ()) -> float:
        """How much speaks for a human, 0..1: soft weights as independent causes; a hard reason alone is enough.

        Facts add their weights to reasons; without any reason they count nothing, so that every escalation has one.
        """
        calm = 1.0
        for reason in reasons:
            calm *= 1 - (HARD_SCORE if reason.kind == "hard" else self.weights.get(reason.code, 0.0))
        for fact in facts if reasons else ():
            calm *= 1 - fact.weight
        return round(1 - calm, 4)

    def priority_of(self, reasons: Sequence[Reason], facts: Sequence[Fact] = ()) -> Urgency:
        """The highest priority that a reason, or a customer who is a VIP, asks for; normal where none does."""
        asked = [self.priority(reason.code) for reason in reasons] or ["normal"]
        if self.vip_priority is not None and any(fact.fact == "vip" for fact in facts):
            asked.append(self.vip_priority)
        return max(asked, key=URGENCIES.index)

    def priority(self, code: ReasonCode) -> Urgency:
        """The priority of a reason alone."""
        return "critical" if code in ALWAYS_CRITICAL else self.priorities.get(code, "normal")

    def queue_of(self, topic_queue: str, topic: str, language: str, reasons: Sequence[Reason]) -> str:
        """Where a message goes: by its reasons first, routes before `queues`, then by routes without a reason, then by topic.

        `reasons` are those of an escalated message, the gravest first; none for one that does not escalate.
        """
        codes = [reason.code for reason in reasons]
        fitting = [route for route in self.routing if route.fits(topic, language, codes)]
        by_reason = [route.queue for route in fitting if route.reason]
        by_reason += [self.queues[code] for code in codes if code in self.queues]
        return next(iter(by_reason + [route.queue for route in fitting if not route.reason]), topic_queue)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The nearest of the known names as a hint, or all of them where there are few and none is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are: {', '.join(known)}" if len(known) <= 40 else ""
