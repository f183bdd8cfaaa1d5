"""What a suite is run against: this code in process, a running service over HTTP, or answers recorded before."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import httpx
from pydantic import ValidationError

from evals.cases import Fixture, Mode
from evals.judge import Embed
from evals.results import replace_text
from evals.suites import SuiteCase
from evals.writing import Given, Tape
from service import pipeline
from service.errors import KnowledgeNotUsable, SettingsNotUsable, Unavailable, UnknownBrand
from service.llm.provider import Provider
from service.messages import Customer, Known, Message, Triage
from service.order_files.read import order_lines
from service.parts import Parts, build_parts, ensure_model, heads_file, model_folder, with_vectors
from service.retrieve.context import Sources
from service.retrieve.embedded_index import EmbeddedIndex
from service.retrieve.faqs import Passages
from service.retrieve.ingest import Report, read_faq_lines
from service.settings import Settings, read_settings
from service.understand.classifier import Heads, load_heads
from service.understand.embedder import Embedder

TIMEOUT = 60.0  # seconds a service may take for one message
PROBLEM = "application/problem+json"
CUSTOMER = "fixture-customer"  # who wrote a case that brings orders and does not say whose


class Skip(Exception):
    """The case can't be run here; the text says why."""


class ReplayMiss(Exception):
    """No answer was recorded for the case's request."""


@dataclass
class Target:
    """Where triages come from."""

    name: str
    triage: Callable[[SuiteCase], Awaitable[Triage]]
    embed: Embed
    versions: dict[str, str]


@asynccontextmanager
async def in_process(
    settings: Settings,
    day: date,
    *,
    installation: bool = False,
    tape: Path | None = None,
    recording: bool = False,
    provider: Provider | None = None,
) -> AsyncIterator[Target]:
    """The pipeline itself, on a fresh installation of the brands' folders dated `day`, or on this one's own records.

    No triage is recorded, so that no case is in the history of the next. The writer's answers are taken from a `tape`, or,
    `recording`, kept on it; a `provider` that is handed in stands for the settings' one.
    """
    with tempfile.TemporaryDirectory(prefix="firstreply-eval-") as folder:
        if not installation:
            own = heads_file(settings)
            alone = {"models_dir": settings.models.resolve(), "data_dir": Path(folder), "database_url": None, "qdrant_url": None}
            settings = settings.model_copy(update=alone)
            if own.parent != heads_file(settings).parent:
                shutil.copy(own, settings.data_dir / own.name)
        async with build_parts(settings, today=day) as parts:
            parts.provider = provider or parts.provider
            if tape is not None:
                if recording and parts.provider is None:
                    raise SettingsNotUsable("there is no model to record: set FIRSTREPLY_LLM_BASE_URL and FIRSTREPLY_LLM_MODEL")
                parts.provider = cast(Provider, Tape(tape, parts.provider if recording else None))
            standing = _Fixtures(parts)

            async def triage(case: SuiteCase) -> Triage:
                own = await standing.of(case)
                async for stage in pipeline.stages(_known(case), own):
                    grown = stage.triage
                return grown

            async def embed(texts: Sequence[str]) -> Any:
                return parts.heads.centred_passages(await parts.embedding.passages(texts))

            warmed = _versions(await pipeline.warm(parts))
            for brand in parts.brands.values():
                if writer := parts.writer(brand):
                    warmed["prompt"] = writer.version
            try:
                yield Target("in process", triage, embed, warmed)
            finally:
                await standing.close()


class _Fixtures:
    """Parts for cases that bring their own knowledge or orders; the same knowledge is embedded once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._passages: dict[str, Passages] = {}
        self._indexes: list[EmbeddedIndex] = []

    async def of(self, case: SuiteCase) -> Parts:
        """The parts that the case stands on."""
        fixture = case.case.fixture
        if fixture is None:
            return self._parts
        sources = self._parts.sources
        passages, known = sources.passages, sources.known
        if fixture.knowledge is not None:
            passages = await self._knowledge(case, fixture)
        if fixture.orders is not None:
            known = _orders(case, fixture)
        written = json.dumps(fixture.written, ensure_ascii=False, default=str) if fixture.written is not None else None
        provider = self._parts.provider if written is None else cast(Provider, Given(written))
        return replace(self._parts, passages=passages, sources=Sources(passages, known, sources.limit), provider=provider)

    async def _knowledge(self, case: SuiteCase, fixture: Fixture) -> Passages:
        lines = [json.dumps({"id": f"entry-{at}"} | line, default=str) for at, line in enumerate(fixture.knowledge or [], 1)]
        brand = case.message.brand
        if brand not in self._parts.brands:
            raise UnknownBrand(brand, list(self._parts.brands))
        key = hashlib.sha256("\n".join([brand, *lines]).encode()).hexdigest()
        if key not in self._passages:
            report = Report()
            entries = read_faq_lines(lines, self._parts.brands[brand].identity.languages, report)
            _refuse(case, "fixture.knowledge", report.problems)
            rows = await with_vectors(brand, entries, self._parts.embedding, model_folder(self._parts.settings))
            index = EmbeddedIndex(self._parts.embedding.embedder.dimension)
            self._indexes.append(index)
            made = Passages(index, self._parts.heads, self._parts.passages.rerank)
            await made.put(rows)
            self._passages[key] = made
        return self._passages[key]

    async def close(self) -> None:
        for index in self._indexes:
            await index.close()


def _known(case: SuiteCase) -> Message:
    """The case's message; orders that it brings are its author's, who must be somebody for that."""
    message, fixture = case.message, case.case.fixture
    if fixture is None or not fixture.orders or message.author.customer_id or message.author.handle:
        return message
    return message.model_copy(update={"author": message.author.model_copy(update={"customer_id": CUSTOMER})})


def _orders(case: SuiteCase, fixture: Fixture) -> Any:
    author = case.message.author
    customer = author.customer_id or CUSTOMER
    lines = [json.dumps({"customer_id": customer} | line, default=str) for line in fixture.orders or []]
    read = order_lines(lines, case.message.received_at.date())
    _refuse(case, "fixture.orders", read.problems)

    async def known(*_: Any) -> Known:
        return Known(customer=Customer(customer_id=customer, name=author.name), orders=tuple(read.orders))

    return known


def _refuse(case: SuiteCase, what: str, problems: Sequence[str]) -> None:
    if problems:
        raise KnowledgeNotUsable(f"{case.path}: case {case.case.name}: {what}: {problems[0]}")


@asynccontextmanager
async def over_http(url: str, key: str | None) -> AsyncIterator[Target]:
    """A running service at `url`; raises SettingsNotUsable where none answers there."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        client = httpx.AsyncClient(base_url=url.rstrip("/"), headers=headers, timeout=TIMEOUT)
    except httpx.InvalidURL as error:
        raise SettingsNotUsable(f"--target {url} is no URL ({error}): give one such as http://127.0.0.1:8000") from None
    except UnicodeError:
        raise SettingsNotUsable("the API key holds characters that no key has: mend --key or FIRSTREPLY_API_KEY") from None
    name = str(client.base_url.copy_with(userinfo=b"")).rstrip("/")  # a password in the URL is in no report
    async with client:
        try:
            ready = await client.get("/readyz")
            known = await client.get("/v1/triages/tri_0")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SettingsNotUsable(
                f"no service answers at {name} ({type(error).__name__}): start one, or mend --target"
            ) from None
        if ready.status_code != 200:
            raise SettingsNotUsable(f"the service at {name} is not ready ({ready.status_code} from /readyz)")
        if known.status_code == 401:
            which = "does not take this API key" if key else "wants an API key"
            raise SettingsNotUsable(f"the service at {name} {which}: give a valid one by --key or FIRSTREPLY_API_KEY")
        versions: dict[str, str] = {}

        async def triage(case: SuiteCase) -> Triage:
            if case.case.fixture is not None:
                raise Skip("it brings its own knowledge or orders: run it in process")
            response = await client.post("/v1/triage", json=case.message.model_dump(mode="json", exclude_none=True))
            if response.status_code != 200:
                said = response.json().get("detail", "") if response.headers.get("content-type") == PROBLEM else ""
                raise Unavailable(f"the service answered {response.status_code} {said}".strip())
            made = read_triage(response.text)
            versions.update(_versions(made))
            return made

        yield Target(name, triage, local_embedding(), versions)


def read_triage(text: str) -> Triage:
    """A triage of this or of another version: fields that this one does not know are left out."""
    content = json.loads(text)
    while True:
        try:
            return Triage.model_validate(content)
        except ValidationError as error:
            unknown = [found["loc"] for found in error.errors() if found["type"] == "extra_forbidden"]
            if not unknown:
                raise
            for place in unknown:
                inner = content
                for part in place[:-1]:
                    inner = inner[part]
                inner.pop(place[-1], None)


@dataclass(frozen=True)
class Cassette:
    """Keeps each answer of a target by its request, to be played back later."""

    path: Path
    mode: Mode

    def around(self, target: Target, *, goes_on: bool = False) -> Target:
        """The target with its answers kept, beside those of a killed run that goes on; for a replay see `kept_answers`."""
        if self.mode != "record":
            return target
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            kept = _whole_lines(self.path) if goes_on and self.path.exists() else []
            replace_text(self.path, "".join(line + "\n" for line in kept))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SettingsNotUsable(f"the cassette {self.path} can't be written ({why}): give another --cassette") from None

        async def triage(case: SuiteCase) -> Triage:
            made = await target.triage(case)
            line = {"request": _request(case), "answer": made.model_dump_json()}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            return made

        return replace(target, triage=triage)


def kept_answers(path: Path) -> Target:
    """Answers that a recording run kept; a request that is not among them fails its case."""
    try:
        lines = [json.loads(line) for line in _whole_lines(path)]
        answers: dict[str, str] = {line["request"]: line["answer"] for line in lines}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsNotUsable(f"the cassette {path} can't be read ({type(error).__name__}): record it first") from None

    versions: dict[str, str] = {}

    async def triage(case: SuiteCase) -> Triage:
        if (answer := answers.get(_request(case))) is None:
            raise ReplayMiss(f"no answer to this case is in {path}: record it again")
        made = read_triage(answer)
        versions.update(_versions(made))
        return made

    return Target(f"replay of {path.name}", triage, local_embedding(), versions)


def _versions(triage: Triage) -> dict[str, str]:
    return {name: value for name, value in triage.versions.model_dump().items() if value}


def _whole_lines(path: Path) -> list[str]:
    """The lines of a cassette, one that a kill cut off left out."""
    text = path.read_text(encoding="utf-8")
    return [line for line in text[: text.rfind("\n") + 1].split("\n") if line]


def local_embedding() -> Embed:
    """The embedder of this installation, loaded when an assert first asks for it."""
    loaded: list[tuple[Embedder, Heads]] = []

    async def embed(texts: Sequence[str]) -> Any:
        if not loaded:
            settings = read_settings()
            embedder = ensure_model(settings)
            loaded.append((embedder, load_heads(heads_file(settings), embedder.fingerprint)))
        embedder, heads = loaded[0]
        return heads.centred_passages(embedder.passages(list(texts)))

    return embed


def _request(case: SuiteCase) -> str:
    """Names the request, and what the case stands on."""
    fixture = case.case.fixture.model_dump(mode="json") if case.case.fixture else None
    content = [case.message.model_dump(mode="json"), fixture]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
