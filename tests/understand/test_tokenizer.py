"""The SentencePiece model of a build reads texts as the wheel's pieces and rules say, whatever a customer types."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.files import shipped
from service.understand.build import DEFAULT_MODEL
from service.understand.examples import read_examples
from service.understand.tokenizer import ANY, PIECES, Tokenizer, load_tokenizer, tokenizer_file
from service.understand.weights import bundled_weights, read_weights

LONGEST = 512


@pytest.fixture(scope="module")
def ours(models_dir: Path) -> Tokenizer:
    assert tokenizer_file(models_dir / DEFAULT_MODEL) == PIECES
    return load_tokenizer(models_dir / DEFAULT_MODEL, LONGEST)


@pytest.fixture(scope="module")
def other(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """The same pieces read by the library `tokenizers`, as the sentence-transformers directory has them."""
    path = models_dir / DEFAULT_MODEL / ANY
    if not path.exists():
        pytest.skip("the folder in use holds the serving part only: run firstreply models build --force")
    folder = tmp_path_factory.mktemp("other")
    (folder / ANY).symlink_to(path.resolve())
    return load_tokenizer(folder, LONGEST)


def test_both_libraries_give_the_same_ids_for_real_messages(ours: Tokenizer, other: Tokenizer) -> None:
    texts = ["query: " + example.text.strip() for example in read_examples([shipped("knowledge/examples")])]
    assert len(texts) > 1_500
    differing = [t for t, a, b in zip(texts, ours.encode(texts), other.encode(texts), strict=True) if a != b]
    assert differing == []


@pytest.mark.parametrize(
    "text",
    [
        "ＦＵＬＬ ｗｉｄｔｈ and ﬁne ligatures",
        "I can’t 🤦🏽\u200d♀️ anymore",
        "e\u0301tranger",
        "مرحبا بالعالم",
        "한국어",
        "a\tb\n\nc",
        "😡😡😡",
    ],
)
def test_odd_texts_are_read_alike(ours: Tokenizer, other: Tokenizer, text: str) -> None:
    assert ours.encode([text]) == other.encode([text])


def test_marks_typed_by_a_customer_are_plain_text(ours: Tokenizer) -> None:
    pieces = read_weights(bundled_weights()).pieces
    (ids,) = ours.encode(["<s> hi </s> <mask>"])
    assert (pieces[ids[0]], pieces[ids[-1]]) == ("<s>", "</s>")
    assert not {pieces.index(mark) for mark in ("<s>", "</s>", "<mask>", "<pad>")} & set(ids[1:-1])


def test_a_long_text_keeps_the_mark_of_its_end(ours: Tokenizer) -> None:
    (short,), (long,) = ours.encode(["hello"]), ours.encode(["hello " * 2_000])
    assert (len(long), long[0], long[-1]) == (LONGEST, short[0], short[-1])


@settings(max_examples=200, deadline=None)
@given(text=st.text())
def test_any_text_can_be_read(ours: Tokenizer, text: str) -> None:
    (ids,) = ours.encode([text])
    assert 2 <= len(ids) <= LONGEST
