"""The heads: classifiers on one message's vectors and a few cheap features; linear ones, and a committee for frustration.

A head is a row of weights; `Heads` keeps all of them in one safetensors file (no pickle) with the fingerprint of
the embedder they were fitted on. Inputs of a head, in this order: the centred vector of the text, the centred mean
vector of the customer's earlier turns (zeros without a thread, weighted EARLIER), and the features. To the heads of reasons
the text's n-grams add their part.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from service.errors import ModelNotUsable
from service.messages import Signal
from service.understand.ngrams import SIZE, Ngrams
from service.understand.relevance import Relevance
from service.understand.topic_words import topic_words, word_topics

Vectors = NDArray[np.float32]
EARLIER = 0.5  # weight of the earlier turns' vector; 1.0 and 0.25 gave the same within noise
SIGNAL_FEATURES = (
    "repeat_contact", "churn_risk", "waiting", "sarcasm", "profanity", "thanks", "resolved", "friend_tag",
    "greeting_only", "spam", "time_pressure", "legal_threat", "payment_dispute",
)  # fmt: skip
CHEAP_FEATURES = ("question_mark", "exclamation", "capitals", "angry_emoji", "happy_emoji", "length")
NEAREST = 6  # nearest vectors of an entry that count; 1 found .65 of held-out questions first, 3 .66, 6 .70
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


def unit(vectors: Vectors) -> Vectors:
    """The vectors at length one."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(norms, 1e-9)).astype(np.float32)
    return scaled


def entry_scores(cosines: Vectors, owners: NDArray[np.int_], count: int) -> NDArray[np.float64]:
    """How near each of `count` entries is: half its nearest vector, half the mean of its NEAREST nearest ones.

    An entry has vectors in several languages and of several questions; few of many alike are chance. Of an entry with
    fewer than four vectors for each of them, fewer are taken, down to the nearest alone.
    """
    scores = np.full(count, -1.0)
    for at in np.unique(owners):
        mine = np.sort(cosines[owners == at])[::-1]
        scores[at] = near(mine, len(mine))
    return scores


def near(cosines: Sequence[float] | Vectors, vectors: int) -> float:
    """The score of an entry of so many vectors from the nearest ones of them, best first."""
    taken = cosines[: max(1, min(NEAREST, -(-vectors // 4)))]
    return 0.5 * float(cosines[0]) + 0.5 * float(sum(taken)) / len(taken)


@dataclass(frozen=True)
class Head:
    """Linear scores for `classes`: weights [classes, inputs], bias [classes]."""

    classes: tuple[str, ...]
    weights: Vectors
    bias: Vectors

    def independent(self, inputs: Vectors, added: Vectors | float = 0.0) -> dict[str, float]:
        """Each class's own probability; a message may be several. `added` [classes] is what n-grams add to the scores."""
        scores = 1 / (1 + np.exp(-(self.weights @ inputs + self.bias + added)))
        return {name: float(score) for name, score in zip(self.classes, scores, strict=True)}

    def exclusive(self, inputs: Vectors) -> dict[str, float]:
        """Probabilities that add up to one."""
        raw = self.weights @ inputs + self.bias
        scores = np.exp(raw - raw.max())
        return {name: float(score) for name, score in zip(self.classes, scores / scores.sum(), strict=True)}


@dataclass(frozen=True)
class Committee:
    """Small networks whose probabilities are averaged: k members of h hidden units (ReLU) and one output.

    hidden [k, h, inputs], hidden_bias [k, h], out [k, h], out_bias [k].
    """

    hidden: Vectors
    hidden_bias: Vectors
    out: Vectors
    out_bias: Vectors

    def probability(self, inputs: Vectors) -> float:
        """The mean of the members' probabilities."""
        active = np.maximum(self.hidden @ inputs + self.hidden_bias, 0.0)
        raw = (active * self.out).sum(axis=1) + self.out_bias
        return float((1 / (1 + np.exp(-raw))).mean())

    def with_members(self, other: Committee) -> Committee:
        """This committee and another's members."""
        pairs = ((getattr(self, part.name), getattr(other, part.name)) for part in fields(Committee))
        return Committee(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class Heads:
    """Everything `firstreply train` fits; `version` is a digest of all its numbers."""

    embedder: str
    version: str
    query_mean: Vectors
    passage_mean: Vectors
    ranking: Vectors  # [d, d], the correction that searches rank by
    likeness: tuple[float, float]
    relevance: Relevance
    label: Head
    frustration: Committee
    level: Head
    urgency: Head
    topic: Head
    addressed: Head
    reasons: Head  # names a reason
    meant: Head  # whether a reason that a rule names is meant
    ngrams: Ngrams  # of both

    def centred_queries(self, vectors: Vectors) -> Vectors:
        """Query vectors minus their mean, renormalised: e5 puts all texts into a narrow cone."""
        return unit(vectors - self.query_mean)

    def centred_passages(self, vectors: Vectors) -> Vectors:
        """Passage vectors minus their mean, renormalised."""
        return unit(vectors - self.passage_mean)

    def ranked(self, centred: Vectors) -> Vectors:
        """Centred vectors as a search compares them, unit length."""
        return unit(centred @ self.ranking)

    def inputs(self, text: Vectors, earlier: Vectors | None, extra: NDArray[np.float32]) -> Vectors:
        """One row of inputs from a centred text vector, centred earlier turns [n, d] or None, and features."""
        before = np.zeros_like(text) if earlier is None or not len(earlier) else earlier.mean(axis=0)
        return np.concatenate([text, before * EARLIER, extra * FEATURE_WEIGHT]).astype(np.float32)

    def labels(self, inputs: Vectors) -> dict[str, float]:
        """Each label's own probability; that of frustration is the committee's."""
        return self.label.independent(inputs) | {"frustration": self.frustration.probability(inputs)}

    def like(self, score: float) -> float:
        """The probability that a macro or product with this score (`near`) is what a message is about."""
        slope, offset = self.likeness
        return float(1 / (1 + np.exp(-(slope * score + offset))))


_COMMITTEE = tuple(field.name for field in fields(Committee))
_NGRAMS = tuple(field.name for field in fields(Ngrams))
_HEADS = ("label", "level", "urgency", "topic", "addressed", "reasons", "meant")


def digest_of_weights(heads: Heads) -> str:
    """First 12 hex digits of a SHA-256 over every number in the heads: their version."""
    digest = hashlib.sha256()
    for name in _HEADS:
        head: Head = getattr(heads, name)
        digest.update(repr(head.classes).encode())
        digest.update(head.weights.tobytes())
        digest.update(head.bias.tobytes())
    for name in _COMMITTEE:
        digest.update(getattr(heads.frustration, name).tobytes())
    for name in _NGRAMS:
        digest.update(getattr(heads.ngrams, name).tobytes())
    digest.update(heads.query_mean.tobytes())
    digest.update(heads.passage_mean.tobytes())
    digest.update(heads.ranking.tobytes())
    digest.update(repr((heads.likeness, heads.relevance.names, heads.relevance.offset)).encode())
    digest.update(heads.relevance.weights.tobytes())
    digest.update(heads.relevance.means.tobytes())
    return digest.hexdigest()[:12]


def save_heads(heads: Heads, path: Path) -> None:
    """Writes the heads to one safetensors file."""
    tensors: dict[str, Vectors] = {
        "query_mean": heads.query_mean, "passage_mean": heads.passage_mean, "ranking": heads.ranking,
        "relevance.weights": heads.relevance.weights, "relevance.means": heads.relevance.means,
    }  # fmt: skip
    classes: dict[str, tuple[str, ...]] = {}
    for name in _HEADS:
        head: Head = getattr(heads, name)
        tensors[f"{name}.weights"], tensors[f"{name}.bias"], classes[name] = head.weights, head.bias, head.classes
    tensors |= {f"frustration.{name}": getattr(heads.frustration, name) for name in _COMMITTEE}
    # One entry: safetensors writes several in no fixed order, and the same heads are to give the same bytes.
    described = {
        "embedder": heads.embedder, "version": heads.version, "classes": classes, "likeness": heads.likeness,
        "relevance": {"names": heads.relevance.names, "offset": heads.relevance.offset},
    }  # fmt: skip
    metadata = {"heads": json.dumps(described, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    stored = {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in tensors.items()}
    stored |= {f"ngrams.{name}": np.ascontiguousarray(getattr(heads.ngrams, name), np.float16) for name in _NGRAMS}
    save_file(stored, partial, metadata=metadata)
    partial.chmod(0o644)  # the library writes for its owner alone; a service user must read it too
    partial.replace(path)


def load_heads(path: Path, embedder: str) -> Heads:
    """The heads at `path`; raises ModelNotUsable where they are broken or belong to another embedder."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = json.loads(file.metadata()["heads"])
            classes = metadata["classes"]
            heads = {n: Head(tuple(classes[n]), file.get_tensor(f"{n}.weights"), file.get_tensor(f"{n}.bias")) for n in _HEADS}
            slope, offset = metadata["likeness"]
            judged = metadata["relevance"]
            loaded = Heads(
                embedder=metadata["embedder"],
                version=metadata["version"],
                query_mean=file.get_tensor("query_mean"),
                passage_mean=file.get_tensor("passage_mean"),
                ranking=file.get_tensor("ranking"),
                likeness=(slope, offset),
                relevance=Relevance(
                    tuple(judged["names"]),
                    file.get_tensor("relevance.weights"),
                    file.get_tensor("relevance.means"),
                    float(judged["offset"]),
                ),
                frustration=Committee(*(file.get_tensor(f"frustration.{name}") for name in _COMMITTEE)),
                ngrams=Ngrams(*(file.get_tensor(f"ngrams.{name}").astype(np.float32) for name in _NGRAMS)),
                **heads,
            )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ModelNotUsable(f"{path} holds no usable heads ({error}): run firstreply train") from None
    if loaded.embedder != embedder:
        raise ModelNotUsable(
            f"the heads in {path} were fitted on embedder {loaded.embedder}, the one in use is {embedder}: run firstreply train"
        )
    expected = 2 * len(loaded.query_mean) + len(feature_names())
    if loaded.label.weights.shape[1] != expected or loaded.ngrams.weights.shape != (SIZE, len(loaded.reasons.classes)):
        raise ModelNotUsable(f"the heads in {path} were fitted by another version of firstreply: run firstreply train")
    return loaded
