"""`firstreply train`: heads for the embedder in use, and all stored knowledge embedded with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from service.brands import brand_folders, read_brand
from service.files import shipped
from service.parts import HEADS, Progress, ensure_model, start_lock
from service.records.database import connect, migrate
from service.records.queries import Records
from service.retrieve.folder import read_faqs
from service.retrieve.ingest import embedded
from service.settings import Settings
from service.understand.classifier import save_heads
from service.understand.embedder import EmbeddingThread
from service.understand.examples import read_examples, read_feelings
from service.understand.signals import read_signal_rules
from service.understand.training import Faq, train

PART = 500  # entries embedded and written together


async def run(settings: Settings, output: Path | None, progress: Progress, feelings: Sequence[Path] = ()) -> None:
    """Fits and saves the heads, then embeds again what other embedders left in the records.

    `feelings`: files of texts of which only is known whether they voice displeasure.
    """
    folders = brand_folders(settings.knowledge_dir, demo=settings.demo)
    examples = [shipped("knowledge/examples")]
    if settings.knowledge_dir is not None:
        examples += [path for path in (settings.knowledge_dir / "examples",) if path.is_dir()]
    topics = [topic.id for topic in read_brand("demo", None).topics]
    faqs = [Faq(f.entry, f.topic, f.title, f.answer, f.questions) for folder in folders.values() for f in read_faqs(folder)]
    with start_lock(settings):
        embedder = await asyncio.to_thread(ensure_model, settings, progress)
        rules, felt = read_signal_rules(shipped("knowledge/signals")), read_feelings(list(feelings))
        heads = train(read_examples(examples), faqs, topics, embedder, rules, progress, felt)
        target = output or settings.data_dir / HEADS
        save_heads(heads, target)
        progress(f"heads {heads.version} written to {target}")
        if output is None:
            await _embed_again(settings, EmbeddingThread(embedder), progress)


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
    finally:
        embedding.close()
        await records.close()
