"""Records triages in groups: whoever waits while a commit runs shares the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from service.messages import Message, Triage
from service.records.queries import Records

MOST = 200  # triages of one transaction
_Waiting = tuple[Message, Triage, str, asyncio.Future[None]]


class Ledger:
    """`await put(...)` returns once the triage is committed.

    SQLite syncs the file at each commit (up to 8 ms while another process writes), so waiting triages are
    committed together; a lone one is committed at once.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def put(self, message: Message, triage: Triage, actor: str = "local") -> None:
        """Records one triage, which `actor` asked for; raises Unavailable where it can't be written."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((message.with_read(triage.attachments), triage, actor, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._commit())
        await done

    async def _commit(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._commit_group(group)

    async def _commit_group(self, group: Sequence[_Waiting]) -> None:
        try:
            pairs = [(message, triage) for message, triage, _, _ in group]
            await self._records.put_triages(pairs, [actor for _, _, actor, _ in group])
        except Exception as error:  # whatever it is, each waiting caller must hear of it
            for *_, done in group:
                if not done.done():
                    done.set_exception(error)
        else:
            for *_, done in group:
                if not done.done():
                    done.set_result(None)
