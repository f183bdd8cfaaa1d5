"""What a provider sends, reads, repeats, leaves alone and lets go."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
import structlog
from calling import KEY, PROMPT, WORDS, Connect, call, within
from model_server import HANG, RESET, ModelServer, delta, fails, head, in_turn, raw, replies, says, streams
from prometheus_client import REGISTRY

from service.llm import retries
from service.llm.breaker import LEAST_CALLS, Breaker
from service.llm.provider import WriterUnavailable

MODES = pytest.mark.parametrize("mode", ["complete", "stream"])


async def refusal(provider: Any, mode: str = "complete", seconds: float = 20.0) -> WriterUnavailable:
    with pytest.raises(WriterUnavailable) as raised:
        await call(provider, mode, seconds)
    return raised.value


async def test_an_answer_has_its_text_and_what_it_cost(server: ModelServer, connected: Connect) -> None:
    server.answer = says("Grüße – 你好 \u2028 🙂", usage=(123, 45))
    answer = await connected().complete(PROMPT, brand="demo", deadline=within(20))
    assert (answer.text, answer.tokens_in, answer.tokens_out) == ("Grüße – 你好 \u2028 🙂", 123, 45)
    assert 0 < answer.seconds < 20


async def test_a_stream_gives_each_piece_as_it_comes(server: ModelServer, connected: Connect) -> None:
    server.answer = streams(delta("Grü"), delta("ße \u2028"), 0.3, delta(" 🙂"), delta("", "stop"), b"data: [DONE]\n\n")
    loop, times, text = asyncio.get_running_loop(), [], ""
    async for piece in connected().stream(PROMPT, brand="demo", deadline=within(20)):
        times.append(loop.time())
        text += piece
    assert text == "Grüße \u2028 🙂"
    assert times[-1] - times[0] > 0.2, "the first piece waited for the last"


@MODES
@pytest.mark.parametrize("usage", [None, (-1, 5), (10**12, 5), (True, 5)])
async def test_tokens_are_estimated_where_the_server_counts_none(
    mode: str, usage: Any, server: ModelServer, connected: Connect
) -> None:
    before = {way: REGISTRY.get_sample_value("writer_tokens_total", {"direction": way}) or 0 for way in ("in", "out")}
    server.answer = says("x" * 300, usage=usage)
    await call(connected(), mode)
    used = {way: (REGISTRY.get_sample_value("writer_tokens_total", {"direction": way}) or 0) - before[way] for way in before}
    assert used == {"in": 13, "out": 101}  # a third of 38 characters, and of 300


@MODES
async def test_what_is_sent(mode: str, server: ModelServer, connected: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-somebody")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/elsewhere")
    await call(connected(), mode)
    asked = server.requests[0]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["accept-encoding"] == "identity"
    assert not [value for value in asked.headers.values() if "somebody" in value]
    named = {"name": "answer", "schema": PROMPT.schema, "strict": True}
    more = {"stream": True, "stream_options": {"include_usage": True}} if mode == "stream" else {}
    assert asked.body == {
        "model": "test-model", "messages": list(PROMPT.messages), "max_tokens": 50,
        "response_format": {"type": "json_schema", "json_schema": named},
    } | more  # fmt: skip


async def test_azure_is_asked_by_deployment_and_version(server: ModelServer, connected: Connect) -> None:
    provider = connected(url=server.url.removesuffix("/v1"), api_version="2024-10-21", audio_model="whisper")
    for mode in ("complete", "stream"):
        await call(provider, mode)
    await provider.transcribe(b"OggS", "note.ogg", brand="demo", deadline=within(20))
    chat = "/openai/deployments/test-model/chat/completions?api-version=2024-10-21"
    heard = "/openai/deployments/whisper/audio/transcriptions?api-version=2024-10-21"
    assert [asked.path for asked in server.requests] == [chat, chat, heard]
    assert {asked.headers["api-key"] for asked in server.requests} == {KEY}


async def test_a_voice_note_is_transcribed(server: ModelServer, connected: Connect) -> None:
    server.answer = says("Wo ist mein Paket?")
    heard = await connected(audio_model="whisper").transcribe(b"OggS\x00\xff", "note.ogg", brand="demo", deadline=within(20))
    assert heard == "Wo ist mein Paket?"
    asked = server.requests[0]
    assert asked.path == "/v1/audio/transcriptions"
    for part in (b'filename="note.ogg"', b"OggS\x00\xff", b"whisper"):
        assert part in asked.content


async def test_without_a_model_for_voice_notes_nothing_is_sent(server: ModelServer, connected: Connect) -> None:
    with pytest.raises(WriterUnavailable, match="FIRSTREPLY_LLM_AUDIO_MODEL"):
        await connected().transcribe(b"OggS", "note.ogg", brand="demo", deadline=within(20))
    assert server.calls == 0


@MODES
@pytest.mark.parametrize(
    "first", [fails(500), fails(503), fails(408), fails(429), raw(RESET), fails(429, {"retry-after": "rubbish"})]
)
async def test_a_passing_fault_is_tried_once_more(mode: str, first: Any, server: ModelServer, connected: Connect) -> None:
    server.answer = in_turn(first, says("Second."))
    assert await call(connected(), mode) == "Second."
    assert server.calls == 2


@MODES
async def test_there_are_two_attempts_and_no_more(mode: str, server: ModelServer, connected: Connect) -> None:
    server.answer = fails(500)
    assert (await refusal(connected(), mode)).reason == "server_error"
    assert server.calls == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_will_not_change_is_not_tried_again(status: int, server: ModelServer, connected: Connect) -> None:
    server.answer = fails(status)
    assert (await refusal(connected())).reason == "refused"
    assert server.calls == 1


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"retry-after-ms": "400"}, 0.4, 5),
        ({"retry-after": "1"}, 1.0, 6),
        ({"retry-after": "0.4", "retry-after-ms": "x"}, 0.4, 5),
    ],
)
async def test_a_wait_that_is_asked_for_is_kept(
    headers: dict[str, str], least: float, most: float, server: ModelServer, connected: Connect
) -> None:
    server.answer = in_turn(fails(429, headers), says("Second."))
    provider = connected()
    began = asyncio.get_running_loop().time()
    assert await call(provider, "complete") == "Second."
    assert least <= asyncio.get_running_loop().time() - began < most


@pytest.mark.parametrize("headers", [{"retry-after": "2"}, {"retry-after": "121"}, {"retry-after-ms": "1900"}])
async def test_a_wait_beyond_the_deadline_is_no_wait_at_all(
    headers: dict[str, str], server: ModelServer, connected: Connect
) -> None:
    server.answer = fails(429, headers)
    began = asyncio.get_running_loop().time()
    assert (await refusal(connected(), seconds=2.0)).reason == "rate_limited"
    assert asyncio.get_running_loop().time() - began < 1.5
    assert server.calls == 1


async def test_a_server_may_ask_not_to_be_tried_again(server: ModelServer, connected: Connect) -> None:
    server.answer = fails(503, {"x-should-retry": "false"})
    await refusal(connected())
    assert server.calls == 1


async def test_retries_are_a_tenth_of_the_calls(server: ModelServer, connected: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "JITTER_SECONDS", 0.0)
    provider = connected(breaker=Breaker(now=lambda: 0.0))
    server.answer = says("Good.")
    for _ in range(40):
        await call(provider, "complete")
    server.answer = fails(500)
    for _ in range(19):  # with what the breaker lets through
        with pytest.raises(WriterUnavailable):
            await call(provider, "complete")
    tried_again = server.calls - 40 - 19
    assert tried_again <= 1 + (40 + 19) * retries.SHARE
    assert tried_again >= 4


async def test_a_provider_that_is_down_is_left_alone_and_found_again(server: ModelServer, connected: Connect) -> None:
    now = 0.0
    provider = connected(breaker=Breaker(probe_seconds=5.0, now=lambda: now))
    server.answer = fails(500, {"x-should-retry": "false"})
    reasons = [(await refusal(provider)).reason for _ in range(200)]
    assert reasons == ["server_error"] * LEAST_CALLS + ["circuit_open"] * (200 - LEAST_CALLS)
    assert server.calls == LEAST_CALLS
    assert REGISTRY.get_sample_value("writer_circuit_open") == 1
    now = 5.1
    assert (await refusal(provider)).reason == "server_error", "one call asks whether it is well again"
    assert (await refusal(provider)).reason == "circuit_open"
    server.answer = says("Well.")
    now = 10.3
    assert await call(provider, "stream") == "Well."
    assert REGISTRY.get_sample_value("writer_circuit_open") == 0
    assert await call(provider, "complete") == "Well."


async def test_calls_to_messages_while_it_is_down(server: ModelServer, connected: Connect) -> None:
    """Five minutes at 50 messages a second, the clock of the breaker ahead of ours."""
    now = 0.0
    provider = connected(breaker=Breaker(now=lambda: now))
    server.answer = raw(RESET)
    for number in range(5 * 60 * 50):
        now = number / 50
        with pytest.raises(WriterUnavailable):
            await provider.complete(PROMPT, brand="demo", deadline=within(0.55))
    assert 20 <= server.calls <= 20 + 2 * 60
    assert server.calls / (5 * 60 * 50) <= 0.02


@pytest.mark.parametrize(
    "answer",
    [fails(400), fails(422), fails(413), fails(400, code="content_filter"), says("x", finish="length"), says(None, refusal="no")],
)
async def test_faults_of_single_prompts_do_not_open_the_breaker(answer: Any, server: ModelServer, connected: Connect) -> None:
    provider = connected()
    server.answer = answer
    for _ in range(LEAST_CALLS + 5):
        assert (await refusal(provider)).reason in ("refused", "too_long", "filtered")
    server.answer = says("Well.")
    assert await call(provider, "complete") == "Well."


async def test_deadlines_too_short_for_anybody_do_not_open_the_breaker(server: ModelServer, connected: Connect) -> None:
    provider = connected()
    await call(provider, "complete")
    server.answer = raw(HANG)
    reasons = [(await refusal(provider, seconds=0.03)).reason for _ in range(LEAST_CALLS + 5)]
    assert set(reasons) == {"timeout"}
    server.answer = says("Well.")
    assert await call(provider, "complete") == "Well."


async def test_no_time_left_is_no_call(server: ModelServer, connected: Connect) -> None:
    for mode in ("complete", "stream"):
        assert (await refusal(connected(), mode, seconds=-1.0)).reason == "timeout"
    assert server.calls == 0


async def test_permits_bound_the_calls_at_once_and_who_waits_too_long_is_told(server: ModelServer, connected: Connect) -> None:
    provider = connected(permits=3)
    server.answer = says("Slow.", pause=1.0)
    calls = [asyncio.create_task(call(provider, "complete", 20.0)) for _ in range(6)]  # three wait a second for their permit
    while server.replying < 3:
        await asyncio.sleep(0.01)
    began = asyncio.get_running_loop().time()
    assert (await refusal(provider, seconds=0.8)).reason == "busy"
    assert asyncio.get_running_loop().time() - began < 0.8, "something is left of the deadline"
    assert await asyncio.gather(*calls) == ["Slow."] * 6
    assert server.most_replying == 3


@MODES
async def test_a_client_that_leaves_ends_the_call_and_frees_its_permit(
    mode: str, server: ModelServer, connected: Connect
) -> None:
    provider = connected(permits=1)
    server.answer = streams(delta("Hel"), HANG) if mode == "stream" else raw(head(200, {"Content-Length": "9"}), HANG)
    task = asyncio.create_task(call(provider, mode))
    while not server.replying:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await server.released()
    assert server.left == 1
    server.answer = says("Next.")
    assert await call(provider, mode) == "Next."


async def test_a_stream_that_is_closed_early_stops_the_model(server: ModelServer, connected: Connect) -> None:
    provider = connected(permits=1)
    server.answer = says("One sentence. And another one. And more of them.", pieces=40, pause=0.2)
    async with aclosing(provider.stream(PROMPT, brand="demo", deadline=within(20))) as pieces:
        async for _ in pieces:
            break
    assert await server.released()
    assert server.left == 1
    server.answer = says("Next.")
    assert await call(provider, "stream") == "Next."


async def test_connections_are_used_again(server: ModelServer, connected: Connect) -> None:
    provider = connected()
    for mode in ("complete", "stream") * 5:
        await call(provider, mode)
    assert (server.calls, server.connections) == (10, 1)


@MODES
async def test_a_call_leaves_one_log_line_without_a_word_of_it(mode: str, server: ModelServer, connected: Connect) -> None:
    said = " ".join((KEY, *WORDS))
    with structlog.testing.capture_logs() as lines:
        server.answer = says(f"Liebe {WORDS[1]}")
        await call(connected(), mode)
        for answer in (fails(401, message=said), replies(said.encode())):
            server.answer = answer
            error = await refusal(connected(), mode)
            assert (error.__cause__, error.__suppress_context__) == (None, True), "a traceback would show what the server said"
    assert [line["event"] for line in lines] == ["writer_call"] * 3
    assert not [secret for secret in (KEY, *WORDS) if secret in json.dumps(lines)]


async def test_calls_are_counted_by_outcome(server: ModelServer, connected: Connect) -> None:
    def count(outcome: str) -> float:
        return REGISTRY.get_sample_value("writer_calls_total", {"outcome": outcome}) or 0

    before = {outcome: count(outcome) for outcome in ("ok", "refused")}
    provider = connected()
    await call(provider, "complete")
    server.answer = fails(401)
    await refusal(provider)
    assert {outcome: count(outcome) - number for outcome, number in before.items()} == {"ok": 1, "refused": 1}


@MODES
async def test_a_plain_text_has_no_response_format(mode: str, server: ModelServer, connected: Connect) -> None:
    await call(connected(), mode, prompt=replace(PROMPT, schema=None))
    assert "response_format" not in server.requests[0].body


def test_a_service_without_a_model_does_not_import_openai() -> None:
    lines = "import sys, service.parts, service.serve, service.app; sys.exit(bool({'openai', 'httpx2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", lines], check=False, timeout=120).returncode == 0
