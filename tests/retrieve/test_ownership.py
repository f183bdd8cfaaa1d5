"""Whose orders and history a message shows: generated triples of brand, customer and number through the real SQL.

`TRIPLES_TO_MAKE=100000 pytest tests/retrieve/test_ownership.py` (or `make test-long`) makes as many as the promise names.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders import understanding

from service.messages import Contact, Customer, Message, Order, PastTriage, Understanding
from service.records.database import connect, migrate
from service.records.queries import Records
from service.retrieve.customers import known_of
from service.retrieve.history import own_history
from service.retrieve.orders import own_orders

TRIPLES = int(os.environ.get("TRIPLES_TO_MAKE", "5000"))
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BRANDS = ("acme", "acme ", "Acme", "brand-ö")  # alike on purpose
CUSTOMERS = 60  # of each brand
CHANNELS = ("instagram", "x")
FULL_WIDTH = str.maketrans("0123456789ACM-", "０１２３４５６７８９ＡＣＭ－")
UNDERSTOOD: tuple[Understanding, ...] = tuple(
    understanding(label, topic=topic)
    for label in ("information_seeking", "frustration")
    for topic in ("delivery", "refund", "returns", "product", "account")
)


@dataclass(frozen=True)
class Owner:
    """A customer of a brand with their order numbers; ids and numbers of one brand exist in the others, too."""

    brand: str
    customer_id: str
    handle: str
    numbers: tuple[str, ...]

    @property
    def mark(self) -> str:
        return f"{self.brand}/{self.customer_id}"


def owners(rng: random.Random) -> list[Owner]:
    made = []
    for brand in BRANDS:
        numbers = [f"A-{number}" for number in range(1000, 1100)] + [f"{number}" for number in range(70_000, 70_060)]
        rng.shuffle(numbers)
        for at in range(CUSTOMERS):
            count = rng.choice((0, 1, 1, 2, 4))
            mine, numbers = numbers[:count], numbers[count:]
            made.append(Owner(brand, f"C-{at}", f"@user{at if brand != 'Acme' else CUSTOMERS - at}", tuple(mine)))
    return made


@pytest.fixture(scope="module")
async def records(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Records]:
    folder: Path = tmp_path_factory.mktemp("ownership")
    made = Records(connect(f"sqlite+aiosqlite:///{folder / 'records.db'}"))
    await migrate(made.engine)
    for brand in BRANDS:
        mine = [owner for owner in owners(random.Random(7)) if owner.brand == brand]
        people = [
            Customer(customer_id=one.customer_id, name=one.mark, handles={channel: one.handle for channel in CHANNELS})
            for one in mine
        ]
        bought = [
            Order(order_id=number, customer_id=one.customer_id, status="in_transit", note=one.mark, items=({"name": "Skarn 2"},))
            for one in mine
            for number in one.numbers
        ]
        earlier = [
            Contact(
                contact_id=f"K-{one.customer_id}", customer_id=one.customer_id, at=NOW - timedelta(days=2), label="frustration",
                topic=one.mark, order_id=next(iter(one.numbers), None),
            )
            for one in mine
        ]  # fmt: skip
        await made.put_brand(brand, None, people=people, bought=bought, earlier=earlier)
    yield made
    await made.close()


def spaced(number: str) -> str:
    return " ".join(number)


def malformed(number: str) -> str:
    return number[:-1] + "O"


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str, "lower case": str.lower, "spaced": spaced, "full width": lambda number: number.translate(FULL_WIDTH),
    "malformed": malformed, "hash": lambda number: f"#{number}", "no dash": lambda number: number.replace("-", ""),
    "in a link": lambda number: f"https://shop.example/orders/{number}?a=1", "quoted": lambda number: f"'{number}' OR 1=1 --",
}  # fmt: skip


def message_of(rng: random.Random, writer: Owner, number: str, form: Callable[[str], str]) -> tuple[Message, str | None]:
    """A message and the mark of whoever's things it may show, None for nobody's; a vouched id goes before a handle."""
    said = f"Wo ist {form(number)}? Mein Skarn 2"
    how = rng.choice(("id", "handle", "both", "stranger"))
    author = {
        "id": {"customer_id": writer.customer_id},
        "handle": {"handle": rng.choice((writer.handle, writer.handle.upper().replace("@", "")))},
        "both": {"customer_id": writer.customer_id, "handle": f"@user{rng.randrange(CUSTOMERS)}"},
        "stranger": rng.choice(({}, {"name": writer.mark}, {"handle": "@nobody"}, {"customer_id": "C-999"})),
    }[how]
    in_thread = rng.random() < 0.3
    given = {
        "text": "Und jetzt?" if in_thread else said, "brand": writer.brand, "channel": rng.choice(CHANNELS), "author": author,
        "received_at": NOW, "thread": [{"role": rng.choice(("customer", "brand")), "text": said}] if in_thread else [],
    }  # fmt: skip
    return Message.model_validate(given), None if how == "stranger" else writer.mark


async def shown(
    records: Records, message: Message, understood: Understanding
) -> tuple[tuple[Order, ...], tuple[PastTriage, ...]]:
    """The orders and history of a context, as `retrieve` takes them."""
    known = await known_of(message, records.known)
    history = own_history(known)
    return own_orders(message, understood, known, history), history


async def test_no_triple_shows_what_is_somebody_elses(records: Records) -> None:
    rng = random.Random(11)
    everybody = owners(random.Random(7))
    by_number = {(owner.brand, number): owner for owner in everybody for number in owner.numbers}
    numbers = [*sorted({number for _, number in by_number}), "A-5555", "00000"]
    foreign: list[tuple[str, str]] = []
    seen: Counter[str] = Counter()
    for _ in range(TRIPLES):
        writer = rng.choice(everybody)
        own = rng.random() < 0.4 and writer.numbers
        number = rng.choice(writer.numbers) if own else rng.choice(numbers)
        form = rng.choice(list(FORMS))
        message, mark = message_of(rng, writer, number, FORMS[form])
        orders, history = await shown(records, message, rng.choice(UNDERSTOOD))
        foreign += [(message.model_dump_json(), order.order_id) for order in orders if order.note != mark]
        foreign += [(message.model_dump_json(), past.triage_id) for past in history if past.topic != mark]
        seen[form] += 1
        seen["orders"] += len(orders)
        seen["contacts"] += len(history)
        if own and orders and orders[0].why in ("number_in_text", "number_in_thread"):
            seen["own number"] += orders[0].order_id == number
            assert orders[0].order_id == number
        theirs = by_number.get((writer.brand, number)) == writer
        if form == "plain" and not theirs and not message.thread and number.startswith("A-"):
            assert orders == (), "a number of somebody else's shows no order at all"
            seen["refused"] += 1
    assert foreign == []
    assert min(seen[form] for form in FORMS) > TRIPLES / len(FORMS) / 2, seen
    assert min(seen["orders"], seen["contacts"], seen["own number"]) > TRIPLES / 20, "the check saw too little to mean anything"
    assert seen["refused"] > TRIPLES / 100, seen


async def test_the_check_sees_what_a_wrong_owner_would_show(records: Records) -> None:
    """The same look-ups with the filter on the customer taken away show foreign orders: the check above can fail."""
    everybody = owners(random.Random(7))
    writer, other = next(o for o in everybody if o.numbers), next(o for o in reversed(everybody) if o.numbers)
    message = Message(text="Wo ist mein Paket?", brand=writer.brand, author={"customer_id": writer.customer_id}, received_at=NOW)

    async def wrong(brand: str, who: str | tuple[str, str], before: datetime) -> object:
        mine, theirs = await records.known(brand, who, before), await records.known(other.brand, other.customer_id, before)
        return mine.model_copy(update={"orders": mine.orders + theirs.orders, "history": mine.history + theirs.history})

    known = await known_of(message, wrong)  # type: ignore[arg-type]
    assert {order.note for order in known.orders} == {writer.mark, other.mark}
    assert other.customer_id != writer.customer_id
    history = own_history(known)
    assert {past.topic for past in history} == {writer.mark}
    assert {order.note for order in own_orders(message, UNDERSTOOD[0], known, history)} == {writer.mark}
