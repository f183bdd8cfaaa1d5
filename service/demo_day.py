"""An invented day of the demo brand, so that the desk has something to show: read from its files, triaged and recorded.

Its messages pass the same pipeline as any other, but without a model that costs money, and what agents did with them passes the
same functions as what agents do. Only the times are in the past.
"""

from __future__ import annotations

import asyncio
import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import structlog
from pydantic import AfterValidator, Field, RootModel

from service import pipeline
from service.erasure import Erasure, erase_traces
from service.errors import Conflict, FirstReplyError, NotFound
from service.feedback import give
from service.files import shipped
from service.messages import Attachment, Author, Channel, Correction, Feedback, FeedbackReason, Message, Noun, Turn, Visibility
from service.parts import Parts
from service.precedents import reply_of
from service.records.demo import BRAND, MARK, PREFIX
from service.records.queries import Records
from service.records.traces import Person
from service.settings import Settings
from service.yaml_files import read_yaml

ACTOR = "demo-day"  # who recorded it, in the audit
PERSON = Person(channel="demo", handle="day")  # whom the receipt of its erasure names
REST_SECONDS = 0.03  # a message takes as long
SECONDS_TO_TRIAGE = 2  # between a message and its triage, as a worker takes them
_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
log = structlog.get_logger()


def span(written: str) -> timedelta:
    """The time of such as 2d, 1h20m or 45s; raises ValueError."""
    found = _SPAN.fullmatch(written)
    if not written or found is None:
        raise ValueError("write a time such as 2d, 1h20m, 26m or 45s")
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _written(value: str) -> str:
    span(value)
    return value


Span = Annotated[str, AfterValidator(_written)]


class Deed(Noun):
    """What an agent did, `after` the message came. `text` is a reply as it was sent."""

    did: Literal["claim", "answer", "resolve", "reopen", "accepted", "edited", "rejected"]
    after: Span
    agent: str
    text: str | None = None
    reason: str | None = None
    reasons: tuple[FeedbackReason, ...] = ()
    wrong: Correction | None = None
    approve: bool = False


class DayMessage(Noun):
    """A message of the day, `ago` before it is loaded, with what agents did then. Those of one `conversation` are its turns."""

    id: str
    ago: Span
    channel: Channel
    visibility: Visibility | None = None
    author: Author = Author()
    conversation: str | None = None
    text: str
    attachments: tuple[Attachment, ...] = ()
    then: tuple[Deed, ...] = ()


class _File(RootModel[Annotated[tuple[DayMessage, ...], Field(min_length=1)]]):
    """One file of the day."""


def day_messages() -> list[DayMessage]:
    """The messages of the day, in no order; raises KnowledgeNotUsable for a file that is not right."""
    folder = shipped(f"knowledge/{BRAND}/day")
    return [message for path in sorted(folder.glob("*.yaml")) for message in read_yaml(path, _File).root]


@dataclass
class _Story:
    """A conversation as it grows."""

    triage_id: str = ""
    thread: list[Turn] = field(default_factory=list)


async def load(parts: Parts) -> int:
    """Loads the whole day, in the place of one that was loaded in part; how many messages.

    Raises Conflict where it is there, or where another process loads or removes it.
    """
    with _alone(parts.settings):
        if await parts.records.demo_day.loaded():
            raise Conflict("the demo day is there already: firstreply demo remove takes it away")
        return await _load(parts, rest=False)


async def load_when_fresh(parts: Parts) -> None:
    """Loads it where there is the demo brand and no message ever came, or where an earlier load was cut off. Never fails."""
    try:
        with _alone(parts.settings):
            day = parts.records.demo_day
            if BRAND not in parts.brands or await day.loaded():
                return
            if (await day.traces()).triages or await day.untouched():
                log.info("demo_day_loaded", messages=await _load(parts, rest=True))
    except Conflict:
        return  # another process is at it
    except FirstReplyError as error:
        log.warning("demo_day_not_loaded", reason=error.detail)


async def remove(records: Records, settings: Settings, actor: str = "local") -> Erasure:
    """Erases the day and nothing else; raises NotFound where it is not there and Conflict while it is loaded."""
    with _alone(settings):
        traces = await records.demo_day.traces()
        try:
            erased = await erase_traces(records, BRAND, PERSON, traces, actor)
        except NotFound:
            await records.demo_day.set_loaded(False)
            raise NotFound("the demo day is not here") from None
        await records.demo_day.set_loaded(False)
        return erased


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One process of a data directory at a time; the lock ends with the process, however it ends."""
    with (settings.data_dir / "demo-day.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("the demo day is being loaded or removed right now: try again in a few seconds") from None
        yield


async def _load(parts: Parts, *, rest: bool) -> int:
    """All of it; with `rest` the requests of a service get their turn after each message."""
    await parts.records.demo_day.clear()
    begun, messages = datetime.now(UTC), day_messages()
    without_model = replace(parts, provider=None)
    came = [(begun - span(one.ago), one, None) for one in messages]
    done = [(begun - span(one.ago) + span(deed.after), one, deed) for one in messages for deed in one.then]
    stories: dict[str, _Story] = {}
    for at, message, deed in sorted([*came, *done], key=lambda event: event[0]):
        story = stories.setdefault(message.conversation or message.id, _Story())
        if deed is None:
            await _come(without_model, message, at, story)
        else:
            await _do(parts, message, deed, min(at, begun), story)
        await asyncio.sleep(REST_SECONDS if rest else 0)
    await parts.records.demo_day.set_loaded(True)
    return len(messages)


async def _come(parts: Parts, one: DayMessage, at: datetime, story: _Story) -> None:
    message = Message(
        text=one.text, id=PREFIX + one.id, brand=BRAND, channel=one.channel, visibility=one.visibility, author=one.author,
        conversation_id=PREFIX + (one.conversation or one.id), thread=tuple(story.thread), attachments=one.attachments,
        received_at=at, metadata=MARK,
    )  # fmt: skip
    triage = [stage.triage async for stage in pipeline.stages(message, parts)][-1]
    await parts.records.put_triages([(message, triage)], [ACTOR], at + timedelta(seconds=SECONDS_TO_TRIAGE))
    story.triage_id = triage.id
    story.thread.append(Turn(role="customer", text=message.content, at=at))


async def _do(parts: Parts, one: DayMessage, deed: Deed, at: datetime, story: _Story) -> None:
    if deed.did in ("claim", "answer", "resolve", "reopen"):
        await parts.records.conversations.move(BRAND, PREFIX + (one.conversation or one.id), deed.did, deed.agent, ACTOR, at=at)
        return
    given = Feedback(
        action=deed.did, text=deed.text, agent=deed.agent, reason=deed.reason, reasons=deed.reasons, wrong=deed.wrong,
        approve=deed.approve,
    )  # fmt: skip
    await give(parts, story.triage_id, given, ACTOR, at)
    found = await parts.records.recorded(story.triage_id)
    sent = reply_of(found[0], found[1].draft, [given]) if found else None
    if sent:
        story.thread.append(Turn(role="brand", text=sent, at=at))
