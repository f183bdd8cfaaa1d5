"""What a real server writes and refuses: one JSON line a request, and never a word of a message."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import httpx

MARKS = ("Zwiebelkuchenrezept", "Aprikosenkernöl", "@quittenbrot", "C-9999999", "Ticket-77777")
MESSAGE = {
    "text": f"Wo bleibt mein {MARKS[0]}? Ich will mit einem Menschen sprechen!",
    "thread": [{"role": "customer", "text": f"und mein {MARKS[1]}?"}],
    "author": {"handle": MARKS[2], "customer_id": MARKS[3]},
    "metadata": {"ticket": MARKS[4]},
}


def test_a_server_logs_no_word_of_a_message_and_survives_odd_bodies(start_server: Any, data_dir: Path) -> None:
    with start_server(data_dir) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        made = client.post("/v1/triage", json=MESSAGE, headers={"x-request-id": "req-logged"})
        assert made.status_code == 200
        client.get(f"/v1/triages/{made.json()['id']}")
        client.post(f"/v1/triages/{made.json()['id']}/feedback", json={"action": "edited", "text": MARKS[0], "agent": MARKS[2]})
        wrong_bodies = [
            json.dumps(MESSAGE | {"channel": MARKS[0]}),
            json.dumps(MESSAGE | {"brand": MARKS[0]}),
            json.dumps(MESSAGE | {MARKS[0]: 1}),
            json.dumps(MESSAGE)[:-1],
            json.dumps(MESSAGE | {"text": MARKS[0] * 600}),
            json.dumps(MESSAGE | {"received_at": "9999-12-31T23:59:59Z"}),
            '{"text": "' + MARKS[0] + '", "metadata": ' + '{"a":' * 600 + "1" + "}" * 601,
        ]
        for body in wrong_bodies:
            answer = client.post("/v1/triage", content=body.encode(), headers={"content-type": "application/json"})
            assert answer.status_code in (400, 422)
        assert _raw(server.url, b"POST /v1/triage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 99999999\r\n\r\n").startswith(b"HTTP/1.1 413")  # fmt: skip
        assert _raw(server.url, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert client.get("/livez").status_code == 200
        said = server.stderr()
    assert not [mark for mark in MARKS if mark in said]
    assert "Traceback" not in said
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert not [line for line in said.splitlines() if not line.startswith(("{", "FirstReply is listening", "WARNING", "Invalid"))]
    first = next(event for event in events if event.get("request_id") == "req-logged")
    assert first["event"] == "request"
    assert (first["method"], first["route"], first["status"]) == ("POST", "/v1/triage", 200)
    assert first["triage_id"] == made.json()["id"]
    assert len([event for event in events if event["event"] == "request"]) >= 3 + len(wrong_bodies)
    assert not [event for event in events if event.get("route") == "/livez"]


def _raw(url: str, request: bytes) -> bytes:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        return connection.recv(65_536)
