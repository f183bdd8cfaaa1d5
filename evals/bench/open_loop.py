"""Requests sent when they are due, whether or not those before were answered: as customers send them.

A client of its own, on asyncio's streams: with hundreds of connections a library's pool takes longer than a refusal does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

CONNECTIONS = 500  # at once, the most
PATIENCE = 60.0  # seconds that an answer may take
UNSENT, UNANSWERED = -1, 0  # instead of a status: no connection was left, or none answered


@dataclass
class Sent:
    """What came back: milliseconds by status, from when each was due, and the seconds it took in all."""

    taken: dict[int, list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, status: int, ms: float) -> None:
        """One answer."""
        self.taken.setdefault(status, []).append(ms)


async def send_when_due(port: int, path: str, bodies: Sequence[bytes], rate: float) -> Sent:
    """Posts each JSON body when it is due, `rate` a second; the last answers are waited for PATIENCE seconds at most."""
    sent, idle, opened = Sent(), list[tuple[asyncio.StreamReader, asyncio.StreamWriter]](), 0
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: "
    start = time.perf_counter()

    async def one(due: float, body: bytes) -> None:
        nonlocal opened
        status = UNANSWERED
        try:
            async with asyncio.timeout(PATIENCE):
                while idle and idle[-1][0].at_eof():  # the service has closed it
                    idle.pop()
                    opened -= 1
                if idle:
                    reader, writer = idle.pop()
                elif opened < CONNECTIONS:
                    opened += 1
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                else:
                    status = UNSENT
                    return
                writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(answer))
                status = int(answer[9:12])
                idle.append((reader, writer))
        except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError):
            opened -= 1
        finally:
            sent.add(status, (time.perf_counter() - due) * 1000)

    tasks = []
    for number, body in enumerate(bodies):
        due = start + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(due, body)))
    await asyncio.gather(*tasks)
    sent.seconds = time.perf_counter() - start
    for _, writer in idle:
        writer.close()
    return sent


def _length(head: bytes) -> int:
    """The body's length in bytes; the service gives it with every answer."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise EOFError(head[:100])
