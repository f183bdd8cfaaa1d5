"""Suites as people write them: YAML files of cases, each an input message with what is expected of its triage."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from evals.asserts import DraftAssert
from evals.expectations import Expected, Words, single


def _text(value: Any) -> Any:
    """YAML reads a time as one; the API takes text."""
    return value.isoformat() if hasattr(value, "isoformat") else value


Slices = dict[str, str]
NAME = r"^[\w.:/-]+$"


def _named(name: str) -> str:
    if re.fullmatch(NAME, name) is None:
        raise PydanticCustomError("name", "a name is letters, digits and . : / _ - without spaces, such as de-parcel-late")
    return name


Name = Annotated[str, AfterValidator(_named), Field(max_length=200, json_schema_extra={"pattern": NAME})]


def _unset(value: Any) -> bool:
    """A key that came later changes no digest of the cases that don't have it."""
    return value is None


class Fixture(BaseModel):
    """What a case stands on instead of the brand's own, and what a model writes: in process alone, a service has its own."""

    model_config = ConfigDict(extra="forbid")

    knowledge: list[dict[str, Any]] | None = Field(
        default=None, description="FAQs as in a knowledge import (id, question, answer, language …): all there is for this case"
    )
    orders: list[dict[str, Any]] | None = Field(
        default=None, description="Orders as in an orders import: all that the case's customer has"
    )
    written: dict[str, Any] | None = Field(
        default=None,
        exclude_if=_unset,
        description="What a model answers for this case (action, public, private, claims), checked like any answer",
    )


class Case(BaseModel):
    """One message, and what a good triage of it looks like."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(description="Unique in the suite")
    inputs: dict[str, Annotated[Any, BeforeValidator(_text)]] = Field(description="The request, as POST /v1/triage takes it")
    expected_output: Expected = Field(default=Expected(), description="What must be understood, found and decided")
    asserts: list[DraftAssert] = Field(default=[], description="What must hold for the draft's texts")
    reference: str | None = Field(default=None, description="The reply a good agent sent or would send: the edit distance to it")
    fixture: Fixture | None = Field(default=None, description="Knowledge and orders of this case alone")
    tags: Words = Field(default=[], description="Free words to filter by", json_schema_extra=single)
    slices: Slices = Field(default={}, description="Groups the case is counted in, such as industry: banking")
    skip: str | None = Field(default=None, min_length=1, description="Why the case is not run")
    weight: float = Field(default=1.0, gt=0, description="How much the case counts in the pass rate")
    threshold: float = Field(default=1.0, gt=0, le=1, description="Share of its verdicts that must hold for the case to pass")


class SuiteFile(BaseModel):
    """A file of cases; files in one folder are one suite."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(description="The suite's name")
    description: str | None = Field(default=None, description="What the suite is for")
    defaults: dict[str, Annotated[Any, BeforeValidator(_text)]] = Field(
        default={}, description="Fields of the request that inputs leave out"
    )
    slices: Slices = Field(default={}, description="Groups that every case of the file is counted in")
    cases: list[Case] = Field(min_length=1)


Mode = Literal["live", "record", "replay"]
MODES: tuple[str, ...] = get_args(Mode)
