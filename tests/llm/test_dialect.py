"""Servers that understand less than the whole protocol are asked in the way they do understand, and it is remembered."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest
from calling import PROMPT, SCHEMA, Connect, call
from model_server import Answer, Asked, ModelServer, Steps, fails, says

from service.llm.provider import WriterUnavailable

MODES = pytest.mark.parametrize("mode", ["complete", "stream"])


def form_of(asked: Asked) -> str:
    return str(asked.body.get("response_format", {}).get("type", "text"))


def understanding(*forms: str, status: int = 400, message: str = "response_format {} is not supported") -> Answer:
    """A server that understands only these forms of an answer."""

    def answer(asked: Asked) -> Steps:
        form = form_of(asked)
        return (says('{"text": "Hi"}') if form in forms else fails(status, message=message.format(form)))(asked)

    return answer


@MODES
@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize(
    ("understood", "tried"),
    [
        ({"json_schema"}, ["json_schema"]),
        ({"json_object", "text"}, ["json_schema", "json_object"]),
        ({"text"}, ["json_schema", "json_object", "text"]),
    ],
)
async def test_a_server_is_asked_in_the_form_it_understands(
    mode: str, status: int, understood: Collection[str], tried: list[str], server: ModelServer, connected: Connect
) -> None:
    provider = connected()
    server.answer = understanding(*understood, status=status)
    assert await call(provider, mode) == '{"text": "Hi"}'
    assert [form_of(asked) for asked in server.requests] == tried
    await call(provider, mode)
    assert [form_of(asked) for asked in server.requests][len(tried) :] == tried[-1:], "it is remembered"
    told = server.requests[-1].prompt
    assert (json.dumps(SCHEMA) in told) == (tried[-1] != "json_schema"), "who is not sent the schema is told it"
    assert "Be kind." in told


async def test_how_servers_say_so(server: ModelServer, connected: Connect) -> None:
    said = [
        "{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'json_object'\"}",
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        "This response_format type is unavailable now",
        "Failed to parse grammar",
    ]
    for message in said:
        server.answer = understanding("json_object", message=message.replace("{", "{{").replace("}", "}}"))
        assert await call(connected(), "complete"), message


async def test_a_setting_that_names_a_form_is_kept(server: ModelServer, connected: Connect) -> None:
    server.answer = understanding("text")
    for form in ("json_schema", "json_object"):
        with pytest.raises(WriterUnavailable) as raised:
            await call(connected(form=form), "complete")
        assert raised.value.reason == "refused"
    assert await call(connected(form="text"), "complete")
    assert [form_of(asked) for asked in server.requests] == ["json_schema", "json_object", "text"]


async def test_a_refusal_of_something_else_changes_nothing(server: ModelServer, connected: Connect) -> None:
    provider = connected()
    server.answer = fails(400, message="the temperature of this room is too high")
    with pytest.raises(WriterUnavailable):
        await call(provider, "complete")
    assert server.calls == 1


async def test_what_did_not_help_is_not_remembered(server: ModelServer, connected: Connect) -> None:
    provider = connected()
    server.answer = fails(400, message="schema")  # to every form
    with pytest.raises(WriterUnavailable):
        await call(provider, "complete")
    assert [form_of(asked) for asked in server.requests] == ["json_schema", "json_object", "text"]
    server.answer = says("{}")
    await call(provider, "complete")
    assert form_of(server.requests[-1]) == "json_schema"


def refusing(field: str, message: str) -> Callable[[Asked], Steps]:
    def answer(asked: Asked) -> Steps:
        return (fails(400, message=message) if field in asked.body else says("Hi"))(asked)

    return answer


@MODES
async def test_models_that_reason_are_given_their_own_limit(mode: str, server: ModelServer, connected: Connect) -> None:
    provider = connected()
    server.answer = refusing("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    for _ in range(2):
        assert await call(provider, mode, prompt=replace(PROMPT, schema=None)) == "Hi"
    assert server.calls == 3
    assert server.requests[-1].body["max_completion_tokens"] == PROMPT.max_tokens


async def test_a_server_that_can_not_count_is_not_asked_to(server: ModelServer, connected: Connect) -> None:
    provider = connected()
    server.answer = refusing("stream_options", "Unrecognized request argument supplied: stream_options")
    for _ in range(2):
        assert await call(provider, "stream") == "Hi"
    assert server.calls == 3


async def test_finding_out_counts_neither_as_an_attempt_nor_against_the_provider(server: ModelServer, connected: Connect) -> None:
    tried: list[Any] = []

    def answer(asked: Asked) -> Steps:
        tried.append(form_of(asked))
        if form_of(asked) != "text":
            return fails(500, message="json_schema and json_object are not supported")(asked)
        return (fails(503) if tried.count("text") == 1 else says("Hi"))(asked)

    server.answer = answer
    assert await call(connected(), "complete") == "Hi"
    assert tried == ["json_schema", "json_object", "text", "text"]


async def test_a_prompt_without_a_system_message_is_told_the_schema_before_it(server: ModelServer, connected: Connect) -> None:
    prompt = replace(PROMPT, messages=({"role": "user", "content": [{"type": "text", "text": "Hi"}]},))
    await call(connected(form="json_object"), "complete", prompt=prompt)
    roles = [message["role"] for message in server.requests[0].body["messages"]]
    assert roles == ["system", "user"]
