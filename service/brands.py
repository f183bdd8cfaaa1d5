"""A brand's folder read and validated: who the brand is, its voice, topics, terms and escalation policy.

`knowledge/<brand>/` holds brand.yaml, voice.yaml, topics.yaml, escalation.yaml, terms/*.yaml, phrases/*.yaml, faqs/, macros/,
offers.yaml, offers/, products/, customers.jsonl, orders.jsonl and contacts.jsonl. One of the first four that a brand leaves out
comes from `knowledge/_default/`.
"""

from __future__ import annotations

import difflib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from service.catalogue import Product, read_catalogue, read_kinds
from service.draft.phrases import Phrases, brand_phrases
from service.errors import KnowledgeNotUsable
from service.escalate.policy import Policy
from service.files import digest_of, shipped
from service.messages import Channel
from service.policies import policy_file, read_policy
from service.yaml_files import load_yaml, read_text, read_yaml

MOST_DISCLOSURE = 60  # characters; the shortest public text a channel takes has 150
NOT_BRANDS = frozenset({"examples", "signals", "_default", "_skeleton"})


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Matter = Literal["self_harm", "safety"]


class HelpLine(_Strict):
    """A help line of a country (ISO 3166-1 alpha-2): for people in a crisis, or, as `safety`, for the hurt and the threatened."""

    country: str
    name: str
    phone: str
    matter: Matter = "self_harm"


class Contact(_Strict):
    """How customers reach the brand outside social channels."""

    email: str | None = None
    phone: str | None = None
    hours: str | None = None


class Retention(_Strict):
    """How long the brand keeps what it need not keep, in days; None for ever."""

    triages_days: Annotated[int, Field(ge=1, le=36_500)] | None = None  # triages with their messages, drafts and feedback
    contacts_days: Annotated[int, Field(ge=1, le=36_500)] | None = None


class Identity(_Strict):
    """brand.yaml: who the brand is."""

    display_name: str
    languages: Annotated[list[str], Field(min_length=1)]
    default_language: str
    countries: list[str] = []
    timezone: str = "UTC"
    url_hosts: list[str] = []
    support_handles: dict[Channel | Literal["default"], str] = {}
    contact: Contact = Contact()
    orders_as_of: date | None = None
    # Whose words drafts may be: a model's where one is configured, approved phrases alone, or macros alone.
    drafts: Literal["all", "approved", "macros_only"] = "all"
    help_lines: list[HelpLine] = []
    stale_after_days: Annotated[int, Field(ge=1, le=3_650)] = 14  # without anything happening, an open conversation is stale
    retention: Retention = Retention()

    def orders_day(self, today: date) -> date:
        """The day by which what the folder's orders say has happened: today, or the later one they are written for."""
        return max(today, self.orders_as_of or today)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            near = difflib.get_close_matches(name, available_timezones(), n=1) or ["Europe/Amsterdam"]
            raise ValueError(f"unknown time zone {name!r}, did you mean {near[0]!r}?")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Identity:
        if self.default_language not in self.languages:
            raise ValueError(f"default_language {self.default_language!r} is not one of languages {self.languages}")
        return self


class Voice(_Strict):
    """voice.yaml, one language: how the brand speaks. `words` are words of the phrases and what the brand says instead."""

    address: Literal["informal", "formal"] = "informal"
    team: str
    emoji: Literal["none", "light"] = "none"
    names: Literal["first", "none"] = "first"  # how a customer whose name is known is greeted
    signoff: tuple[str, ...] = ()
    words: dict[str, str] = {}
    never_say: tuple[Annotated[str, Field(min_length=2, max_length=200)], ...] = ()  # words no draft may hold, in any case
    disclosure: Annotated[str, Field(min_length=5, max_length=MOST_DISCLOSURE)] | None = None  # ends every draft: who wrote it

    @field_validator("never_say")
    @classmethod
    def _with_words(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            if not any(char.isalnum() for char in text):
                raise ValueError(f"{text!r} has no letter in it")
        return texts

    @field_validator("signoff")
    @classmethod
    def _with_team_only(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            if "{" in text.replace("{team}", "") or "}" in text.replace("{team}", ""):
                raise ValueError(f"unknown placeholder in {text!r}; here: team")
        return texts


class Voices(BaseModel):
    """voice.yaml: a voice for each language."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Voice]


class Topic(_Strict):
    """One entry of topics.yaml's closed list."""

    id: str
    label: str
    queue: str
    description: str = ""
    examples: list[Annotated[str, Field(min_length=1, max_length=2_000)]] = []  # customers' messages, for firstreply train


class Topics(_Strict):
    """topics.yaml."""

    topics: Annotated[list[Topic], Field(min_length=1)]


class Brand(_Strict):
    """Everything a brand's folder says, apart from its knowledge and orders, which are imported into the records."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str
    folder: Path | None
    identity: Identity
    voices: dict[str, Voice]
    topics: list[Topic]
    topics_file: Path
    terms: dict[str, Any]
    policy: Policy
    policy_version: str
    phrases: dict[str, Phrases]
    catalogue: tuple[Product, ...] = ()
    kinds: dict[str, frozenset[str]] = {}  # by sku, what customers call such a thing in any language

    @property
    def topic_ids(self) -> tuple[str, ...]:
        """The closed list of topics."""
        return tuple(topic.id for topic in self.topics)

    def queue_of(self, topic: str) -> str:
        """The queue that messages of this topic go to."""
        return next((t.queue for t in self.topics if t.id == topic), self.policy.default_queue)

    def support_handle(self, channel: Channel) -> str | None:
        """Whom to message privately on this channel."""
        handles = self.identity.support_handles
        return handles.get(channel) or handles.get("default")

    def voice(self, language: str) -> Voice:
        """The voice for a language, or a plain one signed with the brand's name."""
        return self.voices.get(language) or Voice(team=self.identity.display_name)

    def help_line(self, country: str | None, language: str, matter: Matter = "self_harm") -> HelpLine | None:
        """The help line nearest to the customer: of the country, else of the language's main country."""
        main = {"en": "GB", "sv": "SE"}.get(language, language.upper())
        lines = {line.country: line for line in reversed(self.identity.help_lines) if line.matter == matter}
        return lines.get(country or "") or lines.get(main)


def brand_folders(knowledge_dir: Path | None, *, demo: bool) -> dict[str, Path]:
    """Folders of brands by name: the shipped demo and those of the user's knowledge folder, which win."""
    found = {"demo": shipped("knowledge/demo")} if demo else {}
    if knowledge_dir is not None:
        if not knowledge_dir.is_dir():
            raise KnowledgeNotUsable(
                f"{knowledge_dir} is not a folder: set FIRSTREPLY_KNOWLEDGE_DIR to the folder of your brands"
            )
        found |= {
            path.name: path
            for path in sorted(knowledge_dir.iterdir())
            if path.is_dir() and path.name not in NOT_BRANDS and (path / "brand.yaml").exists()
        }
    return found


def read_brand(name: str, folder: Path | None) -> Brand:
    """The brand in `folder`, or one made of defaults where it has none; raises KnowledgeNotUsable naming file and line."""
    default = shipped("knowledge/_default")

    def file(part: str) -> Path:
        own = folder / part if folder else None
        return own if own and own.is_file() else default / part

    identity = read_yaml(file("brand.yaml"), Identity)
    if folder is None:
        identity = identity.model_copy(update={"display_name": name})
    topics_file = file("topics.yaml")
    topics = read_yaml(topics_file, Topics).topics
    escalation = policy_file(folder)
    voices = dict(read_yaml(file("voice.yaml"), Voices).__pydantic_extra__ or {})
    terms = {path.stem: _plain(path) for path in sorted((folder / "terms").glob("*.yaml"))} if folder else {}
    catalogue = read_catalogue(folder) if folder else ()
    return Brand(
        name=name,
        folder=folder,
        identity=identity,
        voices=voices,
        topics=topics,
        topics_file=topics_file,
        terms=terms,
        policy=read_policy(escalation, identity.timezone, topics, topics_file),
        policy_version=digest_of([escalation]),
        phrases=brand_phrases(shipped("prompts/compose"), folder / "phrases" if folder else None, voices),
        catalogue=catalogue,
        kinds=read_kinds(folder, catalogue) if folder else {},
    )


def _plain(path: Path) -> Any:
    try:
        return load_yaml(read_text(path))
    except yaml.YAMLError as error:
        raise KnowledgeNotUsable(f"{path}: {' '.join(str(error).split())}") from None
