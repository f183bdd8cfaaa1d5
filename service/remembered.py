"""Words of messages that a process remembers to be fast, and how it forgets them."""

from __future__ import annotations

import functools
import sys

from service.understand.embedder import EmbeddingThread


def forget_texts(embedding: EmbeddingThread) -> None:
    """Forgets every text and what was made of it: its vector, and what functions keep by their arguments.

    A cache of ours is bounded where its arguments are texts, and unbounded where they are files or languages.
    """
    embedding.forget()
    for name, module in list(sys.modules.items()):
        if name.startswith("service."):
            for kept in vars(module).values():
                if isinstance(kept, functools._lru_cache_wrapper) and kept.cache_info().maxsize is not None:
                    kept.cache_clear()
