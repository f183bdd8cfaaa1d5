"""Invented data of a large brand, the same on every run: orders, customers, FAQ chunks and past messages."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import insert

from evals.bench import texts
from service.knowledge import Entry, StoredEntry
from service.messages import Customer, Order
from service.parts import Parts
from service.records.tables import triages
from service.retrieve.asked_before import as_kept
from service.understand.classifier import unit

BRAND = "large"
SMALL_BRANDS = ("small-one", "small-two", "small-three")
SMALL = 300  # chunks of each of them
ORDERS_EACH = 3  # of a customer; as many past messages
TOGETHER = 2_000  # rows written together
NOISE = 0.6  # length of what is added to a real vector of length one: neighbours of it, not copies
SENTENCES = 4  # of a chunk's answer: 430 characters with its title, as long as the demo brand's FAQs
TODAY = date(2026, 11, 22)
STATUSES = ("placed", "packed", "in_transit", "delivered", "returned", "refunded")
RESPONSE = json.dumps({"filler": "x" * 4_000})  # as long as a triage is; the statement for a customer reads ten of them


@dataclass(frozen=True)
class Size:
    """How much of everything there is; the middle of three installations has a tenth of the largest."""

    orders: int
    chunks: int
    messages: int

    @property
    def customers(self) -> int:
        """So that each has ORDERS_EACH orders."""
        return self.orders // ORDERS_EACH


def chunk(number: int, sentences: Sequence[str], rng: random.Random) -> Entry:
    """A FAQ of sentences of the demo brand's, with a word of its own that no other one has."""
    own = "".join(rng.choices("abdefgiklmnoprstu", k=9))
    answer = " ".join([*rng.sample(sentences, SENTENCES), f"{own.capitalize()}."])
    return Entry(
        id=f"chunk-{number}", entry=f"chunk-{number}", language="en", topic=None, title=rng.choice(sentences)[:80],
        answer=answer, origin="import",
    )  # fmt: skip


def sentences() -> list[str]:
    """Sentences of the demo brand's English FAQs."""
    return [part.strip() + "." for faq in texts.faqs() if faq.language == "en" for part in faq.answer.split(". ") if part.strip()]


def order(number: int, rng: random.Random, customers: int) -> Order:
    """An order of an item or three, of a customer by chance."""
    placed = TODAY - timedelta(days=rng.randrange(400))
    items = [{"sku": f"TT-{rng.randrange(1_000, 9_999)}", "name": rng.choice(("Skarn 2", "Fell 45", "Ember Lamp")), "quantity": 1,
              "price": rng.randrange(500, 40_000) / 100} for _ in range(rng.choice((1, 1, 2, 3)))]  # fmt: skip
    given: dict[str, Any] = {
        "order_id": f"L-{number:06}", "customer_id": f"C-{rng.randrange(customers)}", "status": rng.choice(STATUSES),
        "placed_at": str(placed), "promised_at": str(placed + timedelta(days=6)), "items": items, "carrier": "Rappid",
        "total": {"amount": round(sum(float(item["price"]) for item in items), 2), "currency": "EUR"},
    }  # fmt: skip
    return Order.model_validate(given)


def customers(count: int) -> list[Customer]:
    """Customers with a handle each."""
    return [Customer(customer_id=f"C-{at}", name=f"Kim {at}", language="en", handles={"x": f"@kim{at}"}) for at in range(count)]


async def fill(parts: Parts, size: Size) -> None:
    """Puts all of it into the records, the large brand's and three small ones beside it."""
    rng, noise = random.Random(1), np.random.default_rng(1)
    real = [one for one in await parts.records.faqs("demo") if one.content.kind == "faq" and one.content.language == "en"]
    for name, count in ((BRAND, size.chunks), *((name, SMALL) for name in SMALL_BRANDS)):
        for part in _parts(range(count)):
            await parts.records.put_brand(name, None, upserts=_chunks(name, part, real, rng, noise))
    await parts.records.put_purchases(BRAND, (), customers(size.customers))
    for part in _parts(range(size.orders)):
        await parts.records.put_purchases(BRAND, [order(number, rng, size.customers) for number in part])
    for part in _parts(range(size.messages)):
        rows = [_message(number, real, rng, noise, size.customers) for number in part]
        async with parts.records.writing() as connection:
            await connection.execute(insert(triages), rows)


def _parts(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), TOGETHER):
        yield numbers[start : start + TOGETHER]


def _chunks(
    brand: str, numbers: range, real: Sequence[StoredEntry], rng: random.Random, noise: np.random.Generator
) -> list[StoredEntry]:
    """Chunks with vectors near those of real FAQs, of the text and the title."""
    said, made = sentences(), []
    for number in numbers:
        like, entry = rng.choice(real), chunk(number, said, rng)
        vectors = np.stack([_near(vector, noise) for vector in like.vectors[:2]])
        made.append(StoredEntry(brand, entry, entry.digest, like.embedder, vectors))
    return made


def _near(vector: Any, noise: np.random.Generator) -> Any:
    return unit(vector + NOISE * unit(noise.normal(size=len(vector)).astype(np.float32)))


def _message(
    number: int, real: Sequence[StoredEntry], rng: random.Random, noise: np.random.Generator, customers: int
) -> dict[str, Any]:
    """The row of a triage."""
    like, at = rng.choice(real), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number * 4)
    return {
        "id": f"tri_filler{number}", "brand": BRAND, "message_id": f"m-{number}", "conversation_id": f"c-{number}",
        "customer_id": f"C-{rng.randrange(customers)}", "received_at": at, "created_at": at, "label": "information_seeking",
        "topic": "delivery", "order_id": None, "escalate": False, "queue": "general", "priority": "normal", "respond_by": at,
        "request": "{}", "response": RESPONSE, "embedder": like.embedder, "asked": as_kept(_near(like.vectors[-1], noise)[None]),
    }  # fmt: skip
