"""What tests of the provider call it with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from service.llm.prompts import Prompt
from service.llm.provider import Provider

KEY = "sk-a-key-that-nobody-may-see"
WORDS = ("Quittenbrot", "Aprikosenkern")  # of a customer's message: in no error and in no log line
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}
PROMPT = Prompt(
    id="reply",
    version="reply-1",
    messages=({"role": "system", "content": "Be kind."}, {"role": "user", "content": " und ".join(WORDS)}),
    schema=SCHEMA,
    max_tokens=50,
)
Connect = Callable[..., Provider]


def within(seconds: float) -> float:
    """The deadline that lies so many seconds ahead."""
    return asyncio.get_running_loop().time() + seconds


async def call(provider: Provider, mode: str, seconds: float = 20.0, brand: str = "demo", prompt: Prompt = PROMPT) -> str:
    """The whole text of an answer, by `complete` or `stream`."""
    if mode == "complete":
        return (await provider.complete(prompt, brand=brand, deadline=within(seconds))).text
    return "".join([piece async for piece in provider.stream(prompt, brand=brand, deadline=within(seconds))])
