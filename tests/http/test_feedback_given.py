"""Feedback says what was changed and what was wrong, is listed, and answers the conversation."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from service.messages import Feedback
from service.parts import Parts

ASKED = {"text": "Wie wasche ich eine Daunenjacke?", "channel": "whatsapp"}


async def triaged(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    response = await client.post("/v1/triage", json=ASKED | more)
    assert response.status_code == 200
    made: dict[str, Any] = response.json()
    return made


async def given(client: httpx.AsyncClient, triage_id: str, **feedback: Any) -> httpx.Response:
    return await client.post(f"/v1/triages/{triage_id}/feedback", json=feedback)


async def state_of(client: httpx.AsyncClient, conversation_id: str) -> str:
    response = await client.get(f"/v1/conversations/{conversation_id}")
    assert response.status_code == 200
    return str(response.json()["state"])


async def test_an_edit_comes_back_with_what_was_changed_and_is_listed(client: httpx.AsyncClient) -> None:
    made = await triaged(client)
    text = made["draft"]["private"]["text"]
    sent = text + " Bis bald!"
    receipt = await given(client, made["id"], action="edited", text=sent, agent="mira", reasons=["wrong_tone", "incomplete"])
    assert receipt.status_code == 201
    edit = receipt.json()["edit"]
    assert (edit["draft"], edit["side"], edit["characters"], edit["words"]) == ("private", "private", 10, 2)
    assert edit["changes"] == [{"removed": "", "added": "Bis bald!"}]
    assert 0 < edit["character_share"] < 0.2

    await given(client, made["id"], action="rejected", reason="not this", reasons=["other"])
    listed = (await client.get(f"/v1/triages/{made['id']}/feedback")).json()
    assert [(one["feedback"]["action"], one["feedback"]["reasons"]) for one in listed] == [
        ("edited", ["wrong_tone", "incomplete"]), ("rejected", ["other"]),
    ]  # fmt: skip
    assert listed[0]["edit"] == edit
    assert listed[1]["edit"] is None
    assert listed[0]["at"] <= listed[1]["at"]


async def test_an_edit_of_a_redraft_names_it(client: httpx.AsyncClient) -> None:
    made = await triaged(client)
    again = await client.post(f"/v1/triages/{made['id']}/redraft", json={"tone": "brief"})
    text = again.json()["draft"]["private"]["text"]
    edit = (await given(client, made["id"], action="edited", text=text + "!")).json()["edit"]
    assert (edit["draft"], edit["number"], edit["characters"]) == ("redraft", 1, 1)


async def test_what_was_wrong_is_kept_and_a_topic_must_be_the_brands(client: httpx.AsyncClient, parts: Parts, wrong: Any) -> None:
    made = await triaged(client)
    right = {"label": "frustration", "topic": "returns", "urgency": "high", "language": "nl", "escalate": True, "level": "mild"}
    refused = await given(client, made["id"], action="accepted", wrong=right | {"topic": "retruns"})
    assert refused.status_code == 422
    assert wrong(refused)["errors"][0]["pointer"] == "/wrong/topic"
    assert "returns" in wrong(refused)["detail"]
    assert await parts.records.feedback.of(made["id"]) == []
    assert (await given(client, made["id"], action="accepted", wrong=right)).status_code == 201
    assert await parts.records.feedback.of(made["id"]) == [Feedback.model_validate({"action": "accepted", "wrong": right})]


@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        ({"wrong": {}}, "/wrong"),
        ({"wrong": {"label": "anger"}}, "/wrong/label"),
        ({"wrong": {"language": "German"}}, "/wrong/language"),
        ({"wrong": {"urgency": "soon"}}, "/wrong/urgency"),
        ({"wrong": {"mood": "bad"}}, "/wrong/mood"),
        ({"reasons": ["boring"]}, "/reasons/0"),
        ({"reasons": ["other"] * 8}, "/reasons"),
    ],
)
async def test_feedback_out_of_the_closed_lists_is_refused(
    client: httpx.AsyncClient, wrong: Any, bad: dict[str, Any], pointer: str
) -> None:
    made = await triaged(client)
    response = await given(client, made["id"], action="rejected", **bad)
    assert response.status_code == 422
    assert [error["pointer"] for error in wrong(response)["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("feedback", "state"),
    [
        ({"action": "accepted"}, "answered"),
        ({"action": "edited", "text": "Bei 30 Grad."}, "answered"),
        ({"action": "rejected", "reasons": ["wrong_facts"]}, "new"),
    ],
    ids=lambda given: given["action"] if isinstance(given, dict) else given,
)
async def test_a_reply_that_was_sent_answers_the_conversation(
    client: httpx.AsyncClient, feedback: dict[str, Any], state: str
) -> None:
    made = await triaged(client)
    assert (await given(client, made["id"], **feedback)).status_code == 201
    assert await state_of(client, made["id"]) == state


async def test_accepting_that_there_is_nothing_to_send_answers_nothing(client: httpx.AsyncClient) -> None:
    made = await triaged(client, text="@nina schau mal 😍", channel="instagram")
    assert made["draft"]["action"] == "none"
    await given(client, made["id"], action="accepted")
    assert await state_of(client, made["id"]) == "new"


async def test_a_reply_to_an_earlier_message_leaves_the_later_one_open(client: httpx.AsyncClient) -> None:
    first = await triaged(client, conversation_id="two-in-a-row")
    second = await triaged(client, conversation_id="two-in-a-row")
    await given(client, first["id"], action="accepted")
    assert await state_of(client, "two-in-a-row") == "new"
    await given(client, second["id"], action="accepted")
    assert await state_of(client, "two-in-a-row") == "answered"
