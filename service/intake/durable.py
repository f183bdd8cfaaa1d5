"""DBOS: which messages are under way, in which process, durably. It is told ids and nothing else.

Its decorators and its instance are global to a process, so a process has one `Workflows`. What it does blocks and belongs in
threads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url

from service.settings import Settings

NAME = "firstreply"
SCHEMA = "firstreply_work"  # on Postgres, beside our tables
SHAPE = "1"  # by hand: by default a digest of the code, and another release would leave behind what this one began
TRIAGE = "triage_message"
LOST = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})  # ended without what we wanted of it
UNDER_WAY = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
CONNECTIONS = 4  # of its pool, on Postgres
CHUNK = 500
log = structlog.get_logger()


class Ending(BaseException):
    """The process ends: no Exception, so that DBOS writes no outcome down and another process takes the workflow over."""


class Workflows:
    """The workflows of this installation; `work(message_id)` is what one does, in a thread of its own."""

    def __init__(self, settings: Settings, executor_id: str, work: Callable[[str], None]) -> None:
        self._settings = settings
        self._executor_id = executor_id
        self._work = work

    def open(self) -> None:
        """Connects, makes the tables where they are missing, and begins to take over what is resumed."""
        _to_structlog()
        url = _url(self._settings)
        config: DBOSConfig = {
            "name": NAME, "system_database_url": url.render_as_string(hide_password=False), "dbos_system_schema": SCHEMA,
            "application_version": SHAPE, "executor_id": self._executor_id, "serializer": DBOSPortableJSONSerializer(),
            "sys_db_pool_size": CONNECTIONS, "enable_otlp": False, "log_level": "WARNING",
        }  # fmt: skip
        if url.get_backend_name() == "sqlite":
            config["system_database_engine"] = _sqlite(url)
        DBOS(config=config)
        work = self._work

        def triage_message(message_id: str) -> None:
            work(message_id)

        self._triage = DBOS.workflow(name=TRIAGE, max_recovery_attempts=None)(triage_message)
        DBOS.launch()

    def close(self) -> None:
        """Ends; what is under way stays so, for another process to take over."""
        DBOS.destroy(destroy_registry=True)

    def start(self, message_id: str, attempt: int) -> None:
        """Begins the workflow of a message, here, unless it was begun before, anywhere."""
        with SetWorkflowID(workflow_id(message_id, attempt)):
            DBOS.start_workflow(self._triage, message_id)

    def states(self, ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
        """By id: the state of each workflow that there is, and the process that has it."""
        found: dict[str, tuple[str, str | None]] = {}
        for start in range(0, len(ids), CHUNK):
            listed = DBOS.list_workflows(workflow_ids=list(ids[start : start + CHUNK]), load_input=False, load_output=False)
            found |= {one.workflow_id: (one.status, one.executor_id) for one in listed}
        return found

    def under_way(self, executor_id: str) -> list[str]:
        """Ids of the workflows that a process has."""
        listed = DBOS.list_workflows(status="PENDING", executor_id=executor_id, load_input=False, load_output=False)
        return [one.workflow_id for one in listed]

    def resume(self, ids: Sequence[str]) -> None:
        """Gives workflows to whichever process is free."""
        for start in range(0, len(ids), CHUNK):
            DBOS.resume_workflows(list(ids[start : start + CHUNK]))

    def forget(self, before: datetime) -> None:
        """Removes what ended before this moment; only ids are in it, and they say nothing any more."""
        while listed := DBOS.list_workflows(
            completed_before=before.isoformat(), limit=CHUNK, load_input=False, load_output=False
        ):
            DBOS.delete_workflows([one.workflow_id for one in listed])


def workflow_id(message_id: str, attempt: int) -> str:
    """A message that is taken once more is another workflow."""
    return f"{message_id}:{attempt}"


def message_of(workflow: str) -> str:
    """The message of a workflow."""
    return workflow.rpartition(":")[0]


def _url(settings: Settings) -> URL:
    """A file of its own beside the records', or the records' Postgres through DBOS's driver."""
    records = make_url(settings.database)
    if records.get_backend_name() != "postgresql":
        return URL.create("sqlite", database=str((settings.data_dir / "work.db").resolve()))
    query = {("sslmode" if name == "ssl" else name): value for name, value in records.query.items()}
    return records.set(drivername="postgresql+psycopg", query=query)


def _sqlite(url: URL) -> sqlalchemy.Engine:
    """As DBOS makes one, but with a log that is written ahead: a rollback journal does a sixth of the work in a second.

    What a power cut takes of the last commits, the sweeper begins anew: the inbox is what counts.
    """
    engine = sqlalchemy.create_engine(url)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


class _Structlog(logging.Handler):
    """What DBOS has to say as one of our lines; no traceback, since what we raise may quote a message."""

    def emit(self, record: logging.LogRecord) -> None:
        log.warning("workflows", reason=record.getMessage().partition("\n")[0][:500])


def _to_structlog() -> None:
    logger = logging.getLogger("dbos")
    logger.propagate = False
    logger.handlers = [_Structlog(logging.WARNING)]
