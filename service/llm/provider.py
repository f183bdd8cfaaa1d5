"""A model that will fail: every call ends by its deadline, as an answer or as one WriterUnavailable that says why.

Between a prompt and the server stand, in this order: the circuit breaker, a permit, the brand's budget, and at most two
attempts, of which the second is taken from a budget for retries; around all of it the deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service import telemetry
from service.llm.admission import Admission, Call, circuit_open
from service.llm.answers import (
    AUDIO_BYTES,
    CHARACTERS,
    Unusable,
    Usage,
    estimated,
    read_answer,
    read_event,
    read_transcript,
    require_end,
)
from service.llm.breaker import Breaker
from service.llm.budget import Budget
from service.llm.dialect import REFUSALS, Dialect, Form
from service.llm.faults import Fault, fault_of
from service.llm.faults import WriterUnavailable as WriterUnavailable
from service.llm.prompts import Prompt
from service.llm.retries import RetryBudget, jitter

if TYPE_CHECKING:
    from openai import AsyncStream

    from service.llm.client import Client

ATTEMPTS = 2  # of one call; finding out how a server wants to be asked may take more, once a process
LEAST_SECONDS = 0.5  # of a deadline: less is no time for another attempt, and a timeout in it says nothing of the provider
_END = object()


@dataclass(frozen=True)
class Answer:
    """What a model wrote; tokens are estimated where the server counts none."""

    text: str
    tokens_in: int
    tokens_out: int
    seconds: float


@dataclass
class _Attempts:
    """How a call is put to the server, and what became of its last attempt."""

    call: Call
    dialect: Dialect
    schema: bool  # whether the answer has a schema, which can be told in several forms
    fault: Fault | None = None  # None: it is to be put another way


class Provider:
    """One model behind an OpenAI-compatible server, for all brands of a process."""

    def __init__(
        self,
        client: Client,
        model: str,
        *,
        audio_model: str | None = None,
        form: Form | None = None,
        permits: int = 32,
        budget: Budget | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        """`form`: how the server is told the schema of an answer, None finds out; `permits`: calls at once."""
        self.model = model
        self.audio_model = audio_model
        self._client = client
        self._finds_out = form is None
        self._dialect = Dialect(form or "json_schema")
        self._breaker = breaker or Breaker()
        self._admission = Admission(permits, self._breaker, budget)
        self._retries = RetryBudget()

    async def complete(self, prompt: Prompt, *, brand: str, deadline: float) -> Answer:
        """The model's answer; `deadline` is a moment of the event loop's clock. Raises WriterUnavailable."""

        async def read(made: _Attempts) -> Answer:
            content = await self._client.answer(made.dialect.body(self.model, prompt))
            return _counted(made.call, *read_answer(content))

        return await self._whole(read, _most(prompt), brand, deadline, schema=prompt.schema is not None)

    async def transcribe(self, audio: bytes, filename: str, *, brand: str, deadline: float) -> str:
        """What is said in a voice note, "" for nothing; the ending of `filename` tells its format. Raises WriterUnavailable."""
        model = self.audio_model
        if model is None:
            raise WriterUnavailable("refused", "no model for voice notes is set: see FIRSTREPLY_LLM_AUDIO_MODEL")

        async def read(made: _Attempts) -> Answer:
            content = await self._client.transcript(model, audio, filename)
            return _counted(made.call, *read_transcript(content))

        tokens = len(audio) // AUDIO_BYTES + 1
        return (await self._whole(read, Usage(tokens, tokens), brand, deadline, schema=False)).text

    async def stream(self, prompt: Prompt, *, brand: str, deadline: float) -> AsyncGenerator[str, None]:
        """The text of the answer in pieces as they come. Raises WriterUnavailable, in the middle of an answer, too.

        A caller that wants no more closes the iterator (`contextlib.aclosing`), which stops the model.
        """
        async with self._admission.admitted(_most(prompt), brand, deadline) as call:
            made = _Attempts(call, self._dialect, prompt.schema is not None)
            while True:
                try:
                    async with self._attempt(made), aclosing(self._pieces(prompt, made)) as pieces:
                        async for piece in pieces:
                            call.given = True
                            yield piece
                    return
                except WriterUnavailable:
                    raise
                except Exception:
                    await self._recover(made)

    async def close(self) -> None:
        """Writes down what was spent and closes every connection."""
        await self._admission.close()
        await self._client.close()

    async def _whole(
        self, read: Callable[[_Attempts], Awaitable[Answer]], reserved: Usage, brand: str, deadline: float, *, schema: bool
    ) -> Answer:
        async with self._admission.admitted(reserved, brand, deadline) as call:
            made = _Attempts(call, self._dialect, schema)
            while True:
                try:
                    async with self._attempt(made), asyncio.timeout_at(deadline):
                        return await read(made)
                except WriterUnavailable:
                    raise
                except Exception:
                    await self._recover(made)

    async def _pieces(self, prompt: Prompt, made: _Attempts) -> AsyncGenerator[str, None]:
        call = made.call
        async with asyncio.timeout_at(call.deadline):
            events = await self._client.events(made.dialect.body(self.model, prompt, stream=True))
        finish, usage, characters = None, None, 0
        try:
            while (event := await _next(events, call, whole=finish is not None)) is not _END:
                piece = read_event(event)
                finish, usage = piece.finish or finish, piece.usage or usage
                characters += len(piece.text)
                if piece.text:
                    yield piece.text
            require_end(finish)
            if not characters:
                raise Unusable("broken_answer", "the answer has no text")
        finally:
            call.spent += usage or Usage(call.reserved.tokens_in, characters // CHARACTERS + 1)
            await events.close()

    @asynccontextmanager
    async def _attempt(self, made: _Attempts) -> AsyncIterator[None]:
        """One request; the breaker hears how it went, and `made` holds its fault."""
        call, made.fault = made.call, None
        ticket = self._breaker.enter()
        if ticket is None:
            raise circuit_open()
        if call.attempts == 0:
            self._retries.earn()
        call.attempts += 1
        telemetry.WRITER_ATTEMPTS.inc()
        time_given, spent, failed = call.left, call.spent, None
        try:
            yield
            failed = False
            if made.dialect != self._dialect:  # it was understood: calls to come are put like this
                self._dialect = made.dialect
        except (asyncio.CancelledError, GeneratorExit):
            if call.spent == spent:  # what was written until now is not known
                call.spent += call.reserved
            raise
        except Exception as error:
            fault = fault_of(error)
            plainer = None
            if fault.status in REFUSALS:
                plainer = made.dialect.plainer(fault.said, schema=made.schema and self._finds_out)
            if plainer is not None:
                made.dialect = plainer
                raise
            made.fault = fault
            failed = fault.down and (fault.reason != "timeout" or time_given >= LEAST_SECONDS)
            if fault.billed and call.spent == spent:
                call.spent += call.reserved
            raise
        finally:
            self._breaker.leave(ticket, failed)
            telemetry.WRITER_CIRCUIT_OPEN.set(not self._breaker.closed)

    async def _recover(self, made: _Attempts) -> None:
        """After a failed attempt: returns when the next one may begin, else raises WriterUnavailable."""
        call, fault = made.call, made.fault
        if fault is None:
            call.attempts -= 1
            return
        wait = jitter() if fault.wait is None else fault.wait
        if (
            not fault.again
            or call.given
            or call.attempts >= ATTEMPTS
            or call.left < wait + LEAST_SECONDS
            or self._breaker.refusing
            or not self._retries.take()
        ):
            raise WriterUnavailable(fault.reason, fault.detail) from None
        await asyncio.sleep(wait)


def _most(prompt: Prompt) -> Usage:
    return Usage(estimated(prompt.messages), prompt.max_tokens)


def _counted(call: Call, text: str, usage: Usage | None) -> Answer:
    used = usage or Usage(call.reserved.tokens_in, len(text) // CHARACTERS + 1)
    call.spent += used
    return Answer(text, used.tokens_in, used.tokens_out, call.seconds)


async def _next(events: AsyncStream[object], call: Call, *, whole: bool) -> object:
    """The next event, or _END; `whole`: the answer is there, and only the server's last words may still come."""
    try:
        if call.left <= 0:  # a server that never pauses leaves a timeout no moment to strike
            raise TimeoutError
        async with asyncio.timeout_at(call.deadline):
            return await anext(events, _END)
    except TimeoutError:
        if whole:
            return _END
        raise
