"""How a request is put so that the server at hand takes it: servers understand different parts of one protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

from service.llm.prompts import Prompt

Form = Literal["json_schema", "json_object", "text"]
PLAINER: dict[Form, Form] = {"json_schema": "json_object", "json_object": "text"}
REFUSALS = frozenset({400, 422, 500, 501})  # statuses by which servers say that they don't know a field
_OF_FORMS = ("response_format", "json_schema", "json_object", "structured output", "schema", "grammar")


@dataclass(frozen=True)
class Dialect:
    """What a server is thought to understand, the most at first."""

    form: Form = "json_schema"  # how it is told the schema of its answer
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # the second for OpenAI's reasoning models
    usage: bool = True  # whether a stream is asked to end with its usage

    def body(self, model: str, prompt: Prompt, *, stream: bool = False) -> dict[str, Any]:
        """The JSON of a request."""
        body: dict[str, Any] = {"model": model, "messages": list(prompt.messages), self.limit: prompt.max_tokens}
        if prompt.schema is not None:
            if self.form == "json_schema":
                named = {"name": prompt.schema_name, "schema": prompt.schema, "strict": True}
                body["response_format"] = {"type": "json_schema", "json_schema": named}
            else:
                body["messages"] = _told(prompt)
            if self.form == "json_object":
                body["response_format"] = {"type": "json_object"}
        if stream:
            body["stream"] = True
            if self.usage:
                body["stream_options"] = {"include_usage": True}
        return body

    def plainer(self, said: str, *, schema: bool) -> Dialect | None:
        """What to try after a refusal that said this; None where it was not about how the request was put.

        `schema`: whether the form of the answer may be another one.
        """
        if "max_completion_tokens" in said and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if "stream_options" in said and self.usage:
            return replace(self, usage=False)
        if schema and self.form in PLAINER and any(word in said for word in _OF_FORMS):
            return replace(self, form=PLAINER[self.form])
        return None


def _told(prompt: Prompt) -> list[dict[str, Any]]:
    """The messages with the schema in words: in the first one of the system, which every chat template takes."""
    words = (
        "Answer with one JSON object and nothing around it. It follows this JSON schema:\n"
        + json.dumps(prompt.schema, ensure_ascii=False)
    )  # fmt: skip
    first, *others = prompt.messages
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        return [{**first, "content": f"{first['content']}\n\n{words}"}, *others]
    return [{"role": "system", "content": words}, first, *others]
