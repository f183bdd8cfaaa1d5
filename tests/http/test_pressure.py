"""More than can be done: what is taken is answered, what is not is refused at once, and an end drops nothing."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from service.parts import Parts

ASKED = {"text": "Where is my parcel?", "channel": "email"}
ROUNDS = 60 if os.environ.get("TEST_LONG") else 2
DRAIN = 2.0  # seconds; the load balancer asks twenty times a second, and may be slow where others are busy


async def test_more_than_the_permits_is_refused_at_once_with_the_time_to_come_back(
    parts: Parts, client_on: Any, wrong: Any
) -> None:
    narrow = replace(parts, settings=parts.settings.model_copy(update={"max_concurrent": 3}))
    async with client_on(narrow) as client:
        before = await refusals(client)
        answers = await asyncio.gather(*(client.post("/v1/triage", json=ASKED) for _ in range(20)))
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(200) >= 3
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) >= 10
        assert len(refused) + statuses.count(200) == 20
        for answer in refused:
            assert answer.headers["retry-after"] == "1"
            body = answer.json()
            assert body["type"] == "urn:firstreply:problem:overloaded"
            assert "/v1/messages" in body["detail"]
        for _ in range(4):  # a permit comes back whatever became of the request
            assert (await client.post("/v1/triage", json={"text": ""})).status_code == 422
        assert (await client.post("/v1/triage", json=ASKED)).status_code == 200
        assert await refusals(client) == before + len(refused)


async def refusals(client: httpx.AsyncClient) -> float:
    """How many requests this process has refused, for other tests as well."""
    metrics = (await client.get("/metrics")).text
    return float(metrics.partition("\ntriage_refused_total ")[2].split("\n")[0])


async def test_what_does_not_compute_is_answered_while_no_permit_is_free(parts: Parts, client_on: Any) -> None:
    narrow = replace(parts, settings=parts.settings.model_copy(update={"max_concurrent": 1}))
    async with client_on(narrow) as client:
        busy = asyncio.create_task(client.post("/v1/triage", json=ASKED))
        await asyncio.sleep(0)
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await client.get(path)).status_code == 200
        assert (await client.post("/v1/messages", json=ASKED)).status_code == 202
        assert (await busy).status_code == 200


def test_an_end_drops_no_request_where_a_load_balancer_asks_whether_it_is_ready(start_server: Any, data_dir: Path) -> None:
    rng = random.Random(20261122)
    answered = 0
    for _ in range(ROUNDS):
        with start_server(data_dir, DRAIN_SECONDS=DRAIN) as server:
            ready, over, dropped = threading.Event(), threading.Event(), []
            ready.set()
            counts = [0] * 6

            def balancer(url: str = server.url, ready: Any = ready, over: Any = over) -> None:
                with httpx.Client(base_url=url, timeout=5) as client:
                    while not over.is_set():
                        try:
                            status = client.get("/readyz").status_code
                        except httpx.TransportError:
                            status = 0
                        if status != 200:
                            break
                        time.sleep(0.05)
                ready.clear()

            def sender(
                number: int, url: str = server.url, ready: Any = ready, counts: Any = counts, dropped: Any = dropped
            ) -> None:
                path = "/v1/triage" if number % 2 else "/v1/messages"
                with httpx.Client(base_url=url, timeout=30) as client:
                    while ready.is_set():
                        try:
                            status = client.post(path, json=ASKED).status_code
                        except httpx.HTTPError as error:
                            dropped.append(type(error).__name__)
                        else:
                            counts[number] += 1
                            if status not in (200, 202):
                                dropped.append(str(status))

            threads = [threading.Thread(target=balancer), *(threading.Thread(target=sender, args=(n,)) for n in range(6))]
            for thread in threads:
                thread.start()
            until = time.monotonic() + 60
            while not all(counts) and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(rng.random() / 2)
            server.process.send_signal(signal.SIGTERM)
            ended = server.process.wait(timeout=60)
            over.set()
            for thread in threads:
                thread.join(timeout=60)
            assert (ended, dropped) == (0, [])
            assert all(counts)
            answered += sum(counts)
    assert answered > 20 * ROUNDS


def test_a_second_signal_and_ctrl_c_do_not_wait(start_server: Any, data_dir: Path) -> None:
    for signals in ([signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]):
        with start_server(data_dir, DRAIN_SECONDS=250) as server:
            for one in signals:
                server.process.send_signal(one)
                time.sleep(0.3)
            assert server.process.wait(timeout=60) == 0


def test_readyz_fails_and_connections_close_while_a_process_drains(start_server: Any, data_dir: Path) -> None:
    with start_server(data_dir, DRAIN_SECONDS=250) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        assert client.get("/readyz").headers.get("connection") != "close"
        server.process.send_signal(signal.SIGTERM)
        for _ in range(100):
            state = client.get("/readyz")
            if state.status_code == 503:
                break
            time.sleep(0.05)
        assert state.json()["checks"]["draining"] == "failed: the process is ending"
        triaged = client.post("/v1/triage", json=ASKED)
        assert (triaged.status_code, triaged.headers["connection"]) == (200, "close")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
