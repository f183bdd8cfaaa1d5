"""The inbox: a row is the promise that a message will be triaged. One transaction accepts, one takes, one finishes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, Select, and_, case, delete, exists, func, or_, select, tuple_, update

from service.errors import Unavailable
from service.messages import Message, Triage
from service.records.audit import Act, write_down
from service.records.database import Database, Writes, aware, is_deadlock
from service.records.deliveries import insert_deliveries
from service.records.purchases import CHUNK, inserting
from service.records.recording import insert_triages
from service.records.tables import idempotency, inbox

InboxState = Literal["accepted", "queued", "done", "superseded", "dead"]
MOST_DEADLOCKS = 5  # attempts of one transaction
OPEN: tuple[InboxState, ...] = ("accepted", "queued")
TAKING = 0x4652_0001  # Postgres's advisory lock of whoever takes messages
ROWS_OF_A_BURST = 4  # messages of one, as far as is looked: where they are more, fewer bursts are taken at once


@dataclass(frozen=True)
class Incoming:
    """A message that is to be accepted. `lane` and `burst` are digests, see the table."""

    id: str
    source: str
    external_id: str
    lane: str
    burst: str
    message: Message
    due_at: datetime


@dataclass(frozen=True, order=True)
class Key:
    """An Idempotency-Key with what it was sent for; `answer` is given again to whoever sends the same."""

    brand: str
    route: str
    key: str
    digest: str
    expires_at: datetime


@dataclass(frozen=True)
class Receipt:
    """What became of one message: the id it is known by, and whether it had been accepted before."""

    id: str
    external_id: str
    duplicate: bool


@dataclass(frozen=True)
class Accepted:
    """A request that was accepted, now or, `replayed`, by an earlier one with the same key."""

    receipts: tuple[Receipt, ...]
    replayed: bool = False


@dataclass(frozen=True)
class Mismatch:
    """The key came before, with another body."""


@dataclass(frozen=True)
class Kept:
    """A message of the inbox."""

    number: int
    id: str
    brand: str
    source: str
    external_id: str
    lane: str
    burst: str
    conversation_id: str | None
    message: Message
    accepted_at: datetime
    state: InboxState
    attempt: int
    crashes: int
    done_at: datetime | None
    triage_id: str | None
    superseded_by: str | None
    error: str | None


@dataclass(frozen=True)
class Backlog:
    """What waits: messages, and since when the oldest of them."""

    waiting: int
    oldest: datetime | None
    dead: int


class Inbox:
    """The accepted messages of all brands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, requests: Sequence[tuple[Sequence[Incoming], Key | None]]) -> list[Accepted | Mismatch]:
        """Several requests in one transaction, each whole; the answers in their order. Raises Unavailable, and nothing is kept.

        A message that is there by brand, source and external id is not taken again, nor is a request whose key is there.
        """
        for attempt in range(MOST_DEADLOCKS):
            try:
                return await self._accept(requests)
            except Unavailable as error:
                # Two processes that take the same messages in another order: the one that lost begins anew.
                if attempt == MOST_DEADLOCKS - 1 or not is_deadlock(error):
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _accept(self, requests: Sequence[tuple[Sequence[Incoming], Key | None]]) -> list[Accepted | Mismatch]:
        answers: dict[int, Accepted | Mismatch] = {}
        now = datetime.now(UTC)
        keyed = sorted((key, index) for index, (_, key) in enumerate(requests) if key is not None)  # in one order everywhere
        async with self._database.briefly() as connection:
            for key, index in keyed:
                earlier = await _earlier(connection, key, _receipts_of(requests[index][0]), now)
                if earlier is not None:
                    answers[index] = earlier
            kept = await _put(
                connection, [item for index, (items, _) in enumerate(requests) if index not in answers for item in items], now
            )
            for index, (items, given) in enumerate(requests):
                if index in answers:
                    continue
                receipts = tuple(_receipt(item, kept) for item in items)
                answers[index] = Accepted(receipts)
                if given is not None and any(receipt.duplicate for receipt in receipts):
                    # The key's row says what was thought to become of them; what did become is answered again.
                    await connection.execute(update(idempotency).where(_same_key(given)).values(answer=_written(receipts)))
        return [answers[index] for index in range(len(requests))]

    async def one(self, message_id: str, brand: str | None = None) -> Kept | None:
        """A message by its id; with `brand`, only if it is that brand's."""
        query = select(inbox).where(inbox.c.id == message_id)
        if brand is not None:
            query = query.where(inbox.c.brand == brand)
        return next((_kept(row) for row in await self._database.all(query)), None)

    async def burst_of(self, leader: Kept) -> list[Kept]:
        """The messages that were taken together with this one, before it, oldest first."""
        query = select(inbox).where(
            inbox.c.burst == leader.burst, inbox.c.superseded_by == leader.id, inbox.c.triage_id.is_(None)
        )  # fmt: skip
        return [_kept(row) for row in await self._database.all(query.order_by(inbox.c.number))]

    async def take_due(self, now: datetime, hold: timedelta, most: int) -> list[Kept]:
        """Takes what is due, the first to come due first; each is to be given to a workflow.

        Of a burst the last message is taken and stands for the others. A burst is due when nothing came for its debounce, or
        when its first message has waited `hold`. Of a conversation one burst at a time is under way, the first to come.
        """
        due = _due(now, hold).limit(most * ROWS_OF_A_BURST)
        if not await self._database.all(due.limit(1)):  # an idle worker must not ask for the right to write
            return []
        async with self._database.briefly() as connection:
            if connection.dialect.name == "postgresql":
                # Two processes that look at a conversation at once would each take a burst of it.
                await connection.execute(select(func.pg_advisory_xact_lock(TAKING)))
            bursts = list(dict.fromkeys(row.burst for row in (await connection.execute(due)).all()))[:most]
            taking = select(inbox.c.id, inbox.c.burst).where(inbox.c.burst.in_(bursts), inbox.c.state == "accepted")
            rows = (await connection.execute(taking.order_by(inbox.c.number))).all()
            leaders = {row.burst: row.id for row in rows}
            # On SQLite another process may have taken some since they were read, so the update looks again.
            other = inbox.alias()
            free = ~exists().where(other.c.lane == inbox.c.lane, other.c.state == "queued")
            open_still = inbox.c.state == "accepted"
            taken = update(inbox).where(inbox.c.id.in_(leaders.values()), open_still, free).returning(inbox)
            values = {"state": "queued", "queued_at": now, "attempt": inbox.c.attempt + 1}
            mine = [_kept(row) for row in (await connection.execute(taken.values(values))).all()]
            for leader in mine:
                led = [row.id for row in rows if row.burst == leader.burst and row.id != leader.id]
                if led:
                    replaced = {"state": "superseded", "superseded_by": leader.id, "done_at": now}
                    await connection.execute(update(inbox).where(inbox.c.id.in_(led), open_still).values(replaced))
        return sorted(mine, key=lambda kept: kept.number)

    async def queued_before(self, moment: datetime, most: int) -> list[Kept]:
        """What was given to a workflow before this moment and is not finished: it may have been lost in between."""
        query = select(inbox).where(inbox.c.state == "queued", inbox.c.queued_at < moment).order_by(inbox.c.number)
        return [_kept(row) for row in await self._database.all(query.limit(most))]

    async def finish(
        self, taken: Kept, made: tuple[Message, Triage], state: InboxState = "done", error: str | None = None
    ) -> bool:
        """Records the triage and that the message is done, in one transaction; False, and nothing is, where it was done before.

        Earlier messages of the conversation that are done are superseded by it: their drafts answer less than this one does.
        """
        now = datetime.now(UTC)
        _, triage = made
        async with self._database.briefly() as connection:
            done = {"state": state, "triage_id": triage.id, "done_at": now, "error": error}
            mine = update(inbox).where(inbox.c.id == taken.id, inbox.c.state == "queued", inbox.c.triage_id.is_(None))
            if (await connection.execute(mine.values(done))).rowcount == 0:
                return False
            await insert_triages(connection, [made], now)
            await insert_deliveries(connection, [triage], now, message_id=taken.id, state=state)
            older = update(inbox).where(inbox.c.lane == taken.lane, inbox.c.number < taken.number, inbox.c.state == "done")
            await connection.execute(older.values(state="superseded", superseded_by=taken.id))
        return True

    async def crashed(self, message_ids: Sequence[str]) -> None:
        """Counts that a process ended while it had these under way, for the first time; `tried_alone` counts later times."""
        async with self._database.briefly() as connection:
            query = update(inbox).where(inbox.c.id.in_(message_ids), inbox.c.state == "queued", inbox.c.crashes == 0)
            await connection.execute(query.values(crashes=1))

    async def tried_alone(self, message_id: str, number: int) -> None:
        """Counts a process that a message may end before it begins (1), and takes that back once it has ended well (-1)."""
        async with self._database.briefly() as connection:
            query = update(inbox).where(inbox.c.id == message_id)
            await connection.execute(query.values(crashes=inbox.c.crashes + number))

    async def put_back(self, taken: Kept) -> None:
        """What was taken, and its workflow is lost, is accepted once more."""
        async with self._database.briefly() as connection:
            query = update(inbox).where(inbox.c.id == taken.id, inbox.c.state == "queued", inbox.c.attempt == taken.attempt)
            await connection.execute(query.values(state="accepted"))

    async def again(self, message_id: str, brand: str | None = None, actor: str = "local") -> bool:
        """A dead message is accepted once more, to be triaged anew at once, as `actor` asks; False where there is none such."""
        now = datetime.now(UTC)
        query = update(inbox).where(inbox.c.id == message_id, inbox.c.state == "dead")
        if brand is not None:
            query = query.where(inbox.c.brand == brand)
        async with self._database.writing() as connection:
            failed = (await connection.execute(select(inbox.c.triage_id).where(inbox.c.id == message_id))).scalar()
            anew = {"state": "accepted", "due_at": now, "triage_id": None, "done_at": None, "crashes": 0}
            put = (await connection.execute(query.values(anew).returning(inbox.c.brand, inbox.c.conversation_id))).first()
            if put is not None:
                act = Act(put.brand, actor, "replayed", failed, put.conversation_id or failed, {"message": message_id})
                await write_down(connection, [act], now)
            return put is not None

    async def dead(self, brand: str | None, after: int = 0, most: int = 100) -> list[Kept]:
        """Messages whose triage failed for good, oldest first; `after` goes on behind a number."""
        query = select(inbox).where(inbox.c.state == "dead", inbox.c.number > after).order_by(inbox.c.number)
        if brand is not None:
            query = query.where(inbox.c.brand == brand)
        return [_kept(row) for row in await self._database.all(query.limit(most))]

    async def backlog(self) -> Backlog:
        """What waits in the inbox of this installation."""
        waiting = inbox.c.state.in_(OPEN)
        query = select(
            func.count(case((waiting, 1))).label("waiting"), func.min(case((waiting, inbox.c.accepted_at))).label("oldest"),
            func.count(case((inbox.c.state == "dead", 1))).label("dead"),
        ).where(inbox.c.state.in_((*OPEN, "dead")))  # fmt: skip
        row = (await self._database.all(query))[0]
        return Backlog(row.waiting, aware(row.oldest) if row.oldest else None, row.dead)

    async def forget_keys(self, now: datetime) -> None:
        """Removes the keys that may be used anew."""
        async with self._database.writing() as connection:
            await connection.execute(delete(idempotency).where(idempotency.c.expires_at <= now))


def _due(now: datetime, hold: timedelta) -> Select[Any]:
    """Bursts that may be taken, once for each of their messages that is due; read along the index, and only to the limit."""
    other = inbox.alias()
    same_lane = other.c.lane == inbox.c.lane
    of_burst = exists().where(same_lane, other.c.burst == inbox.c.burst, other.c.state == "accepted")
    earlier = and_(other.c.state == "accepted", other.c.number < inbox.c.number, other.c.burst != inbox.c.burst)
    blocked = exists().where(same_lane, or_(other.c.state == "queued", earlier))
    complete = or_(~of_burst.where(other.c.due_at > now), of_burst.where(other.c.due_at <= now - hold))
    query = select(inbox.c.burst).where(inbox.c.state == "accepted", inbox.c.due_at <= now, ~blocked, complete)
    return query.order_by(inbox.c.due_at)


async def _earlier(connection: Writes, key: Key, receipts: tuple[Receipt, ...], now: datetime) -> Accepted | Mismatch | None:
    """What was answered to this key before; None where it is new and now taken."""
    await connection.execute(delete(idempotency).where(_same_key(key), idempotency.c.expires_at <= now))
    row = {
        "brand": key.brand, "route": key.route, "key": key.key, "digest": key.digest, "answer": _written(receipts),
        "expires_at": key.expires_at,
    }  # fmt: skip
    if (await connection.execute(inserting(connection, idempotency).values(row).on_conflict_do_nothing())).rowcount == 1:
        return None
    found = (await connection.execute(select(idempotency).where(_same_key(key)))).one()
    if found.digest != key.digest:
        return Mismatch()
    return Accepted(tuple(Receipt(**one) for one in json.loads(found.answer)), replayed=True)


def _same_key(key: Key) -> Any:
    return (idempotency.c.brand == key.brand) & (idempotency.c.route == key.route) & (idempotency.c.key == key.key)


def _written(receipts: Sequence[Receipt]) -> str:
    return json.dumps([{"id": one.id, "external_id": one.external_id, "duplicate": one.duplicate} for one in receipts])


def _receipts_of(items: Sequence[Incoming]) -> tuple[Receipt, ...]:
    return tuple(Receipt(item.id, item.external_id, duplicate=False) for item in items)


def _receipt(item: Incoming, kept: dict[tuple[str, str, str], str]) -> Receipt:
    known_as = kept[item.message.brand, item.source, item.external_id]
    return Receipt(known_as, item.external_id, duplicate=known_as != item.id)


async def _put(connection: Writes, items: Sequence[Incoming], now: datetime) -> dict[tuple[str, str, str], str]:
    """By brand, source and external id: the id that each of the items has in the inbox now."""
    kept: dict[tuple[str, str, str], str] = {}
    identity = tuple_(inbox.c.brand, inbox.c.source, inbox.c.external_id)
    for start in range(0, len(items), CHUNK):
        part = items[start : start + CHUNK]
        put = inserting(connection, inbox).on_conflict_do_nothing()
        await connection.execute(put, [_row(item, now) for item in part])
        keys = [(item.message.brand, item.source, item.external_id) for item in part]
        query = select(inbox.c.id, inbox.c.brand, inbox.c.source, inbox.c.external_id).where(identity.in_(keys))
        kept |= {(row.brand, row.source, row.external_id): row.id for row in (await connection.execute(query)).all()}
    return kept


def _row(item: Incoming, now: datetime) -> dict[str, Any]:
    message = item.message
    return {
        "id": item.id, "brand": message.brand, "source": item.source, "external_id": item.external_id,
        "conversation_id": message.conversation_id, "lane": item.lane, "burst": item.burst, "message": message.model_dump_json(),
        "accepted_at": now, "due_at": item.due_at, "state": "accepted", "attempt": 0,
    }  # fmt: skip


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        number=row.number, id=row.id, brand=row.brand, source=row.source, external_id=row.external_id, lane=row.lane,
        burst=row.burst, conversation_id=row.conversation_id, message=Message.model_validate_json(row.message),
        accepted_at=aware(row.accepted_at), state=row.state, attempt=row.attempt, crashes=row.crashes,
        done_at=aware(row.done_at) if row.done_at else None, triage_id=row.triage_id, superseded_by=row.superseded_by,
        error=row.error,
    )  # fmt: skip
