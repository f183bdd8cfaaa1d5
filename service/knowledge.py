"""A FAQ as it is stored: one language, with the vectors of its passage, its title and its sample questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StoredFaq:
    """A FAQ in one language with its vectors, float32 [2 + questions, dimension]: passage, title, each question."""

    brand: str
    id: str
    entry: str
    language: str
    topic: str | None
    title: str
    answer: str
    short: str | None
    questions: tuple[str, ...]
    url: str | None
    valid_until: str | None
    audience: str
    origin: str
    digest: str
    embedder: str
    vectors: NDArray[np.float32]
