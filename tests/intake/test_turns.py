"""Who goes first: whoever hands a message over, before work that nobody waits for; and one piece of work at a time."""

from __future__ import annotations

import asyncio
import itertools

from service.turns import Turns


async def test_work_that_can_wait_lets_requests_through_and_goes_on_however_many_come() -> None:
    turns = Turns()
    assert not turns.busy
    with turns.coming():
        first, second = (asyncio.create_task(turns.mine(can_wait=True)) for _ in range(2))
        await asyncio.sleep(0)
        assert not first.done()
        await first  # after a while, though the request is still there
        assert not second.done()
    await second
    assert turns.busy
    await turns.mine(can_wait=True)


async def test_work_that_somebody_waits_for_waits_for_no_request() -> None:
    turns = Turns()
    with turns.coming():
        await asyncio.wait_for(turns.mine(can_wait=False), 0.02)


async def test_between_two_pieces_of_work_whatever_else_is_ready_has_its_turn() -> None:
    turns, order = Turns(), list[str]()

    async def work(name: str) -> None:
        await turns.mine(can_wait=False)
        order.append(name)

    def step(left: int) -> None:
        order.append("request")
        if left:
            asyncio.get_running_loop().call_soon(step, left - 1)

    asyncio.get_running_loop().call_soon(step, 5)
    await asyncio.gather(*(work(f"work {number}") for number in range(3)))
    assert [name for name in order if name != "request"] == ["work 0", "work 1", "work 2"]
    assert not any(a.startswith("work") and b.startswith("work") for a, b in itertools.pairwise(order))
