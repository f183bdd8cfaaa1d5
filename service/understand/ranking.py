"""The linear correction that searches rank by, and how an entry is scored: fitted on the sample questions of a brand's FAQs.

e5's space is multilingual, but texts of one manner or one language lie nearer to each other than texts of one meaning.
The correction is the inverse square root of the covariance within a FAQ (within-class covariance normalisation,
Hatch and others 2006), of all its questions in all languages, shrunk towards a multiple of the identity: directions
in which questions of one FAQ differ count less. Measured figures: docs/decisions/0009-ranking.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.understand.classifier import Vectors, entry_scores, unit

SHRINK = 0.7  # share of the identity; less ranks held-out questions better and real messages worse
LEAST_ENTRIES = 8  # with fewer FAQs there is nothing to learn from and the correction does nothing
FOLDS = 5
UNFITTED = (12.0, -6.0)  # slope and offset where there are too few pairs to fit them


def fit_map(vectors: Vectors, entries: Sequence[str]) -> Vectors:
    """The correction, float32 [d, d], from centred vectors [n, d] and the entry each belongs to."""
    dimension = vectors.shape[1]
    names = sorted(set(entries))
    if len(names) < LEAST_ENTRIES:
        return np.eye(dimension, dtype=np.float32)
    owner = np.array([names.index(entry) for entry in entries])
    within = np.zeros((dimension, dimension))
    for at in range(len(names)):
        mine = vectors[owner == at].astype(np.float64)
        spread = mine - mine.mean(axis=0)
        within += spread.T @ spread
    within /= len(vectors)
    within = (1 - SHRINK) * within + SHRINK * np.trace(within) / dimension * np.eye(dimension)
    values, directions = np.linalg.eigh(within)
    root = (directions * values**-0.5) @ directions.T
    correction: Vectors = (root * np.sqrt(np.trace(within) / dimension)).astype(np.float32)
    return correction


def fit_relevance(
    questions: Vectors, owners: Sequence[str], others: Vectors, other_owners: Sequence[str], foreign: Vectors
) -> tuple[float, float]:
    """Slope and offset that turn an entry's score into the probability that it answers.

    Each sample question [n, d] is held out of its fold and searched among the rest and `others` (titles and passages),
    the correction fitted without it. Right: the score of its own entry. Wrong: the best score of another entry, and
    of any entry for `foreign` messages, which nothing answers. All vectors are centred.
    """
    from sklearn.linear_model import LogisticRegression

    names = sorted({*owners, *other_owners})
    if len(names) < LEAST_ENTRIES or len(questions) < 2 * FOLDS:
        return UNFITTED
    number = {name: at for at, name in enumerate(names)}
    own, beside = np.array([number[o] for o in owners]), np.array([number[o] for o in other_owners])
    fold = np.random.default_rng(0).permutation(len(questions)) % FOLDS
    right, wrong = list[float](), list[float]()
    for at in range(FOLDS):
        kept, held = fold != at, fold == at
        vectors, of = np.concatenate([questions[kept], others]), np.concatenate([own[kept], beside])
        correction = fit_map(vectors, [names[i] for i in of])
        there = unit(vectors @ correction)
        for vector, truth in [*zip(questions[held], own[held], strict=True), *((v, -1) for v in foreign[at::FOLDS])]:
            scores = entry_scores(there @ unit(vector @ correction), of, len(names))
            if truth >= 0:
                right.append(float(scores[truth]))
                scores[truth] = -1.0
            wrong.append(float(scores.max()))
    pairs = np.array([*right, *wrong])[:, None]
    truth_of = np.array([True] * len(right) + [False] * len(wrong))
    model = LogisticRegression(class_weight="balanced", C=100.0).fit(pairs, truth_of)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
