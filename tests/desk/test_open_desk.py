"""A fresh installation on this machine needs no login; anything that says that others reach it ends that."""

from __future__ import annotations

from typing import Any

import pytest

from service.parts import Parts, build_parts


async def test_the_root_leads_to_the_desk_of_a_fresh_installation(visitor: Any) -> None:
    assert (await visitor.get("/")).headers["location"] == "/desk"
    desk = await visitor.get("/desk")
    assert desk.status_code == 200
    assert "Local" in desk.text
    assert "Tarn &amp; Timber" in desk.text
    assert (await visitor.get("/desk/login")).headers["location"] == "/desk"


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
async def test_it_is_open_under_this_machine_s_names(visitor: Any, host: str) -> None:
    visitor.host = host
    assert (await visitor.get("/desk")).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "192.168.0.2", ""])
async def test_it_is_closed_under_any_other_name(visitor: Any, host: str) -> None:
    visitor.host = host
    refused = await visitor.get("/desk")
    assert refused.status_code == 403
    assert "only open to this machine" in refused.text


async def test_it_is_closed_behind_a_proxy(visitor: Any) -> None:
    assert (await visitor.get("/desk", x_forwarded_for="203.0.113.9")).status_code == 403


async def test_the_first_agent_or_key_closes_it_for_good(visitor: Any, hire: Any, own: Parts) -> None:
    await hire()
    assert (await visitor.get("/desk")).status_code == 303
    await own.records.agents.disable("maja")
    assert (await visitor.get("/desk")).status_code == 303


async def test_a_key_closes_it_and_the_login_names_the_command(visitor: Any, own: Parts) -> None:
    await own.records.api_keys.make("crm", None)
    assert (await visitor.get("/desk")).status_code == 303
    assert "firstreply agents create" in (await visitor.get("/desk/login")).text


async def test_beyond_loopback_nobody_is_let_in_without_an_agent(
    settings_in: Any, data_dir: Any, client_on: Any, visitor: Any
) -> None:
    async with build_parts(settings_in(data_dir, host="0.0.0.0")) as parts, client_on(parts) as client:
        visitor.client = client
        assert (await visitor.get("/desk")).status_code == 303
        assert "firstreply agents create" in (await visitor.get("/desk/login")).text


async def test_the_desk_can_be_left_out(settings_in: Any, data_dir: Any, client_on: Any, visitor: Any) -> None:
    async with build_parts(settings_in(data_dir, desk=False)) as parts, client_on(parts) as client:
        visitor.client = client
        for path in ("/", "/desk", "/desk/login"):
            assert (await visitor.get(path)).status_code == 404
