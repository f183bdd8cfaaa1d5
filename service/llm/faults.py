"""What can go wrong with a provider, told by one word and one line that says what to do.

No line holds anything that the server said: its texts quote prompts and keys.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from service.llm.retries import asked_wait

if TYPE_CHECKING:
    from openai import APIStatusError

Reason = Literal[
    "timeout", "unreachable", "refused", "rate_limited", "server_error", "broken_answer", "filtered", "too_long",
    "circuit_open", "busy", "budget_spent",
]  # fmt: skip

_LOOKED_AT = 4_000  # characters of a server's error that are searched for what it means
_FILTER = re.compile(r"content[ _]filter|content management policy|responsibleai")
_LENGTH = re.compile(r"context_length_exceeded|context length|maximum context|available context|context window")
_UNPAID = re.compile(r"insufficient_quota|billing|exceeded your current quota")


class WriterUnavailable(Exception):
    """There is no answer. `detail` is one line for whoever runs the service; it holds no word of a message and no key."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


class TooLarge(Exception):
    """An answer is over the limit of bytes; the rest of it was not read."""


class Compressed(Exception):
    """An answer is compressed, which nobody asked for: its size can't be known before it is unpacked."""


@dataclass(frozen=True)
class Fault:
    """One failed attempt."""

    reason: Reason
    detail: str
    again: bool = False  # whether another attempt may help
    down: bool = True  # whether it says that the provider is in trouble, rather than this one prompt
    billed: bool = False  # whether the provider may have written an answer that is paid for
    wait: float | None = None  # seconds the provider asks to be left alone
    status: int | None = None
    said: str = ""  # what the server said, in lower case: to be searched, never shown


def fault_of(error: BaseException) -> Fault:
    """What an attempt failed of, whatever was raised."""
    # Here, not above: this module is imported by services that call no model, and openai takes seconds.
    from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

    from service.llm.answers import Unusable

    causes = list(_causes(error))
    if isinstance(error, Unusable):
        own = error.reason in ("broken_answer", "server_error")
        return Fault(error.reason, error.detail, again=error.reason == "server_error", down=own, billed=True)
    if any(isinstance(cause, TooLarge) for cause in causes):
        return Fault("too_long", "the answer is over the limit of bytes and was not read to its end", billed=True)
    if any(isinstance(cause, Compressed) for cause in causes):
        return Fault("broken_answer", "the answer is compressed, though none was asked for: see what stands between", billed=True)
    if isinstance(error, (TimeoutError, APITimeoutError)):
        return Fault("timeout", "no answer within the deadline: see FIRSTREPLY_LLM_DEADLINE_SECONDS", billed=True)
    if isinstance(error, APIStatusError):
        return _by_status(error)
    if isinstance(error, APIConnectionError):
        return _by_connection(causes)
    if isinstance(error, APIError):
        return Fault("server_error", "the server ended the stream with an error", again=True, billed=True)
    if isinstance(error, (ValueError, RecursionError)):  # JSON cut short or too deep, letters that are not UTF-8
        return Fault("broken_answer", "the answer is not valid JSON in UTF-8", billed=True)
    return Fault("broken_answer", f"the call ended with {type(error).__name__}", down=False, billed=True)


def _by_status(error: APIStatusError) -> Fault:
    status, said = error.status_code, f"{error.code} {error.message}"[:_LOOKED_AT].lower()
    if status in (400, 413, 422) and _FILTER.search(said):
        return Fault("filtered", f"{status}: the provider's content filter refuses the prompt", down=False, status=status)
    if status == 413 or (status in (400, 422) and _LENGTH.search(said)):
        return Fault("too_long", f"{status}: the prompt is longer than the model takes", down=False, status=status)
    if status == 429:
        if _UNPAID.search(said):
            return Fault("rate_limited", "429: the quota is used up: see the account at the provider", status=status)
        return Fault(
            "rate_limited", "429: too many calls: see the limits at the provider, and FIRSTREPLY_LLM_CONCURRENCY",
            again=True, wait=asked_wait(error.response.headers), status=status,
        )  # fmt: skip
    if status >= 500 or status in (408, 409):
        again = error.response.headers.get("x-should-retry") != "false"
        return Fault(
            "server_error", f"{status}: the server fails: see its log or status page",
            again=again, wait=asked_wait(error.response.headers), status=status, said=said,
        )  # fmt: skip
    advice = {
        401: "the key is refused: check FIRSTREPLY_LLM_API_KEY",
        402: "the provider wants to be paid: see the account there",
        403: "the key may not use this model: check FIRSTREPLY_LLM_API_KEY and FIRSTREPLY_LLM_MODEL",
        404: "no such path or model: check FIRSTREPLY_LLM_BASE_URL (most end in /v1) and FIRSTREPLY_LLM_MODEL",
        405: "no such path: check FIRSTREPLY_LLM_BASE_URL (most end in /v1)",
    }
    if status in advice:
        return Fault("refused", f"{status}: {advice[status]}", status=status)
    if 300 <= status < 400:
        return Fault(
            "refused", f"{status}: the server sends elsewhere: set FIRSTREPLY_LLM_BASE_URL to where it leads", status=status
        )
    return Fault("refused", f"{status}: the server refuses the request: see its log", down=False, status=status, said=said)


def _by_connection(causes: list[BaseException]) -> Fault:
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            what = getattr(cause, "verify_message", None) or cause.reason or "handshake failed"
            return Fault("unreachable", f"TLS: {what}: check the server's certificate and FIRSTREPLY_LLM_BASE_URL")
    began = any(type(cause).__name__ in ("ConnectError", "ConnectTimeout", "ProxyError") for cause in causes)
    if began:
        return Fault(
            "unreachable", "the server can't be reached: see whether it runs and FIRSTREPLY_LLM_BASE_URL leads to it", again=True
        )
    return Fault("unreachable", "the connection broke off: see the server's log", again=True, billed=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(10):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__
