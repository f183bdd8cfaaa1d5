"""A worker on the real parts: what was accepted is triaged, in order, once, whatever fails on the way."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from builders import DATABASE
from model_server import ModelServer, says
from sqlalchemy import update

from service.intake.debounce import HOLD
from service.intake.durable import Workflows, workflow_id
from service.intake.worker import Worker
from service.intake.workflow import MOST_CRASHES, PAUSES, handed_over, joined
from service.messages import Feedback, Message, Triage
from service.parts import Parts, build_parts
from service.records.inbox import InboxState, Kept
from service.records.tables import inbox

SECONDS = 60.0  # longest wait for something that takes a second: the machine may be busy
Own = Callable[..., contextlib.AbstractAsyncContextManager[Parts]]


@pytest.fixture(scope="module")
def installation(_copied: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory as it is after the first start."""
    return _copied(tmp_path_factory.mktemp("worker"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(settings_in: Any, installation: Path) -> AsyncIterator[Parts]:
    """Parts of an installation where nobody works on what is accepted, and nobody waits for more of a burst."""
    async with build_parts(settings_in(installation, debounce=False, worker_silent_seconds=2.0)) as made:
        yield made


@pytest.fixture
def own(settings_in: Any, data_dir: Path) -> Own:
    """`async with own(name=value) as parts`: the same with other settings, and of its own."""

    @contextlib.asynccontextmanager
    async def make(**more: Any) -> AsyncIterator[Parts]:
        async with build_parts(settings_in(data_dir, **{"debounce": False, "worker_silent_seconds": 2.0} | more)) as made:
            yield made

    return make


async def accept(parts: Parts, *messages: Message) -> list[str]:
    return [receipt.id for receipt in (await parts.acceptance.accept(messages, "api")).receipts]


async def ended(parts: Parts, message_id: str, state: InboxState = "done") -> tuple[Kept, Triage]:
    """The message with its triage once it is in this state."""
    async with asyncio.timeout(SECONDS):
        while (kept := await parts.records.inbox.one(message_id)) is None or kept.state != state or kept.triage_id is None:
            await asyncio.sleep(0.05)
    stored = await parts.records.triage(kept.triage_id, kept.brand)
    assert stored is not None
    return kept, Triage.model_validate_json(stored)


def break_for(customer_id: str, parts: Parts, monkeypatch: pytest.MonkeyPatch, times: int) -> list[str]:
    """Lets a triage fail for one customer so many times; the failures so far."""
    failed: list[str] = []
    known = parts.sources.known

    async def failing(brand: str, who: Any, before: datetime) -> Any:
        if who == customer_id and len(failed) < times:
            failed.append(customer_id)
            raise RuntimeError("words of a customer")
        return await known(brand, who, before)

    monkeypatch.setattr(parts, "sources", replace(parts.sources, known=failing))
    return failed


async def test_what_was_accepted_is_triaged_and_recorded(shared: Parts, client_on: Callable[[Parts], httpx.AsyncClient]) -> None:
    async with Worker(shared), client_on(shared) as client:
        sent = {"text": "I want to speak to a real person, now", "id": "ext-1", "author": {"customer_id": "C-1042"}}
        (receipt,) = (await client.post("/v1/messages", json=[sent])).json()["messages"]
        _, triage = await ended(shared, receipt["id"])
        progress = (await client.get(receipt["location"])).json()
        assert (progress["state"], progress["attempts"]) == ("done", 1)
        assert Triage.model_validate(progress["triage"]) == triage
        assert (triage.message_id, triage.escalation.escalate) == ("ext-1", True)
        assert triage.draft is not None
        assert (await client.get(f"/v1/triages/{triage.id}")).json() == progress["triage"]


async def test_a_worker_that_begins_later_does_what_was_accepted_before(shared: Parts) -> None:
    ids = await accept(shared, *(Message(text=f"Wo ist mein Paket {n}?") for n in range(12)))
    async with Worker(shared):
        for one in ids:
            await ended(shared, one)
    assert (await shared.records.inbox.backlog()).waiting == 0
    assert await shared.records.workers.known() == set()


async def test_a_burst_is_one_triage_with_what_came_before_as_its_thread(own: Own) -> None:
    async with own(debounce=True) as parts:
        said = {"channel": "webchat", "conversation_id": "c", "author": {"handle": "@lena"}}
        texts = ("Hallo", "mein Paket A-1001 ist nicht da", "wo ist es?")
        ids = await accept(parts, *(Message.model_validate(said | {"text": text}) for text in texts))
        async with Worker(parts):
            kept, triage = await ended(parts, ids[2])
        for one in ids[:2]:
            earlier = await parts.records.inbox.one(one)
            assert earlier is not None
            assert (earlier.state, earlier.superseded_by) == ("superseded", ids[2])
        recorded = await parts.records.recorded(triage.id)
        assert recorded is not None
        assert [(turn.role, turn.text) for turn in recorded[0].thread] == [("customer", text) for text in texts[:2]]
        assert (recorded[0].text, kept.message.thread) == (texts[2], ())


async def test_a_reply_that_was_sent_meanwhile_drops_the_draft(shared: Parts) -> None:
    first, other = (Message(text="Wo ist mein Paket?", conversation_id=name) for name in ("c", "d"))
    async with Worker(shared):
        _, triage = await ended(shared, (await accept(shared, first))[0])
        await ended(shared, (await accept(shared, other))[0])
    again, elsewhere = await accept(shared, first, other)
    await shared.records.feedback.put(triage.id, Feedback(action="edited", text="Es kommt morgen."), sent=True)
    async with Worker(shared):
        kept, answered = await ended(shared, again)
        _, unanswered = await ended(shared, elsewhere)
    assert kept.state == "done"
    assert answered.draft is None
    assert unanswered.draft is not None
    recorded = await shared.records.recorded(answered.id)
    assert recorded is not None
    assert recorded[0].options.draft  # what was asked for is recorded as it was asked


async def test_a_reply_that_is_sent_while_the_model_writes_drops_the_draft(own: Own) -> None:
    with ModelServer(says("{}")) as server:
        async with own(llm_base_url=server.url, llm_model="m") as parts, Worker(parts):
            said = Message(text="Wo ist mein Paket?", conversation_id="c")
            _, first = await ended(parts, (await accept(parts, said))[0])
            asked = len(server.requests)
            server.answer = says("{}", pause=1.0)
            (later,) = await accept(parts, said)
            async with asyncio.timeout(SECONDS):
                while len(server.requests) == asked:
                    await asyncio.sleep(0.01)
            await parts.records.feedback.put(first.id, Feedback(action="accepted"), sent=True)
            _, triage = await ended(parts, later)
            assert triage.draft is None


async def test_a_message_that_fails_twice_is_triaged_at_the_third_attempt(shared: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.intake.workflow.PAUSES", (0.0, 0.0))
    async with Worker(shared):
        failed = break_for("C-bad", shared, monkeypatch, len(PAUSES))
        (one,) = await accept(shared, Message.model_validate({"text": "Wo ist es?", "author": {"customer_id": "C-bad"}}))
        _, triage = await ended(shared, one)
        assert len(failed) == len(PAUSES)
        assert "processing_error" not in [reason.code for reason in triage.escalation.reasons]


async def test_a_message_that_fails_for_good_is_escalated_all_the_same_and_may_be_replayed(
    shared: Parts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("service.intake.workflow.PAUSES", (0.0, 0.0))
    async with Worker(shared):
        break_for("C-worse", shared, monkeypatch, len(PAUSES) + 1)
        given = {"text": "Wo ist es?", "id": "ext-bad", "author": {"customer_id": "C-worse"}, "metadata": {"ticket": "T-9"}}
        bad, good = await accept(shared, Message.model_validate(given), Message(text="Wo ist mein Paket?"))
        await ended(shared, good)
        kept, triage = await ended(shared, bad, "dead")
        assert re.fullmatch(r"RuntimeError in test_worker\.py line \d+", kept.error or "")
        escalation = triage.escalation
        assert escalation.escalate
        assert [reason.code for reason in escalation.reasons] == ["processing_error"]
        assert (triage.draft, triage.message_id, triage.metadata) == (None, "ext-bad", {"ticket": "T-9"})
        assert escalation.respond_by > triage.received_at
        assert bad in [one.id for one in await shared.records.inbox.dead("demo")]
        assert "words of a customer" not in capsys.readouterr().out + (kept.error or "") + triage.model_dump_json()
        assert await shared.records.inbox.again(bad)
        shared.acceptance.wake()
        again, mended = await ended(shared, bad)
        assert again.attempt == 2
        assert "processing_error" not in [reason.code for reason in mended.escalation.reasons]
        assert mended.draft is not None
        assert await shared.records.triage(triage.id, "demo")  # the first one stays to be read


async def test_what_was_understood_before_it_failed_is_kept_for_the_human(parts: Parts) -> None:
    from service import pipeline

    message = Message(text="Das ist das dritte Mal! Ich gehe zum Anwalt.", channel="email")
    stages = [stage.triage async for stage in pipeline.stages(message, parts)]
    triage = handed_over(message, parts, "RuntimeError in plan.py line 1", stages[-1])
    assert triage.understanding == stages[-1].understanding
    codes = [reason.code for reason in triage.escalation.reasons]
    assert codes[0] == "processing_error"
    assert "legal_threat" in codes
    assert triage.draft is None


@pytest.mark.sqlite
async def test_a_database_that_is_away_is_waited_for(shared: Parts, installation: Path) -> None:
    async with Worker(shared):
        (first,) = await accept(shared, Message(text="Wo ist mein Paket?"))
        await ended(shared, first)
        (one,) = await accept(shared, Message(text="Wo ist mein anderes Paket?"))
        with closing(sqlite3.connect(installation / DATABASE, isolation_level=None)) as away:
            away.execute("ALTER TABLE triages RENAME TO elsewhere")
            away.execute("ALTER TABLE brands RENAME TO no_brands")  # so that nothing can be written
            await asyncio.sleep(2.5)
            away.execute("ALTER TABLE elsewhere RENAME TO triages")
            away.execute("ALTER TABLE no_brands RENAME TO brands")
        _, triage = await ended(shared, one)
        assert not triage.escalation.escalate


async def test_the_work_of_a_process_that_died_is_taken_over_and_counted(shared: Parts) -> None:
    ids = await accept(shared, *(Message(text=f"Wo ist mein Paket {n}?") for n in range(3)))
    taken = await shared.records.inbox.take_due(datetime.now(UTC), HOLD, 10)
    await die_with(shared, [(one.id, one.attempt) for one in taken[:2]])
    await shared.records.workers.beat("died", datetime.now(UTC))
    async with Worker(shared):
        for one in ids:  # the third was taken and never had a workflow: the sweeper begins one
            await ended(shared, one)
    kept = [await shared.records.inbox.one(one) for one in ids]
    assert [one.crashes for one in kept if one is not None] == [1, 1, 0]


async def test_of_those_taken_over_only_the_one_that_is_tried_is_counted_when_the_next_process_dies(own: Own) -> None:
    with ModelServer(says("{}", pause=5.0)) as server:
        async with own(llm_base_url=server.url, llm_model="m", llm_deadline_seconds=60) as parts:
            ids = await accept(parts, *(Message(text=f"Wo ist mein Paket {n}?") for n in range(3)))
            taken = await parts.records.inbox.take_due(datetime.now(UTC), HOLD, 10)
            await die_with(parts, [(one.id, one.attempt) for one in taken])
            async with Worker(parts):
                async with asyncio.timeout(SECONDS):
                    while not server.requests:
                        await asyncio.sleep(0.01)
                tried = [await parts.records.inbox.one(one) for one in ids]
                server.answer = says("{}")
                for one in ids:
                    await ended(parts, one)
            done = [await parts.records.inbox.one(one) for one in ids]
    assert sorted(one.crashes for one in tried if one is not None) == [1, 1, 2]
    assert [one.crashes for one in done if one is not None] == [1, 1, 1]


async def test_a_message_that_ends_every_process_is_handed_to_a_human_untouched(shared: Parts) -> None:
    (one,) = await accept(shared, Message(text="Wo ist mein Paket?"))
    (taken,) = await shared.records.inbox.take_due(datetime.now(UTC), HOLD, 10)
    await die_with(shared, [(taken.id, taken.attempt)])
    async with shared.records.writing() as connection:
        await connection.execute(update(inbox).where(inbox.c.id == one).values(crashes=MOST_CRASHES))  # counted before it began
    async with Worker(shared):
        kept, triage = await ended(shared, one, "dead")
    assert kept.error == f"{MOST_CRASHES} processes ended while it was under way"
    assert [reason.code for reason in triage.escalation.reasons] == ["processing_error"]
    assert triage.understanding.language.code == "und"


async def test_a_workflow_that_ended_without_a_triage_is_noticed(shared: Parts) -> None:
    ids = await accept(shared, *(Message(text=f"Wo ist mein Paket {n}?") for n in range(2)))
    taken = await shared.records.inbox.take_due(datetime.now(UTC), HOLD, 10)
    await end_with(shared, {workflow_id(taken[0].id, 1): True, workflow_id(taken[1].id, 1): False})
    async with Worker(shared):
        _, well = await ended(shared, ids[0])  # it says that it succeeded: the records were set back, so it is done again
        kept, lost = await ended(shared, ids[1], "dead")
    assert not well.escalation.escalate
    assert kept.error == "its workflow ended as ERROR"
    assert [reason.code for reason in lost.escalation.reasons] == ["processing_error"]


@pytest.mark.sqlite
async def test_nothing_but_ids_is_told_to_the_workflows(shared: Parts, installation: Path) -> None:
    async with Worker(shared):
        said = {"text": "Mein Paket Zebrafink fehlt", "conversation_id": "Pirol", "author": {"handle": "@rotkehlchen"}}
        (one,) = await accept(shared, Message.model_validate(said | {"id": "Kolibri"}))
        await ended(shared, one)
    written = b"".join(path.read_bytes() for path in installation.glob("work.db*"))
    assert one.encode() in written
    for word in (b"Zebrafink", b"Pirol", b"otkehlchen", b"Kolibri"):
        assert word not in written


async def test_an_end_waits_for_what_is_under_way_and_leaves_the_rest_to_another(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.intake.worker.LEAVE_SECONDS", 0.5)
    with ModelServer(says("{}", pause=20.0)) as server:
        async with own(llm_base_url=server.url, llm_model="m", llm_deadline_seconds=60) as parts:
            async with Worker(parts) as first:
                (one,) = await accept(parts, Message(text="Wo ist mein Paket?"))
                async with asyncio.timeout(SECONDS):
                    while not server.requests:
                        await asyncio.sleep(0.01)
            left = await parts.records.inbox.one(one)
            assert left is not None
            assert (left.state, await parts.records.workers.known()) == ("queued", {first.executor_id})
            server.answer = says("{}")
            async with Worker(parts):
                _, triage = await ended(parts, one)
            kept = await parts.records.inbox.one(one)  # what was counted before it began is taken back a moment after its end
            assert kept is not None
            assert (kept.crashes, kept.attempt) == (0, 1)  # it is nobody's fault
            assert triage.draft is not None


@pytest.mark.sqlite
async def test_workflows_that_cant_be_opened_are_tried_again_and_nothing_is_lost(
    own: Own, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.intake.worker.RETRY_SECONDS", 0.2)
    (data_dir / "work.db").write_bytes(b"no database at all" * 100)
    async with own() as parts, Worker(parts):
        (one,) = await accept(parts, Message(text="Wo ist mein Paket?"))
        await asyncio.sleep(1.5)
        kept = await parts.records.inbox.one(one)
        assert kept is not None
        assert kept.state == "accepted"
        (data_dir / "work.db").unlink()
        await ended(parts, one)


async def die_with(parts: Parts, taken: list[tuple[str, int]]) -> None:
    """A process that begins these workflows and is never heard of again."""

    async def dies(_: str) -> None:
        raise asyncio.CancelledError

    workflows = Workflows(parts.settings, "died", dies)
    await workflows.open()
    for message_id, attempt in taken:
        await workflows.start(message_id, attempt)
    await workflows.close()


async def end_with(parts: Parts, ways: dict[str, bool]) -> None:
    """Workflows that succeed or fail with no triage made."""

    async def ends(message_id: str) -> None:
        if not ways[workflow_id(message_id, 1)]:
            raise RuntimeError("as told")

    workflows = Workflows(parts.settings, "another", ends)
    await workflows.open()
    for one in ways:
        await workflows.start(one.rpartition(":")[0], 1)
    async with asyncio.timeout(SECONDS):
        while any(state == "PENDING" for state, _ in (await workflows.states(list(ways))).values()):
            await asyncio.sleep(0.05)
    await workflows.close()


def test_a_burst_joins_what_was_said_and_sent_along() -> None:
    def said(text: str, **fields: Any) -> Message:
        return Message.model_validate({"text": text, "conversation_id": "c"} | fields)

    photo = {"kind": "image", "url": "https://a.example/1.jpg"}
    voice = {"kind": "audio", "url": "https://a.example/2.ogg", "transcript": "es ist kaputt"}
    before = [{"role": "brand", "text": "Guten Tag!"}]
    last = said("wo ist es?", attachments=[photo])
    earlier = [said("Hallo", thread=before, attachments=[photo]), said("", attachments=[voice])]
    whole = joined(last, earlier)
    assert [turn.text for turn in whole.thread] == ["Guten Tag!", "Hallo", "es ist kaputt"]
    assert [one.url for one in whole.attachments] == [photo["url"], voice["url"]]
    assert (whole.text, whole.id, joined(last, [])) == (last.text, last.id, last)
    told = said("wo ist es?", thread=[*before, {"role": "customer", "text": "Hallo"}])
    assert [turn.text for turn in joined(told, earlier[:1]).thread] == ["Guten Tag!", "Hallo"]  # the sender told it already
    long = said("und?", thread=[{"role": "customer", "text": str(n)} for n in range(100)])
    assert [turn.text for turn in joined(long, [said("noch etwas")]).thread][-2:] == ["99", "noch etwas"]
    assert len(joined(long, earlier).thread) == 100
