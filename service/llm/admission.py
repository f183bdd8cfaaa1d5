"""Who may call the model: not while it is down, not more at once than there are permits, not beyond a brand's budget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import structlog

from service import telemetry
from service.errors import FirstReplyError
from service.llm.answers import Usage
from service.llm.breaker import Breaker
from service.llm.budget import Budget
from service.llm.faults import WriterUnavailable

WAITING_SHARE = 0.25  # of a deadline that a call waits for a permit; what is left then must do for the answer
log = structlog.get_logger()


@dataclass
class Call:
    """One call while it runs."""

    deadline: float  # a moment of the event loop's clock
    reserved: Usage  # about the most it can use
    began: float = field(default_factory=time.perf_counter)
    attempts: int = 0
    spent: Usage = field(default_factory=Usage)
    given: bool = False  # whether the caller has had a part of the answer: it can't be begun anew then
    outcome: str = "stopped"  # by its caller, unless something else is said
    detail: str | None = None

    @property
    def left(self) -> float:
        """Seconds to the deadline."""
        return self.deadline - asyncio.get_running_loop().time()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self.began


class Admission:
    """The permits of a process, the breaker before them and the budget behind them."""

    def __init__(self, permits: int, breaker: Breaker, budget: Budget | None) -> None:
        self._permits = asyncio.Semaphore(permits)
        self._breaker = breaker
        self._budget = budget
        self._settling: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def admitted(self, reserved: Usage, brand: str, deadline: float) -> AsyncIterator[Call]:
        """A call that may be made; whatever becomes of it is counted and settled. Raises WriterUnavailable."""
        call, day = Call(deadline, reserved), None
        try:
            if self._breaker.refusing:
                raise circuit_open()
            await self._permit(call)
            try:
                day = await self._reserve(call, brand)
                yield call
                call.outcome = "ok"
            finally:
                self._permits.release()
        except WriterUnavailable as error:
            call.outcome, call.detail = error.reason, error.detail
            raise
        finally:
            if day is not None:
                self._settle(brand, day, call)
            _note(call)

    async def close(self) -> None:
        """Waits until everything spent is written down."""
        if self._settling:
            await asyncio.wait(self._settling)

    async def _permit(self, call: Call) -> None:
        if call.left <= 0:
            raise WriterUnavailable("timeout", "no time was left for a call")
        if not self._permits.locked():
            await self._permits.acquire()  # does not wait
            return
        try:
            async with asyncio.timeout(call.left * WAITING_SHARE):
                await self._permits.acquire()
        except TimeoutError:
            raise WriterUnavailable("busy", "every permit is taken: see FIRSTREPLY_LLM_CONCURRENCY") from None

    async def _reserve(self, call: Call, brand: str) -> date | None:
        """The day that was charged; None without a budget."""
        if self._budget is None:
            return None
        day = datetime.now(UTC).date()
        try:
            async with asyncio.timeout_at(call.deadline):
                room = await self._budget.reserve(brand, day, call.reserved)
        except TimeoutError:
            raise WriterUnavailable("timeout", "the records did not say in time what was spent today") from None
        except FirstReplyError as error:
            raise WriterUnavailable("budget_spent", f"what was spent today is not known: {error.detail}") from None
        if not room:
            raise WriterUnavailable(
                "budget_spent", "the brand's day is used up: see FIRSTREPLY_LLM_DAILY_TOKENS and FIRSTREPLY_LLM_DAILY_COST"
            )
        return day

    def _settle(self, brand: str, day: date, call: Call) -> None:
        """In the background: nobody waits for a row to be written once the answer is there."""

        async def settle(budget: Budget) -> None:
            try:
                await budget.settle(brand, day, call.reserved, call.spent)
            except FirstReplyError as error:  # the reservation stays: too much is counted rather than too little
                log.warning("writer_not_settled", reason=error.detail)

        if self._budget is not None:
            task = asyncio.create_task(settle(self._budget))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)


def circuit_open() -> WriterUnavailable:
    """What a call is told while the provider is left alone."""
    return WriterUnavailable("circuit_open", "most calls failed lately: the provider is asked again every few seconds")


def _note(call: Call) -> None:
    """One metric of each kind and one log line."""
    telemetry.WRITER_CALLS.labels(call.outcome).inc()
    telemetry.WRITER_SECONDS.labels(call.outcome).observe(call.seconds)
    telemetry.WRITER_TOKENS.labels("in").inc(call.spent.tokens_in)
    telemetry.WRITER_TOKENS.labels("out").inc(call.spent.tokens_out)
    log.info(
        "writer_call",
        outcome=call.outcome,
        reason=call.detail,
        attempts=call.attempts,
        tokens_in=call.spent.tokens_in,
        tokens_out=call.spent.tokens_out,
        ms=round(call.seconds * 1000, 1),
    )
