"""How long a message waits for the rest of what its author is writing: `knowledge/debounce.yaml`."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.files import shipped
from service.messages import Channel, Message
from service.yaml_files import read_yaml

HOLD = timedelta(seconds=24)  # longest from the first message of a burst to its triage: three times the longest debounce

Seconds = Annotated[float, Field(ge=0, le=8)]  # a customer waits for an answer all the while


class _Debounce(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Seconds]


@cache
def _seconds() -> dict[str, float]:
    return dict(read_yaml(shipped("knowledge/debounce.yaml"), _Debounce).__pydantic_extra__ or {})


def seconds_of(channel: Channel) -> float:
    """The debounce of a channel in seconds."""
    return _seconds()[channel]


def debounce_of(message: Message) -> timedelta:
    """How long this message waits; one that belongs to no conversation can't be followed by another."""
    return timedelta(seconds=seconds_of(message.channel) if message.conversation_id is not None else 0)
