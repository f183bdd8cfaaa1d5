"""A cross-encoder that reads a message and a passage together, and so orders the best passages of a search anew.

Any sentence-transformers CrossEncoder with one score, by name or folder. It reads pairs one by one where an embedder reads the
message once, which is why it only sees the best of a search, and nothing that the search did not let through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np

from service.errors import ModelNotUsable
from service.messages import Passage
from service.understand.classifier import Vectors

MOST = 10  # passages of a search that are read; each costs as much as the next
LONGEST = 2_000  # characters of a passage and of a message that are read; the model cuts at its own length
BATCH = 10
Score = Callable[[str, Sequence[str]], Vectors]  # how well each of some passages answers a text, [n], the more the better
Rerank = Callable[[str, Sequence[str]], Awaitable[Vectors]]  # the same, computed elsewhere


def load_reranker(name: str, threads: int = 1) -> Score:
    """The CrossEncoder of a folder or of a hub's name; raises ModelNotUsable that says what is missing."""
    try:
        import torch
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging
    except ImportError:
        raise ModelNotUsable("FIRSTREPLY_RERANKER needs: pip install 'firstreply[models]', or leave it out") from None
    where = f"FIRSTREPLY_RERANKER: {name}"
    mend = "give the folder of a sentence-transformers CrossEncoder, or a hub name where there is a network"
    try:
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # stderr is for lines of ours
        model = CrossEncoder(name, local_files_only=Path(name).is_dir())
        if model.num_labels != 1:
            raise ModelNotUsable(f"{where} gives {model.num_labels} scores a pair, a reranker gives one: {mend}")
        torch.set_num_threads(threads)

        def score(text: str, passages: Sequence[str]) -> Vectors:
            pairs = [(text[:LONGEST], passage[:LONGEST]) for passage in passages]
            return np.asarray(model.predict(pairs, batch_size=BATCH, show_progress_bar=False), np.float32)

        tried = score("Where is my parcel?", ["It is on its way.", "We sell tents."])
    except ModelNotUsable:
        raise
    except Exception as error:  # the libraries raise OSError, ValueError, RuntimeError and their own
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelNotUsable(f"{where} can't be loaded ({first}): {mend}") from None
    if tried.shape != (2,) or not np.isfinite(tried).all():
        raise ModelNotUsable(f"{where} gives no usable scores: {mend}")
    return score


async def reranked(passages: Sequence[Passage], text: str, rerank: Rerank) -> list[Passage]:
    """The same passages, the best MOST of them in the order of their scores.

    A passage's score stays a calibrated relevance: the first place keeps that of the first place, whoever takes it.
    """
    best, rest = passages[:MOST], passages[MOST:]
    if len(best) < 2 or not text.strip():
        return list(passages)
    scores = np.nan_to_num(await rerank(text, [f"{passage.title}\n{passage.text}" for passage in best]), nan=-np.inf)
    order = np.argsort(-scores, kind="stable")
    return [*(best[at].model_copy(update={"score": place.score}) for at, place in zip(order, best, strict=True)), *rest]
