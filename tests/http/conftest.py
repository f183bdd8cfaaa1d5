"""A service of a test's own, to be changed over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.parts import Parts, build_parts


@pytest.fixture
async def own(settings_in: Any, data_dir: Path) -> AsyncIterator[Parts]:
    """The parts of a fresh installation with the demo brand."""
    async with build_parts(settings_in(data_dir)) as parts:
        yield parts


@pytest.fixture
async def calling(own: Parts, client_on: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service on these parts."""
    async with client_on(own) as client:
        yield client
