"""Attachments are fetched from public hosts alone, in bounded size and time, and read by a model where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from builders import NOW
from model_server import HANG, Asked, ModelServer, endless, fails, head, raw, replies, says

from service import pipeline
from service.fetch import NotFetched, fetched
from service.llm.client import connect
from service.llm.provider import Provider
from service.messages import Message
from service.parts import Parts

HERE = ("127.0.0.1",)


@pytest.fixture
def media() -> Iterator[ModelServer]:
    """A web server of bytes; what comes is no model's request."""
    with ModelServer(replies(b"OggS voice", headers={"Content-Type": "audio/ogg"})) as made:
        yield made


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_a_listed_host_is_fetched_from(media: ModelServer) -> None:
    url = f"http://127.0.0.1:{media.port}/voice.ogg?token=1"
    assert await fetched(url, most=100, deadline=soon(), private_hosts=HERE) == b"OggS voice"
    assert media.requests[0].path == "/voice.ogg?token=1"
    assert media.requests[0].headers["host"] == f"127.0.0.1:{media.port}"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://10.0.0.8/x", "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data", "https://0.0.0.0/x", "https://[::ffff:127.0.0.1]/x", "https://[64:ff9b::7f00:1]/x",
        "https://[fe80::1]/x", "https://2130706433/x", "https://0x7f.1/x", "http://93.184.216.34/x", "ftp://example.com/x",
        "file:///etc/passwd", "https://user:word@93.184.216.34/x", "https:///x", "not an address", "https://100.64.0.1/x",
    ],
)  # fmt: skip
async def test_nothing_else_in_the_own_network_is_reached(url: str) -> None:
    with pytest.raises(NotFetched):
        await fetched(url, most=100, deadline=soon(2))


async def test_a_redirect_is_judged_like_the_first_address(media: ModelServer) -> None:
    media.answer = replies(b"", 302, {"Location": "https://169.254.169.254/secret"})
    with pytest.raises(NotFetched, match="public"):
        await fetched(f"http://127.0.0.1:{media.port}/x", most=100, deadline=soon(), private_hosts=HERE)
    media.answer = replies(b"", 302, {"Location": "/again"})
    with pytest.raises(NotFetched, match="redirects"):
        await fetched(f"http://127.0.0.1:{media.port}/x", most=100, deadline=soon(), private_hosts=HERE)


async def test_size_and_time_are_bounded_and_the_connection_is_let_go(media: ModelServer) -> None:
    url = f"http://127.0.0.1:{media.port}/x"
    media.answer = endless(head(200, {"Content-Type": "audio/ogg"}), b"x" * 1000, 0.01)
    with pytest.raises(NotFetched, match="more than 5000 bytes"):
        await fetched(url, most=5_000, deadline=soon(), private_hosts=HERE)
    media.answer = raw(head(200, {"Content-Length": "100"}), b"x", HANG)
    with pytest.raises(NotFetched, match="too long"):
        await fetched(url, most=5_000, deadline=soon(0.3), private_hosts=HERE)
    media.answer = fails(404)
    with pytest.raises(NotFetched, match="404"):
        await fetched(url, most=5_000, deadline=soon(), private_hosts=HERE)
    assert await media.released()


@pytest.fixture
async def hearing(parts: Parts) -> AsyncIterator[tuple[Parts, ModelServer]]:
    """The parts of a service with a model that hears and sees."""

    def answer(asked: Asked) -> Any:
        if asked.path.endswith("/transcriptions"):
            return says("Hallo, wo bleibt meine Bestellung A-1002?")(asked)
        return says("A tent with a torn seam." if "image_url" in asked.prompt else "no JSON")(asked)

    with ModelServer(answer) as server:
        provider = Provider(connect(server.url, None, None, 50), "test-model", audio_model="whisper")
        settings = parts.settings.model_copy(update={"llm_vision": True, "media_hosts": HERE})
        yield replace(parts, provider=provider, settings=settings, _prompts={}), server
        await provider.close()


async def test_a_voice_note_is_what_the_customer_says(hearing: tuple[Parts, ModelServer], media: ModelServer) -> None:
    parts, _ = hearing
    message = Message.model_validate({
        "text": "", "channel": "whatsapp", "author": {"customer_id": "C-1031"}, "received_at": NOW,
        "attachments": [{"kind": "audio", "url": f"http://127.0.0.1:{media.port}/note.ogg"}],
    })  # fmt: skip
    triage = await pipeline.triage(message, parts)
    assert triage.context.orders[0].order_id == "A-1002"
    assert [one.transcript for one in triage.attachments] == ["Hallo, wo bleibt meine Bestellung A-1002?"]
    kept = await parts.records.recorded(triage.id)
    assert kept is not None
    assert kept[0].content == "Hallo, wo bleibt meine Bestellung A-1002?"


async def test_a_picture_is_described(hearing: tuple[Parts, ModelServer]) -> None:
    parts, server = hearing
    message = Message.model_validate({
        "text": "Look at this!", "channel": "instagram", "received_at": NOW,
        "attachments": [{"kind": "image", "url": "https://cdn.example/tent.jpg"}],
    })  # fmt: skip
    triage = await pipeline.triage(message, parts)
    assert [one.transcript for one in triage.attachments] == ["A tent with a torn seam."]
    assert server.requests[0].body["messages"][1]["content"][1]["image_url"] == {"url": "https://cdn.example/tent.jpg"}


async def test_what_can_not_be_read_is_asked_for(hearing: tuple[Parts, ModelServer], media: ModelServer) -> None:
    parts, _ = hearing
    media.answer = fails(500)
    message = Message.model_validate({
        "text": "", "channel": "whatsapp", "received_at": NOW,
        "attachments": [{"kind": "audio", "url": f"http://127.0.0.1:{media.port}/note.ogg"}],
    })  # fmt: skip
    triage = await pipeline.triage(message, parts)
    assert triage.attachments == ()
    assert triage.draft is not None
    assert triage.draft.action == "ask"
