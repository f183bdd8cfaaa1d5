"""Messages in: what is accepted is committed before it is answered, and whoever waits while a commit runs shares the next one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from service.errors import InFlight, KeyReused
from service.intake.debounce import debounce_of
from service.messages import Message
from service.records.inbox import Accepted, Inbox, Incoming, Key, Mismatch

MOST_TOGETHER = 1_000  # messages of one transaction, unless one request alone has more
KEY_LIFE = timedelta(hours=24)  # how long a key is remembered: as long as Stripe keeps one at least


@dataclass
class _Waiting:
    items: Sequence[Incoming]
    key: Key | None
    answer: asyncio.Future[Accepted | Mismatch]


def nobody() -> None:
    """Where no worker runs in this process, nobody need be told."""


class Acceptance:
    """`await accept(...)` returns once every message of the request is in the inbox.

    SQLite syncs its file at each commit (4 ms while another process writes), so requests that wait are committed together; a lone
    one is committed at once.
    """

    def __init__(self, inbox: Inbox, *, debounce: bool = True) -> None:
        self._inbox = inbox
        self._debounce = debounce
        self._waiting: list[_Waiting] = []
        self._under_way: set[Key] = set()
        self._task: asyncio.Task[None] | None = None
        self.wake: Callable[[], None] = nobody  # the worker of this process, that there is something to do

    async def accept(self, messages: Sequence[Message], source: str, key: Key | None = None) -> Accepted:
        """The receipts, in the order of the messages.

        Raises InFlight while a request with this key is under way in this process, KeyReused where the key came with another
        body, Unavailable where it can't be written: nothing is kept then.
        """
        under_way = replace(key, digest="", expires_at=datetime.min) if key is not None else None
        if under_way is not None and under_way in self._under_way:
            raise InFlight("a request with this Idempotency-Key is under way: wait for its answer, or send it again in a second")
        now = datetime.now(UTC)
        waiting = _Waiting([self._incoming(message, source, now) for message in messages], key, asyncio.Future())
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._commit())
        if under_way is None:
            return _answered(await waiting.answer)
        self._under_way.add(under_way)
        # What is committed is committed: a caller that leaves must not let a second request with its key through meanwhile.
        waiting.answer.add_done_callback(lambda _: self._under_way.discard(under_way))
        return _answered(await asyncio.shield(waiting.answer))

    def _incoming(self, message: Message, source: str, now: datetime) -> Incoming:
        message_id = f"msg_{secrets.token_hex(12)}"
        conversation = message.conversation_id
        author = message.author.customer_id or message.author.handle or ""
        return Incoming(
            id=message_id, source=source, external_id=message.id or message_id, message=message,
            lane=_digest(message.brand, conversation) if conversation is not None else message_id,
            burst=_digest(message.brand, conversation, author) if conversation is not None else message_id,
            due_at=now + debounce_of(message) if self._debounce else now,
        )  # fmt: skip

    async def _commit(self) -> None:
        while self._waiting:
            group = [self._waiting.pop(0)]
            while self._waiting and sum(len(one.items) for one in group) + len(self._waiting[0].items) <= MOST_TOGETHER:
                group.append(self._waiting.pop(0))
            try:
                answers = await self._inbox.accept([(one.items, one.key) for one in group])
            except Exception as error:  # whatever it is, each waiting caller must hear of it
                for one in group:
                    if not one.answer.done():
                        one.answer.set_exception(error)
                continue
            for one, answer in zip(group, answers, strict=True):
                if not one.answer.done():
                    one.answer.set_result(answer)
            self.wake()


def key_of(given: str, brand: str, route: str, body: Any) -> Key:
    """An Idempotency-Key with the digest of the JSON body it came with; the order of fields and blanks do not count."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Key(brand, route, given, hashlib.sha256(canonical.encode()).hexdigest(), datetime.now(UTC) + KEY_LIFE)


def _answered(answer: Accepted | Mismatch) -> Accepted:
    if isinstance(answer, Mismatch):
        raise KeyReused
    return answer


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
