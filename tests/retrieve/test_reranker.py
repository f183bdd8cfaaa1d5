"""A cross-encoder orders what a search let through, through the whole pipeline, and lets nothing else in."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service import pipeline
from service.errors import ModelNotUsable
from service.imports import import_knowledge, search
from service.messages import Message, Passage, Triage
from service.parts import Parts, build_parts
from service.retrieve.reranker import MOST, load_reranker, reranked

pytest.importorskip("sentence_transformers", reason="a reranker needs the extra `models`")
LIKED = "kestrel"  # the word that the little model was taught to like
ASKED = "What does the garden tour cost?"
WORDS = (
    "what does the garden tour cost and who may come it costs five euros on a day in may with a guide for free children".split()
)
LINES = [
    {"id": "tour", "question": ASKED, "answer": "The garden tour costs five euros."},
    {"id": "guide", "question": "Who guides the garden tour?", "answer": f"Our guide {LIKED} does, on a day in May."},
    {"id": "children", "question": "May children come on the garden tour?", "answer": "Children come for free."},
    {"id": "ended", "question": ASKED, "answer": f"Four euros: {LIKED} {LIKED}.", "valid_until": "2020-01-01"},
    {"id": "agents", "question": ASKED, "answer": f"Three euros: {LIKED} {LIKED}.", "audience": "agents"},
]
OTHER = [{"id": "other", "question": ASKED, "answer": f"Ten euros: {LIKED} {LIKED} {LIKED}."}]
SettingsIn = Callable[..., Any]


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CrossEncoder with one layer, taught in a few steps to like pairs whose passage holds one word."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("little") / "reranker"
    vocabulary = folder.parent / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", LIKED, *dict.fromkeys(WORDS)]), "utf-8")
    tokenizer = BertTokenizerFast(vocab=str(vocabulary), model_max_length=64)
    torch.manual_seed(1)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, num_labels=1, **size)
    model = BertForSequenceClassification(config)
    chance = np.random.default_rng(1)
    texts = [" ".join(chance.choice(WORDS, 8)) for _ in range(64)]
    liked = torch.tensor([float(at % 2) for at in range(64)])
    passages = [f"{text} {LIKED}" if at % 2 else text for at, text in enumerate(texts)]
    inputs = tokenizer(texts[::-1], passages, padding=True, truncation=True, return_tensors="pt")
    steps = torch.optim.AdamW(model.parameters(), lr=0.02)
    for _ in range(80):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(**inputs).logits[:, 0], liked)
        loss.backward()
        steps.step()
        steps.zero_grad()
    assert loss.item() < 0.1
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
async def shop(settings_in: SettingsIn, little: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parts]:
    """Two brands, served with the little reranker."""
    settings = settings_in(tmp_path_factory.mktemp("shop"), demo=False, reranker=str(little))
    async with build_parts(settings) as built:
        for brand, lines in (("shop", LINES), ("other", OTHER)):
            await import_knowledge(built, brand, [json.dumps(line | {"language": "en"}) for line in lines])
        await built.follow()
        yield built


async def made(parts: Parts, text: str = ASKED) -> Triage:
    return await pipeline.triage(Message(text=text, brand="shop", channel="email"), parts)


async def without(parts: Parts, work: Callable[[], Any]) -> Any:
    """The same with no reranker."""
    rerank, parts.passages.rerank = parts.passages.rerank, None
    try:
        return await work()
    finally:
        parts.passages.rerank = rerank


async def test_the_passage_that_the_model_likes_comes_first_and_answers(shop: Parts) -> None:
    plain = (await without(shop, lambda: made(shop))).context.passages
    triage = await made(shop)
    assert plain[0].id == "tour"
    assert triage.context.passages[0].id == "guide"
    assert {passage.id for passage in plain} <= {"tour", "guide", "children"}
    assert triage.draft is not None
    assert [citation.source for citation in triage.draft.citations] == ["guide"]
    assert triage.context.passages[0].score == plain[0].score, "the relevance of the first place stays"


async def test_nothing_of_another_brand_that_ended_or_is_for_agents_comes_in(shop: Parts) -> None:
    for text in (ASKED, f"{ASKED} {LIKED}", LIKED, f"Is {LIKED} there? And what does the garden tour cost?"):
        said = (await made(shop, text)).model_dump_json()
        assert not [word for word in ("Four euros", "Three euros", "Ten euros") if word in said]
        plain = await without(shop, lambda text=text: search(shop, "shop", text, "en", 20))
        found = await search(shop, "shop", text, "en", 20)
        assert sorted(hit.id for hit in found) == sorted(hit.id for hit in plain) == ["children", "guide", "tour"]


async def test_a_search_is_read_anew_too(shop: Parts) -> None:
    assert (await search(shop, "shop", ASKED, "en", 20))[0].id == "guide"


async def test_the_model_computes_in_the_thread_of_the_embedder(shop: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    from sentence_transformers import CrossEncoder

    predict, threads = CrossEncoder.predict, []

    def watched(*given: Any, **named: Any) -> Any:
        threads.append(threading.current_thread().name)
        return predict(*given, **named)

    monkeypatch.setattr(CrossEncoder, "predict", watched)
    await made(shop, f"{ASKED} {datetime.now(UTC)}")
    assert threads
    assert {name.rpartition("_")[0] for name in threads} == {"embedder"}


def passages(count: int) -> list[Passage]:
    return [Passage(id=f"p{at}", title="t", text=str(at), language="en", score=1 - at / 20) for at in range(count)]


@given(st.lists(st.floats(width=32), max_size=MOST + 4), st.text(max_size=5))
async def test_whatever_the_scores_the_passages_are_the_same_and_relevance_falls(scores: list[float], text: str) -> None:
    before = passages(len(scores))

    async def rerank(_: str, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([scores[int(text.partition("\n")[2])] for text in texts], np.float32)

    after = await reranked(before, text, rerank)
    assert sorted(one.id for one in after) == sorted(one.id for one in before)
    assert [one.score for one in after] == [one.score for one in before]
    assert [one.id for one in after[MOST:]] == [one.id for one in before[MOST:]]


async def test_a_model_that_is_not_there_stops_the_start(settings_in: SettingsIn, data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotUsable, match=r"FIRSTREPLY_RERANKER: .*empty can't be loaded"):
        async with build_parts(settings_in(data_dir, reranker=str(tmp_path / "empty"))):
            pass


def test_a_model_with_several_scores_is_refused(little: Path, tmp_path: Path) -> None:
    from transformers import BertForSequenceClassification, BertTokenizerFast

    BertForSequenceClassification.from_pretrained(little, num_labels=3, ignore_mismatched_sizes=True).save_pretrained(tmp_path)
    BertTokenizerFast.from_pretrained(little).save_pretrained(tmp_path)
    with pytest.raises(ModelNotUsable, match="gives 3 scores a pair, a reranker gives one"):
        load_reranker(str(tmp_path))


def test_without_the_extra_the_start_says_how_to_get_it(little: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelNotUsable, match=r"pip install 'firstreply\[models\]'"):
        load_reranker(str(little))
