"""Models for evals that need none: a case's own text as a model's answer, and answers of a real one recorded before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from service.errors import SettingsNotUsable
from service.llm.faults import Reason
from service.llm.prompts import Prompt
from service.llm.provider import Answer, Provider, WriterUnavailable


class NotRecorded(Exception):
    """No answer of the model was recorded for this prompt."""


@dataclass(frozen=True)
class Given:
    """Answers every prompt with the same text, as a model that does not listen."""

    text: str
    audio_model: str | None = None

    async def complete(self, prompt: Prompt, *, brand: str, deadline: float) -> Answer:
        """The text."""
        return Answer(self.text, 0, 0, 0.0)

    async def stream(self, prompt: Prompt, *, brand: str, deadline: float) -> AsyncGenerator[str, None]:
        """The text in one piece."""
        yield self.text


@dataclass
class Tape:
    """Answers by what was asked, in a JSON Lines file: recorded from a real model, or played back without one.

    A call that failed is on it, too, and fails again. A prompt that is not on the tape raises NotRecorded: a run that
    silently did without its model would measure another thing.
    """

    path: Path
    live: Provider | None = None  # none: played back
    audio_model: str | None = None
    _kept: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reads the tape that is played back; raises SettingsNotUsable where there is none."""
        if self.live is not None:
            return
        try:
            lines = [json.loads(line) for line in self.path.read_text(encoding="utf-8").split("\n") if line.strip()]
            self._kept = {line["asked"]: line for line in lines if "answer" in line or (line["failed"], line["detail"])}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsNotUsable(f"the tape {self.path} can't be read ({type(error).__name__}): record it first") from None

    async def complete(self, prompt: Prompt, *, brand: str, deadline: float) -> Answer:
        """The model's answer, or the recorded one. Raises WriterUnavailable as the model's server did."""
        asked = self._key(prompt)
        if self.live is None:
            if asked not in self._kept:
                raise NotRecorded(f"no answer to this prompt is on {self.path}: record it again")
            kept = self._kept[asked]
            if "answer" not in kept:
                raise WriterUnavailable(cast(Reason, kept["failed"]), kept["detail"])
            return Answer(kept["answer"], 0, 0, 0.0)
        try:
            answer = await self.live.complete(prompt, brand=brand, deadline=deadline)
        except WriterUnavailable as error:
            self._keep(asked, prompt, failed=error.reason, detail=error.detail)
            raise
        self._keep(asked, prompt, answer=answer.text)
        return answer

    async def stream(self, prompt: Prompt, *, brand: str, deadline: float) -> AsyncGenerator[str, None]:
        """The whole answer in one piece."""
        yield (await self.complete(prompt, brand=brand, deadline=deadline)).text

    def _keep(self, asked: str, prompt: Prompt, **what: str) -> None:
        assert self.live is not None
        line = json.dumps({"asked": asked, "model": self.live.model, "prompt": prompt.version} | what, ensure_ascii=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _key(self, prompt: Prompt) -> str:
        content: list[Any] = [list(prompt.messages), prompt.schema]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
