"""Admission: a request that computes takes a permit before anything is read of it; where none is free it is refused at once.

Waiting would make every answer late and none better: the one core that embeds is busy either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service import telemetry
from service.errors import Overloaded

COMPUTING = frozenset({"/v1/triage", "/v1/triage/stream", "/desk/try", "/desk/try/stream"})


class Permits:
    """The permits of one process."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    @contextmanager
    def for_request(self, method: str, path: str) -> Iterator[None]:
        """Holds a permit where the request needs one; raises Overloaded where none is free."""
        if method != "POST" or path not in COMPUTING:
            yield
            return
        if self.taken >= self.most:
            telemetry.REFUSED.inc()
            raise Overloaded("too many messages are being triaged at this moment: send it again in a second, or to /v1/messages")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
