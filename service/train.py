"""`firstreply train`: heads for the embedder in use, and all stored knowledge embedded with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from service.brands import Brand, brand_folders, read_brand
from service.errors import ModelNotUsable
from service.files import shipped
from service.parts import HEADS, Progress, ensure_model, heads_file, start_lock
from service.records.database import connect, migrate
from service.records.queries import Records
from service.retrieve.context import message_vector
from service.retrieve.folder import read_faqs, read_offers
from service.retrieve.ingest import embedded
from service.settings import Settings
from service.understand.classifier import Heads, load_heads, save_heads
from service.understand.embedder import Embedder, EmbeddingThread, Vectors
from service.understand.examples import read_examples, read_feelings, read_searches
from service.understand.refit import compared, held_out
from service.understand.signals import read_signal_rules
from service.understand.training import Faq, train
from service.understand.understanding import texts_of

PART = 500  # entries embedded and written together
CANDIDATE = "candidate.safetensors"
Accepted = Callable[[Path], Awaitable[bool]]


@dataclass(frozen=True)
class Plan:
    """What to fit: `output` None puts the heads in force; `alone` keeps nothing of the shipped ones.

    `feelings`: files of texts of which only is known whether they voice displeasure.
    """

    output: Path | None = None
    feelings: Sequence[Path] = ()
    alone: bool = False


async def run(settings: Settings, plan: Plan, progress: Progress, accepted: Accepted | None = None) -> bool:
    """Fits the heads, says what changed for the brands' own messages, then embeds again what other embedders left.

    Where `accepted` refuses the heads, those in force stay; returns whether the new ones were taken.
    """
    folders = brand_folders(settings.knowledge_dir, demo=settings.demo)
    ours = read_examples([shipped("knowledge/examples")])
    extra = settings.knowledge_dir / "examples" if settings.knowledge_dir is not None else None
    own = read_examples([extra]) if extra is not None and extra.is_dir() else []
    brands = [read_brand(name, folder) for name, folder in folders.items()]
    topics = list(dict.fromkeys(topic for brand in (read_brand("demo", None), *brands) for topic in brand.topic_ids))
    read = {name: [*read_faqs(folder), *read_offers(folder)] for name, folder in folders.items()}
    faqs = [
        Faq(f.entry, f.topic, f.title, f.answer, f.questions, f.language, brand) for brand, found in read.items() for f in found
    ]
    entries = {name: {f.entry for f in found} for name, found in read.items()}
    searches = [one for name, folder in folders.items() for one in read_searches(name, folder, entries[name])]
    rules, felt = read_signal_rules(shipped("knowledge/signals")), read_feelings(list(plan.feelings))
    with start_lock(settings):
        embedder = _remembering(await asyncio.to_thread(ensure_model, settings, progress))
        start = None if plan.alone or felt else _heads_of(embedder, shipped(f"knowledge/{HEADS}"))
        fit = partial(
            train, faqs=faqs, topics=topics, embedder=embedder, rules=rules, feelings=felt, told=_told(brands),
            searches=searches, start=start,
        )  # fmt: skip
        heads = fit([*ours, *own], progress=progress, own=frozenset(e.id for e in own))
        candidate = settings.data_dir / CANDIDATE if plan.output is None else plan.output
        save_heads(heads, candidate)
        if own and (before := _heads_of(embedder, heads_file(settings))):
            progress(f"learned from {len(own)} messages of your own beside the {len(ours)} shipped ones")
            if kept := held_out(own):
                unseen = {example.id for example in kept}
                rest = [example for example in own if example.id not in unseen]
                trial = fit([*ours, *rest], own=frozenset(e.id for e in rest))
                progress(f"{len(kept)} of them held out, the heads in force and heads fitted without them:")
                for aspect in compared(kept, before, trial, embedder, rules, topics):
                    progress(f"  {aspect}")
            progress("all of them, the heads in force and the new ones:")
            for aspect in compared(own, before, heads, embedder, rules, topics):
                progress(f"  {aspect}")
        if plan.output is not None:
            progress(f"heads {heads.version} written to {candidate}")
    if accepted is not None and not await accepted(candidate):
        progress(f"refused: the heads in force stay, the new ones are in {candidate}")
        return False
    if plan.output is None:
        target = settings.data_dir / HEADS
        with start_lock(settings):
            candidate.replace(target)
            progress(f"heads {heads.version} written to {target}")
            await _embed_again(settings, EmbeddingThread(embedder), progress)
    return True


def _told(brands: Sequence[Brand]) -> list[tuple[str, str]]:
    """Messages with their topics, from topics.yaml of the brands."""
    told = ((text, topic.id) for brand in brands for topic in brand.topics for text in topic.examples)
    return list(dict.fromkeys(told))


def _heads_of(embedder: Embedder, path: Path) -> Heads | None:
    """The heads at `path` where they are the embedder's; those of another one are nothing to go on from or compare with."""
    try:
        return load_heads(path, embedder.fingerprint)
    except ModelNotUsable:
        return None


def _remembering(embedder: Embedder) -> Embedder:
    """The embedder, embedding no text twice: the trial fit needs the same ones again."""
    known: dict[str, Vectors] = {}

    def encode(texts: list[str]) -> Vectors:
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known.update(zip(missing, embedder.encode(missing), strict=True))
        return np.stack([known[text] for text in texts]) if texts else embedder.encode([])

    return replace(embedder, encode=encode)


async def _embed_again(settings: Settings, embedding: EmbeddingThread, progress: Progress) -> None:
    records = Records(connect(settings.database))
    fingerprint = embedding.embedder.fingerprint
    try:
        await migrate(records.engine)
        for brand in await records.brands():
            old = [faq_id for faq_id, (_, by, _) in (await records.faq_digests(brand)).items() if by != fingerprint]
            for start in range(0, len(old), PART):
                stored = await records.faqs(brand, old[start : start + PART])
                rows = await embedded(brand, [one.content for one in stored], embedding.queries, embedding.passages, fingerprint)
                kept = {one.content.id: one.digest for one in stored}
                await records.put_brand(brand, None, upserts=[replace(row, digest=kept[row.content.id]) for row in rows])
                progress(f"{brand}: {min(start + PART, len(old))} of {len(old)} entries embedded again")
            for at, one in await records.precedents(brand):
                found = await records.recorded(one.content.id) if one.embedder != fingerprint else None
                if found is not None:  # without its message it stays, and is not found
                    texts = texts_of(found[0])
                    vector = message_vector(texts, await embedding.queries(texts.windows))
                    await records.put_precedent(replace(one, embedder=fingerprint, vectors=vector[None]), at)
    finally:
        embedding.close()
        await records.close()
