"""A worker: takes accepted messages, gives each to a workflow, takes over those of processes that died, and delivers webhooks.

The inbox is the queue: a process takes what it has room for, so that a long one waits in our table and a burst may still grow.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

import structlog

from service.errors import Unavailable
from service.intake.debounce import HOLD
from service.intake.delivery import Courier
from service.intake.workflow import give_up, work_on
from service.parts import Parts
from service.records.inbox import Kept

if TYPE_CHECKING:
    from service.intake.durable import Workflows

LOOK_SECONDS = 1.0  # between two looks for what is due, where nobody said that there is something
BEAT_SECONDS = 5.0
SWEEP_SECONDS = 30.0
RETRY_SECONDS = 5.0  # between two tries to open the workflows
LEAVE_SECONDS = 8.0  # what is under way gets at an end; what takes longer is taken over by another process
OUTCOME_LOOKS, OUTCOME_SECONDS = 40, 0.05  # how often, and how far apart, it is looked for outcomes that are being written
KEPT = timedelta(days=1)  # ended workflows, for whoever wants to look
SWEPT = 500  # messages of a sweep
log = structlog.get_logger()


class Worker:
    """`async with Worker(parts):` works on the inbox of this installation until the block ends."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._records = parts.records
        self._silent = timedelta(seconds=parts.settings.worker_silent_seconds)
        self.executor_id = f"{socket.gethostname()[:50]}-{os.getpid()}-{secrets.token_hex(4)}"  # never that of another process
        self._started_at = datetime.now(UTC)
        self._awake = asyncio.Event()
        self._ended = asyncio.Event()
        self._taken: dict[str, Kept] = {}  # messages this process took, until they are done
        self._idle: set[str] = set()  # messages of those that nothing was done with at the last sweep
        self._running: dict[str, asyncio.Task[None]] = {}  # by message
        self._takes_over = asyncio.Lock()  # one message at a time of those under way when a process died: one may be the reason
        self._workflows: Workflows | None = None
        self._courier = Courier(parts.records, parts.settings.webhook_hosts)
        self._tasks: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """There may be something to do."""
        self._awake.set()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._parts.acceptance.wake = self.wake
        # A task: DBOS takes half a second to import and open, and requests need not wait for it.
        self._tasks = [asyncio.create_task(self._run())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        self._courier.stop()
        self.wake()
        await asyncio.gather(*self._tasks)

    async def _run(self) -> None:
        while (workflows := await self._opened()) is None:
            if await self._pause(RETRY_SECONDS):
                return
        self._workflows = workflows
        loops = (
            self._every(min(BEAT_SECONDS, self._silent.total_seconds() / 4), self._beat),
            self._every(min(SWEEP_SECONDS, self._silent.total_seconds() / 2), self._sweep),
            self._every(LOOK_SECONDS, self._courier.deliver),
            self._dispatch(),
        )
        await asyncio.gather(*loops)
        await self._leave()

    async def _opened(self) -> Workflows | None:
        """The workflows; None where they can't be opened now, and what was accepted waits."""
        made = None
        try:
            await self._records.workers.beat(self.executor_id, self._started_at)
            durable = await asyncio.to_thread(importlib.import_module, "service.intake.durable")  # it takes half a second
            made = durable.Workflows(self._parts.settings, self.executor_id, self._work)
            await made.open()
        except Exception as error:  # whatever it is: the service accepts and answers without
            reason = str(error).partition("\n")[0][:300]
            log.error("worker_not_started", reason=f"{type(error).__name__}: {reason}")
            if made is not None:
                await made.close()
            return None
        opened: Workflows = made
        return opened

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        """Does it again and again; a database that is away for a while is no reason to end."""
        while True:
            try:
                await work()
            except Unavailable as error:
                log.warning("worker_waits", reason=error.detail)
            except Exception as error:  # of DBOS, which has many; none of them may end the worker
                log.warning("worker_waits", reason=f"{type(error).__name__} in {work.__name__}")
            if await self._pause(seconds):
                return

    async def _pause(self, seconds: float) -> bool:
        """Whether the end came meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)
        return self._ended.is_set()

    # Taking

    async def _dispatch(self) -> None:
        while not self._ended.is_set():
            self._awake.clear()
            try:
                took = await self._take()
            except Exception as error:
                reason = error.detail if isinstance(error, Unavailable) else type(error).__name__
                log.warning("worker_waits", reason=reason)
                took = 0
            if not took:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), LOOK_SECONDS)

    async def _take(self) -> int:
        # While messages are handed over, those that compute here go one by one; a model elsewhere is waited for together.
        alone = self._parts.turns.busy and self._parts.provider is None
        room = (1 if alone else self._parts.settings.worker_concurrency) - len(self._taken)
        if room <= 0 or self._parts.draining.is_set():
            return 0
        taken = await self._records.inbox.take_due(datetime.now(UTC), HOLD, room)
        await asyncio.gather(*(self._start(one) for one in taken))
        return len(taken)

    async def _start(self, taken: Kept) -> None:
        assert self._workflows is not None
        self._taken[taken.id] = taken
        try:
            await self._workflows.start(taken.id, taken.attempt)
        except Exception as error:  # it is taken and has no workflow, so the sweeper begins one
            self._taken.pop(taken.id, None)
            log.warning("workflow_not_started", message_id=taken.id, reason=type(error).__name__)

    # Working

    async def _work(self, message_id: str) -> None:
        """What a workflow does, on the loop of DBOS: the parts belong to the loop of the service."""
        if self._ended.is_set():
            raise asyncio.CancelledError  # no outcome, so that another process takes it over
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._on_loop(message_id), self._loop))

    async def _on_loop(self, message_id: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running[message_id] = task
        try:
            taken = self._taken.get(message_id)
            if taken is not None and not taken.crashes:
                await work_on(message_id, self._parts, taken)
            else:
                async with self._takes_over:
                    await self._alone(message_id)
        finally:
            self._running.pop(message_id, None)
            self._taken.pop(message_id, None)
            self.wake()

    async def _alone(self, message_id: str) -> None:
        """One of those under way when a process died; counted before it begins, as others that wait are not the reason."""
        inbox, kept, counted = self._records.inbox, None, False
        with contextlib.suppress(Unavailable):  # then it is waited for below, and not counted
            kept = await inbox.one(message_id)
            await inbox.tried_alone(message_id, 1)
            counted = True
        try:
            await work_on(message_id, self._parts, kept)
        finally:
            if counted:
                with contextlib.suppress(Unavailable):
                    await inbox.tried_alone(message_id, -1)

    # Looking after

    async def _beat(self) -> None:
        await self._records.workers.beat(self.executor_id, self._started_at)
        for executor_id, died in (await self._records.workers.silent(datetime.now(UTC) - self._silent)).items():
            if executor_id != self.executor_id:
                await self._take_over(executor_id, died=died)

    async def _take_over(self, executor_id: str, *, died: bool) -> None:
        """Gives the work of a process that ended to whichever is free."""
        assert self._workflows is not None
        from service.intake.durable import message_of

        left = await self._workflows.under_way(executor_id)
        if left and died:
            await self._records.inbox.crashed([message_of(one) for one in left])
        if left:
            await self._workflows.resume(left)
        await self._records.workers.leave(executor_id)
        log.warning("worker_lost", executor_id=executor_id, died=died, taken_over=len(left))

    async def _sweep(self) -> None:
        """Begins what was taken and has no workflow, ends what has one that ended without a triage."""
        assert self._workflows is not None
        from service.intake.durable import LOST, UNDER_WAY, workflow_id

        now = datetime.now(UTC)
        idle = self._taken.keys() - self._running.keys()
        for message_id in idle & self._idle:  # another process was sooner to begin it
            del self._taken[message_id]
        self._idle = idle
        waiting = await self._records.inbox.queued_before(now - self._silent / 2, SWEPT)
        waiting = [one for one in waiting if one.id not in self._taken and one.id not in self._running]
        states = await self._workflows.states([workflow_id(one.id, one.attempt) for one in waiting])
        known = await self._records.workers.known()
        abandoned: set[str] = set()
        for one in waiting:
            state, executor_id = states.get(workflow_id(one.id, one.attempt), ("MISSING", None))
            if state == "MISSING":
                await self._start(one)
            elif state in LOST:
                await give_up(one, self._parts, f"its workflow ended as {state}")
            elif state not in UNDER_WAY:  # it says that it succeeded, and nothing was recorded: the records were set back
                await self._records.inbox.put_back(one)
            elif state == "PENDING" and executor_id == self.executor_id:  # nobody here does it
                await self._workflows.resume([workflow_id(one.id, one.attempt)])
            elif state == "PENDING" and executor_id is not None and executor_id not in known:
                abandoned.add(executor_id)
        for executor_id in abandoned:
            await self._take_over(executor_id, died=True)
        await self._records.inbox.forget_keys(now)
        await self._workflows.forget(now - KEPT)

    async def _leave(self) -> None:
        """Waits a while for what is under way and leaves the rest to another process."""
        assert self._workflows is not None
        waiting = asyncio.gather(*self._running.values(), return_exceptions=True)
        await asyncio.gather(asyncio.wait({waiting}, timeout=LEAVE_SECONDS), self._courier.close(LEAVE_SECONDS))
        try:
            left = await self._left()
            await self._records.workers.leave(self.executor_id, work_left=bool(left))
        except Exception as error:  # then its silence tells
            log.warning("worker_waits", reason=type(error).__name__)
        for task in self._running.values():
            task.cancel()
        await self._workflows.close()

    async def _left(self) -> set[str]:
        """Messages that stay under way; of what is done, DBOS writes the outcome down a moment later."""
        assert self._workflows is not None
        from service.intake.durable import message_of

        for _ in range(OUTCOME_LOOKS):
            left = {message_of(one) for one in await self._workflows.under_way(self.executor_id)}
            if left <= set(self._running):
                break
            await asyncio.sleep(OUTCOME_SECONDS)
        return left
