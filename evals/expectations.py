"""What a case expects of a triage; what is left out is not judged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from service.messages import Action, Addressed, Label, Level, ReasonCode, Trajectory, Urgency

LANGUAGE = r"^[a-z]{2,3}$"


def listed(value: Any) -> Any:
    """A single value as a list of one."""
    return [value] if isinstance(value, str) else value


def single(schema: dict[str, Any]) -> None:
    """An editor takes a single value too."""
    options = schema.get("anyOf", [schema])
    items = next(option["items"] for option in options if "items" in option)
    described = {name: schema.pop(name) for name in ("default", "description", "title") if name in schema}
    kept = [dict(option) for option in options]
    schema.clear()
    schema |= {"anyOf": [items, *kept]} | described


def _one_or_more(what: str) -> Any:
    return Field(default=None, description=f"{what}: one value, or a list of acceptable ones", json_schema_extra=single)


def _several(what: str) -> Any:
    return Field(default=[], description=what, json_schema_extra=single)


Words = Annotated[list[str], BeforeValidator(listed)]
Codes = Annotated[list[ReasonCode], BeforeValidator(listed)]


class Expected(BaseModel):
    """One value or a list of acceptable ones; `order: null` means that no order may be shown."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[list[Label] | None, BeforeValidator(listed)] = _one_or_more("The main label")
    also: Annotated[list[Label], BeforeValidator(listed)] = _several("Further labels that are truly there")
    level: Annotated[list[Level] | None, BeforeValidator(listed)] = _one_or_more("How frustrated the customer is")
    trajectory: Annotated[list[Trajectory] | None, BeforeValidator(listed)] = _one_or_more("Of the mood over the thread")
    topic: Annotated[list[str] | None, BeforeValidator(listed)] = _one_or_more("Topic")
    urgency: Annotated[list[Urgency] | None, BeforeValidator(listed)] = _one_or_more("Urgency")
    language: str | None = Field(default=None, pattern=LANGUAGE, description="ISO 639-1 code of the message's language")
    addressed: Annotated[list[Addressed] | None, BeforeValidator(listed)] = _one_or_more("Whom the message is for")
    escalate: bool | None = Field(default=None, description="Whether a human must take over")
    reasons: Codes = _several("Codes that must be among the reasons")
    not_reasons: Codes = _several("Codes that must not be among the reasons")
    queue: Annotated[list[str] | None, BeforeValidator(listed)] = _one_or_more("Queue")
    priority: Annotated[list[Urgency] | None, BeforeValidator(listed)] = _one_or_more("Priority")
    passages: Annotated[list[str] | None, BeforeValidator(listed)] = Field(
        default=None, json_schema_extra=single,
        description="Entries that must be among the passages; an empty list: nothing in the knowledge answers this",
    )  # fmt: skip
    order: str | None = Field(default=None, description="The first order shown; null: no order may be shown")
    action: Annotated[list[Action] | None, BeforeValidator(listed)] = _one_or_more("What the draft does")

    rejected: bool | None = Field(
        default=None,
        exclude_if=lambda value: value is None,  # a key that came later changes no digest of the cases that don't have it
        description="Whether a check must refuse what a model wrote for the case",
    )

    @model_validator(mode="after")
    def _possible(self) -> Expected:
        if both := sorted(set(self.reasons) & set(self.not_reasons)):
            raise PydanticCustomError("expected", "{code} stands in reasons and in not_reasons", {"code": both[0]})
        return self
