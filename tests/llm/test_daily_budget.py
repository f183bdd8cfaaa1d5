"""A brand's day is charged before a call and settled after it, by real records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from calling import PROMPT, Connect, call, within
from model_server import HANG, ModelServer, delta, fails, head, raw, says, streams

from service.llm.answers import estimated
from service.llm.budget import Budget
from service.llm.provider import WriterUnavailable
from service.records.database import connect, migrate
from service.records.queries import Records

MODES = pytest.mark.parametrize("mode", ["complete", "stream"])
RESERVED = estimated(PROMPT.messages) + PROMPT.max_tokens
Limited = Callable[..., Budget]


@pytest.fixture(autouse=True)  # before the providers, and so closed after them
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    made = Records(connect(f"sqlite+aiosqlite:///{tmp_path / 'records.db'}"))
    await migrate(made.engine)
    yield made
    await made.close()


@pytest.fixture
def limited(records: Records) -> Limited:
    return lambda **limits: Budget(records.reserve_spending, records.settle_spending, **limits)


async def spent(records: Records, brand: str = "demo") -> tuple[int, int]:
    return await records.spending(brand, datetime.now(UTC).date())


@MODES
async def test_what_was_used_is_charged(
    mode: str, server: ModelServer, connected: Connect, records: Records, limited: Limited
) -> None:
    provider = connected(budget=limited(tokens=1_000, cost=1.0, price_in=2.0, price_out=10.0))
    server.answer = says("Hi", usage=(20, 7))
    await call(provider, mode)
    await provider.close()
    assert await spent(records) == (27, 20 * 2 + 7 * 10)


@MODES
async def test_a_spent_day_is_no_call_and_other_brands_go_on(
    mode: str, server: ModelServer, connected: Connect, records: Records, limited: Limited
) -> None:
    provider = connected(budget=limited(tokens=RESERVED + 30))
    server.answer = says("Hi", usage=(RESERVED, 0))
    await call(provider, mode)
    await asyncio.sleep(0.2)
    with pytest.raises(WriterUnavailable) as raised:
        await call(provider, mode)
    assert (raised.value.reason, "FIRSTREPLY_LLM_DAILY_TOKENS" in raised.value.detail) == ("budget_spent", True)
    assert server.calls == 1
    assert await call(provider, mode, brand="other") == "Hi"
    again = connected(budget=limited(tokens=RESERVED + 30))  # another process, or this one after a restart
    with pytest.raises(WriterUnavailable):
        await call(again, mode)


async def test_calls_at_once_do_not_overdraw(server: ModelServer, connected: Connect, records: Records, limited: Limited) -> None:
    provider = connected(budget=limited(tokens=3 * RESERVED), permits=10)
    server.answer = says("Hi", usage=None, pause=0.5)
    made = await asyncio.gather(*(call(provider, "complete") for _ in range(8)), return_exceptions=True)
    assert made.count("Hi") == 3
    assert (await spent(records))[0] <= 3 * RESERVED


@MODES
async def test_what_the_server_refused_costs_nothing(
    mode: str, server: ModelServer, connected: Connect, records: Records, limited: Limited
) -> None:
    provider = connected(budget=limited(tokens=1_000))
    for answer in (fails(401), fails(500, {"x-should-retry": "false"})):
        server.answer = answer
        with pytest.raises(WriterUnavailable):
            await call(provider, mode)
    await provider.close()
    assert await spent(records) == (0, 0)


@pytest.mark.parametrize(
    ("mode", "answer", "tokens"),
    [
        ("complete", raw(head(200, {"Content-Length": "9"}), HANG), RESERVED),
        ("stream", raw(HANG), RESERVED),
        ("stream", streams(delta("x" * 30), HANG), estimated(PROMPT.messages) + 11),
    ],
)
@pytest.mark.parametrize("leaves", [False, True])
async def test_what_may_have_been_written_is_charged(
    mode: str, answer: object, tokens: int, leaves: bool, server: ModelServer, connected: Connect, records: Records,
    limited: Limited,
) -> None:  # fmt: skip
    provider = connected(budget=limited(tokens=1_000))
    await call(provider, mode, brand="warm")
    server.answer = answer  # type: ignore[assignment]
    task = asyncio.create_task(call(provider, mode, 20.0 if leaves else 0.8))
    if leaves:
        while not server.replying:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        task.cancel()
    await asyncio.wait({task})
    await provider.close()
    assert await spent(records) == (tokens, 0)


async def test_records_that_do_not_answer_are_no_reason_to_spend(
    server: ModelServer, connected: Connect, records: Records, limited: Limited
) -> None:
    provider = connected(budget=limited(tokens=1_000))
    async with records.engine.begin() as connection:
        await connection.exec_driver_sql("DROP TABLE llm_spending")
    with pytest.raises(WriterUnavailable) as raised:
        await provider.complete(PROMPT, brand="demo", deadline=within(20))
    assert raised.value.reason == "budget_spent"
    assert server.calls == 0
