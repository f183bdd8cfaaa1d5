"""A lead's glance: exact numbers, each table as CSV, for leads of the brand alone."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from service import feedback, pipeline
from service.desk.glance import TABLES, written
from service.imports import import_knowledge
from service.messages import Feedback, Message, Triage
from service.parts import Parts, build_parts
from service.records import tables

RISKY = '=HYPERLINK("https://evil.example")'


async def come(parts: Parts, minutes: float, **fields: Any) -> Triage:
    given = {
        "text": "Do you ship to Belgium?",
        "channel": "email",
        "received_at": (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(),
    }
    return await pipeline.triage(Message.model_validate(given | fields), parts)


@pytest.fixture
async def lead(settings_in: Any, data_dir: Path, client_on: Any, visitor: Any, hire: Any) -> Any:
    """A lead with an installation of their own: `visitor`, with its `parts`."""
    async with build_parts(settings_in(data_dir)) as parts, client_on(parts) as client:
        visitor.client, visitor.parts = client, parts
        await parts.records.agents.add("lena", "Lena", "lead", ("demo",), hire.password)
        await visitor.log_in("lena")
        yield visitor


async def answer(parts: Parts, triage: Triage, action: str, agent: str, minutes: float) -> None:
    """Feedback so many minutes after the message came."""
    text = triage.draft.private.text if triage.draft and triage.draft.private else "x"
    given = {"action": action, "agent": agent} | ({"text": text + " Bye" * (action == "edited")} if action != "rejected" else {})
    await feedback.give(parts, triage.id, Feedback.model_validate(given), "desk")
    async with parts.records.writing() as connection:
        at = triage.received_at + timedelta(minutes=minutes)
        await connection.execute(update(tables.feedback).where(tables.feedback.c.triage_id == triage.id).values(at=at))


async def read(lead: Any, table: str, days: int = 2) -> list[dict[str, str]]:
    got = await lead.get(f"/desk/glance/{table}.csv?days={days}")
    assert got.status_code == 200
    assert got.headers["content-type"] == "text/csv; charset=utf-8"
    assert got.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(got.text.lstrip("\ufeff"))))


async def test_the_numbers_are_those_of_what_was_done(lead: Any) -> None:
    parts: Parts = lead.parts
    fast = await come(parts, 4)
    await answer(parts, fast, "accepted", "maja", 1)
    slow = await come(parts, 3, channel="instagram", text="Versendet ihr nach Belgien?")
    await answer(parts, slow, "edited", "tom", 2)
    await answer(parts, await come(parts, 2), "rejected", "tom", 1)
    await come(parts, 1, text="I want to speak to a person, now!")
    old = await come(parts, 60 * 24 * 3)
    rows = {row["channel"]: row for row in await read(lead, "channel")}
    assert {name: row["messages"] for name, row in rows.items()} == {"email": "3", "instagram": "1"}
    assert (float(rows["email"]["accepted"]), float(rows["email"]["rejected"])) == (0.5, 0.5)
    assert (rows["instagram"]["edited"], rows["instagram"]["response_median"], rows["instagram"]["in_time"]) == (
        "1.0",
        "120.0",
        "1.0",
    )
    assert float(rows["email"]["response_median"]) == 60
    assert float(rows["email"]["escalated"]) == pytest.approx(1 / 3)
    assert {row["agent"]: row["given"] for row in await read(lead, "agent")} == {"maja": "1", "tom": "2"}
    assert {row["language"] for row in await read(lead, "language")} == {"en", "de"}
    assert sum(int(row["messages"]) for row in await read(lead, "day", 7)) == 5
    (late,) = await read(lead, "overdue")
    assert (late["triage_id"], late["channel"]) == (old.id, "email")
    page = (await lead.get("/desk/glance?days=2")).text
    for said in ("By channel", "Overdue now", "33%", "2 minutes", "60 seconds"):
        assert said in page
    for table in TABLES:
        assert f"/desk/glance/{table}.csv?days=2" in page
    assert (await lead.get("/desk/glance/passwords.csv")).status_code == 404
    assert (await lead.get("/desk/glance?days=0")).status_code == 422


async def test_an_empty_time_says_so(lead: Any) -> None:
    assert "No messages in this time" in (await lead.get("/desk/glance")).text
    assert await read(lead, "channel") == []


async def test_an_answer_that_another_system_reports_counts(lead: Any) -> None:
    triage = await come(lead.parts, 5)
    await lead.parts.records.conversations.move("demo", triage.id, "answer", "crm", "crm-key")
    (row,) = await read(lead, "channel")
    assert (row["answered"], row["given"], row["accepted"]) == ("1", "0", "")
    assert 299 < float(row["response_median"]) < 900


async def test_formulas_and_markup_stay_text(lead: Any) -> None:
    triage = await come(lead.parts, 2, author={"name": "<script>alert(1)</script>"}, conversation_id=RISKY)
    async with lead.parts.records.writing() as connection:
        given = {
            "triage_id": triage.id,
            "at": datetime.now(UTC),
            "action": "rejected",
            "data": {"action": "rejected", "agent": RISKY},
            "edit": None,
        }
        await connection.execute(tables.feedback.insert(), [given])
        past = update(tables.conversations).values(respond_by=datetime.now(UTC) - timedelta(hours=1))
        await connection.execute(past)
    assert (await read(lead, "agent"))[0]["agent"] == f"'{RISKY}"
    assert (await read(lead, "overdue"))[0]["conversation_id"] == f"'{RISKY}"
    page = (await lead.get("/desk/glance")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert written(["a"], [["+1"], ['x,"y"\n'], [-5]]) == 'a\r\n\'+1\r\n"x,""y""\n"\r\n-5\r\n'


async def test_it_is_for_leads_of_the_brand(lead: Any, hire: Any) -> None:
    await import_knowledge(lead.parts, "beta", [])
    await lead.parts.follow()
    await come(lead.parts, 1, brand="beta", channel="line")
    assert await read(lead, "channel") == []
    await lead.parts.records.agents.add("tom", "Tom", "agent", None, hire.password)
    await lead.log_in("tom")
    for path in ("/desk/glance", "/desk/glance/channel.csv"):
        refused = await lead.get(path)
        assert (refused.status_code, "for leads" in refused.text) == (403, True)
