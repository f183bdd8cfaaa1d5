"""Where the files that ship with the service lie: beside the package in a checkout, inside it once installed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from service.errors import KnowledgeNotUsable

_PACKAGE = Path(__file__).parent


def digest_of(paths: Iterable[Path]) -> str:
    """First 12 hex digits of a SHA-256 over the files' names and bytes."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def shipped(name: str) -> Path:
    """Path of a shipped file or folder such as "knowledge/demo" or "prompts/compose"."""
    for root in (_PACKAGE.parent, _PACKAGE / "shipped"):
        if (path := root / name).exists():
            return path
    raise KnowledgeNotUsable(f"{name} is missing from the installation: reinstall firstreply")
