"""A model server for each test, and providers that talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from calling import KEY, Connect
from model_server import ModelServer

from service.llm.client import connect
from service.llm.provider import Provider


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A server that answers every call well until it is told otherwise."""
    with ModelServer() as made:
        yield made


@pytest.fixture
async def connected(server: ModelServer) -> AsyncIterator[Connect]:
    """`connected(permits=…, url=…)`: a provider on the server, closed at the end."""
    made: list[Provider] = []

    def make(*, url: str | None = None, key: str | None = KEY, api_version: str | None = None, **more: Any) -> Provider:
        made.append(Provider(connect(url or server.url, key, api_version, 50), "test-model", **more))
        return made[-1]

    yield make
    for provider in made:
        await provider.close()
