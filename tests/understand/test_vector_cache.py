"""Vectors of files are made once for each model, and a damaged or unwritable cache only costs the time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from service.understand.embedder import Vectors
from service.understand.vector_cache import FILE, VectorCache


class Counted:
    """An embedder that keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32)


async def test_only_new_texts_are_embedded_and_each_gets_its_own_vector(tmp_path: Path) -> None:
    embed = Counted()
    first = await VectorCache(tmp_path, "f").through(embed, "query", ["a", "bb"])
    again = await VectorCache(tmp_path, "f").through(embed, "query", ["bb", "ccc", "a"])
    assert embed.asked == ["a", "bb", "ccc"]
    assert first.tolist() == [[1, 97], [2, 98]]
    assert again.tolist() == [[2, 98], [3, 99], [1, 97]]


async def test_queries_passages_and_models_are_kept_apart(tmp_path: Path) -> None:
    embed = Counted()
    cache = VectorCache(tmp_path, "f")
    await cache.through(embed, "query", ["a"])
    await cache.through(embed, "passage", ["a"])
    await VectorCache(tmp_path, "g").through(embed, "query", ["a"])
    assert embed.asked == ["a", "a", "a"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04cut off"])
async def test_a_damaged_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    embed = Counted()
    for _ in range(2):
        assert (await VectorCache(tmp_path, "f").through(embed, "query", ["a"])).tolist() == [[1, 97]]
    assert embed.asked == ["a"]


async def test_a_folder_that_cant_be_written_costs_only_the_time() -> None:
    embed = Counted()
    for _ in range(2):
        assert (await VectorCache(Path("/proc/models"), "f").through(embed, "query", ["a"])).tolist() == [[1, 97]]
    assert embed.asked == ["a", "a"]
