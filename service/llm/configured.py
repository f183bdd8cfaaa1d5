"""The provider that the settings name, and whether it answers."""

from __future__ import annotations

import asyncio

from service.llm.budget import Budget, Reserve, Settle
from service.llm.client import connect
from service.llm.prompts import Prompt
from service.llm.provider import Provider, WriterUnavailable
from service.settings import Settings

_SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}
_CHECK = Prompt(
    id="check",
    version="check",
    messages=({"role": "user", "content": 'Answer with the JSON object {"ok": true} and nothing else.'},),
    schema=_SCHEMA,
    max_tokens=32,
)
_ANSWERED = frozenset({"too_long", "filtered", "busy"})  # ends of a check that still mean that somebody answers


def provider_of(settings: Settings, reserve: Reserve, settle: Settle) -> Provider:
    """The provider of settings that name one; no connection is opened yet."""
    assert settings.llm_base_url is not None
    assert settings.llm_model is not None
    tokens, cost = settings.llm_daily_tokens, settings.llm_daily_cost
    prices = settings.llm_price_in or 0.0, settings.llm_price_out or 0.0
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    return Provider(
        connect(settings.llm_base_url, key, settings.llm_api_version, settings.llm_concurrency),
        settings.llm_model,
        audio_model=settings.llm_audio_model,
        form=None if settings.llm_output == "auto" else settings.llm_output,
        permits=settings.llm_concurrency,
        budget=Budget(reserve, settle, tokens, cost, *prices) if (tokens, cost) != (None, None) else None,
    )


async def trouble_of(provider: Provider, seconds: float) -> str | None:
    """What is wrong with the provider, by one small call; None where it answers. What it understands is known then."""
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        await provider.complete(_CHECK, brand="", deadline=deadline)
    except WriterUnavailable as error:
        return None if error.reason in _ANSWERED else error.detail
    return None
