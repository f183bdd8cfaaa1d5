"""Suites: YAML files of cases under evals/suites, read as pydantic-evals datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_evals import Case, Dataset

from evals.expectations import Expected
from evals.judge import MeetsExpectations
from service.errors import KnowledgeNotUsable
from service.messages import Message, Triage

FOLDER = Path(__file__).parent / "suites"
Suite = Dataset[Message, Triage, dict[str, Any]]


def read_suite(path: Path, **defaults: Any) -> Suite:
    """The suite at `path`; `defaults` fill fields that an input leaves out. Raises KnowledgeNotUsable naming the case."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    cases: list[Case[Message, Any, dict[str, Any]]] = []
    for raw in content["cases"]:
        try:
            message = Message.model_validate(defaults | raw["inputs"])
            Expected.model_validate(raw.get("expected_output") or {})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise KnowledgeNotUsable(f"{path}: case {raw.get('name')}: {where}: {first['msg']}") from None
        cases.append(
            Case(name=raw["name"], inputs=message, expected_output=raw.get("expected_output"), metadata=raw.get("metadata"))
        )
    return Dataset(name=content["name"], cases=cases, evaluators=[MeetsExpectations()])
