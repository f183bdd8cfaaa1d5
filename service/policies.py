"""A brand's escalation.yaml read with what it must agree with, and taken over by a running service when it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from service.errors import KnowledgeNotUsable
from service.escalate.policy import Policy, did_you_mean
from service.files import digest_of, shipped
from service.yaml_files import line_of, parse_yaml, read_text

if TYPE_CHECKING:
    from service.brands import Brand

FILE = "escalation.yaml"
Stamp = tuple[str, int, int, int]
log = structlog.get_logger()


class Topic(Protocol):
    """What of an entry of topics.yaml a policy must agree with."""

    @property
    def id(self) -> str:
        """The topic's name."""

    @property
    def queue(self) -> str:
        """Where its messages go."""


def policy_file(folder: Path | None) -> Path:
    """The brand's own file, else the shipped default."""
    own = folder / FILE if folder is not None else None
    return own if own is not None and own.is_file() else shipped(f"knowledge/_default/{FILE}")


def read_policy(path: Path, timezone: str, topics: Sequence[Topic], topics_file: Path | None) -> Policy:
    """The policy in the file, its hours in the brand's time zone where it names none.

    Raises KnowledgeNotUsable with file, line and allowed values; a queue of topics.yaml that is not on the policy's list
    is named at its line of that file.
    """
    text = read_text(path)
    policy = parse_yaml(text, path, Policy)
    known = [topic.id for topic in topics]
    for number, route in enumerate(policy.routing):
        for topic in route.topic:
            if topic not in known:
                where = f"{path}:{line_of(text, ('routing', number, 'topic'))}"
                raise KnowledgeNotUsable(f"{where}: routing.{number}.topic: unknown topic {topic!r}{did_you_mean(topic, known)}")
    for number, entry in enumerate(topics):
        if problem := policy.unknown_queue(entry.queue):
            line = f":{line_of(read_text(topics_file), ('topics', number, 'queue'))}" if topics_file is not None else ""
            raise KnowledgeNotUsable(
                f"{topics_file or 'topics.yaml'}{line}: {problem} of topic {entry.id!r}: queue_names of {FILE} lists the queues"
            )
    return policy if policy.timezone is not None else policy.model_copy(update={"timezone": timezone})


@dataclass
class PolicyFiles:
    """Looks after the policy files of running brands; `problems` holds by brand why a changed file was not taken over."""

    problems: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, Stamp] = field(default_factory=dict)

    def follow(self, brands: dict[str, Brand]) -> None:
        """Puts changed policies in force; an invalid file is logged once, and the policy in force stays."""
        for name, brand in list(brands.items()):
            try:
                path = policy_file(brand.folder)
                stamp = _stamp(path)
                if self._seen.get(name) == stamp:
                    continue
                version = digest_of([path])
                if version != brand.policy_version:
                    topics_file = brand.topics_file
                    policy = read_policy(path, brand.identity.timezone, brand.topics, topics_file)
                    brands[name] = brand.model_copy(update={"policy": policy, "policy_version": version})
                    log.info("policy_taken", brand=name, version=version)
            except OSError:
                continue  # it is being replaced: the next look sees what came of it
            except KnowledgeNotUsable as error:
                told = error.detail.replace(str(brand.folder), name) if brand.folder is not None else error.detail
                self.problems[name] = told
                log.warning("policy_not_taken", brand=name, reason=told)
            else:
                self.problems.pop(name, None)
            self._seen[name] = stamp


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino
