"""A browser's HTTP without the browser: cookies kept, forms sent with the token of the page they stand on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import delete

from service.parts import Parts, build_parts
from service.records import passwords
from service.records.agents import Role
from service.records.tables import agent_sessions, agents, api_keys

PASSWORD = "correct-horse-battery"
HASH = passwords.hashed(PASSWORD)


class Visitor:
    """One browser. `get` and `send` follow no redirect."""

    def __init__(self, client: httpx.AsyncClient, host: str = "127.0.0.1:8000") -> None:
        self.client = client
        self.host = host
        self.token = ""

    async def get(self, path: str, **headers: str) -> httpx.Response:
        answer = await self.client.get(path, headers={"host": self.host, "accept": "text/html"} | _dashed(headers))
        if found := re.search(r'name="csrf" value="(\w+)"', answer.text):
            self.token = found[1]
        return answer

    async def send(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        body = {"csrf": self.token} | fields
        own = {"host": self.host, "accept": "text/html", "origin": f"http://{self.host}"}
        return await self.client.post(path, data=body, headers=own | _dashed(headers))

    async def log_in(self, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        await self.get("/desk/login")
        return await self.send("/desk/login", {"name": name, "password": password} | fields)


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _installation(settings_in: Any, _copied: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parts]:
    async with build_parts(settings_in(_copied(tmp_path_factory.mktemp("desk")))) as parts:
        yield parts


@pytest.fixture
async def own(_installation: Parts) -> Parts:
    """The parts of an installation with the demo brand, without agents and keys."""
    async with _installation.records.writing() as connection:
        for table in (agent_sessions, agents, api_keys):
            await connection.execute(delete(table))
    return _installation


@pytest.fixture
async def client(own: Parts, client_on: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with client_on(own) as made:
        yield made


@pytest.fixture
def visitor(client: httpx.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
def hire(own: Parts) -> Any:
    """`await hire("maja", "lead", brands)`: an agent with PASSWORD."""

    async def make(name: str = "maja", role: Role = "agent", brands: tuple[str, ...] | None = None) -> str:
        await own.records.agents.add(name, name.title(), role, brands, HASH)
        return name

    make.password = HASH  # type: ignore[attr-defined]
    return make


@pytest.fixture
def visitors(own: Parts, client_on: Any, hire: Any) -> Any:
    """`maja, tom = await visitors("maja", "tom")`: new agents, each logged in in a browser of their own."""
    stack = AsyncExitStack()

    async def arrive(*names: str, role: Role = "agent", brands: tuple[str, ...] | None = None) -> list[Visitor]:
        found = []
        for name in names:
            await hire(name, role, brands)
            one = Visitor(await stack.enter_async_context(client_on(own)))
            await one.log_in(name)
            await one.get("/desk")
            found.append(one)
        return found

    return arrive
