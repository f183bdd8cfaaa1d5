"""A NUL, which no text of Postgres can hold: in an id it is an id like any unknown one, in a message it changes nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


@pytest.mark.parametrize("path", ["/v1/triages/%00", "/v1/messages/a%00b", "/v1/conversations/%00"])
async def test_an_id_with_one_is_unknown(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_a_message_with_one_is_kept_and_triaged(client: httpx.AsyncClient) -> None:
    said = {"text": "Wo ist\x00 mein Paket?", "channel": "email", "author": {"name": "A\x00nna"}, "metadata": {"k": "v\x00"}}
    taken = await client.post("/v1/triage", json=said)
    assert taken.status_code == 200, taken.text
    again: Any = await client.get(f"/v1/triages/{taken.json()['id']}")
    assert again.status_code == 200
    accepted = await client.post("/v1/messages", json=said | {"id": "nul-in-text"})
    assert accepted.status_code == 202, accepted.text


async def test_nothing_is_done_with_what_is_unknown(client: httpx.AsyncClient) -> None:
    said = await client.post("/v1/triages/%00/feedback", json={"action": "accepted"})
    assert said.status_code == 404, said.text
    claimed = await client.post("/v1/conversations/%00/claim", json={"agent": "mira"})
    assert claimed.status_code == 404, claimed.text
