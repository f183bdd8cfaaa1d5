"""The page of a triage: what an agent does is kept as feedback once, nothing newer is overlooked, and text stays text."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service import pipeline
from service.desk.marks import Piece, by_evidence
from service.imports import import_knowledge
from service.messages import Customer, Feedback, Message, Order, Triage
from service.parts import Parts, build_parts
from service.records.purchases import put_customers, put_orders
from service.redraft import Wish, redraft

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
LATE = {
    "text": "My order A-1001 is still not here, this is the third time I write!", "channel": "instagram",
    "author": {"customer_id": "C-1042", "name": "Lena", "handle": "@lena"},
}  # fmt: skip


async def come(parts: Parts, **fields: Any) -> Triage:
    given = {
        "text": "Do you ship to Belgium?",
        "channel": "email",
        "received_at": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(),
    } | fields
    return await pipeline.triage(Message.model_validate(given), parts)


async def feedback(parts: Parts, triage: Triage) -> list[Feedback]:
    return await parts.records.feedback.of(triage.id)


def text_of(triage: Triage, side: str = "private") -> str:
    text = getattr(triage.draft, side)
    assert text is not None
    return str(text.text)


@pytest.mark.parametrize(
    ("text", "evidence", "expected"),
    [
        ("third time!", [(1, "third time")], [Piece("third time", (1,)), Piece("!")]),
        ("a b c", [(1, "a b"), (2, "b c")], [Piece("a ", (1,)), Piece("b", (1, 2)), Piece(" c", (2,))]),
        ("Third TIME", [(1, "third time")], [Piece("Third TIME", (1,))]),
        ("nothing", [(1, "elsewhere"), (2, "")], [Piece("nothing")]),
        ("İi <b>", [(1, "<b>")], [Piece("İi "), Piece("<b>", (1,))]),
        ("", [(1, "x")], []),
    ],
)
def test_evidence_is_marked_where_it_stands(text: str, evidence: list[tuple[int, str]], expected: list[Piece[int]]) -> None:
    assert by_evidence(text, evidence) == expected
    assert "".join(piece.text for piece in by_evidence(text, evidence)) == text


async def test_the_page_says_why_and_shows_what_the_draft_rests_on(own: Parts, visitor: Any) -> None:
    triage = await come(own, **LATE)
    page = (await visitor.get(f"/desk/triages/{triage.id}?channel=instagram")).text
    assert re.search(r'<mark title="[^"]*Has written about this before[^"]*">third time<sup>1</sup></mark>', page)
    for said in ("Frustration", "Order A-1001", "late", "Has written about this before", "Public on Instagram", "@lena"):
        assert said in page
    assert f"/desk/queue/next?after={triage.id}&amp;channel=instagram" in page
    assert "/desk/queue?channel=instagram" in page
    faq = await come(own)
    page = (await visitor.get(f"/desk/triages/{faq.id}")).text
    cited = faq.draft.citations[0].source if faq.draft else ""
    assert f'data-passage="{cited}"' in page


async def test_accepting_and_editing_are_kept_as_what_they_are(own: Parts, visitors: Any) -> None:
    (maja,) = await visitors("maja")
    first, second = await come(own), await come(own)
    sent = await maja.send(f"/desk/triages/{first.id}/send", {"text": text_of(first), "side": "private", "approve": "true"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/desk/triages/{first.id}")
    (kept,) = await feedback(own, first)
    assert (kept.action, kept.agent, kept.text, kept.approve) == ("accepted", "maja", text_of(first), True)
    assert (await own.records.conversations.one("demo", first.id)).state == "answered"  # type: ignore[union-attr]
    text = text_of(second) + "\r\n\r\nBest,\r\nMaja"
    part = await maja.send(f"/desk/triages/{second.id}/send", {"text": text, "side": "private"}, hx_request="true")
    assert (part.status_code, "Accepted, edited" in part.text) == (200, True)
    (kept,) = await feedback(own, second)
    assert (kept.action, kept.text) == ("edited", text.replace("\r\n", "\n"))
    lines = await own.records.audit.lines("demo", second.id, second.id)
    assert ("maja", "feedback") in {(line.actor, line.action) for line in lines}


async def test_the_same_twice_at_once_is_kept_once(own: Parts, visitors: Any) -> None:
    (maja,) = await visitors("maja")
    triage = await come(own)
    fields = {"text": text_of(triage), "side": "private"}
    answers = await asyncio.gather(*(maja.send(f"/desk/triages/{triage.id}/send", fields) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    reasons = {"reasons": "wrong_tone", "reason": "too stiff"}
    await asyncio.gather(*(maja.send(f"/desk/triages/{triage.id}/reject", reasons) for _ in range(3)))
    assert [one.action for one in await feedback(own, triage)] == ["accepted", "rejected"]


async def test_rejecting_needs_a_reason_and_a_wrong_label_says_the_right_one(own: Parts, visitors: Any) -> None:
    (maja,) = await visitors("maja")
    triage = await come(own)
    refused = await maja.send(f"/desk/triages/{triage.id}/reject", {"reasons": "nonsense"})
    assert (refused.status_code, await feedback(own, triage)) == (422, [])
    await maja.send(f"/desk/triages/{triage.id}/reject", {"label": "praise", "topic": "delivery"})
    await maja.send(f"/desk/triages/{triage.id}/reject", {"topic": "no-topic-of-theirs"})
    (kept,) = await feedback(own, triage)
    assert kept.wrong is not None
    assert (kept.action, kept.wrong.label, kept.wrong.topic) == ("rejected", "praise", "delivery")
    assert "Rejected" in (await maja.get(f"/desk/triages/{triage.id}")).text


async def test_a_reply_that_is_too_long_or_empty_is_not_kept(own: Parts, visitors: Any) -> None:
    (maja,) = await visitors("maja")
    triage = await come(own, channel="x", text="Where is my parcel?")
    for text in ("", "  \n", "🎒" * 141):
        refused = await maja.send(f"/desk/triages/{triage.id}/send", {"text": text, "side": "public"}, hx_request="true")
        assert refused.status_code == 422
        assert refused.headers["hx-retarget"] == "#toasts"
    assert await feedback(own, triage) == []
    counted = await maja.send(f"/desk/triages/{triage.id}/count", {"text": "🎒" * 141 + "\r\n", "side": "public"})
    assert counted.json() == {"length": 283, "limit": 280, "over": 3}
    assert (await maja.send(f"/desk/triages/{triage.id}/send", {"text": "🎒" * 140, "side": "public"})).status_code == 303


async def test_what_is_newer_is_said_before_anything_is_kept(own: Parts, visitors: Any) -> None:
    (maja,) = await visitors("maja")
    triage = await come(own, conversation_id="newer-1")
    fields = {"text": "Yes, we do.", "side": "private", "number": "0"}
    assert (await maja.get(f"/desk/triages/{triage.id}/newer?number=0")).status_code == 204
    await redraft(triage.id, Wish(instruction="shorter"), own, "tom")
    assert "newer draft" in (await maja.get(f"/desk/triages/{triage.id}/newer?number=0")).text
    assert (await maja.get(f"/desk/triages/{triage.id}/newer?number=1")).status_code == 204
    told = await maja.send(f"/desk/triages/{triage.id}/send", fields, hx_request="true")
    assert (told.status_code, told.headers["hx-retarget"], "newer draft" in told.text) == (409, "#newer", True)
    later = await come(own, conversation_id="newer-1", text="And how long does it take?")
    told = await maja.send(f"/desk/triages/{triage.id}/send", fields | {"number": "1"}, hx_request="true")
    assert (told.status_code, f"/desk/triages/{later.id}" in told.text) == (409, True)
    assert (await maja.send(f"/desk/triages/{triage.id}/send", fields)).status_code == 409
    assert await feedback(own, triage) == []
    assert (await maja.send(f"/desk/triages/{triage.id}/send", fields | {"anyway": "true"})).status_code == 303
    assert [one.action for one in await feedback(own, triage)] == ["edited"]


async def test_what_another_has_claimed_is_theirs(own: Parts, visitors: Any) -> None:
    maja, tom = await visitors("maja", "tom")
    triage = await come(own)
    await maja.send(f"/desk/conversations/{triage.id}/claim", {})
    for path, fields in (("send", {"text": text_of(triage)}), ("reject", {"reasons": "other"}), ("resolve", {})):
        refused = await tom.send(f"/desk/triages/{triage.id}/{path}", fields)
        assert refused.status_code == 409, path
    assert await feedback(own, triage) == []
    assert (await maja.send(f"/desk/triages/{triage.id}/send", {"text": text_of(triage), "side": "private"})).status_code == 303


async def test_a_conversation_is_resolved_and_opened_again(own: Parts, visitors: Any) -> None:
    (maja,) = await visitors("maja")
    triage = await come(own)
    for path, state in (("resolve", "resolved"), ("reopen", "new")):
        assert (await maja.send(f"/desk/triages/{triage.id}/{path}", {})).status_code == 303
        assert (await own.records.conversations.one("demo", triage.id)).state == state  # type: ignore[union-attr]


async def test_another_draft_takes_the_editor_s_place(own: Parts, visitors: Any) -> None:
    (maja,) = await visitors("maja")
    triage = await come(own)
    part = await maja.send(f"/desk/triages/{triage.id}/redraft", {"instruction": "shorter"}, hx_request="true")
    assert (part.status_code, 'data-number="1"' in part.text, 'name="number" value="1"' in part.text) == (200, True, True)
    assert (await maja.send(f"/desk/triages/{triage.id}/redraft", {"tone": "formal"})).status_code == 303
    part = await maja.send(f"/desk/triages/{triage.id}/redraft", {"alternatives": "2"}, hx_request="true")
    assert part.text.count("data-use=") == 2
    assert (await maja.send(f"/desk/triages/{triage.id}/redraft", {"tone": "<script>"})).status_code == 303
    nothing = await come(own, text="lol nice video", channel="tiktok")
    assert nothing.draft is not None
    assert nothing.draft.action == "none"
    assert (await maja.send(f"/desk/triages/{nothing.id}/redraft", {"instruction": "shorter"})).status_code == 409
    assert "needs none" in (await maja.get(f"/desk/triages/{nothing.id}")).text


async def test_markup_stays_text_in_every_field(
    settings_in: Any, data_dir: Path, client_on: Any, visitor: Any, hire: Any
) -> None:
    async with build_parts(settings_in(data_dir)) as parts, client_on(parts) as client:
        entry = {
            "id": HOSTILE,
            "question": f"Dogs in the shop? {HOSTILE}",
            "answer": f"Dogs are welcome. {HOSTILE}",
            "url": "javascript:alert(1)",
        }
        await import_knowledge(parts, "demo", [json.dumps(entry)])
        order = Order.model_validate({
            "order_id": "Q-1", "customer_id": "C-1", "status": "in_transit", "note": HOSTILE, "carrier": HOSTILE,
            "tracking": HOSTILE, "items": [{"name": HOSTILE}], "total": {"amount": 5, "currency": "EUR"},
            "placed_at": HOSTILE[:20],
        })  # fmt: skip
        async with parts.records.writing() as connection:
            await put_customers(connection, "demo", [Customer(customer_id="C-1", name=HOSTILE)])
            await put_orders(connection, "demo", [order])
        triage = await come(
            parts, text=f"Are dogs allowed in the shop? {HOSTILE} I want to speak to a person! {HOSTILE}",
            author={"name": HOSTILE, "handle": HOSTILE, "customer_id": "C-1"}, conversation_id=HOSTILE,
            thread=[{"role": "customer", "text": HOSTILE}, {"role": "brand", "text": HOSTILE}],
            attachments=[{"kind": "image", "url": "javascript:alert(1)", "transcript": HOSTILE}], metadata={HOSTILE: HOSTILE},
        )  # fmt: skip
        visitor.client = client
        page = (await visitor.get(f"/desk/triages/{triage.id}?do={'%22%3E%3Cscript%3E'}")).text
        assert HOSTILE in str(triage.model_dump())
        assert page.count("&lt;script&gt;alert(1)") > 6
        assert not re.search(r"<script>alert|<img|javascript:", page)
        sent = await visitor.send(f"/desk/triages/{triage.id}/send", {"text": HOSTILE, "side": "private"}, hx_request="true")
        assert sent.status_code == 200
        assert "<script>" not in (await visitor.get(f"/desk/triages/{triage.id}")).text


async def test_a_message_of_ten_thousand_letters_is_folded_and_whole(own: Parts, visitor: Any) -> None:
    text = "مرحبا hello " * 830
    triage = await come(own, text=text[:9_990])
    page = (await visitor.get(f"/desk/triages/{triage.id}")).text
    assert "Show the whole message" in page
    assert text[:9_980] in page
    assert 'dir="auto"' in page


async def test_another_brand_s_triage_is_not_there(
    settings_in: Any, data_dir: Path, client_on: Any, visitor: Any, hire: Any
) -> None:
    async with build_parts(settings_in(data_dir)) as parts, client_on(parts) as client:
        await import_knowledge(parts, "beta", [])
        await parts.follow()
        theirs = await come(parts, brand="beta")
        await parts.records.agents.add("maja", "Maja", "agent", ("demo",), hire.password)
        visitor.client = client
        await visitor.log_in("maja")
        await visitor.get("/desk")
        path = f"/desk/triages/{theirs.id}"
        for answer in (
            await visitor.get(path), await visitor.get(f"{path}/newer"), await visitor.get("/desk/triages/tri_unknown"),
            await visitor.send(f"{path}/send", {"text": "hi"}), await visitor.send(f"{path}/reject", {"reasons": "other"}),
            await visitor.send(f"{path}/redraft", {"tone": "warm"}), await visitor.send(f"{path}/resolve", {}),
            await visitor.send(f"{path}/count", {"text": "hi"}),
        ):  # fmt: skip
            assert answer.status_code == 404
        assert await feedback(parts, theirs) == []
