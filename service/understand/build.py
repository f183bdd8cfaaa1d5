"""`firstreply models build`: makes a model directory that the service can serve from.

A model directory is a standard sentence-transformers directory (where that part was asked for) with an
`openvino/` build and a `firstreply.json` beside it: name, dimension, prefixes, fingerprint of the weights, and
reference vectors that every start compares with (a wrong export runs at full speed and returns nonsense).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from service.errors import ModelNotUsable
from service.understand.tokenizer import PIECES, tokenizer_file, write_sentencepiece
from service.understand.weights import Q4, E5Weights, bundled_weights, read_weights

DEFAULT_MODEL = "multilingual-e5-small"
MANIFEST = "firstreply.json"
LAYOUT = 2  # of the files in a build; counts up when a version needs other files than the one before
OPENVINO_MODEL = "openvino/embedder.xml"
REFERENCE_TEXTS = (
    "Wo bleibt mein Paket? Ich warte seit zwei Wochen!",
    "How do I send back a pair of boots that are too small?",
    "Bedankt voor de snelle levering, helemaal top 👍",
    "Var hittar jag mitt presentkort?",
    "Je veux être remboursé, c'est inadmissible.",
    "¿Se puede lavar la chaqueta a máquina?",
    "ＦＵＬＬ ｗｉｄｔｈ and ﬁne ligatures",
    "😡😡😡",
)
Progress = Callable[[str], None]


class Manifest(BaseModel):
    """What a model directory says of itself; `reference` holds one unit vector per reference text."""

    layout: int = 1  # LAYOUT of the version that made it
    name: str
    dimension: int
    query_prefix: str
    passage_prefix: str
    max_tokens: int
    fingerprint: str
    reference: list[list[float]]
    files: dict[str, str]  # SHA-256 of each file that is served from: a damaged weight may change no reference vector


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a built model; raises ModelNotUsable with the command that makes one."""
    path = directory / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelNotUsable(f"no model at {directory}: run firstreply models build {directory.name}") from None
    except (ValidationError, OSError) as error:
        first = str(error).splitlines()[0]
        raise ModelNotUsable(f"{path} can't be read ({first}): run firstreply models build --force") from None


def current(directory: Path) -> bool:
    """Whether the default model is built at `directory` with the files this version needs; raises ModelNotUsable."""
    return (directory / MANIFEST).exists() and read_manifest(directory).layout == LAYOUT


def build(models: Path, name: str, *, force: bool = False, progress: Progress = lambda _: None) -> tuple[Path, Manifest]:
    """Builds `name` under the models folder unless it is there: the default model, or any sentence-transformers model."""
    from service.understand.export import build_any, folder_name

    folder = models / folder_name(name)
    if (folder / MANIFEST).exists() and not force:
        manifest = read_manifest(folder)
        if name != DEFAULT_MODEL or (manifest.layout == LAYOUT and (folder / "modules.json").exists()):
            progress(f"{folder} is there already; --force builds it again")
            return folder, manifest
    try:
        if name == DEFAULT_MODEL:
            return folder, build_default(folder, sentence_transformers=True, progress=progress)
        return folder, build_any(folder, name, progress)
    except OSError as error:
        raise ModelNotUsable(f"{folder} can't be written: {error}") from None


def built(models: Path) -> list[tuple[Path, Manifest]]:
    """Every build under the models folder."""
    if not models.is_dir():
        return []
    return [(path, read_manifest(path)) for path in sorted(models.iterdir()) if (path / MANIFEST).exists()]


def build_default(directory: Path, *, sentence_transformers: bool, progress: Progress = lambda _: None) -> Manifest:
    """Builds multilingual-e5-small at `directory` from the bundled weights; a killed build leaves nothing half made."""
    from service.understand.graph import encoder
    from service.understand.quiet_openvino import ov

    source = bundled_weights()
    progress(f"reading {source.name}")
    weights = read_weights(source)
    with replaced(directory) as target:
        progress("writing the OpenVINO build")
        (target / "openvino").mkdir()
        ov.save_model(encoder(weights), target / OPENVINO_MODEL, compress_to_fp16=False)
        write_sentencepiece(weights, target / PIECES)
        if sentence_transformers:
            progress("writing the sentence-transformers directory")
            _write_tokenizer(weights, target)
            _write_sentence_transformers(weights, target)
        manifest = Manifest(
            layout=LAYOUT,
            name=DEFAULT_MODEL,
            dimension=weights.hidden,
            query_prefix="query: ",
            passage_prefix="passage: ",
            max_tokens=weights.max_positions,
            fingerprint=fingerprint(source),
            reference=_stored_reference(),
            files=served_files(target),
        )
        (target / MANIFEST).write_text(manifest.model_dump_json())
    return manifest


@contextmanager
def replaced(directory: Path) -> Iterator[Path]:
    """A new folder that takes the place of `directory` when the block ends well."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    target = directory.with_name(f".{directory.name}.{os.getpid()}")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    try:
        yield target
        shutil.rmtree(directory, ignore_errors=True)
        target.rename(directory)
    finally:
        shutil.rmtree(target, ignore_errors=True)


def served_files(directory: Path) -> dict[str, str]:
    """SHA-256 of each file of a build that the default runtime reads."""
    names = (OPENVINO_MODEL, OPENVINO_MODEL.replace(".xml", ".bin"), tokenizer_file(directory))
    return {name: _digest(directory / name) for name in names}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(path: Path) -> str:
    """First 16 hex digits of the SHA-256 of a weights file: vectors and heads carry it."""
    return _digest(path)[:16]


def _stored_reference() -> list[list[float]]:
    stored: list[list[float]] = json.loads(resources.files("service.understand").joinpath("reference.json").read_text())
    return stored


def _write_tokenizer(weights: E5Weights, target: Path) -> None:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    pieces = list(zip(weights.pieces, weights.scores, strict=True))
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=weights.unknown_id, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    start, end = weights.pieces.index("<s>"), weights.pieces.index("</s>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", start), ("</s>", end)]
    )
    tokenizer.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")]
    )
    tokenizer.save(str(target / "tokenizer.json"), pretty=False)


def _write_sentence_transformers(weights: E5Weights, target: Path) -> None:
    from safetensors.numpy import save_file

    def write(name: str, content: Any) -> None:
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(json.dumps(content, indent=2))

    write("modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ])  # fmt: skip
    (target / "2_Normalize").mkdir()
    write("1_Pooling/config.json", {"word_embedding_dimension": weights.hidden, "pooling_mode_mean_tokens": True})
    write("sentence_bert_config.json", {"max_seq_length": weights.max_positions, "do_lower_case": False})
    write("config_sentence_transformers.json", {"prompts": {"query": "query: ", "passage": "passage: "}})
    write("config.json", {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_size": weights.hidden,
        "num_hidden_layers": weights.layers, "num_attention_heads": weights.heads, "intermediate_size": weights.ffn,
        "vocab_size": weights.vocab, "max_position_embeddings": weights.max_positions, "hidden_act": "gelu",
        "type_vocab_size": weights.type_vocab, "layer_norm_eps": 1e-12, "pad_token_id": 0, "dtype": "float32",
    })  # fmt: skip
    write("tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": weights.max_positions, "bos_token": "<s>",
        "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>",
        "mask_token": "<mask>",
    })  # fmt: skip
    save_file(_torch_names(weights), target / "model.safetensors", metadata={"format": "pt"})


def _torch_names(weights: E5Weights) -> dict[str, NDArray[np.float32]]:
    embedding = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}
    layer = {
        "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
        "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense",
        "aln": "attention.output.LayerNorm", "oln": "output.LayerNorm",
    }  # fmt: skip
    ending = {"w": "weight", "b": "bias"}
    named: dict[str, NDArray[np.float32]] = {}
    for name, tensor in weights.tensors.items():
        values = tensor.dense() if isinstance(tensor, Q4) else np.ascontiguousarray(tensor)
        match name.split("."):
            case ["emb", "ln", part]:
                named[f"embeddings.LayerNorm.{ending[part]}"] = values
            case ["emb", part]:
                named[f"embeddings.{embedding[part]}.weight"] = values
            case [number, part, kind]:
                named[f"encoder.layer.{number[1:]}.{layer[part]}.{ending[kind]}"] = values
    return named
