"""A disk that is full and a database that became read-only: a refusal, never a 202 for what is not kept."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from service.parts import build_parts

ASKED = {"text": "Where is my parcel? " * 200, "channel": "email"}
ROOM = 400_000  # bytes that a file may grow to; what is written first is SQLite's log, and it is empty at start
MOST = 1_000  # messages, more than there is room for


@pytest.mark.sqlite
def test_a_full_disk_refuses_and_everything_accepted_is_there_afterwards(start_server: Any, data_dir: Path) -> None:
    accepted: dict[str, str] = {}
    refused: list[str] = []
    with start_server(data_dir) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
        for number in range(MOST):
            response = client.post("/v1/messages", json=ASKED | {"id": f"m-{number}"})
            if response.status_code == 202:
                accepted[f"m-{number}"] = response.json()["id"]
                continue
            assert response.status_code == 503, response.text
            assert response.headers["retry-after"]
            assert "nothing was changed" in response.json()["detail"]
            refused.append(f"m-{number}")
            if len(refused) == 5:
                break
        assert len(refused) == 5, "the disk was never full"
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["records"]) == (503, "failed: the database can't be written")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        again = client.post("/v1/messages", json=ASKED | {"id": "after"})
        assert (again.status_code, client.get("/readyz").status_code) == (202, 200)
        server.process.kill()
        server.process.wait(timeout=30)
    with start_server(data_dir) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        for external, message_id in accepted.items():
            kept = client.get(f"/v1/messages/{message_id}")
            assert (kept.status_code, kept.json()["message_id"]) == (200, external)
        for external in refused:
            assert not client.post("/v1/messages", json=ASKED | {"id": external}).json()["duplicate"]


@pytest.mark.sqlite
async def test_a_database_that_became_read_only_refuses_until_it_can_be_written(
    settings_in: Any, data_dir: Path, client_on: Any, request: pytest.FixtureRequest
) -> None:
    async with build_parts(settings_in(data_dir)) as parts, client_on(parts) as client:

        def read_only(connection: Any, *_: Any) -> None:
            connection.execute("PRAGMA query_only = ON")

        def writable(connection: Any, *_: Any) -> None:
            connection.execute("PRAGMA query_only = OFF")

        event.listen(Pool, "checkout", read_only)
        refused = await client.post("/v1/messages", json=ASKED | {"id": "m"})
        assert refused.status_code == 503
        assert "readonly database" in refused.json()["detail"]
        assert (await client.post("/v1/triage", json=ASKED)).status_code == 503
        assert (await client.get("/readyz")).status_code == 503
        event.remove(Pool, "checkout", read_only)
        event.listen(Pool, "checkout", writable)
        request.addfinalizer(lambda: event.remove(Pool, "checkout", writable))
        taken = await client.post("/v1/messages", json=ASKED | {"id": "m"})
        assert (taken.status_code, taken.json()["duplicate"]) == (202, False)
        assert (await client.get("/readyz")).status_code == 200
