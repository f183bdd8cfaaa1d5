"""The one place where the service is put together: settings in, parts out. Tests hand in their own settings."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from service.brands import Brand, brand_folders, read_brand
from service.draft.checks.wording import words_of
from service.draft.writer import PROMPTS, Writer
from service.errors import KnowledgeNotUsable, ModelNotUsable, RecordsNotUsable, Unavailable
from service.files import digest_of, shipped
from service.intake.acceptance import Acceptance
from service.knowledge import Entry, StoredEntry
from service.llm.prompts import PromptFile, read_prompts
from service.llm.provider import Provider
from service.messages import Contact, Customer, Order
from service.order_files.customers import customer_lines
from service.order_files.read import order_lines
from service.policies import PolicyFiles
from service.records.database import connect, migrate
from service.records.erasures import ERASURE_PREFIX, digest_of_customer
from service.records.ledger import Ledger
from service.records.queries import Records
from service.remembered import forget_texts
from service.retrieve.context import Sources
from service.retrieve.embedded_index import EmbeddedIndex
from service.retrieve.faqs import Passages, points_of
from service.retrieve.folder import read_folder
from service.retrieve.index import Point, VectorIndex
from service.retrieve.ingest import Report, asked_of, embedded, read_contacts, shifted
from service.retrieve.reranker import load_reranker
from service.settings import Settings
from service.turns import Turns
from service.understand.build import DEFAULT_MODEL, build_default, current
from service.understand.classifier import Heads, load_heads
from service.understand.embedder import Embedder, EmbeddingThread, load_embedder
from service.understand.signals import SignalRules, read_signal_rules
from service.understand.vector_cache import VectorCache
from service.yaml_files import read_text

HEADS = "heads.safetensors"
SOON_DONE = 50  # entries that are embedded before anybody wonders; a demo's offers carry new dates every day
TOGETHER = 100  # changed entries taken over at once: 20 ms in which no message is answered
Progress = Callable[[str], None]
Owned = TypeVar("Owned", Customer, Order, Contact)
log = structlog.get_logger()


@dataclass
class Parts:
    """Everything a triage needs. `brands` and the passages grow as other processes change the records."""

    settings: Settings
    records: Records
    ledger: Ledger
    embedding: EmbeddingThread
    heads: Heads
    rules: SignalRules
    brands: dict[str, Brand]
    folders: dict[str, Path]
    index: VectorIndex
    passages: Passages
    sources: Sources
    acceptance: Acceptance
    turns: Turns = field(default_factory=Turns)
    provider: Provider | None = None  # of the model that words drafts; none: the composer does alone
    seen: int = 0  # number of the last change line taken over
    policies: PolicyFiles = field(default_factory=PolicyFiles)
    warnings: tuple[str, ...] = field(default=())
    draining: asyncio.Event = field(default_factory=asyncio.Event)  # set when requests should go to another process
    ending: asyncio.Event = field(default_factory=asyncio.Event)  # set when the follower is to stop
    following: asyncio.Lock = field(default_factory=asyncio.Lock)  # one look at a time: an older one must not win
    _prompts: dict[str, dict[str, PromptFile]] = field(default_factory=dict)  # by brand

    @property
    def knowledge_version(self) -> str:
        """Names the state of the knowledge that this process answers from."""
        return f"k{self.seen}"

    def writer(self, brand: Brand) -> Writer | None:
        """Who words the drafts of a brand beside the composer."""
        if self.provider is None:
            return None
        if brand.name not in self._prompts:
            self._prompts[brand.name] = read_prompts(brand.folder, PROMPTS)
        settings = self.settings
        hosts = frozenset(settings.media_hosts)
        return Writer(self.provider, self._prompts[brand.name], settings.llm_deadline_seconds, settings.llm_vision, hosts)

    async def follow(self) -> None:
        """Takes over what changed in the records and in policy files since the last look."""
        async with self.following:
            await asyncio.to_thread(self.policies.follow, self.brands)
            await self._follow()

    async def _follow(self) -> None:
        changes = await self.records.changes_after(self.seen)
        for brand in {brand for _, brand, _ in changes} - set(self.brands):
            self.brands[brand] = read_brand(brand, self.folders.get(brand))
        for brand in {brand for _, brand, faq_id in changes if faq_id}:
            changed = list({faq_id for _, b, faq_id in changes if b == brand and faq_id})
            for start in range(0, len(changed), TOGETHER):  # messages are answered between two parts
                ids = changed[start : start + TOGETHER]
                found = await self.records.entries(brand, ids)
                await self.passages.remove(brand, *(set(ids) - {one.content.id for one in found}))
                await self.passages.put(found)
        if any(faq_id is not None and faq_id.startswith(ERASURE_PREFIX) for _, _, faq_id in changes):
            forget_texts(self.embedding)
        if changes:
            self.seen = changes[-1][0]

    async def follow_forever(self) -> None:
        """Looks for changes every `follow_seconds`; a database that is away for a while is no reason to end."""
        while not self.ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), self.settings.follow_seconds)
                return
            try:
                await self.follow()
            except (Unavailable, KnowledgeNotUsable, RecordsNotUsable) as error:
                log.warning("knowledge_not_followed", reason=error.detail)


def model_folder(settings: Settings) -> Path:
    """Where the embedder in use was built."""
    return settings.models / settings.embedder


def heads_file(settings: Settings) -> Path:
    """The heads that are set, else the refitted ones of this installation where there are any, else the shipped ones."""
    if settings.heads is not None:
        return settings.heads
    own = settings.data_dir / HEADS
    return own if own.exists() else shipped(f"knowledge/{HEADS}")


def ensure_model(settings: Settings, progress: Progress = lambda _: None) -> Embedder:
    """The embedder; the default one is built from its bundled weights where it is missing, once."""
    folder = model_folder(settings)
    if settings.embedder == DEFAULT_MODEL and not current(folder):
        progress(f"building the model {DEFAULT_MODEL} once, a few seconds")
        try:
            build_default(folder, sentence_transformers=settings.runtime == "sentence-transformers", progress=progress)
        except OSError as error:
            raise ModelNotUsable(
                f"{folder} can't be written ({error.strerror}): set FIRSTREPLY_MODELS_DIR to a writable folder"
            ) from None
    return load_embedder(folder, settings.runtime, settings.threads)


@contextmanager
def start_lock(settings: Settings) -> Iterator[None]:
    """One process of a data directory at a time builds, migrates and imports; the others wait for it."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        file = (settings.data_dir / "start.lock").open("w")
    except OSError as error:
        raise RecordsNotUsable(
            f"the data directory {settings.data_dir.resolve()} can't be used ({error.strerror}): "
            "set FIRSTREPLY_DATA_DIR to a folder that can be written"
        ) from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def build_parts(
    settings: Settings, *, today: date | None = None, progress: Progress = lambda _: None
) -> AsyncIterator[Parts]:
    """The parts of a running service; raises a NotUsable that says what is wrong and how to mend it.

    `today` is the day that demo orders are dated for, by default the real one.
    """
    folders = brand_folders(settings.knowledge_dir, demo=settings.demo)
    rules = read_signal_rules(shipped("knowledge/signals"))
    brands = {name: read_brand(name, folder) for name, folder in folders.items()}
    for language in {language for brand in brands.values() for language in brand.identity.languages}:
        words_of(language)  # a mistake in what the checks look for is told now, not at a message
    with contextlib.ExitStack() as stack:
        stack.enter_context(start_lock(settings))
        embedder = await asyncio.to_thread(ensure_model, settings, progress)
        heads = load_heads(heads_file(settings), embedder.fingerprint)
        score = await asyncio.to_thread(load_reranker, settings.reranker, settings.threads) if settings.reranker else None
        records = Records(connect(settings.database))
        embedding = EmbeddingThread(embedder)
        index = _index(settings, records, embedder, heads)
        provider = await asyncio.to_thread(_provider, settings, records, progress)
        try:
            await migrate(records.engine)
            await _check_vectors(records, embedder)
            for name, folder in folders.items():
                await import_folder(
                    records, embedding, model_folder(settings), name, folder, today or datetime.now(UTC).date(), progress
                )
            stack.close()
            passages = Passages(index, heads, partial(embedding.run, score) if score else None)
            parts = Parts(
                settings=settings, records=records, ledger=Ledger(records), embedding=embedding, heads=heads, rules=rules,
                brands=brands, folders=folders, index=index, passages=passages,
                sources=Sources(passages, records.known, settings.retrieval_limit), provider=provider,
                acceptance=Acceptance(records.inbox, debounce=settings.debounce),
            )  # fmt: skip
            parts.seen = await records.last_change()
            for name in await records.brands():
                if name not in brands and (settings.demo or name != "demo"):
                    brands[name] = read_brand(name, None)
            for name in brands:
                async for entries in records.entries_in_parts(name):
                    await passages.put(entries)
            await index.open(progress)
            follower = asyncio.create_task(parts.follow_forever())
            try:
                yield parts
            finally:
                parts.ending.set()
                await follower
        finally:
            if provider is not None:
                await provider.close()
            await index.close()
            embedding.close()
            await records.close()


def _index(settings: Settings, records: Records, embedder: Embedder, heads: Heads) -> VectorIndex:
    """The engine that the settings name; nothing is opened yet."""
    if settings.qdrant_url is None:
        return EmbeddedIndex(embedder.dimension)
    # Here, not above: half a second of imports that the embedded engine does without.
    from service.retrieve.qdrant_collections import Collections, space_of
    from service.retrieve.qdrant_index import QdrantIndex, connect_qdrant

    async def load(keys: Sequence[tuple[str, str]]) -> list[Point]:
        by_brand = {brand: [entry_id for owner, entry_id in keys if owner == brand] for brand in {brand for brand, _ in keys}}
        return points_of([one for brand, ids in by_brand.items() for one in await records.entries(brand, ids)], heads)

    key, port = settings.qdrant_api_key, settings.qdrant_grpc_port if settings.qdrant_grpc else None
    client = connect_qdrant(settings.qdrant_url, key.get_secret_value() if key else None, grpc_port=port)
    space = space_of(embedder.fingerprint, embedder.dimension, heads)
    collections = Collections(client, settings.qdrant_collection, space, embedder.dimension)
    return QdrantIndex(collections, load, settings.qdrant_timeout_seconds)


def _provider(settings: Settings, records: Records, progress: Progress) -> Provider | None:
    """The model that the settings name; nothing is opened yet."""
    if settings.llm_base_url is None:
        return None
    # Here, not above: seconds of imports that a service without a model does without.
    from service.llm.configured import provider_of

    if settings.llm_key_in_the_open:
        progress("warning: FIRSTREPLY_LLM_BASE_URL is http://: the key and every prompt cross the network unencrypted")
    return provider_of(settings, records.reserve_spending, records.settle_spending)


async def _check_vectors(records: Records, embedder: Embedder) -> None:
    others = await records.other_embedders(embedder.fingerprint)
    if others:
        raise ModelNotUsable(
            f"{sum(others.values())} stored FAQs carry vectors of embedder {', '.join(others)}, the one in use is "
            f"{embedder.fingerprint} ({embedder.name}): run firstreply train to fit the heads and embed all knowledge again, "
            "or set FIRSTREPLY_EMBEDDER back"
        )


async def import_folder(
    records: Records,
    embedding: EmbeddingThread,
    model: Path,
    brand: str,
    folder: Path,
    today: date,
    progress: Progress = lambda _: None,
) -> Report:
    """Brings the records in line with a brand's folder; what did not change is not embedded again.

    `model` is the folder of the embedder's build, which keeps the vectors of files.
    """
    identity = read_brand(brand, folder).identity
    days = max((today - identity.orders_as_of).days, 0) if identity.orders_as_of else 0
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    digest = f"{digest_of(files)}+{days}+{embedding.embedder.fingerprint[:12]}"  # contacts carry vectors of the embedder
    if (await records.brands()).get(brand) == digest:
        return Report()
    report = Report()
    sources = {entry.id: entry for entry in read_folder(folder, days)}
    stored = await records.faq_digests(brand)
    fresh = [entry for entry in sources.values() if stored.get(entry.id, ("", "", ""))[0] != entry.digest]
    gone = [entry_id for entry_id, (_, _, origin) in stored.items() if origin == "folder" and entry_id not in sources]
    if len(fresh) > SOON_DONE:
        progress(f"embedding {len(fresh)} entries of {brand}, the first time up to a minute")
    rows = await with_vectors(brand, fresh, embedding, model)
    people, told = customer_lines(_lines(folder / "customers.jsonl"))
    _refuse(folder / "customers.jsonl", told.problems)
    read = order_lines(_lines(folder / "orders.jsonl"), identity.orders_day(today))
    _refuse(folder / "orders.jsonl", read.problems)
    bought = [shifted(order, days, today) for order in read.orders]
    earlier = [shifted(contact, days) for contact in read_contacts(_lines(folder / "contacts.jsonl"), report)]
    _refuse(folder / "contacts.jsonl", report.problems)
    erased = await records.erasures.digests(brand)  # a change of the folder must not bring anybody back
    people, bought, earlier = _without(erased, people), _without(erased, bought), _without(erased, earlier)
    asked = await asked_of(earlier, await records.asked(brand), embedding.queries, embedding.embedder.fingerprint)
    await records.put_brand(brand, digest, upserts=rows, removed=gone, people=people, bought=bought, earlier=earlier, asked=asked)
    report.added, report.removed = len(rows), len(gone)
    report.unchanged = len(sources) - len(fresh)
    return report


async def with_vectors(brand: str, fresh: Sequence[Entry], embedding: EmbeddingThread, model: Path) -> list[StoredEntry]:
    """The entries with their vectors, those kept beside the model's build not made again."""
    cache = VectorCache(model, embedding.embedder.fingerprint)
    queries, passages = partial(cache.through, embedding.queries, "query"), partial(cache.through, embedding.passages, "passage")
    return await embedded(brand, fresh, queries, passages, embedding.embedder.fingerprint)


def _without(erased: set[str], ones: Sequence[Owned]) -> list[Owned]:
    return [one for one in ones if digest_of_customer(one.customer_id) not in erased]


def _lines(path: Path) -> list[str]:
    return read_text(path).split("\n") if path.exists() else []


def _refuse(path: Path, problems: Sequence[str]) -> None:
    if problems:
        raise KnowledgeNotUsable(f"{path}: {problems[0]}")
