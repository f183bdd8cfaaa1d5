"""A loopback server that speaks OpenAI's protocol over real sockets, and fails in every way a provider can.

    with ModelServer(says("Hello")) as server:          # every call is answered like this
        server.answer = fails(500)                       # from the next call on
        server.answer = lambda asked: says(asked.prompt[:20])(asked)    # a function of the request
        server.answer = in_turn(fails(503), says("ok"))  # the first call, the second and all after it
        server.answer = raw(HEAD, b"{", RESET)           # bytes, seconds to wait, and how it ends

An answer is a function of what was asked; `says` answers a stream with events and all else with JSON.
`server.requests` holds what came. It runs in a thread of its own, so that a loop that is blocked is noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self


class End(Enum):
    """How a reply ends other than with its last byte."""

    RESET = "reset"  # a TCP reset
    CLOSE = "close"  # an orderly end of the connection
    HANG = "hang"  # nothing more comes, and the connection stays


RESET, CLOSE, HANG = End.RESET, End.CLOSE, End.HANG
Step = bytes | float | End  # send these bytes, wait these seconds, end like this
Steps = Callable[[], Iterable[Step]]


@dataclass(frozen=True)
class Asked:
    """A request as it came; names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The JSON of the request."""
        return json.loads(self.content)

    @property
    def streamed(self) -> bool:
        """Whether events are asked for."""
        return not self.heard and bool(self.body.get("stream"))

    @property
    def heard(self) -> bool:
        """Whether a voice note is to be transcribed."""
        return self.path.partition("?")[0].endswith("/audio/transcriptions")

    @property
    def prompt(self) -> str:
        """All texts of the messages."""
        return "\n".join(
            one["content"] if isinstance(one["content"], str) else str(one["content"]) for one in self.body["messages"]
        )


Answer = Callable[[Asked], Steps]


def says(
    text: str | None,
    *,
    finish: str | None = "stop",
    usage: tuple[int, int] | None = (20, 10),
    pieces: int = 4,
    pause: float = 0.0,
    **said: Any,
) -> Answer:
    """A good answer; a stream comes in `pieces` events, `pause` seconds apart. `said`: more of the message (refusal)."""

    def answer(asked: Asked) -> Steps:
        counted = (
            None if usage is None else {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        )
        if asked.heard:
            return replies({"text": text})(asked)
        if not asked.streamed:
            message = {"role": "assistant", "content": text} | said
            choice = {"index": 0, "message": message, "finish_reason": finish}
            return _after(pause, replies({"object": "chat.completion", "choices": [choice], "usage": counted})(asked))
        events = [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}]
        size = max(1, -(-len(text or "") // pieces))
        events += [
            {"choices": [{"index": 0, "delta": {"content": (text or "")[at : at + size]}, "finish_reason": None}]}
            for at in range(0, len(text or ""), size)
        ]
        events += [{"choices": [{"index": 0, "delta": said, "finish_reason": finish}]}]
        if counted and asked.body.get("stream_options", {}).get("include_usage"):
            events += [{"choices": [], "usage": counted}]
        steps: list[Step] = []
        for event in events:
            steps += [_event(json.dumps(event)), *([pause] if pause else [])]
        return streams(*steps, _event("[DONE]"))(asked)

    return answer


def replies(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Any body, JSON unless it is bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return raw(head(status, {"Content-Length": str(len(body))} | dict(headers or {})), body)


def fails(status: int, headers: Mapping[str, str] | None = None, message: str = "as told", code: str | None = None) -> Answer:
    """An error in OpenAI's form."""
    return replies({"error": {"message": message, "type": "error", "code": code}}, status, headers)


def streams(*steps: Step, content_type: str = "text/event-stream") -> Answer:
    """A chunked body whose chunks are the bytes of `steps`."""
    first = head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"})

    def chunked() -> Iterator[Step]:
        yield first
        for step in steps:
            yield b"%x\r\n%s\r\n" % (len(step), step) if isinstance(step, bytes) else step
        yield b"0\r\n\r\n"

    return lambda _: chunked


def raw(*steps: Step) -> Answer:
    """Bytes as they go over the socket, seconds to wait, and how it ends."""
    return lambda _: lambda: steps


def endless(first: bytes, again: bytes, pause: float) -> Answer:
    """`first`, then `again` every `pause` seconds for ever."""

    def steps() -> Iterator[Step]:
        yield first
        while True:
            yield again
            yield pause

    return lambda _: steps


def in_turn(*answers: Answer) -> Answer:
    """One after the other; the last one for all calls after it."""
    left = list(answers)

    def answer(asked: Asked) -> Steps:
        return (left.pop(0) if len(left) > 1 else left[0])(asked)

    return answer


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Status line and headers."""
    lines = {"Content-Type": "application/json"} | dict(headers or {})
    return "\r\n".join([f"HTTP/1.1 {status} As told", *(f"{name}: {value}" for name, value in lines.items()), "", ""]).encode()


def event(content: Any) -> bytes:
    """One server-sent event with this JSON."""
    return _event(json.dumps(content))


def delta(text: str, finish: str | None = None) -> bytes:
    """One server-sent event with a part of an answer."""
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})


class ModelServer:
    """A server on a free port, running from `start` to `stop`; what is set on it counts from the next request."""

    def __init__(self, answer: Answer | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Answer = answer or says("As you like it.")
        self.requests: list[Asked] = []
        self.connections = 0  # that were ever opened
        self.replying = 0  # replies under way
        self.most_replying = 0
        self.left = 0  # replies that the client did not wait for
        self._tls = tls
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """The base URL."""
        return f"https://localhost:{self.port}/v1" if self._tls else f"http://127.0.0.1:{self.port}/v1"

    @property
    def calls(self) -> int:
        """How many requests came."""
        return len(self.requests)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listens, on the same port each time."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(20)

    def stop(self) -> None:
        """Closes every connection and listens no more."""
        if self._thread is not None and self._loop is not None and self._ending is not None:
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join(20)
            assert not self._thread.is_alive()
            self._thread = None

    async def released(self, within: float = 3.0) -> bool:
        """Whether no reply is under way any more, waiting for it."""
        until = time.monotonic() + within
        while self.replying and time.monotonic() < until:
            await asyncio.sleep(0.01)
        return self.replying == 0

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            self.connections += 1
            try:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
                    while await self._one(reader, writer):
                        pass
            except asyncio.CancelledError:  # the server ends
                pass
            finally:
                tasks.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(connected, "127.0.0.1", self.port, ssl=self._tls, backlog=512)
        ready.set()
        await self._ending.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection is kept for another."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        asked = Asked(first.split(" ")[1], headers, content)
        self.requests.append(asked)
        self.replying += 1
        self.most_replying = max(self.most_replying, self.replying)
        try:
            return await self._reply(self.answer(asked)(), reader, writer)
        finally:
            self.replying -= 1

    async def _reply(self, steps: Iterable[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        gone = asyncio.create_task(reader.read(1))  # nothing more comes from a client that waits for its answer
        replying = asyncio.create_task(_play(steps, writer))
        try:
            done, _ = await asyncio.wait({gone, replying}, return_when=asyncio.FIRST_COMPLETED)
            if replying in done:
                try:
                    return replying.result()
                except (ConnectionError, ssl.SSLError):
                    self.left += 1
                    return False
            self.left += 1
            return False
        finally:
            for task in (gone, replying):
                task.cancel()
            await asyncio.gather(gone, replying, return_exceptions=True)


async def _play(steps: Iterable[Step], writer: asyncio.StreamWriter) -> bool:
    for step in steps:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        elif isinstance(step, float | int):
            await asyncio.sleep(step)
        elif step is HANG:
            await asyncio.Event().wait()
        else:
            if step is RESET:
                bare = writer.get_extra_info("socket")
                bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
    return True


def _after(pause: float, steps: Steps) -> Steps:
    return (lambda: (pause, *steps())) if pause else steps


def _event(content: str) -> bytes:
    return f"data: {content}\n\n".encode()
