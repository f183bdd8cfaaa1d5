"""What a case expects of a triage; what is left out is not judged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from service.messages import Action, Addressed, Label, Level, ReasonCode


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Expected(BaseModel):
    """One value or a list of acceptable ones; `order: null` means that no order may be shown."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[list[Label] | None, BeforeValidator(_listed)] = None
    also: list[Label] = []
    level: Annotated[list[Level] | None, BeforeValidator(_listed)] = None
    topic: Annotated[list[str] | None, BeforeValidator(_listed)] = None
    language: str | None = None
    addressed: Annotated[list[Addressed] | None, BeforeValidator(_listed)] = None
    escalate: bool | None = None
    reasons: list[ReasonCode] = []
    passages: list[str] = []
    order: str | None = None
    action: Annotated[list[Action] | None, BeforeValidator(_listed)] = None
    private_contains: list[str] = []
    public_not_contains: list[str] = []
    private_not_contains: list[str] = []
