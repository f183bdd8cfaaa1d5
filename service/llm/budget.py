"""What a brand may spend on a model in a day (UTC): reserved before a call, settled after it, so that no two overdraw it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from service.llm.answers import Usage

# brand, day, tokens and millionths of the currency to add, and the most of each that the day may come to (None: any).
Reserve = Callable[[str, date, int, int, int | None, int | None], Awaitable[bool]]
# brand, day, tokens and millionths of the currency to add; less than 0 gives back.
Settle = Callable[[str, date, int, int], Awaitable[None]]


@dataclass(frozen=True)
class Budget:
    """Limits of every brand's day; what was spent is kept by the two functions, for all processes."""

    reserving: Reserve
    settling: Settle
    tokens: int | None = None
    cost: float | None = None  # in the currency of the prices
    price_in: float = 0.0  # of a million tokens
    price_out: float = 0.0

    async def reserve(self, brand: str, day: date, usage: Usage) -> bool:
        """Whether the day has room for this much, which is spent then."""
        most = None if self.cost is None else int(self.cost * 1_000_000)
        return await self.reserving(brand, day, usage.tokens_in + usage.tokens_out, self._millionths(usage), self.tokens, most)

    async def settle(self, brand: str, day: date, reserved: Usage, spent: Usage) -> None:
        """Puts what was spent in the place of what was reserved."""
        tokens = spent.tokens_in + spent.tokens_out - reserved.tokens_in - reserved.tokens_out
        await self.settling(brand, day, tokens, self._millionths(spent) - self._millionths(reserved))

    def _millionths(self, usage: Usage) -> int:
        return math.ceil(usage.tokens_in * self.price_in + usage.tokens_out * self.price_out)
