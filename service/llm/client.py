"""The wire: requests to an OpenAI-compatible server through the `openai` SDK, answers as bytes and events.

Imported only where a model is configured: `openai` and what it brings take a second or more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI, AsyncStream

from service.llm.faults import Compressed, TooLarge

MOST_BYTES = 1_000_000  # of an answer; a draft of 10,000 characters is 40 kB
MOST_STREAMED = 4 * MOST_BYTES  # of a stream, which spends up to a kilobyte on a token
KEPT_SECONDS = 30.0  # a connection is kept for the next call; a TLS handshake costs two round trips
_CHAT, _AUDIO = "/chat/completions", "/audio/transcriptions"


class Client:
    """One server. No call has a time limit of its own, none is repeated: both are the caller's."""

    def __init__(self, sdk: AsyncOpenAI) -> None:
        self._sdk = sdk

    async def answer(self, body: Mapping[str, Any]) -> bytes:
        """The body of a chat completion."""
        return (await self._sdk.post(_CHAT, body=body, cast_to=httpx2.Response)).content

    async def events(self, body: Mapping[str, Any]) -> AsyncStream[object]:
        """The events of a streamed chat completion as plain JSON: a model of the SDK for each costs ten times as much."""
        return await self._sdk.post(_CHAT, body=body, cast_to=object, stream=True, stream_cls=AsyncStream[object])

    async def transcript(self, model: str, audio: bytes, filename: str) -> bytes:
        """The body of a transcription."""
        made = await self._sdk.post(
            _AUDIO,
            body={"model": model, "response_format": "json"},
            files={"file": (filename, audio)},
            options={"headers": {"Content-Type": "multipart/form-data"}},
            cast_to=httpx2.Response,
        )
        return made.content

    async def close(self) -> None:
        """Closes every connection."""
        await self._sdk.close()


def connect(base_url: str, api_key: str | None, api_version: str | None, connections: int) -> Client:
    """A client of an OpenAI-compatible server, with `api_version` of a resource of Azure; nothing is opened yet."""
    http = httpx2.AsyncClient(
        timeout=None,  # its timeout is one between two bytes; the deadline is around the call
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEPT_SECONDS),
        follow_redirects=False,  # a key goes where it was meant to go
        event_hooks={"response": [_limit]},
        headers={"Accept-Encoding": "identity"},
    )
    key = api_key or "none"  # servers without keys take any; the SDK wants one
    sdk: AsyncOpenAI
    if api_version is not None:
        sdk = AsyncAzureOpenAI(
            azure_endpoint=base_url, api_key=key, api_version=api_version, max_retries=0, timeout=None, http_client=http
        )
    else:
        sdk = AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=None, http_client=http)
    sdk.organization = sdk.project = None  # else OPENAI_ORG_ID of the environment would go to any server
    return Client(sdk)


class _Limited(httpx2.AsyncByteStream):
    """The bytes of an answer up to a limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooLarge
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _limit(response: httpx2.Response) -> None:
    """Before an answer is read: refuses what is compressed or said to be too large, and counts the rest."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Compressed
    most = MOST_STREAMED if response.headers.get("content-type", "").startswith("text/event-stream") else MOST_BYTES
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise TooLarge
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Limited(response.stream, most)
