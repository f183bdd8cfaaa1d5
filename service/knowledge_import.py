"""An import of knowledge: what it would change, told before it is done, and done in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from service.brands import Identity
from service.documents.reading import Reading, read_path
from service.errors import SettingsNotUsable
from service.knowledge import Entry, StoredEntry
from service.understand.classifier import Vectors
from service.understand.embedder import EmbeddingThread

TOGETHER = 256  # texts embedded between two steps of a progress bar
FEW_TOGETHER = 16  # the same while messages are served: one that comes meanwhile waits for these, 0.1 s
MANY = 20  # entries that may vanish unasked, however large their share
HALF = 0.5
Done = Callable[[int, int], None]  # characters embedded, and of how many


@dataclass
class Plan:
    """What an import changes. `kept` counts entries that are gone from the source but stay, since not all of it could be read."""

    source: str | None
    added: list[Entry] = field(default_factory=list)
    changed: list[tuple[StoredEntry, Entry]] = field(default_factory=list)  # as it is, and as it will be
    removed: list[Entry] = field(default_factory=list)
    unchanged: int = 0
    kept: int = 0
    of_source: int = 0  # entries that the source had before
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def fresh(self) -> list[Entry]:
        """What is to be stored."""
        return [*self.added, *(new for _, new in self.changed)]

    @property
    def removes_much(self) -> bool:
        """Whether so much would vanish that it is likely a mistake, such as the wrong folder."""
        return len(self.removed) > MANY and len(self.removed) > HALF * self.of_source


def plan_import(path: Path, source: str | None, identity: Identity, stored: Iterable[StoredEntry]) -> Plan:
    """What importing `path` would change of a brand's stored entries."""
    return planned(read_path(path, source, identity.languages, identity.url_hosts), stored)


def planned(reading: Reading, stored: Iterable[StoredEntry]) -> Plan:
    """The difference between what was read and what is stored."""
    plan = Plan(reading.source, problems=reading.problems, notes=reading.notes)
    before = {one.content.id: one for one in stored}
    for entry in reading.entries.values():
        there = before.get(entry.id)
        if there is None:
            plan.added.append(entry)
            continue
        owner = there.content.source
        if entry.source is None and owner is not None:
            entry = entry.model_copy(update={"source": owner})
        elif owner is not None and owner != entry.source:
            plan.problems.append(
                f"id {entry.id} ({entry.title}) belongs to source {owner!r}: give it another id, or import with --source {owner}"
            )
            continue
        if there.digest == entry.digest:
            plan.unchanged += 1
        else:
            plan.changed.append((there, entry))
    if reading.source is not None:
        mine = [one.content for one in before.values() if one.content.source == reading.source]
        gone = [entry for entry in mine if entry.id not in reading.entries]
        plan.of_source = len(mine)
        plan.removed = [] if reading.unsure else [entry for entry in gone if not _unread(entry.id, reading)]
        plan.kept = len(gone) - len(plan.removed)
    return plan


def _unread(entry_id: str, reading: Reading) -> bool:
    """Whether an entry is of something that could not be read this time, which is no reason to remove it."""
    return entry_id in reading.ids or entry_id.split(":")[0] in reading.documents


async def vectors_of(
    brand: str,
    plan: Plan,
    embedding: EmbeddingThread,
    known: Callable[[str, Sequence[str]], dict[str, Vectors]],
    done: Done,
    together: int = TOGETHER,
) -> list[StoredEntry]:
    """The entries to be stored with their vectors; a text that has one already, here or in `known`, is not embedded again."""
    fingerprint = embedding.embedder.fingerprint
    have: dict[str, dict[str, Vectors]] = {"passage": {}, "query": {}}
    for old, _ in plan.changed:
        if old.embedder == fingerprint:
            told = len(old.content.passages)
            have["passage"].update(zip(old.content.passages, old.vectors[:told], strict=True))
            have["query"].update(zip(old.content.queries, old.vectors[told:], strict=True))
    wanted = {
        "passage": dict.fromkeys(text for entry in plan.fresh for text in entry.passages),
        "query": dict.fromkeys(text for entry in plan.fresh for text in entry.queries),
    }
    for kind, texts in wanted.items():
        have[kind].update(known(kind, [text for text in texts if text not in have[kind]]))
    missing = {kind: sorted((text for text in texts if text not in have[kind]), key=len) for kind, texts in wanted.items()}
    total = sum(len(text) for texts in missing.values() for text in texts)
    for kind, embed in (("passage", embedding.passages), ("query", embedding.queries)):
        for start in range(0, len(missing[kind]), together):
            part = missing[kind][start : start + together]  # texts of like length: a batch is padded to its longest
            have[kind].update(zip(part, await embed(part), strict=True))
            done(sum(map(len, part)), total)
    return [
        StoredEntry(
            brand, entry, entry.digest, fingerprint,
            np.stack([*(have["passage"][text] for text in entry.passages), *(have["query"][text] for text in entry.queries)]),
        )
        for entry in plan.fresh
    ]  # fmt: skip


def refuse_much(plan: Plan) -> None:
    """Raises SettingsNotUsable for an import that would remove most of its source."""
    raise SettingsNotUsable(
        f"nothing was imported: {len(plan.removed)} of the {plan.of_source} entries of source {plan.source!r} are not there any "
        "more. If that is meant, import with --remove-many; --dry-run shows them; --source NAME keeps two sources apart"
    )


def told(plan: Plan) -> Iterator[str]:
    """The difference, to be read: a line for each entry added, changed or removed, and what changed in it."""
    for entry in plan.added:
        yield f"+ {entry.title}  [{entry.id}]"
    for old, new in plan.changed:
        yield f"~ {new.title}  [{new.id}]"
        yield from (f"    {line}" for line in _changes(old.content, new))
    for entry in plan.removed:
        yield f"- {entry.title}  [{entry.id}]"


def _changes(old: Entry, new: Entry) -> Iterator[str]:
    for name in Entry.model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if before == after or name == "origin":
            continue
        if isinstance(before, tuple):
            gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
            if not gone and not come:
                yield f"{name}: in another order"
            yield from (f"{name}: - {_short(one)}" for one in gone)
            yield from (f"{name}: + {_short(one)}" for one in come)
        elif isinstance(before, str) and isinstance(after, str) and len(before) + len(after) > 60:
            start = _first_difference(before, after)
            yield f"{name}: - {_short(before, start)}"
            yield f"{name}: + {_short(after, start)}"
        else:
            yield f"{name}: {_short(before)} -> {_short(after)}"


def _first_difference(one: str, other: str) -> int:
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return max(one.rfind(" ", 0, max(at - 20, 0)) + 1, 0)


def _short(value: object, start: int = 0) -> str:
    if value is None:
        return "none"
    text = " ".join(str(value)[start:].split())
    return ("… " if start else "") + (text if len(text) <= 120 else text[:119] + "…")
