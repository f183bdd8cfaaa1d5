"""The heads: linear classifiers on one message's vectors and a few cheap features.

A head is a row of weights; `Heads` keeps all of them in one safetensors file (no pickle) with the fingerprint of
the embedder they were fitted on. Inputs of a head, in this order: the centred vector of the text, the centred mean
vector of the customer's earlier turns (zeros without a thread, weighted EARLIER), and the features.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from service.errors import ModelNotUsable
from service.messages import Signal
from service.understand.topic_words import topic_words, word_topics

Vectors = NDArray[np.float32]
EARLIER = 0.5  # weight of the earlier turns' vector; 1.0 and 0.25 gave the same within noise
SIGNAL_FEATURES = (
    "repeat_contact", "churn_risk", "waiting", "sarcasm", "profanity", "thanks", "resolved", "friend_tag",
    "greeting_only", "spam", "time_pressure", "legal_threat", "payment_dispute",
)  # fmt: skip
CHEAP_FEATURES = ("question_mark", "exclamation", "capitals", "angry_emoji", "happy_emoji", "length")
SAME_TOPIC = 1.0  # log odds that a shared topic adds to a passage, times the topic's probability
FEATURE_WEIGHT = 0.5  # features are 0..1 beside a unit vector
_ANGRY = re.compile("[😡🤬😠👎💩🤮😤😒🙄🤦😭😢😞😔😩😫💔🤡]")
_HAPPY = re.compile("[😍🥰😊😁😀😃🤩❤♥🧡💚💙👍🙏🎉👏🔥💪😄☺🤗💛✨]")


def features(text: str, signals: tuple[Signal, ...]) -> NDArray[np.float32]:
    """Cheap features of a text, in the order of `feature_names()`, float32, each 0..1."""
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters) / len(letters) if len(letters) > 5 else 0.0
    codes = {signal.code for signal in signals}
    values = [
        float("?" in text or "؟" in text or "？" in text),
        min(text.count("!"), 3) / 3,
        capitals if capitals > 0.3 else 0.0,
        min(len(_ANGRY.findall(text)), 2) / 2,
        min(len(_HAPPY.findall(text)), 2) / 2,
        min(len(text), 1_000) / 1_000,
        *(float(code in codes) for code in SIGNAL_FEATURES),
        *topic_words(text),
    ]
    return np.array(values, np.float32)


def feature_names() -> tuple[str, ...]:
    """What each feature says."""
    return (*CHEAP_FEATURES, *SIGNAL_FEATURES, *(f"words_{topic}" for topic in word_topics()))


@dataclass(frozen=True)
class Head:
    """Linear scores for `classes`: weights [classes, inputs], bias [classes]."""

    classes: tuple[str, ...]
    weights: Vectors
    bias: Vectors

    def independent(self, inputs: Vectors) -> dict[str, float]:
        """Each class's own probability; a message may be several."""
        scores = 1 / (1 + np.exp(-(self.weights @ inputs + self.bias)))
        return {name: float(score) for name, score in zip(self.classes, scores, strict=True)}

    def exclusive(self, inputs: Vectors) -> dict[str, float]:
        """Probabilities that add up to one."""
        raw = self.weights @ inputs + self.bias
        scores = np.exp(raw - raw.max())
        return {name: float(score) for name, score in zip(self.classes, scores / scores.sum(), strict=True)}


@dataclass(frozen=True)
class Heads:
    """Everything `firstreply train` fits; `version` is a digest of all its numbers."""

    embedder: str
    version: str
    query_mean: Vectors
    passage_mean: Vectors
    relevance: tuple[float, float]
    label: Head
    level: Head
    urgency: Head
    topic: Head
    addressed: Head
    reasons: Head

    def centred_queries(self, vectors: Vectors) -> Vectors:
        """Query vectors minus their mean, renormalised: e5 puts all texts into a narrow cone."""
        return _unit(vectors - self.query_mean)

    def centred_passages(self, vectors: Vectors) -> Vectors:
        """Passage vectors minus their mean, renormalised."""
        return _unit(vectors - self.passage_mean)

    def inputs(self, text: Vectors, earlier: Vectors | None, extra: NDArray[np.float32]) -> Vectors:
        """One row of inputs from a centred text vector, centred earlier turns [n, d] or None, and features."""
        before = np.zeros_like(text) if earlier is None or not len(earlier) else earlier.mean(axis=0)
        return np.concatenate([text, before * EARLIER, extra * FEATURE_WEIGHT]).astype(np.float32)

    def relevant(self, cosine: float, same_topic: float = 0.0) -> float:
        """The probability that a passage answers the query, from their centred cosine and that they share a topic."""
        slope, offset = self.relevance
        return float(1 / (1 + np.exp(-(slope * cosine + offset + SAME_TOPIC * same_topic))))


_HEADS = ("label", "level", "urgency", "topic", "addressed", "reasons")


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(norms, 1e-9)).astype(np.float32)
    return unit


def digest_of_weights(heads: Heads) -> str:
    """First 12 hex digits of a SHA-256 over every number in the heads: their version."""
    digest = hashlib.sha256()
    for name in _HEADS:
        head: Head = getattr(heads, name)
        digest.update(repr(head.classes).encode())
        digest.update(head.weights.tobytes())
        digest.update(head.bias.tobytes())
    digest.update(heads.query_mean.tobytes())
    digest.update(heads.passage_mean.tobytes())
    return digest.hexdigest()[:12]


def save_heads(heads: Heads, path: Path) -> None:
    """Writes the heads to one safetensors file."""
    tensors: dict[str, Vectors] = {"query_mean": heads.query_mean, "passage_mean": heads.passage_mean}
    classes: dict[str, tuple[str, ...]] = {}
    for name in _HEADS:
        head: Head = getattr(heads, name)
        tensors[f"{name}.weights"], tensors[f"{name}.bias"], classes[name] = head.weights, head.bias, head.classes
    # One entry: safetensors writes several in no fixed order, and the same heads are to give the same bytes.
    described = {"embedder": heads.embedder, "version": heads.version, "relevance": heads.relevance, "classes": classes}
    metadata = {"heads": json.dumps(described, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file({name: np.ascontiguousarray(t, np.float32) for name, t in tensors.items()}, partial, metadata=metadata)
    partial.chmod(0o644)  # the library writes for its owner alone; a service user must read it too
    partial.replace(path)


def load_heads(path: Path, embedder: str) -> Heads:
    """The heads at `path`; raises ModelNotUsable where they are broken or belong to another embedder."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = json.loads(file.metadata()["heads"])
            classes = metadata["classes"]
            heads = {n: Head(tuple(classes[n]), file.get_tensor(f"{n}.weights"), file.get_tensor(f"{n}.bias")) for n in _HEADS}
            slope, offset = metadata["relevance"]
            loaded = Heads(
                embedder=metadata["embedder"],
                version=metadata["version"],
                query_mean=file.get_tensor("query_mean"),
                passage_mean=file.get_tensor("passage_mean"),
                relevance=(slope, offset),
                **heads,
            )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ModelNotUsable(f"{path} holds no usable heads ({error}): run firstreply train") from None
    if loaded.embedder != embedder:
        raise ModelNotUsable(
            f"the heads in {path} were fitted on embedder {loaded.embedder}, the one in use is {embedder}: run firstreply train"
        )
    expected = 2 * len(loaded.query_mean) + len(feature_names())
    if loaded.label.weights.shape[1] != expected:
        raise ModelNotUsable(f"the heads in {path} were fitted by another version of firstreply: run firstreply train")
    return loaded
