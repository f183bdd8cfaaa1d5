"""Webhooks out: an endpoint is told of a triage, signed by Standard Webhooks 1.0, until it says 2xx or a day is over."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from standardwebhooks import Webhook

from service import __version__, telemetry
from service.errors import Unavailable
from service.fetch import NotFetched, posted
from service.messages import Triage
from service.records.deliveries import TEST, Delivery
from service.records.endpoints import Endpoint
from service.records.queries import Records

# Seconds between two attempts: five times as long each time, then eight hours; a day in all, to survive a night's outage.
PAUSES = (5, 25, 125, 625, 3_125, 15_625, 28_800, 28_800)
JITTER = 0.2  # share of a pause by which it is longer or shorter, so that what failed together is not sent together again
MOST_SECONDS = 10.0  # until an endpoint has answered; Standard Webhooks asks for 15 to 30 at most
LEASE = timedelta(seconds=60)  # after which an attempt whose process ended is made again
AT_ONCE = 16  # of a process
LOOK_SECONDS = 1.0  # between two looks for what came due, while a slow one is under way
OF_AN_ENDPOINT = 4  # of them, so that a slow one leaves room for the others
GONE = 410
log = structlog.get_logger()


class Courier:
    """Delivers what is due."""

    def __init__(self, records: Records, private_hosts: tuple[str, ...]) -> None:
        self._records = records
        self._private_hosts = private_hosts
        self._under_way: dict[asyncio.Task[None], str] = {}  # the endpoint of each
        self._stopped = False

    async def deliver(self) -> None:
        """Delivers until nothing more is due, or there is no room for it; raises Unavailable."""
        while not self._stopped and (await self._begin() or self._under_way):
            if self._under_way:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED, timeout=LOOK_SECONDS)

    async def _begin(self) -> int:
        room = AT_ONCE - len(self._under_way)
        counts = Counter(self._under_way.values())
        busy = [one for one, count in counts.items() if count >= OF_AN_ENDPOINT]
        # All that is taken may be of one endpoint.
        most = min(room, OF_AN_ENDPOINT - max((count for count in counts.values() if count < OF_AN_ENDPOINT), default=0))
        if most <= 0:
            return 0
        taken = await self._records.deliveries.take(datetime.now(UTC), LEASE, most, busy)
        for one in taken:
            task = asyncio.create_task(self._tell(one))
            self._under_way[task] = one.endpoint_id
            task.add_done_callback(self._under_way.pop)
        return len(taken)

    def stop(self) -> None:
        """Begins nothing more."""
        self._stopped = True

    async def close(self, seconds: float) -> None:
        """Waits for what is under way; an attempt that takes longer is made again by another process."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        left = list(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _tell(self, taken: Delivery) -> None:
        try:
            code, error, endpoint = await self._attempt(taken)
            await self._written(taken, code, error, endpoint)
        except Unavailable as unavailable:  # its lease ends, and it is told of once more: at least once, never not at all
            log.warning("delivery_not_written", delivery_id=taken.id, reason=unavailable.detail)

    async def _attempt(self, taken: Delivery) -> tuple[int | None, str | None, Endpoint | None]:
        """The status that was answered, why it failed, and the endpoint; none where there is nothing to say or nobody to tell."""
        endpoint = await self._records.endpoints.one(taken.endpoint_id)
        if endpoint is None or not endpoint.enabled:
            return None, "the endpoint is disabled or removed", None
        body = await self._body(taken, endpoint)
        if body is None:
            return None, "the triage is not there any more", None
        now = datetime.now(UTC)
        headers = {
            "Content-Type": "application/json", "User-Agent": f"FirstReply/{__version__}", "webhook-id": taken.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(Webhook(secret).sign(taken.id, now, body) for secret in endpoint.secrets),
        }  # fmt: skip
        deadline = asyncio.get_running_loop().time() + MOST_SECONDS
        try:
            code = await posted(endpoint.url, body.encode(), headers, deadline=deadline, private_hosts=self._private_hosts)
        except NotFetched as error:
            return None, str(error), endpoint
        return code, None if 200 <= code < 300 else f"the endpoint answered {code}", endpoint

    async def _body(self, taken: Delivery, endpoint: Endpoint) -> str | None:
        if taken.event == TEST or taken.triage_id is None:
            return _written(taken, {"endpoint_id": endpoint.id, "brand": endpoint.brand})
        stored = await self._records.triage(taken.triage_id, taken.brand)
        if stored is None:
            return None
        triage = Triage.model_validate_json(stored)
        data = data_of(triage, taken)
        return _written(taken, data | {"triage": json.loads(stored)} if endpoint.with_triage else data)

    async def _written(self, taken: Delivery, code: int | None, error: str | None, endpoint: Endpoint | None) -> None:
        if error is None:
            telemetry.DELIVERIES.labels("delivered").inc()
            await self._records.deliveries.tell(taken, "delivered", code, None)
            return
        if code == GONE and endpoint is not None:
            await self._records.endpoints.disable(endpoint.id)
            log.warning("endpoint_disabled", endpoint_id=endpoint.id, reason="it answered 410, which says that it is gone")
        final = endpoint is None or code == GONE or taken.attempts > len(PAUSES)
        telemetry.DELIVERIES.labels("failed" if final else "retried").inc()
        log.warning("delivery_failed", delivery_id=taken.id, attempts=taken.attempts, reason=error, final=final)
        pause = None if final else PAUSES[taken.attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
        next_at = datetime.now(UTC) + timedelta(seconds=pause) if pause is not None else None
        await self._records.deliveries.tell(taken, "failed" if final else "waiting", code, error, next_at)


def data_of(triage: Triage, taken: Delivery) -> dict[str, Any]:
    """What an endpoint is told of a triage: ids and the decision, no text of anybody's."""
    escalation = triage.escalation
    return {
        "id": taken.message_id, "message_id": triage.message_id, "triage_id": triage.id, "brand": triage.brand,
        "conversation_id": triage.conversation_id, "state": taken.state, "escalate": escalation.escalate,
        "queue": escalation.queue, "priority": escalation.priority, "respond_by": f"{escalation.respond_by:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip


def _written(taken: Delivery, data: dict[str, Any]) -> str:
    told = {"type": taken.event, "timestamp": f"{taken.created_at:%Y-%m-%dT%H:%M:%SZ}", "data": data}
    return json.dumps(told, ensure_ascii=False)
