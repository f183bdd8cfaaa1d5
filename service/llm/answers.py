"""What a server answers, read as something that anybody may have sent: JSON of any shape, size and truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from service.llm.faults import Reason

CHARACTERS = 3  # of a token, where the server counts none: fewer than in English (4), so that an estimate is not too low
IMAGE_TOKENS = 1_000  # of an image, about what a large one costs
AUDIO_BYTES = 200  # of a token of a voice note: ten tokens a second at 16 kbit/s
_MOST_TOKENS = 10_000_000  # that a server can mean by its usage


class Unusable(Exception):
    """An answer came, and is none; `detail` holds no word of it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Usage:
    """Tokens read and written."""

    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)


@dataclass(frozen=True)
class Piece:
    """One event of a stream."""

    text: str = ""
    finish: str | None = None
    usage: Usage | None = None


def read_answer(content: bytes) -> tuple[str, Usage | None]:
    """The text of a chat completion and its usage. Raises Unusable, or ValueError for what is no JSON."""
    answer = _mapping(json.loads(content))
    _refuse_error(answer)
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Unusable("broken_answer", "the answer has no choices")
    choice = _mapping(choices[0])
    said = _mapping(choice.get("message"))
    _refuse_refusal(said)
    require_end(choice.get("finish_reason") or "stop")
    text = said.get("content")
    if not isinstance(text, str) or not text.strip():
        raise Unusable("broken_answer", "the answer has no text")
    return text, read_usage(answer.get("usage"))


def read_event(event: object) -> Piece:
    """One event of a streamed chat completion; raises Unusable."""
    found = _mapping(event)
    _refuse_error(found)
    usage = read_usage(found.get("usage"))
    choices = found.get("choices")
    if not isinstance(choices, list) or not choices:  # the last one with the usage, Azure's first one
        return Piece(usage=usage)
    choice = _mapping(choices[0])
    delta = choice.get("delta")
    said = delta if isinstance(delta, dict) else {}
    _refuse_refusal(said)
    text, finish = said.get("content"), choice.get("finish_reason")
    return Piece(text if isinstance(text, str) else "", finish if isinstance(finish, str) else None, usage)


def read_transcript(content: bytes) -> tuple[str, Usage | None]:
    """The text of a transcription, which may be empty: silence. Raises as `read_answer` does."""
    answer = _mapping(json.loads(content))
    _refuse_error(answer)
    text = answer.get("text")
    if not isinstance(text, str):
        raise Unusable("broken_answer", "the transcription has no text")
    return text, read_usage(answer.get("usage"))


def require_end(finish: object) -> None:
    """Raises Unusable where an answer did not end by itself."""
    if finish == "length":
        raise Unusable("too_long", "the model reached max_tokens before its answer was whole")
    if finish == "content_filter":
        raise Unusable("filtered", "the provider's content filter stopped the answer")
    if finish is None:
        raise Unusable("broken_answer", "the stream ended before the answer did")


def read_usage(given: object) -> Usage | None:
    """Tokens as the server counted them, under either of their names; None where it did not, or not in earnest."""
    if not isinstance(given, dict):
        return None
    came, went = (
        next((given[name] for name in names if name in given), None)
        for names in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))
    )
    return Usage(came, went) if _count(came) and _count(went) else None


def estimated(messages: Sequence[Mapping[str, Any]]) -> int:
    """About how many tokens a prompt has."""
    characters = images = 0
    for one in messages:
        content = one.get("content")
        for part in content if isinstance(content, list) else [{"type": "text", "text": content}]:
            if part.get("type") == "text":
                characters += len(part.get("text") or "")
            else:
                images += 1
    return characters // CHARACTERS + images * IMAGE_TOKENS + 1


def _count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unusable("broken_answer", "the answer is not shaped like a chat completion")
    return value


def _refuse_error(answer: Mapping[str, Any]) -> None:
    if answer.get("error"):
        raise Unusable("server_error", "the server answers 200 with an error in it")


def _refuse_refusal(said: Mapping[str, Any]) -> None:
    if said.get("refusal"):
        raise Unusable("filtered", "the model refused to answer")
