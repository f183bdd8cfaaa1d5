"""A changed policy tried on a brand's recorded messages, read from the records a page at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from service.brands import Brand
from service.escalate.replay import Difference, replayed
from service.records.queries import Records


async def trial(records: Records, now: Brand, then: Brand, days: int) -> Difference:
    """What the change would have done to the messages received in the last `days`; nothing is written."""
    found, after = Difference(), ""
    since = datetime.now(UTC) - timedelta(days=days)
    while pairs := await records.triages_since(now.name, since, after):
        for message, triage in pairs:
            topic = triage.understanding.topic.label
            before, later = (replayed(message, triage, brand.policy, brand.queue_of(topic)) for brand in (now, then))
            found.add(triage.id, before, later)
        after = pairs[-1][1].id
    return found
