"""What one would write in an afternoon: FastAPI, sentence-transformers on torch, qdrant-client in memory.

Embeds a message and searches the FAQ passages of a brand; no classification, no orders, no draft, no record.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from fastapi import FastAPI
from pydantic import BaseModel
from qdrant_client import QdrantClient, models
from sentence_transformers import SentenceTransformer

COLLECTION = "faqs"
torch.set_num_threads(1)
model = SentenceTransformer(os.environ["RIVAL_MODEL"], device="cpu")
client = QdrantClient(":memory:")
app = FastAPI()


class Query(BaseModel):
    """A message of a brand's customer."""

    text: str
    brand: str


def _fill() -> None:
    faqs = json.loads(Path(os.environ["RIVAL_FAQS"]).read_text(encoding="utf-8"))
    vectors = model.encode([f"passage: {faq['text']}" for faq in faqs], normalize_embeddings=True, show_progress_bar=False)
    params = models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE)
    client.create_collection(COLLECTION, vectors_config=params)
    points = [models.PointStruct(id=at, vector=vectors[at].tolist(), payload=faq) for at, faq in enumerate(faqs)]
    client.upsert(COLLECTION, points)


_fill()


@app.get("/readyz")
def ready() -> dict[str, str]:
    """The model is loaded and the passages are in."""
    return {"status": "ok"}


@app.post("/search")
def search(query: Query) -> list[dict[str, object]]:
    """The four nearest passages of the brand."""
    vector = model.encode(f"query: {query.text}", normalize_embeddings=True, show_progress_bar=False)
    mine = models.Filter(must=[models.FieldCondition(key="brand", match=models.MatchValue(value=query.brand))])
    found = client.query_points(COLLECTION, query=vector.tolist(), query_filter=mine, limit=4).points
    return [{"score": point.score, **(point.payload or {})} for point in found]
