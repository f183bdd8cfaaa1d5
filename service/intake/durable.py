"""DBOS: which messages are under way, in which process, durably. It is told ids and nothing else.

Its decorators and its instance are global to a process, so a process has one `Workflows`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID

from service.records.work import engine_of, url_of
from service.settings import Settings

NAME = "firstreply"
SCHEMA = "firstreply_work"  # on Postgres, beside our tables
SHAPE = "1"  # by hand: by default a digest of the code, and another release would leave behind what this one began
TRIAGE = "triage_message"
LOST = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})  # ended without what we wanted of it
UNDER_WAY = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
CONNECTIONS = 4  # of its pool, on Postgres
CHUNK = 500
Result = TypeVar("Result")
log = structlog.get_logger()


class Workflows:
    """The workflows of this installation; `await work(message_id)` is what one does.

    DBOS has a thread with a loop of its own, since it replaces the executor of the loop it is launched on, and since that thread
    can be left: an execution that lost its workflow to another process waits there until that one is done.
    """

    def __init__(self, settings: Settings, executor_id: str, work: Callable[[str], Awaitable[None]]) -> None:
        self._settings = settings
        self._executor_id = executor_id
        self._work = work
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="firstreply-workflows", daemon=True)

    async def open(self) -> None:
        """Connects, makes the tables where they are missing, and begins to do what is resumed."""
        self._thread.start()
        await self._there(self._launch())

    async def _launch(self) -> None:
        _to_structlog()
        url = url_of(self._settings.database, self._settings.data_dir)
        config: DBOSConfig = {
            "name": NAME, "system_database_url": url, "dbos_system_schema": SCHEMA,
            "application_version": SHAPE, "executor_id": self._executor_id, "serializer": DBOSPortableJSONSerializer(),
            "sys_db_pool_size": CONNECTIONS, "enable_otlp": False, "log_level": "WARNING",
        }  # fmt: skip
        if (engine := engine_of(url)) is not None:
            config["system_database_engine"] = engine
        DBOS(config=config)
        work = self._work

        async def triage_message(message_id: str) -> None:
            await work(message_id)

        self._triage = DBOS.workflow(name=TRIAGE, max_recovery_attempts=None)(triage_message)
        DBOS.launch()

    async def close(self) -> None:
        """Ends; what is under way stays so, for another process to take over."""
        await self._there(_cancel_others())
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        await self._there(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()

    async def start(self, message_id: str, attempt: int) -> None:
        """Begins the workflow of a message, here, unless it was begun before, anywhere."""

        async def begin() -> None:
            with SetWorkflowID(workflow_id(message_id, attempt)):
                await DBOS.start_workflow_async(self._triage, message_id)

        await self._there(begin())

    async def states(self, ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
        """By id: the state of each workflow that there is, and the process that has it."""
        found: dict[str, tuple[str, str | None]] = {}
        for start in range(0, len(ids), CHUNK):
            some = list(ids[start : start + CHUNK])
            listed = await self._there(DBOS.list_workflows_async(workflow_ids=some, load_input=False, load_output=False))
            found |= {one.workflow_id: (one.status, one.executor_id) for one in listed}
        return found

    async def under_way(self, executor_id: str) -> list[str]:
        """Ids of the workflows that a process has."""
        listing = DBOS.list_workflows_async(status="PENDING", executor_id=executor_id, load_input=False, load_output=False)
        return [one.workflow_id for one in await self._there(listing)]

    async def resume(self, ids: Sequence[str]) -> None:
        """Gives workflows to whichever process is free."""
        for start in range(0, len(ids), CHUNK):
            await self._there(DBOS.resume_workflows_async(list(ids[start : start + CHUNK])))

    async def forget(self, before: datetime) -> None:
        """Removes what ended before this moment; only ids are in it, and they say nothing any more."""
        ended = before.isoformat()
        while listed := await self._there(
            DBOS.list_workflows_async(completed_before=ended, limit=CHUNK, load_input=False, load_output=False)
        ):
            await self._there(DBOS.delete_workflows_async([one.workflow_id for one in listed]))

    async def _there(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))


async def _cancel_others() -> None:
    """Ends what else runs on this loop; a cancelled workflow has no outcome, so another process takes it over."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def workflow_id(message_id: str, attempt: int) -> str:
    """A message that is taken once more is another workflow."""
    return f"{message_id}:{attempt}"


def message_of(workflow: str) -> str:
    """The message of a workflow."""
    return workflow.rpartition(":")[0]


class _Structlog(logging.Handler):
    """What DBOS has to say as one of our lines; no traceback, since what we raise may quote a message."""

    def emit(self, record: logging.LogRecord) -> None:
        if not record.getMessage().startswith("Asyncio task cancelled"):  # an end that is meant
            log.warning("workflows", reason=record.getMessage().partition("\n")[0][:500])


def _to_structlog() -> None:
    logger = logging.getLogger("dbos")
    logger.propagate = False
    logger.handlers = [_Structlog(logging.WARNING)]
