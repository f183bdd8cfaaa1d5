"""The correction that searches rank by, and the score of an entry."""

from __future__ import annotations

import numpy as np
import pytest

from service.understand.classifier import NEAREST, entry_scores, near, unit
from service.understand.ranking import (
    LEAST_ENTRIES,
    LEAST_SEARCHES,
    UNFITTED,
    Library,
    Search,
    fit_likeness,
    fit_map,
    fit_relevance,
)
from service.understand.relevance import LEXICAL, OTHER_NEAR, OTHER_WORDS, Asked, pair_features

ENTRIES, EACH, SIZE = 12, 10, 24


def scattered(seed: int = 1, noise: float = 3) -> tuple[np.ndarray, list[str]]:
    """Vectors of entries that differ in the first half of the directions, each swamped by chance in the second half."""
    chance = np.random.default_rng(seed)
    meaning = np.zeros((ENTRIES, SIZE))
    meaning[:, : SIZE // 2] = np.random.default_rng(0).normal(size=(ENTRIES, SIZE // 2))
    manner = np.zeros((ENTRIES, EACH, SIZE))
    manner[:, :, SIZE // 2 :] = chance.normal(scale=noise, size=(ENTRIES, EACH, SIZE // 2))
    vectors = unit((meaning[:, None] + manner).reshape(-1, SIZE))
    return vectors, [f"e{at}" for at in range(ENTRIES) for _ in range(EACH)]


def share_right(correction: np.ndarray) -> float:
    (known, owners), (asked, _) = scattered(1), scattered(2)
    of = np.array([int(owner[1:]) for owner in owners])
    there = unit(known @ correction)
    best = [int(entry_scores(there @ unit(v @ correction), of, ENTRIES).argmax()) for v in asked]
    return float(np.mean(np.array(best) == of))


def test_directions_in_which_questions_of_one_entry_differ_count_less() -> None:
    vectors, owners = scattered()
    plain, corrected = share_right(np.eye(SIZE, dtype=np.float32)), share_right(fit_map(vectors, owners))
    assert corrected > plain + 0.1


def test_is_the_same_for_the_same_vectors_whatever_their_order() -> None:
    vectors, owners = scattered()
    order = np.random.default_rng(3).permutation(len(owners))
    shuffled = fit_map(vectors[order], [owners[at] for at in order])
    assert np.allclose(fit_map(vectors, owners), shuffled, atol=1e-4)


def test_too_few_entries_are_left_as_they_are() -> None:
    vectors, owners = scattered()
    few = EACH * (LEAST_ENTRIES - 1)
    assert np.array_equal(fit_map(vectors[:few], owners[:few]), np.eye(SIZE))
    nothing = vectors[:0]
    assert fit_likeness(vectors[:few], owners[:few], nothing, [], nothing) == UNFITTED


def test_likeness_is_fitted_so_that_a_nearer_entry_is_likelier() -> None:
    vectors, owners = scattered(noise=0.5)
    slope, offset = fit_likeness(vectors, owners, vectors[::EACH], owners[::EACH], unit(-vectors[:20]))
    assert slope > 0
    assert slope + offset > 0  # the same text is an answer
    assert offset < 0  # nothing in common is none


@pytest.mark.parametrize(("vectors", "taken"), [(1, 1), (4, 1), (5, 2), (8, 2), (24, NEAREST), (48, NEAREST)])
def test_an_entry_is_scored_by_its_nearest_and_more_of_them_the_more_it_has(vectors: int, taken: int) -> None:
    cosines = np.linspace(0.9, 0.1, vectors)
    assert near(cosines, vectors) == pytest.approx(0.45 + 0.5 * cosines[:taken].mean())


ASKS = {"frustration": 0.1, "information_seeking": 0.9, "praise": 0.0, "other": 0.0}
PRAISES = {"frustration": 0.0, "information_seeking": 0.1, "praise": 0.9, "other": 0.0}


def searches(count: int) -> list[tuple[Library, Search]]:
    """Messages of which every third praises and has no answer; all say a word of the entry they are nearest to."""
    vectors, owners = scattered(noise=1.0)
    names = sorted(set(owners))
    library = Library(
        vectors, owners, {name: {"en": f"about {name}word and more"} for name in names}, dict.fromkeys(names, "delivery")
    )
    asked, of = scattered(5, noise=1.0)
    found = []
    for at in range(count):
        owner, praises = of[at % len(of)], at % 3 == 0
        message = Asked(PRAISES if praises else ASKS, "delivery", 0.8, 9)
        text = f"{owner}word was lovely" if praises else f"a {owner}word please"
        found.append((library, Search(asked[at % len(asked)], text, "en", message, None if praises else owner)))
    return found


def test_relevance_tells_what_answers_from_what_is_only_nearest() -> None:
    relevance = fit_relevance(searches(110), np.eye(SIZE, dtype=np.float32), ["delivery"], UNFITTED)
    same = np.full(3, 0.8, np.float32)
    pairs = pair_features(np.array([0.6, 0.2, 0.1], np.float32), np.array([0.7, 0.1, 0.0], np.float32), same)
    asking = relevance.of(pairs, Asked(ASKS, "delivery", 0.8, 9))
    assert asking[0] > 0.8 > 0.2 > asking[1] > asking[2]
    unsure = pair_features(np.array([0.45, 0.4, 0.3], np.float32), np.array([0.3, 0.2, 0.1], np.float32), same)
    asked, praised = (relevance.of(unsure, Asked(scores, "delivery", 0.8, 9))[0] for scores in (ASKS, PRAISES))
    assert praised < relevance.of(unsure, None)[0] < asked
    assert asked - praised > 0.05


def test_relevance_of_too_few_searches_is_that_of_the_score_alone() -> None:
    found = fit_relevance(searches(LEAST_SEARCHES), np.eye(SIZE, dtype=np.float32), ["delivery"], (10.0, -5.0))
    pairs = pair_features(np.array([0.5, 0.9], np.float32), np.zeros(2, np.float32), np.zeros(2, np.float32))
    assert found.of(pairs, None) == pytest.approx([0.5, 1 / (1 + np.exp(-4.0))], abs=1e-5)


def test_gaps_are_to_the_best_of_the_others() -> None:
    pairs = pair_features(np.array([0.2, 0.5, 0.4], np.float32), np.array([0.1, 0.0, 0.3], np.float32), np.zeros(3, np.float32))
    assert pairs[:, 2] == pytest.approx([-0.3, 0.1, -0.1])
    assert pairs[:, 4] == pytest.approx([-0.2, -0.3, 0.2])


def test_a_single_entry_is_told_from_one_of_a_whole_help_centre() -> None:
    near, far = (pair_features(np.array([v], np.float32), np.array([w], np.float32), np.zeros(1, np.float32))[0]
                 for v, w in ((0.7, 0.5), (0.1, 0.0)))  # fmt: skip
    assert near[2:5] == pytest.approx([0.7 - OTHER_NEAR, 0.7 - OTHER_NEAR + LEXICAL * (0.5 - OTHER_WORDS), 0.5 - OTHER_WORDS])
    assert (far[2:5] < 0).all()
