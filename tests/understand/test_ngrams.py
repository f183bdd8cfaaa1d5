"""Character n-grams: the same words fall into the same buckets, however they are written, and no text is an error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from service.understand.ngrams import LEAST_TEXTS, LONGEST, SHORTEST, SIZE, Ngrams, counts, idf_of, weighed


def buckets(text: str) -> set[int]:
    return set(counts(text).buckets.tolist())


@pytest.mark.parametrize("text", ["Wo ist mein Paket, bitte?", "a", "naïve café 👍🏽 ok", "x y z", "line\nbreak\t tab"])
def test_there_are_as_many_as_scikit_learn_finds(text: str) -> None:
    found = counts(text)
    known = CountVectorizer(analyzer="char_wb", ngram_range=(SHORTEST, LONGEST)).build_analyzer()(text.casefold())
    assert np.rint(np.exp(found.values - 1)).sum() == len(known)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wo ist mein Zelt", "wo IST\n mein  zelt"),
        ("mein Zelt", "Zelt mein"),
        ("\ufb01nally", "finally"),
    ],
    ids=["case and blanks", "order", "ligature"],
)
def test_what_is_the_same_to_a_reader_has_the_same(one: str, other: str) -> None:
    assert buckets(one) == buckets(other)


def test_forms_of_a_word_share_more_than_strangers() -> None:
    forms, strangers = (
        len(buckets("Kündigung") & buckets(word)) / len(buckets("Kündigung")) for word in ("kündigen", "Lieferung")
    )
    assert forms > 0.4 > strangers


def test_a_word_inside_another_is_told_from_the_word() -> None:
    assert not buckets("sue") <= buckets("tissues")


@given(st.text(max_size=300))
def test_every_text_has_a_finite_score_for_every_head(text: str) -> None:
    ngrams = Ngrams(np.ones(SIZE, np.float32), np.ones((SIZE, 3), np.float32))
    scores = ngrams.scores(text)
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()


def test_a_score_is_the_sum_of_what_its_buckets_weigh() -> None:
    text = counts("charger")
    weights = np.zeros((SIZE, 2), np.float32)
    weights[text.buckets[0], 1] = 2.0
    scores = Ngrams(np.ones(SIZE, np.float32), weights).scores("charger")
    assert scores.tolist() == [0.0, pytest.approx(2.0 * weighed(text, np.ones(SIZE, np.float32))[0])]


def test_a_long_text_weighs_no_more_than_a_short_one() -> None:
    idf = np.ones(SIZE, np.float32)
    for text in ("Hi", "Where is my tent? " * 500):
        assert np.linalg.norm(weighed(counts(text), idf)) == pytest.approx(1.0, abs=1e-5)


def test_what_few_texts_say_weighs_nothing_and_what_many_say_little() -> None:
    texts = [counts("the rare")] * LEAST_TEXTS + [counts("the")] * 10 + [counts("unheard")]
    idf = idf_of(texts)
    rare, common, unheard = (idf[sorted(buckets(word) - other)[0]] for word, other in (
        ("rare", buckets("the unheard")), ("the", buckets("rare unheard")), ("unheard", buckets("the rare")),
    ))  # fmt: skip
    assert rare > common > 0
    assert unheard == 0
