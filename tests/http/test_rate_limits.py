"""A key has so many requests in any minute, is told how many are left, and takes nothing from another key."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from service.http.rate_limits import WINDOW, RateLimits
from service.parts import build_parts

LIMIT = 3


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@given(st.lists(st.floats(min_value=0, max_value=30), max_size=80), st.integers(min_value=1, max_value=5))
def test_no_minute_holds_more_than_its_most_wherever_it_begins(pauses: list[float], most: int) -> None:
    now = 0.0
    limits = RateLimits(lambda: now)
    let_in: list[float] = []
    for pause in pauses:
        now += pause
        standing, fits = limits.take(1, most)
        before = [at for at in let_in if at > now - WINDOW]
        assert fits == (len(before) < most)
        let_in += [now] if fits else []
        assert standing.left == most - min(len(before) + fits, most)
        assert 1 <= standing.seconds <= WINDOW
    assert all(sum(start <= at < start + WINDOW for at in let_in) <= most for start in let_in)


def test_after_the_seconds_it_names_there_is_room_again() -> None:
    now = 0.0
    limits = RateLimits(lambda: now)
    limits.take(1, 2)
    now = 10.0
    limits.take(1, 2)
    now = 15.5
    standing, fits = limits.take(1, 2)
    assert (fits, standing.left, standing.seconds) == (False, 0, 45)
    now += standing.seconds
    assert limits.take(1, 2)[1]
    assert not limits.take(1, 2)[1]


async def test_a_key_over_its_limit_is_told_when_to_go_on(settings_in: Any, data_dir: Path, client_on: Any, wrong: Any) -> None:
    async with build_parts(settings_in(data_dir, rate_limit_per_minute=LIMIT)) as parts, client_on(parts) as client:
        key = await parts.records.api_keys.make("desk", None)
        other = await parts.records.api_keys.make("other", None)
        roomy = await parts.records.api_keys.make("roomy", None, per_minute=100)
        for left in (2, 1, 0):
            answer = await client.get("/v1/triages/none", headers=bearer(key))
            assert answer.status_code == 404
            assert answer.headers["ratelimit-policy"] == '"minute";q=3;w=60'
            assert re.fullmatch(rf'"minute";r={left};t=(\d+)', answer.headers["ratelimit"])
        over = await client.get("/v1/triages/none", headers=bearer(key))
        assert over.status_code == 429
        assert wrong(over)["type"].endswith(":too-many-requests")
        assert 1 <= int(over.headers["retry-after"]) <= WINDOW
        assert over.headers["ratelimit"] == f'"minute";r=0;t={over.headers["retry-after"]}'
        assert f"wait {over.headers['retry-after']} s" in over.json()["detail"]
        assert (await client.get("/v1/triages/none", headers=bearer(other))).status_code == 404
        assert (await client.get("/v1/triages/none", headers=bearer(roomy))).headers["ratelimit-policy"] == '"minute";q=100;w=60'
        assert (await client.get("/livez")).status_code == 200
        assert "ratelimit" not in (await client.get("/livez")).headers


async def test_without_a_limit_there_are_no_such_headers(own: Any, calling: httpx.AsyncClient) -> None:
    key = await own.records.api_keys.make("desk", None)
    await asyncio.sleep(1.1)
    answer = await calling.get("/v1/triages/none", headers=bearer(key))
    assert answer.status_code == 404
    assert not [name for name in answer.headers if name.startswith("ratelimit")]
