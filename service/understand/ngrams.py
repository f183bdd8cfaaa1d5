"""Character n-grams of a text, hashed: how words are spelt, which a vector of the whole text only hints at.

Two to five characters of a word with a blank at both its ends (as scikit-learn's `char_wb`), so that "Kündigung" and
"kündigen" share most of theirs. A bucket of SIZE stands for all n-grams that fall into it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZE = 1 << 15  # buckets: mean average precision of reasons .627 with half as many, .629 with these, .629 with twice as many
SHORTEST, LONGEST = 2, 5
LEAST_TEXTS = 3  # texts below which a bucket says nothing
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: multiplying by it spreads neighbours (Knuth, TAOCP 6.4)
_SHIFT, _TOP = np.uint64(29), np.uint64(65 - SIZE.bit_length())  # the top bits are the best mixed

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Counts:
    """The buckets a text falls into and 1 + log of how often it does, [n] each."""

    buckets: NDArray[np.int64]
    values: Floats


@dataclass(frozen=True)
class Ngrams:
    """What n-grams add to the scores of k heads: idf [SIZE], weights [SIZE, k]."""

    idf: Floats
    weights: Floats

    def scores(self, text: str) -> Floats:
        """What the text's n-grams add to each head's score, [k], float32."""
        found = counts(text)
        added: Floats = weighed(found, self.idf) @ self.weights[found.buckets]
        return added


def counts(text: str) -> Counts:
    """The n-grams of a text, without case and line breaks."""
    words = unicodedata.normalize("NFKC", text).casefold().split()
    letters = np.frombuffer(f" {' '.join(words)} ".encode("utf-32-le"), np.uint32).astype(np.uint64)
    blank = letters == ord(" ")
    hashes, inside = letters * _ODD, np.ones(len(letters), bool)  # inside: no blank but at an end
    found = []
    for length in range(SHORTEST, min(LONGEST, len(letters)) + 1):
        starts = len(letters) - length + 1
        hashes = (hashes[:starts] ^ (hashes[:starts] >> _SHIFT)) * _ODD + letters[length - 1 :]
        inside = inside[:starts]
        if length > SHORTEST:
            inside = inside & ~blank[length - 2 : length - 2 + starts]
        found.append((hashes[inside] * _ODD) >> _TOP)
    buckets, times = np.unique(np.concatenate(found), return_counts=True)
    return Counts(buckets.astype(np.int64), (1 + np.log(times)).astype(np.float32))


def weighed(found: Counts, idf: Floats) -> Floats:
    """The text's tf-idf in its buckets, unit length; zeros where none of them is known."""
    values = found.values * idf[found.buckets]
    scaled: Floats = values / max(float(np.linalg.norm(values)), 1e-9)
    return scaled


def idf_of(texts: Sequence[Counts]) -> Floats:
    """How telling each bucket is among the texts (inverse document frequency, smoothed), [SIZE]; 0 where few have it."""
    of_texts = np.bincount(np.concatenate([text.buckets for text in texts]), minlength=SIZE)
    idf = np.log((1 + len(texts)) / (1 + of_texts)) + 1
    return np.where(of_texts >= LEAST_TEXTS, idf, 0).astype(np.float32)
