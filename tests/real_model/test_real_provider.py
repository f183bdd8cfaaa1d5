"""The provider on a real server: structured output, streams, and a model that is stopped."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest
from recording import Recording

from service.llm.prompts import Prompt
from service.llm.provider import Provider, WriterUnavailable

pytestmark = pytest.mark.real_model
SCHEMA = {
    "type": "object",
    "properties": {"action": {"enum": ["reply", "ask"]}, "text": {"type": "string", "maxLength": 60}},
    "required": ["action", "text"],
    "additionalProperties": False,
}
QUESTION = ({"role": "user", "content": "Say hello to a customer."},)


def asks(schema: dict[str, Any] | None = None, most: int = 80) -> Prompt:
    return Prompt(id="reply", version="reply-1", messages=QUESTION, schema=schema, max_tokens=most)


def within(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_an_answer_follows_its_schema_and_is_counted(provider: Provider, recording: Recording, seconds: float) -> None:
    answer = await provider.complete(asks(SCHEMA), brand="demo", deadline=within(seconds))
    said = json.loads(answer.text)
    assert set(said) == {"action", "text"}
    assert said["action"] in {"reply", "ask"}
    assert answer.tokens_in > 10
    assert 0 < answer.tokens_out <= 80
    assert [asked.body["response_format"]["type"] for asked in recording.requests] == ["json_schema"]


async def test_plain_text_comes_in_pieces(provider: Provider, seconds: float) -> None:
    pieces: list[str] = []

    async def read() -> None:
        async for piece in provider.stream(asks(most=8), brand="demo", deadline=within(seconds)):
            pieces.append(piece)

    with pytest.raises(WriterUnavailable) as end:  # eight tokens are too few for it, and a text that was cut says so
        await read()
    assert len(pieces) > 3
    assert "".join(pieces).strip()
    assert end.value.reason == "too_long"


async def test_who_wants_no_more_stops_the_model(provider: Provider, recording: Recording, seconds: float) -> None:
    async with aclosing(provider.stream(asks(most=2000), brand="demo", deadline=within(seconds))) as pieces:
        assert await anext(pieces)
        assert recording.open == 1
    async with asyncio.timeout(20):
        while recording.open:
            await asyncio.sleep(0.05)


async def test_a_deadline_ends_a_call_that_would_take_longer(provider: Provider) -> None:
    start = asyncio.get_running_loop().time()
    with pytest.raises(WriterUnavailable) as end:
        await provider.complete(asks(most=4000), brand="demo", deadline=within(0.1))
    assert end.value.reason == "timeout"
    assert asyncio.get_running_loop().time() - start < 1.0


async def test_a_prompt_beyond_the_models_window_is_told_as_such(provider: Provider, seconds: float) -> None:
    long = Prompt(id="reply", version="reply-1", messages=({"role": "user", "content": "one two three " * 4000},))
    with pytest.raises(WriterUnavailable) as end:
        await provider.complete(long, brand="demo", deadline=within(seconds))
    assert end.value.reason == "too_long"
