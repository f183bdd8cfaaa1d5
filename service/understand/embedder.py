"""Text to vectors. An embedder is a function with a name; two runtimes make one.

`openvino` runs the exported build and imports neither torch nor sentence-transformers; `sentence-transformers`
serves the same directory from torch, on a GPU if there is one. Vectors are float32 of unit length.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.errors import ModelNotUsable
from service.understand.build import OPENVINO_MODEL, REFERENCE_TEXTS, Manifest, read_manifest, served_files
from service.understand.tokenizer import load_tokenizer

Vectors = NDArray[np.float32]
Runtime = Literal["openvino", "sentence-transformers"]
Result = TypeVar("Result")
NICE = 5  # a third of the event loop's share of a core that both want; 10 brings no more
BATCH = 32  # texts a forward pass; more brings nothing on one core
BATCH_TOKENS = 2_048  # padded tokens a forward pass; the runtime keeps the memory of its largest one
WINDOW = 1_000  # characters of one window; retrieval with e5 gets worse beyond
MAX_WINDOWS = 12  # sentences kept whole need a few more than the ten that cover the longest message
SAME = 0.995  # least cosine to a reference vector; a healthy bfloat16 build has 0.9999


@dataclass(frozen=True)
class Embedder:
    """`encode` takes texts with their prefix and gives unit vectors [n, dimension]."""

    name: str
    fingerprint: str
    dimension: int
    query_prefix: str
    passage_prefix: str
    encode: Callable[[list[str]], Vectors]

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of messages and questions, [n, dimension]."""
        return self.encode([self.query_prefix + text for text in texts])

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages of knowledge, [n, dimension]."""
        return self.encode([self.passage_prefix + text for text in texts])


def load_embedder(directory: Path, runtime: Runtime = "openvino", threads: int = 1) -> Embedder:
    """The embedder built at `directory`, checked against its reference vectors; raises ModelNotUsable."""
    manifest = read_manifest(directory)
    encode = _openvino(directory, manifest, threads) if runtime == "openvino" else _sentence_transformers(directory, manifest)
    embedder = Embedder(
        manifest.name, manifest.fingerprint, manifest.dimension, manifest.query_prefix, manifest.passage_prefix, encode
    )
    _check(embedder, manifest, directory)
    return embedder


def _check(embedder: Embedder, manifest: Manifest, directory: Path) -> None:
    reference = np.array(manifest.reference, np.float32)
    vectors = embedder.queries(REFERENCE_TEXTS)
    mend = f"run firstreply models build --force {manifest.name}"
    if not np.isfinite(vectors).all():
        raise ModelNotUsable(f"{directory} is broken, its vectors are no numbers: {mend}")
    if vectors.shape != reference.shape:
        raise ModelNotUsable(f"{directory} gives vectors of shape {vectors.shape}, expected {reference.shape}: {mend}")
    cosine = float((vectors * reference).sum(axis=1).min())
    if cosine < SAME:
        raise ModelNotUsable(f"{directory} is broken: cosine {cosine:.3f} to its reference vectors, at least {SAME}: {mend}")


def _openvino(directory: Path, manifest: Manifest, threads: int) -> Callable[[list[str]], Vectors]:
    from service.understand.quiet_openvino import ov

    mend = f"run firstreply models build --force {manifest.name}"
    try:
        damaged = [name for name, digest in served_files(directory).items() if manifest.files.get(name) != digest]
        if damaged:
            raise ModelNotUsable(f"{directory / damaged[0]} is not the file that was built: {mend}")
        tokenizer = load_tokenizer(directory, manifest.max_tokens)
        core = ov.Core()
        options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            options["INFERENCE_PRECISION_HINT"] = "bf16"
        # One text at a time, all threads work on it; of many, each thread takes a batch, which is a third faster.
        streams = (1, threads) if threads > 1 else (1,)
        compiled, *for_many = (
            core.compile_model(directory / OPENVINO_MODEL, "CPU", options | {"NUM_STREAMS": number}) for number in streams
        )
    except ModelNotUsable:
        raise
    except Exception as error:  # the libraries raise bare Exception and RuntimeError
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelNotUsable(f"{directory} can't be loaded ({first}): {mend}") from error
    size = compiled.output(0).get_partial_shape()[1]
    if size.is_static and size.get_length() != manifest.dimension:
        raise ModelNotUsable(f"{directory} gives {size.get_length()} dimensions, its manifest says {manifest.dimension}: {mend}")
    request = compiled.create_infer_request()

    def encode(texts: list[str]) -> Vectors:
        vectors = np.empty((len(texts), manifest.dimension), np.float32)
        tokens = tokenizer.encode(texts)
        batches = _batches([len(ids) for ids in tokens])
        if for_many and len(batches) > threads:
            queue = ov.AsyncInferQueue(for_many[0], threads)
            queue.set_callback(lambda done, chosen: vectors.__setitem__(chosen, done.get_tensor("embedding").data))
            for chosen in batches:
                queue.start_async(_inputs([tokens[at] for at in chosen], tokenizer.padding), chosen)
            queue.wait_all()
        else:
            for chosen in batches:
                vectors[chosen] = request.infer(_inputs([tokens[at] for at in chosen], tokenizer.padding))["embedding"]
        return vectors

    return encode


def _inputs(tokens: Sequence[Sequence[int]], padding: int) -> dict[str, NDArray[np.int64]]:
    """A forward pass's input: the tokens of texts, the longest of them last, padded to its length."""
    ids = np.full((len(tokens), len(tokens[-1])), padding, np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(tokens):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def _batches(lengths: list[int]) -> list[list[int]]:
    """Indices in batches of like length, shortest first, each within BATCH texts and BATCH_TOKENS padded tokens."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        last = batches[-1] if batches else []
        if last and len(last) < BATCH and (len(last) + 1) * lengths[index] <= BATCH_TOKENS:
            last.append(index)
        else:
            batches.append([index])
    return batches


def _sentence_transformers(directory: Path, manifest: Manifest) -> Callable[[list[str]], Vectors]:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise ModelNotUsable("runtime sentence-transformers needs: pip install 'firstreply[models]'") from None
    if not (directory / "modules.json").is_file():
        raise ModelNotUsable(
            f"{directory} has no sentence-transformers files: run firstreply models build --force {manifest.name}"
        )
    model = SentenceTransformer(str(directory))

    def encode(texts: list[str]) -> Vectors:
        return np.asarray(model.encode(texts, normalize_embeddings=True, show_progress_bar=False), np.float32)

    return encode


def _stand_back() -> None:
    """Lets the event loop's thread run first where both want the same core: a request then waits for no forward pass."""
    if sys.platform == "linux":  # elsewhere a priority is of a whole process
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + NICE)


class EmbeddingThread:
    """The embedder in a thread of its own, so that the event loop never computes; recent vectors are kept.

    >>> vectors = await EmbeddingThread(embedder).queries(["Wo ist mein Paket?"])   # [1, dimension]
    """

    def __init__(self, embedder: Embedder, keep: int = 4_096) -> None:
        self.embedder = embedder
        self._keep = keep
        self._recent: OrderedDict[str, Vectors] = OrderedDict()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder", initializer=_stand_back)

    async def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of messages and questions, [n, dimension]; texts seen lately cost nothing."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._recent]
        found = {text: self._recent[text] for text in texts if text in self._recent}
        if missing:
            vectors = await self.run(self.embedder.queries, missing)
            found.update(zip(missing, vectors, strict=True))
        for text, vector in found.items():
            self._recent[text] = vector
            self._recent.move_to_end(text)
        while len(self._recent) > self._keep:
            self._recent.popitem(last=False)
        return np.stack([found[text] for text in texts])

    async def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages of knowledge, [n, dimension]."""
        return await self.run(self.embedder.passages, list(texts))

    async def run(self, work: Callable[..., Result], *given: object) -> Result:
        """What `work` gives, done in the same thread: other models take turns with the embedder."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *given)

    def remembered(self) -> set[str]:
        """The texts whose vectors are kept."""
        return set(self._recent)

    def forget(self) -> None:
        """Forgets the texts seen lately with their vectors."""
        self._recent.clear()

    def close(self) -> None:
        """Ends the thread; work in progress is finished first."""
        self._executor.shutdown()


_MONTH = "Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
# "am 20. November" goes on after its dot, as does a number before a small letter.
_BREAK = re.compile(rf"(?<=[.!?…\n])(?!(?<=\d\.)\s+(?:[^\W\d_A-ZÄÖÜÅÆØÉ]|(?:{_MONTH})\b))\s+|\n+")


def sentences(text: str) -> list[str]:
    """The text's sentences, empty ones left out."""
    return [part.strip() for part in _BREAK.split(text) if part.strip()]


def windows(text: str) -> list[str]:
    """The text in pieces of at most WINDOW characters, all of it; by sentences unless that takes over MAX_WINDOWS."""
    if len(text) <= WINDOW:
        return [text]
    pieces: list[str] = []
    for sentence in sentences(text):
        if pieces and len(pieces[-1]) + len(sentence) < WINDOW:
            pieces[-1] = f"{pieces[-1]} {sentence}"
        else:
            pieces.extend(sentence[start : start + WINDOW] for start in range(0, len(sentence), WINDOW))
    if not pieces:
        return [text[:WINDOW]]
    if len(pieces) > MAX_WINDOWS:
        return [text[start : start + WINDOW] for start in range(0, len(text), WINDOW)]
    return pieces
