"""Another embedder from end to end: built, refused until the heads fit it, trained, served by both runtimes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from service.files import shipped
from service.understand.examples import read_examples

pytest.importorskip("sentence_transformers", reason="other models need the extra `models`")
NAME = "little-bert"
SENTENCE = "Where is my parcel? It was due on Friday."


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers directory with a small BERT: real layers and a real vocabulary, weights by chance."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("little")
    words = BertWordPieceTokenizer(lowercase=True)
    words.train_from_iterator((e.text for e in read_examples([shipped("knowledge/examples")])), vocab_size=2_000)
    words.save(str(folder / "words.json"))
    torch.manual_seed(7)
    size = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    bert = folder / "bert"
    BertModel(BertConfig(vocab_size=words.get_vocab_size(), max_position_embeddings=128, **size)).save_pretrained(bert)
    BertTokenizerFast(tokenizer_file=str(folder / "words.json"), model_max_length=128).save_pretrained(bert)
    encoder = Transformer(str(bert), max_seq_length=128)
    SentenceTransformer(modules=[encoder, Pooling(64)], device="cpu").save(str(folder / NAME))
    return folder / NAME


Run = Callable[..., CompletedProcess[str]]


def test_is_built_trained_and_served(run: Run, little: Path, tmp_path: Path) -> None:
    where = {"data_dir": tmp_path / "data", "MODELS_DIR": tmp_path / "models"}
    built = run("models", "build", str(little), **where)
    assert (built.returncode, f"{NAME}: 64 dimensions" in built.stdout + built.stderr) == (0, True), built.stderr
    chosen = where | {"EMBEDDER": NAME}

    refused = run("triage", SENTENCE, **chosen)
    assert refused.returncode == 2
    assert "firstreply train" in refused.stderr.strip().splitlines()[-1]

    assert run("train", **chosen).returncode == 0
    served = {
        runtime: run("triage", SENTENCE, "--json", RUNTIME=runtime, **chosen) for runtime in ("openvino", "sentence-transformers")
    }
    assert {name: done.returncode for name, done in served.items()} == {"openvino": 0, "sentence-transformers": 0}
    ours, torch = (json.loads(done.stdout) for done in served.values())
    assert ours["versions"]["embedder"] == torch["versions"]["embedder"]
    assert ours["understanding"]["label"] == torch["understanding"]["label"]
    assert ours["understanding"]["confidence"] == pytest.approx(torch["understanding"]["confidence"], abs=0.02)

    own = tmp_path / "brands" / "examples"
    own.mkdir(parents=True)
    shipped_lines = (shipped("knowledge/examples") / "en.jsonl").read_text(encoding="utf-8").splitlines()[:20]
    (own / "own.jsonl").write_text("\n".join(line.replace('"en-', '"own-', 1) for line in shipped_lines), encoding="utf-8")
    gates = tmp_path / "gates.toml"
    gates.write_text('[[gate]]\nmeasure = "label.accuracy"\nminimum = 1.0\n', encoding="utf-8")
    before = (tmp_path / "data" / "heads.safetensors").read_bytes()
    told = chosen | {"KNOWLEDGE_DIR": tmp_path / "brands"}
    gated = run("train", "--gate", "understanding/en", "--gates", str(gates), **told)
    assert gated.returncode == 1, gated.stderr
    for said in ("learned from 20 messages of your own", "of 20 right", "failed: label.accuracy", "refused: the heads in"):
        assert said in gated.stderr
    assert (tmp_path / "data" / "heads.safetensors").read_bytes() == before

    # The stored vectors are this model's now: the default one is refused until its heads and vectors are made again.
    back = run("triage", SENTENCE, data_dir=tmp_path / "data")
    assert back.returncode == 2
    assert "firstreply train" in back.stderr
