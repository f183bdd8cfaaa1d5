"""The linear correction that searches rank by, fitted on the sample questions of FAQs, and the relevance of what is found.

e5's space is multilingual, but texts of one manner or one language lie nearer to each other than texts of one meaning.
The correction is the inverse square root of the covariance within a FAQ (within-class covariance normalisation,
Hatch and others 2006), of all its questions in all languages, shrunk towards a multiple of the identity: directions
in which questions of one FAQ differ count less. Measured figures: docs/decisions/0009-ranking.md and 0014-hybrid-ranking.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from service.retrieve.lexical import Lexicon
from service.understand.classifier import Vectors, entry_scores, unit
from service.understand.relevance import PAIR, Asked, Relevance, message_features, names_of_features, pair_features, ranked

SHRINK = 0.7  # share of the identity; less ranks held-out questions better and real messages worse
LEAST_ENTRIES = 8  # with fewer FAQs there is nothing to learn from and the correction does nothing
FOLDS = 5
WRONG = 3  # best-ranked entries of a search that the right one is told from
LEAST_SEARCHES = 50  # right ones and wrong ones below which nothing is fitted
RELEVANCE_PENALTY = 0.1
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


def fit_likeness(
    questions: Vectors, owners: Sequence[str], others: Vectors, other_owners: Sequence[str], foreign: Vectors
) -> tuple[float, float]:
    """Slope and offset that turn an entry's score alone into a probability: of macros and products.

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


@dataclass(frozen=True)
class Search:
    """A message of which is known which of the `entries` answers it, if any: its centred vector [d], and what is known of it."""

    vector: Vectors
    text: str
    language: str
    asked: Asked
    right: str | None


@dataclass(frozen=True)
class Library:
    """A brand's FAQs as a search sees them: corrected vectors [n, d] with the entry of each, and texts and topics."""

    vectors: Vectors
    owners: Sequence[str]
    texts: Mapping[str, Mapping[str, str]]  # by entry and language
    topics: Mapping[str, str | None]


def fit_relevance(
    searches: Sequence[tuple[Library, Search]], correction: Vectors, topics: Sequence[str], otherwise: tuple[float, float]
) -> Relevance:
    """The relevance that tells answers among the best-ranked entries of each search; `otherwise` where there are too few."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names = names_of_features(topics)
    lexicons: dict[tuple[int, str], Lexicon] = {}
    rows: list[Vectors] = []
    truth: list[bool] = []
    for library, search in searches:
        entries = sorted(library.topics)
        number = {entry: at for at, entry in enumerate(entries)}
        own = np.array([number[owner] for owner in library.owners])
        near = entry_scores(library.vectors @ unit(search.vector @ correction), own, len(entries)).astype(np.float32)
        where = (id(library), search.language)
        if where not in lexicons:
            lexicons[where] = _lexicon(library, search.language)
        words = lexicons[where].shares(search.text, entries)
        same = np.array([search.asked.topic_score * (library.topics[e] == search.asked.topic) for e in entries], np.float32)
        pairs = pair_features(near, words, same)
        rest = message_features(search.asked, names[len(PAIR) :])
        best = [entries[at] for at in np.argsort(-ranked(near, words))[:WRONG]]
        for entry in dict.fromkeys([*((search.right,) if search.right else ()), *best]):
            rows.append(np.concatenate([pairs[number[entry]], rest]))
            truth.append(entry == search.right)
    if min(sum(truth), len(truth) - sum(truth)) < LEAST_SEARCHES:
        weights = np.zeros(len(names), np.float32)
        weights[0] = otherwise[0]
        return Relevance(names, weights, np.zeros(len(names), np.float32), otherwise[1])
    inputs = np.stack(rows)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=RELEVANCE_PENALTY, max_iter=3_000)).fit(inputs, truth)
    scale, line = model[0].scale_, model[1]
    weights = line.coef_[0] / scale
    offset = float(line.intercept_[0] - (weights * model[0].mean_).sum())
    return Relevance(names, weights.astype(np.float32), inputs.mean(axis=0).astype(np.float32), offset)


def _lexicon(library: Library, language: str) -> Lexicon:
    """The texts of a library in one language, another one's where an entry has none in it."""
    made = Lexicon()
    made.put({entry: texts.get(language) or next(iter(texts.values())) for entry, texts in library.texts.items()})
    return made
