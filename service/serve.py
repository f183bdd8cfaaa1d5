"""`firstreply serve`: one process, or several that share a port by SO_REUSEPORT.

A shared listening socket may hand all keep-alive connections to one worker; with SO_REUSEPORT the kernel spreads them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from types import FrameType

import uvicorn
import uvloop

from service import pipeline, telemetry
from service.app import create_app, require_key
from service.demo_day import load_when_fresh
from service.errors import SettingsNotUsable
from service.intake.worker import LEAVE_SECONDS, Worker
from service.parts import Parts, Progress, build_parts
from service.retention import run_daily
from service.settings import Settings

DRAIN_SECONDS = 20  # uvicorn's own default waits for ever
CHILD = "FIRSTREPLY_CHILD"  # set in a worker of several: the parent has said and checked everything
RESTART_SECONDS = 1.0  # between the end of a worker and its replacement


def serve(settings: Settings, progress: Progress, *, demo_day: bool = False) -> int:
    """Serves until SIGTERM or SIGINT; the exit code. `demo_day`: see load_when_fresh in demo_day.py."""
    telemetry.log_as_json()
    if settings.workers > 1:
        return _supervise(settings, progress, demo_day)
    gc.disable()  # until `_keep_for_good`: looking at all that is being read again and again takes a fifth of the start
    listening = _listen(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve_one(settings, listening, progress, demo_day))


async def _serve_one(settings: Settings, listening: socket.socket, progress: Progress, demo_day: bool) -> int:
    for ending in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal once more when it has drained; the parts are still to be closed then.
        signal.signal(ending, lambda *_: None)
    async with build_parts(settings, progress=progress) as parts:
        await require_key(parts)
        if parts.brands:
            await pipeline.warm(parts)
        telemetry.describe_build(parts.embedding.embedder.fingerprint, parts.heads.version)
        checking = asyncio.create_task(_check_writer(parts, progress)) if CHILD not in os.environ else None
        keeping = [asyncio.create_task(run_daily(parts))]
        _keep_for_good()
        config = uvicorn.Config(
            create_app(settings, parts), log_level="warning", access_log=False, server_header=False, date_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )  # fmt: skip
        if CHILD not in os.environ:
            host, port = listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            progress(f"FirstReply is listening on http://{shown}:{port}  (API description: http://{shown}:{port}/docs)")
        server = _Draining(config, parts)
        if demo_day:
            keeping.append(asyncio.create_task(_load_demo_day(server, parts)))
        async with Worker(parts) if settings.worker else nullcontext():
            await server.serve(sockets=[listening])
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        if checking is not None:
            checking.cancel()
    return 0


class _Draining(uvicorn.Server):
    """uvicorn closes its socket at the signal; this one first goes on while /readyz tells a load balancer to send no more.

    Each answer meanwhile closes its connection, so that none is left that a request could be on its way on. SIGINT, which a
    person sends, and a second signal end at once.
    """

    def __init__(self, config: uvicorn.Config, parts: Parts) -> None:
        super().__init__(config)
        self._parts = parts
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """What a signal does."""
        seconds = self._parts.settings.drain_seconds
        if sig != signal.SIGTERM or not seconds or self._loop is None or self._parts.draining.is_set():
            super().handle_exit(sig, frame)
            return
        self._loop.call_soon_threadsafe(self._parts.draining.set)
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, super().handle_exit, sig, None)


async def _load_demo_day(server: uvicorn.Server, parts: Parts) -> None:
    """Loads it once the service answers, so that nobody waits for it."""
    while not server.started:
        await asyncio.sleep(0.05)
    await load_when_fresh(parts)


def work(settings: Settings, progress: Progress) -> int:
    """Works on what was accepted, with no address of its own, until SIGTERM or SIGINT; the exit code."""
    telemetry.log_as_json()
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_work(settings, progress))


async def _work(settings: Settings, progress: Progress) -> int:
    ended = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, ended.set)
    async with build_parts(settings, progress=progress) as parts:
        if parts.brands:
            await pipeline.warm(parts)
        _keep_for_good()
        async with Worker(parts) as worker:
            at_once = settings.worker_concurrency
            progress(f"FirstReply works on what was accepted, {at_once} messages at once ({worker.executor_id})")
            await ended.wait()
    return 0


def _keep_for_good() -> None:
    """Takes what there is now out of the garbage collector's sight: a look at 30,000 FAQs would stop messages meanwhile."""
    gc.collect()
    gc.freeze()
    gc.enable()


async def _check_writer(parts: Parts, progress: Progress) -> None:
    """Says what is wrong with the model, if anything is; drafts are the composer's until it is mended, and nothing waits."""
    if parts.provider is None:
        return
    from service.llm.configured import trouble_of

    if trouble := await trouble_of(parts.provider, parts.settings.llm_deadline_seconds):
        progress(f"warning: the model doesn't answer ({trouble}): the composer writes every draft until it does")


def _listen(settings: Settings, *, shared: bool = False) -> socket.socket:
    """A listening socket; raises SettingsNotUsable where the address is taken or not ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        # Named by its protocol: asyncio turns Nagle's delay (40 ms an answer) off only for sockets that say they are TCP.
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared or CHILD in os.environ:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
    except OSError as error:
        raise SettingsNotUsable(
            f"can't listen on {settings.host}:{settings.port} ({error.strerror}): choose another with --host and --port"
        ) from None
    return listening


def _supervise(settings: Settings, progress: Progress, demo_day: bool) -> int:
    """Starts the workers, starts a new one for each that dies, and passes the end on to them."""
    asyncio.run(_prepare(settings, progress))
    reserved = _listen(settings, shared=True)  # bound, not listening: holds the port for the workers
    port = reserved.getsockname()[1]
    ending = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with tempfile.TemporaryDirectory(prefix="firstreply-metrics-") as metrics:
        environment = os.environ | {CHILD: "1", "PROMETHEUS_MULTIPROC_DIR": metrics}
        command = [sys.executable, "-m", "service", "serve", "--host", settings.host, "--port", str(port), "--workers", "1"]
        if demo_day:
            command.append("--demo-day")  # one of them loads it

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(command, env=environment)  # noqa: S603 - our own interpreter and our own arguments

        workers = [start() for _ in range(settings.workers)]
        progress(f"FirstReply is listening on http://{settings.host}:{port} with {settings.workers} workers")
        while not ending:
            time.sleep(0.1)
            for index, worker in enumerate(workers):
                if worker.poll() is not None and not ending:
                    progress(f"a worker ended with code {worker.returncode}; starting another")
                    time.sleep(RESTART_SECONDS)
                    workers[index] = start()
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(timeout=settings.drain_seconds + DRAIN_SECONDS + LEAVE_SECONDS + 10)
    reserved.close()
    return 0


async def _prepare(settings: Settings, progress: Progress) -> None:
    """What can go wrong goes wrong once, before any worker starts."""
    async with build_parts(settings, progress=progress) as parts:
        await require_key(parts)
        await _check_writer(parts, progress)
