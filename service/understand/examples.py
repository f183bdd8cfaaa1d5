"""Labelled messages under `knowledge/examples/*.jsonl`: what the heads learn from."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from service.errors import KnowledgeNotUsable
from service.messages import Addressed, Channel, Label, Level, LongText, Noun, Trajectory, Turn, Urgency, Visibility
from service.yaml_files import read_text

Kind = TypeVar("Kind", bound=Noun)
LEAST_OF_A_CLASS = 20  # examples below which a head would learn noise


class Example(Noun):
    """One labelled message; see knowledge/examples/README.md for what each label means."""

    id: str
    language: str
    channel: Channel = "other"
    visibility: Visibility = "public"
    industry: str = "retail"
    text: LongText
    thread: tuple[Turn, ...] = ()
    label: Label
    also: tuple[Label, ...] = ()
    level: Level
    trajectory: Trajectory | None = None
    topic: str
    urgency: Urgency = "normal"
    addressed: Addressed = "direct"
    reasons: tuple[str, ...] = Field(default=())
    teaches: Literal["all", "reasons"] = "all"  # "reasons": collected around them, no mix of an inbox, so only their heads learn

    def has(self, label: Label) -> bool:
        """Whether the label is the main one or among the others."""
        return label == self.label or label in self.also


class Feeling(Noun):
    """A text of which only is known whether it voices displeasure, what the head of frustration learns beside the examples.

    `calm`: it gives no reason to call a human, which the heads of reasons learn. Without `frustrated` that is all.
    """

    text: LongText
    language: str
    frustrated: bool | None = None
    calm: bool = False
    weight: float = Field(default=1.0, gt=0, le=1)


class LabelledSearch(Noun):
    """A message to a brand and the entry of its knowledge that answers it, none where nothing does."""

    text: LongText
    language: str
    faq: str | None
    brand: str = ""


def read_searches(brand: str, folder: Path, entries: Collection[str]) -> list[LabelledSearch]:
    """Every line of `searches/*.jsonl` of a brand's folder; raises KnowledgeNotUsable naming file, line and reason."""
    found = []
    for path in sorted((folder / "searches").glob("*.jsonl")):
        for number, line in enumerate(read_text(path).split("\n"), 1):
            if not line.strip():
                continue
            search = _parsed(path, number, line, LabelledSearch)
            if search.faq is not None and search.faq not in entries:
                near = difflib.get_close_matches(search.faq, entries, n=1)
                hint = f"did you mean {near[0]!r}?" if near else "null where no entry answers"
                raise KnowledgeNotUsable(f"{path}:{number}: faq {search.faq!r} is no entry of {brand}; {hint}")
            found.append(search.model_copy(update={"brand": brand}))
    return found


def read_feelings(paths: list[Path]) -> list[Feeling]:
    """Every line of the JSON Lines files; raises KnowledgeNotUsable naming file, line and reason."""
    return _read(paths, Feeling)


def read_examples(folders: list[Path]) -> list[Example]:
    """Every example of every `*.jsonl` in the folders; raises KnowledgeNotUsable naming file, line and reason."""
    return _read([path for folder in folders for path in sorted(folder.glob("*.jsonl"))], Example)


def _read(paths: list[Path], kind: type[Kind]) -> list[Kind]:
    lines = ((path, number, line) for path in paths for number, line in enumerate(read_text(path).split("\n"), 1))
    return [_parsed(path, number, line, kind) for path, number, line in lines if line.strip()]


def _parsed(path: Path, number: int, line: str, kind: type[Kind]) -> Kind:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise KnowledgeNotUsable(f"{path}:{number}: {where + ': ' if where else ''}{first['msg']}") from None


def check_classes(examples: list[Example], topics: list[str], told: Sequence[tuple[str, str]] = ()) -> None:
    """Raises KnowledgeNotUsable where a class has too few examples, and says how many are missing.

    `told` are messages with their topics, which count as examples of these.
    """
    missing: list[str] = []
    labels: tuple[Label, ...] = ("frustration", "information_seeking", "praise", "other")
    counts = {f"label {name}": sum(e.has(name) for e in examples) for name in labels}
    of_topic = Counter([*(e.topic for e in examples), *(topic for _, topic in told)])
    counts |= {f"topic {name}": of_topic[name] for name in topics}
    for name, count in counts.items():
        if count < LEAST_OF_A_CLASS:
            missing.append(f"{name} has {count}, {LEAST_OF_A_CLASS - count} more needed")
    unknown = sorted({e.topic for e in examples} - set(topics))
    if unknown:
        missing.append(f"unknown topics {', '.join(unknown)}; the brand's are {', '.join(topics)}")
    if missing:
        raise KnowledgeNotUsable("too few examples to train on: " + "; ".join(missing))
