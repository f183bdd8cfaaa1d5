"""Vectors of a brand's folder kept beside the model that made them, so that a fresh installation need not make them again.

Only texts of files are kept here, under a hash, never what a customer wrote. The file goes with its model's build;
a folder that can't be written only costs the time.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np

from service.understand.embedder import Vectors

FILE = "vectors.npz"
Embed = Callable[[Sequence[str]], Awaitable[Vectors]]


class VectorCache:
    """`await cache.through(embed, "query", texts)` gives the vectors of `texts`, [n, d], embedding those that are new."""

    def __init__(self, model: Path, fingerprint: str) -> None:
        self._path = model / FILE
        self._fingerprint = fingerprint
        self._known: dict[bytes, Vectors] | None = None  # read once: a file of ten thousand vectors is 15 MB

    async def through(self, embed: Embed, kind: str, texts: Sequence[str]) -> Vectors:
        """The vectors of the texts; `kind` tells those of queries from those of passages."""
        keys = [self._key(kind, text) for text in texts]
        if self._known is None:
            self._known = await asyncio.to_thread(self._read)
        known = self._known
        missing = [at for at, key in enumerate(keys) if key not in known]
        if missing:
            made = await embed([texts[at] for at in missing])
            known.update((keys[at], vector) for at, vector in zip(missing, made, strict=True))
            await asyncio.to_thread(self._write, known)
        return np.stack([known[key] for key in keys]) if keys else np.empty((0, 0), np.float32)

    def kept(self, kind: str, texts: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of those of the texts that are kept, by text; nothing is embedded or written."""
        if self._known is None:
            self._known = self._read()
        known = self._known
        return {text: known[key] for text in texts if (key := self._key(kind, text)) in known}

    def _key(self, kind: str, text: str) -> bytes:
        return hashlib.sha256(f"{self._fingerprint}\x1f{kind}\x1f{text}".encode()).digest()

    def _read(self) -> dict[bytes, Vectors]:
        try:
            with self._path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                keys, vectors = file["keys"], file["vectors"].astype(np.float32)
                return {key.tobytes(): vector for key, vector in zip(keys, vectors, strict=True)}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return {}  # missing, or cut off: made anew

    def _write(self, known: dict[bytes, Vectors]) -> None:
        half = self._path.with_name(f".{FILE}.{os.getpid()}.npz")
        try:
            keys = np.frombuffer(b"".join(known), np.uint8).reshape(len(known), -1)
            np.savez(half, keys=keys, vectors=np.stack(list(known.values())))
            half.replace(self._path)
        except OSError:
            half.unlink(missing_ok=True)
