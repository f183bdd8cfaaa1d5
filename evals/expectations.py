"""What a case expects of a triage; what is left out is not judged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from service.messages import Action, Addressed, Label, Level, ReasonCode, Trajectory, Urgency


def listed(value: Any) -> Any:
    """A single value as a list of one."""
    return [value] if isinstance(value, str) else value


def _one_or_more(what: str) -> Any:
    return Field(default=None, description=f"{what}: one value, or a list of acceptable ones")


class Expected(BaseModel):
    """One value or a list of acceptable ones; `order: null` means that no order may be shown."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[list[Label] | None, BeforeValidator(listed)] = _one_or_more("The main label")
    also: list[Label] = Field(default=[], description="Further labels that are truly there")
    level: Annotated[list[Level] | None, BeforeValidator(listed)] = _one_or_more("How frustrated the customer is")
    trajectory: Annotated[list[Trajectory] | None, BeforeValidator(listed)] = _one_or_more("Of the mood over the thread")
    topic: Annotated[list[str] | None, BeforeValidator(listed)] = _one_or_more("Topic")
    urgency: Annotated[list[Urgency] | None, BeforeValidator(listed)] = _one_or_more("Urgency")
    language: str | None = Field(default=None, description="ISO 639-1 code of the message's language")
    addressed: Annotated[list[Addressed] | None, BeforeValidator(listed)] = _one_or_more("Whom the message is for")
    escalate: bool | None = Field(default=None, description="Whether a human must take over")
    reasons: list[ReasonCode] = Field(default=[], description="Codes that must be among the reasons")
    not_reasons: list[ReasonCode] = Field(default=[], description="Codes that must not be among the reasons")
    queue: Annotated[list[str] | None, BeforeValidator(listed)] = _one_or_more("Queue")
    priority: Annotated[list[Urgency] | None, BeforeValidator(listed)] = _one_or_more("Priority")
    passages: list[str] | None = Field(
        default=None, description="Entries that must be among the passages; an empty list: nothing in the knowledge answers this"
    )
    order: str | None = Field(default=None, description="The first order shown; null: no order may be shown")
    action: Annotated[list[Action] | None, BeforeValidator(listed)] = _one_or_more("What the draft does")
