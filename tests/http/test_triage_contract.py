"""POST /v1/triage, GET /v1/triages/{id} and feedback: the contract other systems build on."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import httpx
import pytest

from service import __version__

LENA = {
    "text": "Zum dritten Mal: wo bleibt mein Zelt?! Das ist echt unfassbar.",
    "id": "ext-1",
    "brand": "demo",
    "channel": "instagram",
    "visibility": "public",
    "author": {"handle": "@lena", "name": "Lena", "customer_id": "C-1042", "followers": 120},
    "conversation_id": "conv-9",
    "thread": [
        {"role": "customer", "text": "Wo ist mein Paket?", "at": "2026-11-20T10:00:00Z"},
        {"role": "brand", "text": "Hallo Lena, wir kümmern uns darum."},
    ],
    "attachments": [{"kind": "image", "url": "https://cdn.example/1.jpg", "transcript": None}],
    "language": None,
    "received_at": "2026-11-22T09:00:00Z",
    "metadata": {"ticket": "T-9", "Ünï": "✓"},
    "options": {"draft": True, "tone": "warm", "alternatives": 0},
}
REASONS = set(
    "explicit_human_request legal_threat regulator_complaint safety_risk self_harm fraud_or_security data_privacy_request "
    "press_or_influencer repeat_contact churn_risk strong_frustration discrimination_or_harassment vulnerable_customer "
    "high_value_loss payment_dispute prompt_injection unsupported_language low_confidence no_grounding draft_check_failed "
    "processing_error".split()
)
LABELS = {"frustration", "information_seeking", "praise", "other"}


async def triaged(client: httpx.AsyncClient, message: dict[str, Any]) -> dict[str, Any]:
    response = await client.post("/v1/triage", json=message)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def is_share(value: object) -> bool:
    return isinstance(value, float | int) and 0 <= value <= 1


def is_moment(value: object) -> bool:
    return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None


async def test_the_answer_echoes_what_identifies_the_message(client: httpx.AsyncClient) -> None:
    answer = await triaged(client, LENA)
    assert re.fullmatch(r"tri_[0-9a-f]{24}", answer["id"])
    assert answer["message_id"] == "ext-1"
    assert answer["brand"] == "demo"
    assert answer["conversation_id"] == "conv-9"
    assert answer["metadata"] == {"ticket": "T-9", "Ünï": "✓"}


async def test_the_answer_has_the_sections_of_the_contract(client: httpx.AsyncClient) -> None:
    answer = await triaged(client, LENA)
    assert set(answer) >= {
        "id", "message_id", "brand", "understanding", "context", "draft", "escalation", "versions", "timings_ms",
    }  # fmt: skip


async def test_understanding_has_every_field_with_its_type(client: httpx.AsyncClient) -> None:
    found = (await triaged(client, LENA))["understanding"]
    assert set(found) == {
        "label", "scores", "also", "frustration_level", "trajectory", "topic", "urgency", "addressed", "language", "signals",
        "confidence",
    }  # fmt: skip
    assert found["label"] == "frustration"
    assert set(found["scores"]) == LABELS
    assert all(is_share(score) for score in found["scores"].values())
    assert set(found["also"]) <= LABELS - {found["label"]}
    assert found["frustration_level"] in {"mild", "moderate", "strong"}
    assert found["trajectory"] in {"rising", "steady", "falling", "resolved"}
    assert found["topic"] == {"label": "delivery", "score": found["topic"]["score"]}
    assert is_share(found["topic"]["score"])
    assert found["urgency"] in {"low", "normal", "high", "critical"}
    assert found["addressed"] == {"label": "direct", "score": found["addressed"]["score"]}
    assert is_share(found["addressed"]["score"])
    assert found["language"] == {"code": "de", "score": found["language"]["score"], "supported": True}
    assert is_share(found["language"]["score"])
    assert {"repeat_contact"} <= {signal["code"] for signal in found["signals"]}
    assert all(signal["evidence"] in LENA["text"] for signal in found["signals"] if signal["start"] is not None)
    assert is_share(found["confidence"])


async def test_context_has_every_field_with_its_type(client: httpx.AsyncClient) -> None:
    context = (await triaged(client, LENA))["context"]
    assert set(context) == {"passages", "orders", "history", "precedents", "suggestions"}
    assert "faq-late-parcel-de" in [passage["id"] for passage in context["passages"]]
    for passage in context["passages"]:
        assert set(passage) >= {"id", "title", "text", "language", "score", "url"}
        assert all(isinstance(passage[name], str) and passage[name] for name in ("id", "title", "text", "language"))
        assert is_share(passage["score"])
    order = context["orders"][0]
    assert (order["order_id"], order["status"], order["due_at"], order["late"]) == ("A-1001", "in_transit", "2026-11-24", True)
    assert isinstance(context["history"], list)
    assert context["precedents"] == context["suggestions"] == []
    asked = {"text": "Ist das Skarn 2 wasserdicht und wie pflege ich es?", "channel": "instagram"}
    suggested = (await triaged(client, asked))["context"]["suggestions"]
    assert (suggested[0]["id"], suggested[0]["kind"]) == ("product-drift-mat", "product")
    assert all(set(found) == {"id", "title", "why", "kind", "url"} for found in suggested)


async def test_a_draft_has_every_field_with_its_type(client: httpx.AsyncClient) -> None:
    answer = await triaged(client, LENA)
    draft = answer["draft"]
    assert set(draft) == {
        "action", "engine", "language", "public", "private", "citations", "order_fields", "macro", "alternatives", "checks",
        "warnings",
    }  # fmt: skip
    assert draft["action"] == "handoff"
    assert draft["engine"] == "composer"
    assert draft["language"] == "de"
    assert (draft["public"]["limit"], draft["public"]["unit"]) == (2200, "chars")
    assert draft["public"]["length"] == len(draft["public"]["text"]) > 0
    assert (draft["private"]["limit"], draft["private"]["unit"]) == (1000, "bytes")
    assert draft["private"]["length"] == len(draft["private"]["text"].encode()) > 0
    sources = {passage["id"]: passage for passage in answer["context"]["passages"]}
    for citation in draft["citations"]:
        assert set(citation) == {"source", "quote"}
        assert citation["quote"] in sources[citation["source"]]["text"] + (sources[citation["source"]].get("short") or "")
    assert draft["order_fields"]
    assert all(re.fullmatch(r"A-1001\.\w+", name) for name in draft["order_fields"])
    assert draft["macro"] is None
    assert draft["alternatives"] == []
    assert {"no_personal_data_in_public"} <= {check["check"] for check in draft["checks"]}
    assert all(check["passed"] is True for check in draft["checks"])
    assert all(isinstance(warning, str) for warning in draft["warnings"])


async def test_an_escalation_has_every_field_with_its_type(client: httpx.AsyncClient) -> None:
    escalation = (await triaged(client, LENA))["escalation"]
    assert set(escalation) == {"escalate", "score", "reasons", "facts", "queue", "priority", "respond_by", "warn_at"}
    assert is_moment(escalation["warn_at"])
    assert LENA["received_at"] < escalation["warn_at"] < escalation["respond_by"]
    (late,) = (fact for fact in escalation["facts"] if fact["fact"] == "late_order")
    assert late["weight"] == 0.15
    assert late["detail"].startswith("A-1001 was due on ")
    assert escalation["escalate"] is True
    assert is_share(escalation["score"])
    assert "repeat_contact" in [reason["code"] for reason in escalation["reasons"]]
    for reason in escalation["reasons"]:
        assert set(reason) == {"code", "kind", "evidence", "detail"}
        assert reason["code"] in REASONS
        assert reason["kind"] in {"hard", "soft"}
    assert escalation["queue"] == "delivery"
    assert escalation["priority"] == "high"
    assert escalation["respond_by"] == "2026-11-22T09:30:00Z"


async def test_the_answer_says_what_made_it_and_how_long_it_took(client: httpx.AsyncClient) -> None:
    answer = await triaged(client, LENA)
    assert set(answer["versions"]) == {"service", "embedder", "classifier", "knowledge", "policy", "prompt"}
    assert answer["versions"]["service"] == __version__
    assert all(answer["versions"][name] for name in ("embedder", "classifier", "knowledge", "policy"))
    assert answer["versions"]["prompt"] is None
    assert set(answer["timings_ms"]) == {"embed", "classify", "retrieve", "decide", "draft", "total"}
    laps = [ms for name, ms in answer["timings_ms"].items() if name != "total"]
    assert sum(laps) <= answer["timings_ms"]["total"] + 0.1
    assert all(ms >= 0 for ms in laps)


async def test_only_the_text_is_required(client: httpx.AsyncClient) -> None:
    answer = await triaged(client, {"text": "how long does delivery to Ireland take?"})
    assert answer["brand"] == "demo"
    assert answer["message_id"] is None
    assert answer["metadata"] == {}
    assert is_moment(answer["received_at"])
    assert is_moment(answer["escalation"]["respond_by"])
    assert answer["draft"]["action"] == "reply"


async def test_no_draft_is_written_where_none_is_wanted(client: httpx.AsyncClient) -> None:
    answer = await triaged(client, LENA | {"options": {"draft": False}})
    assert answer["draft"] is None
    assert answer["escalation"]["escalate"] is True


async def test_a_private_channel_gets_a_private_text_only(client: httpx.AsyncClient) -> None:
    draft = (await triaged(client, {"text": "How long does delivery to Ireland take?", "channel": "whatsapp"}))["draft"]
    assert draft["public"] is None
    assert draft["private"]["text"]


async def test_the_public_text_tells_nothing_of_the_order(client: httpx.AsyncClient) -> None:
    public = (await triaged(client, LENA))["draft"]["public"]["text"]
    assert not [word for word in ("A-1001", "Skarn", "219", "Vogt", "C-1042", "24. November") if word in public]


async def test_a_stored_triage_is_the_answer_byte_for_byte(client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/triage", json=LENA)
    stored = await client.get(f"/v1/triages/{made.json()['id']}")
    assert stored.status_code == 200
    assert stored.headers["content-type"] == "application/json"
    assert stored.content == made.content


async def test_an_unknown_triage_is_not_found(client: httpx.AsyncClient, wrong: Any) -> None:
    for path in ("/v1/triages/tri_000000000000000000000000", "/v1/triages/%00", "/v1/triages/%F0%9F%98%80"):
        response = await client.get(path)
        assert response.status_code == 404, path
        assert wrong(response)["detail"] == "no triage with this id"


@pytest.mark.parametrize(
    "given",
    [
        {"action": "accepted", "agent": "mira"},
        {"action": "edited", "text": "Hallo Lena, dein Zelt kommt am Dienstag.", "agent": "mira"},
        {"action": "rejected", "reason": "wrong order"},
    ],
    ids=lambda given: given["action"],
)
async def test_feedback_is_kept(client: httpx.AsyncClient, parts: Any, given: dict[str, str]) -> None:
    triage_id = (await triaged(client, {"text": "Danke euch!"}))["id"]
    response = await client.post(f"/v1/triages/{triage_id}/feedback", json=given)
    assert response.status_code == 201
    receipt = response.json()
    assert (receipt["triage_id"], receipt["action"]) == (triage_id, given["action"])
    assert is_moment(receipt["at"])
    kept = await parts.records.feedback.of(triage_id)
    assert [feedback.model_dump(exclude_none=True) for feedback in kept] == [given | {"approve": False, "reasons": ()}]


async def test_feedback_on_an_unknown_triage_is_not_found(client: httpx.AsyncClient, wrong: Any) -> None:
    response = await client.post("/v1/triages/tri_000000000000000000000000/feedback", json={"action": "accepted"})
    assert response.status_code == 404
    wrong(response)


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({}, "/action"),
        ({"action": "sent"}, "/action"),
        ({"action": "accepted", "who": "mira"}, "/who"),
        ({"action": "accepted", "agent": 5}, "/agent"),
        ({"action": "edited"}, ""),
        ({"action": "edited", "text": "  "}, ""),
        ({"action": "rejected", "reason": "r" * 2_001}, "/reason"),
        ([], ""),
    ],
)
async def test_wrong_feedback_names_the_field(client: httpx.AsyncClient, wrong: Any, given: Any, pointer: str) -> None:
    triage_id = (await triaged(client, {"text": "Danke euch!"}))["id"]
    response = await client.post(f"/v1/triages/{triage_id}/feedback", json=given)
    assert response.status_code == 422
    assert [error["pointer"] for error in wrong(response)["errors"]] == [pointer]


async def test_a_customers_earlier_messages_are_history(client: httpx.AsyncClient) -> None:
    author = {"customer_id": "C-history"}
    first = await triaged(client, {"text": "Where is my parcel?", "author": author, "received_at": "2026-11-20T09:00:00Z"})
    await client.post(f"/v1/triages/{first['id']}/feedback", json={"action": "accepted"})
    second = await triaged(client, {"text": "Any news?", "author": author, "received_at": "2026-11-22T09:00:00Z"})
    assert [(past["triage_id"], past["outcome"]) for past in second["context"]["history"]] == [(first["id"], "accepted")]
