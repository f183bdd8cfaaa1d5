"""Every fault of a provider, over a real socket, whole and streamed: one exception, in time, and it works again afterwards."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from calling import KEY, PROMPT, WORDS, Connect, call, within
from model_server import CLOSE, HANG, RESET, Answer, ModelServer, delta, endless, event, fails, head, raw, replies, says, streams

from service.llm.provider import Provider, WriterUnavailable

DEADLINE = 0.6  # seconds
OVER = 0.25  # seconds that an answer may come after its deadline
TRIES = 4  # of which one has to be in time: the machine may be busy with something else
SSE = head(200, {"Content-Type": "text/event-stream"})
BIG = 10_000_000  # bytes
SECRETS = " ".join((KEY, *WORDS))  # servers quote what they were sent


@dataclass(frozen=True)
class Case:
    name: str
    answer: Answer
    reason: str
    modes: tuple[str, ...] = ("complete", "stream")
    left: bool = False  # whether the client has to hang up for it to end


def _date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def _limited(name: str, value: str, header: str = "Retry-After") -> Case:
    return Case(f"429 {name}", fails(429, {header: value}), "rate_limited")


WHOLE, STREAM = ("complete",), ("stream",)
CASES = (
    Case("429", fails(429), "rate_limited"),
    _limited("2 s", "2"),
    _limited("60 s", "60"),
    _limited("121 s", "121"),
    _limited("in ms", "2000", "retry-after-ms"),
    _limited("a date", _date(30)),
    _limited("a date long past", _date(-3600)),
    _limited("garbage", "soon; très bientôt".encode().decode("latin-1")),
    _limited("not a number", "nan"),
    _limited("less than nothing", "-5"),
    Case("429 unpaid", fails(429, message="You exceeded your current quota", code="insufficient_quota"), "rate_limited"),
    *(Case(str(status), fails(status), "server_error") for status in (408, 409, 500, 502, 503, 504)),
    Case("500 that is a page", replies(b"<html>Bad gateway</html>", 502, {"Content-Type": "text/html"}), "server_error"),
    *(Case(str(status), fails(status, message=SECRETS), "refused") for status in (400, 401, 402, 403, 404, 405, 422)),
    Case("a redirect", replies(b"", 307, {"Location": "https://example.org/v1"}), "refused"),
    Case("400 content filter", fails(400, message="triggered the content management policy", code="content_filter"), "filtered"),
    Case("400 too long", fails(400, message="maximum context length is 2048", code="context_length_exceeded"), "too_long"),
    Case("413", fails(413), "too_long"),
    Case("reset before the first byte", raw(RESET), "unreachable"),
    Case("closed before the first byte", raw(CLOSE), "unreachable"),
    Case("reset in the headers", raw(b"HTTP/1.1 200 O", RESET), "unreachable"),
    Case("not HTTP", raw(b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE), "unreachable"),
    Case("reset mid-body", raw(head(200, {"Content-Length": "400"}), b'{"choices": [{"mess', 0.05, RESET), "unreachable", WHOLE),
    Case("closed mid-body", raw(head(200, {"Content-Length": "400"}), b'{"choices": [{"mess', CLOSE), "unreachable", WHOLE),
    Case("reset mid-stream", streams(delta("Hel"), 0.05, RESET), "unreachable", STREAM),
    Case("closed mid-stream", streams(delta("Hel"), CLOSE), "unreachable", STREAM),
    Case("a stream that just ends", raw(SSE, delta("Hel"), CLOSE), "broken_answer", STREAM),
    Case("done too early", streams(delta("Hel"), b"data: [DONE]\n\n"), "broken_answer", STREAM),
    Case("accepted and never answered", raw(HANG), "timeout", left=True),
    Case("headers, and never a body", raw(head(200, {"Content-Length": "400"}), HANG), "timeout", left=True),
    Case("one byte a second", endless(head(200, {"Content-Length": "4000"}), b" ", 1.0), "timeout", WHOLE, left=True),
    Case("one byte a tenth of a second", endless(head(200, {"Content-Length": "4000"}), b" ", 0.1), "timeout", WHOLE, left=True),
    Case("one byte a second of a stream", endless(SSE, b"d", 1.0), "timeout", STREAM, left=True),
    Case("keep-alive comments only", endless(SSE, b": keep-alive\n\n", 0.05), "timeout", STREAM, left=True),
    Case("empty pieces for ever", endless(SSE, delta(""), 0.05), "timeout", STREAM, left=True),
    Case("a piece, then nothing", streams(delta("Hel"), HANG), "timeout", STREAM, left=True),
    Case("an endless answer", endless(SSE, delta("more "), 0.02), "timeout", STREAM, left=True),
    Case("an answer without end or pause", endless(SSE, delta("more " * 4000), 0.0), "too_long", STREAM, left=True),
    Case("JSON cut short", replies(b'{"choices": [{"message": {"content": "Hel'), "broken_answer", WHOLE),
    Case("an event cut short", streams(delta("Hel"), b'data: {"choices": [{"delta"\n\n'), "broken_answer", STREAM),
    Case("JSON that goes too deep", replies(b"[" * 200_000), "broken_answer", WHOLE),
    Case("JSON of another shape", replies([1, 2, 3]), "broken_answer", WHOLE),
    Case("events of another shape", streams(event([1]), event({"choices": 7})), "broken_answer", STREAM),
    Case("no choices", replies({"choices": [], "usage": None}), "broken_answer", WHOLE),
    Case("no choices in a stream", streams(event({"choices": []}), b"data: [DONE]\n\n"), "broken_answer", STREAM),
    Case("no text", says(None), "broken_answer"),
    Case("only spaces", says("  "), "broken_answer", WHOLE),
    Case("a choice that is none", replies({"choices": ["text"]}), "broken_answer", WHOLE),
    Case("200 with an error in it", replies({"error": {"message": WORDS[0]}}), "server_error", WHOLE),
    Case("an error mid-stream", streams(delta("Hel"), event({"error": {"message": WORDS[0]}})), "server_error", STREAM),
    Case("finish_reason length", says("Hello the", finish="length"), "too_long"),
    Case("content_filter", says("Hello the", finish="content_filter"), "filtered"),
    Case("a refusal", says(None, refusal="I can't help with that."), "filtered"),
    Case("10 MB with its length", replies(b" " * BIG), "too_long"),
    Case("10 MB in chunks", streams(*[b" " * 100_000] * 100, content_type="application/json"), "too_long"),
    Case("10 MB of events", streams(*[delta("x" * 100_000)] * 100), "too_long", STREAM),
    Case("one event of 10 MB", streams(delta("x" * BIG)), "too_long", STREAM),
    Case("invalid UTF-8", replies(b'{"choices": [{"message": {"content": "\xff\xfe"}}]}'), "broken_answer", WHOLE),
    Case("invalid UTF-8 in a stream", streams(delta("Hel"), b'data: "\xff\xfe"\n\n'), "broken_answer", STREAM),
    Case("a page instead of an answer", replies(b"<html>Log in</html>", 200, {"Content-Type": "text/html"}), "broken_answer"),
    Case("an answer instead of a stream", replies({"choices": []}), "broken_answer"),
    Case("compressed", replies(b"\x1f\x8b\x08", 200, {"Content-Encoding": "gzip"}), "broken_answer"),
)  # fmt: skip
TABLE = [(case, mode) for case in CASES for mode in case.modes]


async def failed(provider: Provider, mode: str, seconds: float = DEADLINE) -> tuple[WriterUnavailable, float]:
    began = asyncio.get_running_loop().time()
    with pytest.raises(WriterUnavailable) as raised:
        await call(provider, mode, seconds)
    return raised.value, asyncio.get_running_loop().time() - began


@pytest.mark.parametrize(("case", "mode"), TABLE, ids=[f"{case.name}, {mode}" for case, mode in TABLE])
async def test_a_fault_is_one_exception_in_time_and_passes(
    case: Case, mode: str, server: ModelServer, connected: Connect
) -> None:
    provider = connected()
    await call(provider, mode)  # what is imported and connected at the first call is no part of the fault
    for _ in range(TRIES):
        server.answer = case.answer
        error, seconds = await failed(provider, mode)
        assert error.reason == case.reason, error
        assert not [secret for secret in (KEY, *WORDS) if secret in f"{error} {error.detail}"]
        if seconds < DEADLINE + OVER:
            break
    assert seconds < DEADLINE + OVER
    assert await server.released(), "the connection is still open"
    if case.left:
        assert server.left
    server.answer = says("Well again.")
    assert await call(provider, mode) == "Well again."


@pytest.mark.parametrize("mode", ["complete", "stream"])
async def test_nobody_listens(mode: str, server: ModelServer, connected: Connect) -> None:
    provider = connected()
    await call(provider, mode)
    server.stop()
    error, seconds = await failed(provider, mode)
    assert (error.reason, "FIRSTREPLY_LLM_BASE_URL" in error.detail) == ("unreachable", True)
    assert seconds < DEADLINE + OVER + 0.5
    server.start()
    assert await call(provider, mode)


@pytest.mark.parametrize("mode", ["complete", "stream"])
async def test_a_host_that_has_no_address(mode: str, connected: Connect) -> None:
    error, seconds = await failed(connected(url="http://no-such-host.invalid/v1"), mode, 3.0)
    assert error.reason in ("unreachable", "timeout"), "some resolvers take longer than that to say that there is none"
    assert seconds < 3.0 + OVER + 0.5


@pytest.mark.parametrize("mode", ["complete", "stream"])
async def test_a_port_that_drops_every_packet(mode: str, connected: Connect) -> None:
    """A listener that accepts nothing: once its queue is full, connecting takes for ever."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        error, seconds = await failed(connected(url=f"http://127.0.0.1:{port}/v1"), mode)
        for one in waiting:
            one.close()
    assert error.reason == "timeout"
    assert seconds < DEADLINE + OVER + 1.0


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """An authority that this machine trusts for the time being."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def secured(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.mark.parametrize("mode", ["complete", "stream"])
@pytest.mark.parametrize("said", ["expired", "self-signed", "mismatch"])
async def test_a_certificate_that_is_no_good(mode: str, said: str, authority: trustme.CA, connected: Connect) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    certificates: dict[str, Callable[[], trustme.LeafCert]] = {
        "expired": lambda: authority.issue_cert("localhost", not_before=past - timedelta(days=9), not_after=past),
        "self-signed": lambda: trustme.CA().issue_cert("localhost"),
        "mismatch": lambda: authority.issue_cert("example.org"),
    }
    with ModelServer(tls=secured(certificates[said]())) as server:
        error, seconds = await failed(connected(url=server.url), mode, 5.0)
        assert error.reason == "unreachable"
        assert said in error.detail or (said == "self-signed" and "unable to get local issuer" in error.detail)
        assert seconds < 5.0
        assert server.calls == 0, "a key went to a server that may be anybody"
    with ModelServer(says("Well."), tls=secured(authority.issue_cert("localhost"))) as server:
        assert await call(connected(url=server.url), mode) == "Well."


async def test_what_reset_after_a_part_was_given_is_not_begun_anew(server: ModelServer, connected: Connect) -> None:
    server.answer = streams(delta("Hel"), 0.05, RESET)
    pieces = connected().stream(PROMPT, brand="demo", deadline=within(5))
    assert await anext(pieces) == "Hel"
    with pytest.raises(WriterUnavailable):
        await anext(pieces)
    assert server.calls == 1


async def test_a_stream_is_whole_when_only_its_last_words_are_missing(server: ModelServer, connected: Connect) -> None:
    server.answer = streams(delta("Hello"), delta("", "stop"), HANG)
    assert await call(connected(), "stream", 1.0) == "Hello"


async def test_a_transcription_fails_alike(server: ModelServer, connected: Connect) -> None:
    provider = connected(audio_model="whisper")
    for answer, reason in (
        (fails(401), "refused"),
        (replies(b"{"), "broken_answer"),
        (replies({}), "broken_answer"),
        (raw(HANG), "timeout"),
    ):
        server.answer = answer
        with pytest.raises(WriterUnavailable) as raised:
            await provider.transcribe(b"OggS", "note.ogg", brand="demo", deadline=within(DEADLINE))
        assert raised.value.reason == reason
    assert await server.released()
