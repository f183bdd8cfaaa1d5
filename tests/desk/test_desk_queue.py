"""The queue: what is due first is first, narrowed down by its address, claimed by one agent, and never another brand's."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from service import pipeline
from service.imports import import_knowledge
from service.messages import Message, Triage
from service.parts import Parts, build_parts
from service.records.tables import audit, audit_guard, conversations, triages

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.fixture
async def write(own: Parts) -> Any:
    """`await write("text", minutes=-20, channel="email")`: a message that came then, triaged; the triage."""
    async with own.records.writing() as connection:
        await connection.execute(audit_guard.insert(), [{"reason": "erasure"}])
        for table in (audit, conversations, triages):
            await connection.execute(delete(table))
        await connection.execute(delete(audit_guard))

    return partial(come_to, own)


async def come_to(parts: Parts, text: str = "Where is my parcel?", minutes: float = 0, **fields: Any) -> Triage:
    given = {
        "text": text,
        "channel": "email",
        "received_at": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(),
    } | fields
    return await pipeline.triage(Message.model_validate(given), parts)


def rows(page: str) -> list[str]:
    """Ids of the triages that a page lists, from first to last."""
    return re.findall(r'class="row-link" href="/desk/triages/(tri_\w+)', page)


async def test_what_is_due_first_is_first_and_a_conversation_is_one_row(visitor: Any, write: Any) -> None:
    later = await write(minutes=-1)
    first = await write(minutes=-500)
    await write("My parcel is late.", minutes=-30, conversation_id="c-1")
    last = await write("And nobody answers!", minutes=-20, conversation_id="c-1")
    page = (await visitor.get("/desk/queue")).text
    assert rows(page) == [first.id, last.id, later.id]
    assert "3 conversations need an answer" in page
    assert "overdue" in page
    assert "And nobody answers!" in page
    assert (await visitor.get("/desk")).status_code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("channel=instagram", ["praise"]), ("label=praise", ["praise"]), ("language=de", ["angry"]), ("escalated=yes", ["angry"]),
        ("escalated=no", ["praise", "asks"]), ("state=all", ["angry", "praise", "asks"]), ("state=answered", []),
        ("mine=yes", []), ("queue=nowhere", []), ("label=praise&channel=email", []),
    ],
)  # fmt: skip
async def test_the_address_narrows_the_list_down(visitor: Any, write: Any, query: str, expected: list[str]) -> None:
    made = {
        "angry": await write("Ich gehe jetzt zum Anwalt, das ist Betrug!", minutes=-100),
        "praise": await write("Love my new tent, thank you!", minutes=-90, channel="instagram"),
        "asks": await write("Do you ship to Belgium?", minutes=-1),
    }
    page = await visitor.get(f"/desk/queue?{query}")
    assert page.status_code == 200
    by_id = {triage.id: name for name, triage in made.items()}
    assert sorted(by_id[one] for one in rows(page.text)) == sorted(expected)
    if not expected:
        assert "Nothing fits these filters" in page.text
    for href in re.findall(r'href="(/desk/triages/[^"]+)"', page.text):
        assert html.unescape(href).endswith(f"?{query}")


@pytest.mark.parametrize(
    "query", ["channel=pigeon", "label=", "state=gone", "language=12", "escalated=perhaps", "mine=no", "queue=%00"]
)
async def test_filters_that_are_unknown_are_left_out_and_named(visitor: Any, write: Any, query: str) -> None:
    made = await write()
    page = await visitor.get(f"/desk/queue?{query}")
    assert page.status_code == 200
    assert rows(page.text) == [made.id]
    assert ("were left out" in page.text) == (query != "label=")


async def test_more_rows_are_shown_on_demand(visitor: Any, write: Any) -> None:
    made = [await write(minutes=-number) for number in range(4)]
    page = (await visitor.get("/desk/queue?rows=3")).text
    assert rows(page) == [triage.id for triage in made[:0:-1]]
    more = html.unescape(re.findall(r'class="queue-more"><a class="button" href="([^"]+)"', page)[0])
    assert set(rows((await visitor.get(more)).text)) == {triage.id for triage in made}
    for wrong in ("rows=-5", "rows=99999999"):
        assert (await visitor.get(f"/desk/queue?{wrong}")).status_code == 200
    assert (await visitor.get("/desk/queue?rows=x")).status_code == 422


async def test_the_list_is_sent_again_only_when_something_has_changed(visitor: Any, write: Any) -> None:
    made = await write(minutes=-5)
    page = (await visitor.get("/desk/queue")).text
    again = html.unescape(re.findall(r'hx-get="(/desk/queue/rows\?rows=50[^"]+since=[^"]+)"', page)[0])
    assert (await visitor.get(again)).status_code == 204
    new = await write(minutes=-3)
    changed = await visitor.get(again)
    assert (changed.status_code, rows(changed.text)) == (200, [made.id, new.id])
    again = html.unescape(re.findall(r'hx-get="(/desk/queue/rows\?rows=50[^"]+since=[^"]+)"', changed.text)[0])
    assert (await visitor.get(again)).status_code == 204
    await visitor.send(f"/desk/conversations/{new.id}/claim", {})
    assert (await visitor.get(again)).status_code == 200


async def test_markup_stays_text(visitor: Any, write: Any) -> None:
    await write(HOSTILE, author={"name": HOSTILE, "handle": HOSTILE}, conversation_id=HOSTILE, metadata={"demo": HOSTILE})
    page = (await visitor.get("/desk/queue?state=all&queue=" + "%22%3E%3Cscript%3E")).text + (
        await visitor.get("/desk/queue")
    ).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_two_agents_claim_at_once_and_one_has_it(client: Any, own: Parts, write: Any, hire: Any, visitors: Any) -> None:
    made = await write()
    maja, tom = await visitors("maja", "tom")
    path = f"/desk/conversations/{made.id}/claim"
    answers = await asyncio.gather(*(one.send(path, {}, hx_request="true") for one in (maja, tom)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    kept = await own.records.conversations.one("demo", made.id)
    assert kept is not None
    assert (kept.state, kept.agent in ("maja", "tom")) == ("claimed", True)
    late = next(answer for answer in answers if answer.status_code == 409)
    assert f"{kept.agent} was faster" in late.text
    loser, winner = (maja, tom) if kept.agent == "tom" else (tom, maja)
    assert (await loser.send(path, {})).status_code == 409
    refused = await loser.send(f"/desk/conversations/{made.id}/release", {}, hx_request="true")
    assert (refused.status_code, "or a lead" in refused.text) == (409, True)
    released = await winner.send(f"/desk/conversations/{made.id}/release", {"back": "/desk/queue?mine=yes"})
    assert (released.status_code, released.headers["location"]) == (303, "/desk/queue?mine=yes")
    assert (await own.records.conversations.one("demo", made.id)).state == "new"  # type: ignore[union-attr]


async def test_a_lead_releases_what_another_has(own: Parts, write: Any, visitors: Any) -> None:
    made = await write(conversation_id="a/b ü?")
    (maja,) = await visitors("maja")
    assert (await maja.send("/desk/conversations/a%2Fb%20%C3%BC%3F/claim", {})).status_code == 303
    assert "maja" not in rows((await maja.get("/desk/queue?mine=yes")).text)
    assert rows((await maja.get("/desk/queue?mine=yes")).text) == [made.id]
    (lead,) = await visitors("lena", role="lead")
    assert "maja has it" in (await lead.get("/desk/queue")).text
    assert (await lead.send("/desk/conversations/a%2Fb%20%C3%BC%3F/release", {})).status_code == 303
    assert (await own.records.conversations.one("demo", "a/b ü?")).agent is None  # type: ignore[union-attr]


async def test_next_and_previous_go_around_the_list(visitor: Any, write: Any) -> None:
    first, second, third = [await write(minutes=minutes) for minutes in (-30, -20, -10)]
    praise = await write("Love my new tent!", minutes=-15, channel="instagram")
    order = rows((await visitor.get("/desk/queue")).text)
    assert set(order) == {first.id, second.id, third.id, praise.id}

    async def leads(step: str, triage: str, query: str = "") -> str:
        word = "after" if step == "next" else "before"
        answer = await visitor.get(f"/desk/queue/{step}?{word}={triage}{query}")
        assert answer.status_code == 303
        return str(answer.headers["location"])

    for here, there in zip(order, order[1:] + order[:1], strict=True):
        assert await leads("next", here) == f"/desk/triages/{there}"
        assert await leads("previous", there) == f"/desk/triages/{here}"
    assert await leads("next", first.id, "&channel=instagram") == f"/desk/triages/{praise.id}?channel=instagram"
    assert await leads("next", praise.id, "&channel=instagram") == "/desk/queue?channel=instagram"
    assert (await visitor.get("/desk/queue/next?after=tri_unknown")).status_code == 404


async def test_another_brand_s_conversations_are_not_there(
    settings_in: Any, data_dir: Path, client_on: Any, visitor: Any, hire: Any
) -> None:
    async with build_parts(settings_in(data_dir)) as parts, client_on(parts) as client:
        await import_knowledge(parts, "beta", [])
        await parts.follow()
        theirs = await come_to(parts, "Where is my beta parcel?", brand="beta")
        ours = await come_to(parts)
        await parts.records.agents.add("maja", "Maja", "agent", ("demo",), hire.password)
        visitor.client, maja = client, visitor
        await maja.log_in("maja")
        assert rows((await maja.get("/desk/queue?state=all")).text) == [ours.id]
        assert (await maja.send(f"/desk/conversations/{theirs.id}/claim", {})).status_code == 404
        assert (await maja.get(f"/desk/queue/next?after={theirs.id}")).status_code == 404
        assert (await parts.records.conversations.one("beta", theirs.id)).state == "new"  # type: ignore[union-attr]
