"""Where the files that ship with the service lie: beside the package in a checkout, inside it once installed."""

from __future__ import annotations

from pathlib import Path

from service.errors import KnowledgeNotUsable

_PACKAGE = Path(__file__).parent


def shipped(name: str) -> Path:
    """Path of a shipped file or folder such as "knowledge/demo" or "prompts/compose"."""
    for root in (_PACKAGE.parent, _PACKAGE / "shipped"):
        if (path := root / name).exists():
            return path
    raise KnowledgeNotUsable(f"{name} is missing from the installation: reinstall firstreply")
