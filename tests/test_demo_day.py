"""The demo day: real triages and feedback of invented messages, loaded once, and removed without touching anything else."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from service import pipeline
from service.demo_day import day_messages, load, load_when_fresh, remove, span
from service.errors import Conflict, NotFound
from service.feedback import give
from service.files import shipped
from service.messages import Author, Feedback, Message
from service.parts import Parts, build_parts
from service.records.demo import BRAND, MARK, PREFIX
from service.records.tables import audit, conversations, feedback, precedents, triages


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def day(settings_in: Any, _copied: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parts]:
    """An installation with the whole day."""
    async with build_parts(settings_in(_copied(tmp_path_factory.mktemp("day")))) as parts:
        await load(parts)
        yield parts


@pytest.fixture
async def few(settings_in: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Parts]:
    """An installation on which nothing was loaded; the day has its German conversation and one approved reply alone."""
    chosen = [one for one in day_messages() if one.conversation == "lena" or one.id == "down-wash"]
    monkeypatch.setattr("service.demo_day.day_messages", lambda: chosen)
    async with build_parts(settings_in(data_dir)) as parts:
        yield parts


async def rows_of(parts: Parts, query: Any) -> Any:
    return await parts.records.all(query)


async def count(parts: Parts, table: Any) -> int:
    return int((await rows_of(parts, select(func.count()).select_from(table)))[0][0])


def test_times_are_read_and_nonsense_is_refused() -> None:
    assert span("1d2h3m4s") == timedelta(days=1, hours=2, minutes=3, seconds=4)
    for wrong in ("", "26", "m", "-3m", "1m2h"):
        with pytest.raises(ValueError, match="write a time"):
            span(wrong)


def test_the_day_is_of_six_languages_and_all_kinds_of_messages() -> None:
    messages = day_messages()
    assert len({one.id for one in messages}) == len(messages) >= 90
    assert all(sum(span(deed.after) > span(one.ago) for deed in one.then) == 0 for one in messages)
    assert any(not one.text and one.attachments for one in messages)
    turns = Counter(one.conversation for one in messages if one.conversation)
    assert sorted(turns.values()) == [2, 3, 3, 3]
    done = Counter(deed.did for one in messages for deed in one.then)
    assert min(done[did] for did in ("claim", "accepted", "edited", "rejected", "resolve")) >= 3
    assert {deed.agent for one in messages for deed in one.then} == {"nora", "pieter"}


def test_no_message_of_the_day_is_a_case_of_the_evals() -> None:
    cases = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((shipped("knowledge").parent / "evals").rglob("*.yaml"))
    )
    assert cases
    squeezed = re.sub(r"\s+", " ", cases)
    assert [one.id for one in day_messages() if one.text and one.text in squeezed] == []


async def test_every_message_is_triaged_once_in_the_past_and_marked(day: Parts) -> None:
    rows = await rows_of(day, select(triages.c.message_id, triages.c.received_at, triages.c.request, triages.c.language))
    assert sorted(row.message_id for row in rows) == sorted(PREFIX + one.id for one in day_messages())
    assert all(Message.model_validate_json(row.request).metadata == MARK for row in rows)
    languages = Counter(row.language for row in rows)
    assert min(languages[code] for code in ("en", "de", "nl", "sv", "fr", "es")) >= 12
    assert {"ar", "pl"} <= set(languages)


async def test_the_queue_has_what_is_overdue_due_soon_and_done(day: Parts) -> None:
    now = datetime.now(UTC)
    rows = await rows_of(day, select(conversations.c.conversation_id))
    found = [await day.records.conversations.one(BRAND, row.conversation_id) for row in rows]
    held = [one for one in found if one is not None]
    waiting = [one for one in held if one.state in ("new", "claimed")]
    assert sum(one.respond_by < now for one in waiting) >= 6
    assert sum(now <= one.respond_by < now + timedelta(hours=1) for one in waiting) >= 10
    assert any(one.state == "claimed" for one in waiting)
    answered = [one for one in held if one.answered_at is not None]
    assert len(answered) >= 60
    assert all(one.opened_at < one.answered_at <= now for one in answered if one.state != "new")
    assert sum(one.resolved_at is not None for one in held) >= 15


async def test_edits_are_edits_of_the_drafts_and_threads_have_what_was_sent(day: Parts) -> None:
    rows = await rows_of(day, select(feedback.c.action, feedback.c.edit))
    edits = [row.edit for row in rows if row.action == "edited"]
    assert len(edits) >= 15
    assert all(edit is not None for edit in edits)
    stored = await rows_of(day, select(triages.c.request).where(triages.c.message_id == f"{PREFIX}lena-3"))
    thread = Message.model_validate_json(stored[0].request).thread
    assert [turn.role for turn in thread] == ["customer", "brand", "customer", "brand"]
    assert "Verteilzentrum" in thread[-1].text
    assert [turn.at for turn in thread] == sorted(turn.at for turn in thread if turn.at)


async def test_it_is_loaded_once(day: Parts) -> None:
    before = await count(day, triages)
    await load_when_fresh(day)
    with pytest.raises(Conflict, match="firstreply demo remove"):
        await load(day)
    assert await count(day, triages) == before
    assert await day.records.demo_day.loaded()


async def test_an_installation_that_has_messages_is_left_alone(few: Parts) -> None:
    await pipeline.triage(Message(text="Wo ist mein Zelt?"), few)
    await load_when_fresh(few)
    assert await count(few, triages) == 1


async def test_a_day_that_was_cut_off_begins_again_and_real_messages_stay(few: Parts) -> None:
    loading = asyncio.create_task(load(few))
    while not await count(few, triages):
        await asyncio.sleep(0.01)
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    assert not await few.records.demo_day.loaded()
    real = await pipeline.triage(Message(text="Wo ist mein Zelt?", id="real"), few)
    await load_when_fresh(few)
    rows = await rows_of(few, select(triages.c.message_id))
    assert sorted(row.message_id for row in rows) == sorted(
        ["real", *(f"{PREFIX}{name}" for name in ("down-wash", "lena-1", "lena-2", "lena-3"))]
    )
    assert await few.records.triage(real.id)
    assert await few.records.demo_day.loaded()


async def test_only_one_process_loads_or_removes_at_a_time(few: Parts) -> None:
    loading = asyncio.create_task(load(few))
    while not await count(few, triages):
        await asyncio.sleep(0.01)
    with pytest.raises(Conflict, match="right now"):
        await remove(few.records, few.settings)
    await load_when_fresh(few)
    assert await loading == 4
    assert await count(few, triages) == 4


async def test_removing_it_leaves_no_row_and_no_vector_of_it_and_everything_else(few: Parts) -> None:
    before = Message(text="Wo ist mein Zelt?", id="real", author=Author(customer_id="C-1042"), conversation_id="mine")
    imposter = Message(text="Hallo?", id=f"{PREFIX}lena-9", conversation_id=f"{PREFIX}lena")  # its name, without its mark
    await load(few)
    real, other = await pipeline.triage(before, few), await pipeline.triage(imposter, few)
    await give(few, real.id, Feedback(action="accepted", agent="maja", approve=True), "local")
    await few.follow()
    (approved,) = [one.content.id for _, one in await few.records.precedents(BRAND) if one.content.id != real.id]

    receipt = await remove(few.records, few.settings, "maja")
    await few.follow()

    assert receipt.erased["triages"] == 4
    assert receipt.erased["precedents"] == 1
    assert {row.id for row in await rows_of(few, select(triages.c.id))} == {real.id, other.id}
    assert {row.conversation_id for row in await rows_of(few, select(conversations.c.conversation_id))} == {
        "mine",
        f"{PREFIX}lena",
    }
    assert {row.triage_id for row in await rows_of(few, select(feedback.c.triage_id))} == {real.id}
    assert {row.triage_id for row in await rows_of(few, select(precedents.c.triage_id))} == {real.id}
    told = {row.triage_id for row in await rows_of(few, select(audit.c.triage_id)) if row.triage_id}
    assert told == {real.id, other.id}
    again = await pipeline.triage(Message(text="Can the Brae Down go in the washing machine or will I ruin it?"), few)
    assert approved not in {one.triage_id for one in again.context.precedents}
    assert await few.records.customer(BRAND, "C-1042")
    assert not await few.records.demo_day.loaded()
    with pytest.raises(NotFound, match="not here"):
        await remove(few.records, few.settings)
    await load_when_fresh(few)
    assert not (await few.records.demo_day.traces()).triages


async def test_once_removed_it_comes_back_when_it_is_asked_for_alone(few: Parts) -> None:
    await load(few)
    await remove(few.records, few.settings)
    await load_when_fresh(few)
    assert await count(few, triages) == 0
    assert await load(few) == 4
