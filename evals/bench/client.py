"""A server in a process of its own on the measured core, and a client on the other one."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.bench import machine

START_SECONDS = 120.0  # longest wait for a server to be ready
POLL_SECONDS = 0.005


@dataclass(frozen=True)
class Server:
    """A server that is ready; `seconds` from the start of its process to its first 200."""

    pid: int
    port: int
    seconds: float

    def resident_mb(self) -> float:
        """Resident memory of the process in MB (VmRSS)."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        return kib * 1024 / 1e6


@contextmanager
def first_line(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """What a process with pipes says first, such as its address; it ends when its input is closed."""
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


@contextmanager
def serving(command: Sequence[str], environment: Mapping[str, str], log: Path, ready: str = "/readyz") -> Iterator[Server]:
    """Starts `command --port PORT` on the measured core, waits until `ready` answers 200, and ends it afterwards."""
    port = _free_port()
    with log.open("ab") as written:
        start = time.perf_counter()
        process = machine.pinned(
            [*command, "--port", str(port)],
            (machine.MEASURED,),
            env=os.environ | dict(environment),
            stdout=written,
            stderr=written,
        )
        try:
            while not _answers(port, ready):
                if process.poll() is not None or time.perf_counter() - start > START_SECONDS:
                    raise SystemExit(f"{command[0]} is not ready; the end of its log:\n{log.read_text(errors='replace')[-2000:]}")
                time.sleep(POLL_SECONDS)
            yield Server(process.pid, port, time.perf_counter() - start)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def latencies(port: int, path: str, requests: Sequence[dict[str, Any]]) -> list[float]:
    """Milliseconds of each request, one after the other over one kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken = [_post(connection, path, body) for body in _bodies(requests)]
    connection.close()
    return taken


def until_event(port: int, path: str, requests: Sequence[dict[str, Any]], event: str) -> list[float]:
    """Milliseconds of each request of server-sent events until the event of this name begins; each stream is read to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken = []
    for body in _bodies(requests):
        start = time.perf_counter()
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        came = None
        while line := response.readline():
            if line.strip() == f"event: {event}".encode():
                came = (time.perf_counter() - start) * 1000
        if came is None:
            raise SystemExit(f"{path} answered {response.status} without the event {event}")
        taken.append(came)
    connection.close()
    return taken


def rate(port: int, path: str, requests: Sequence[dict[str, Any]], connections: int) -> float:
    """Requests a second over `connections` kept connections, each sending its next request when the last is answered."""
    bodies = iter(_bodies(requests))
    lock = threading.Lock()
    failed: list[BaseException] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            while True:
                with lock:
                    body = next(bodies, None)
                if body is None:
                    return
                _post(connection, path, body)
        except (OSError, SystemExit) as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if failed:
        raise SystemExit(f"{path}: {failed[0]}")
    return len(requests) / seconds


def _bodies(requests: Sequence[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(request).encode() for request in requests]


def _post(connection: http.client.HTTPConnection, path: str, body: bytes) -> float:
    start = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    taken = (time.perf_counter() - start) * 1000
    if response.status != 200:
        raise SystemExit(f"{path} answered {response.status}: {content[:500]!r}")
    return taken


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
