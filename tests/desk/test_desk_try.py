"""The playground over HTTP: all at once or stage by stage, never recorded; and the banner of the demo day."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from service.demo_day import day_messages, load
from service.desk.marks import by_signals
from service.desk.playground import STAGES, examples
from service.messages import Message, Signal
from service.parts import Parts
from service.records.tables import audit, conversations, inbox, triages

ASKED = {"text": "Wo bleibt mein Zelt?!", "channel": "instagram", "visibility": "private", "customer": "C-1042"}
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">\u202e"\'`{{7*7}} Wo ist mein Paket?'


async def rows(parts: Parts) -> list[int]:
    found = [await parts.records.all(select(func.count()).select_from(table)) for table in (triages, conversations, inbox, audit)]
    return [int(one[0][0]) for one in found]


def events_of(text: str) -> dict[str, str]:
    """Data by name of the event."""
    found = {}
    for one in text.split("\n\n"):
        lines = one.split("\n")
        name = next((line[7:] for line in lines if line.startswith("event: ")), None)
        if name is not None:
            found[name] = "\n".join(line[6:] for line in lines if line.startswith("data: "))
    return found


async def test_the_page_offers_customers_examples_and_says_that_nothing_is_kept(visitor: Any) -> None:
    page = html.unescape((await visitor.get("/desk/try")).text)
    assert "Not recorded" in page
    assert "Lena Vogt · A-1001 in transit" in page
    assert "A stranger" in page
    assert page.count("/desk/try?example=") == len(examples()) == 8
    assert len({one.language for one in examples()}) == 6


async def test_an_example_fills_the_form_in_without_javascript(visitor: Any) -> None:
    page = (await visitor.get("/desk/try?example=not-here")).text
    assert 'value="C-1052" selected' in page
    assert 'value="whatsapp" selected' in page
    assert re.search(r"<textarea[^>]*>\s*Er staat dat het is bezorgd", page)


async def test_everything_at_once_without_javascript_and_nothing_is_recorded(visitor: Any, own: Parts) -> None:
    before = await rows(own)
    await visitor.get("/desk/try")
    answer = await visitor.send("/desk/try", ASKED)
    page = html.unescape(answer.text)
    assert answer.status_code == 200
    assert "Wo bleibt mein Zelt?!" in page
    assert "A-1001" in page
    assert "Hallo Lena" in page or "Hi Lena" in page
    assert "checks passed" in page
    assert await rows(own) == before


async def test_the_stages_come_one_by_one_and_nothing_is_recorded(visitor: Any, own: Parts) -> None:
    before = await rows(own)
    await visitor.get("/desk/try")
    answer = await visitor.send("/desk/try/stream", ASKED)
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events_of(answer.text)
    assert [name for name in found if name != "delta"] == [*STAGES, "developers"]
    assert "Frustration" in found["understanding"]
    assert "A-1001" in found["context"]
    assert "Lena" in found["draft"]
    assert all(" ms" in found[stage] for stage in STAGES)
    assert await rows(own) == before


async def test_developers_get_the_answer_and_a_request_that_works(visitor: Any) -> None:
    await visitor.get("/desk/try")
    shown = events_of((await visitor.send("/desk/try/stream", ASKED | {"text": "C'est où, mon colis ?"})).text)["developers"]
    curl, result = (html.unescape(text) for text in re.findall(r"<pre[^>]*>(.*?)</pre>", shown, re.S))
    assert json.loads(result)["brand"] == "demo"
    assert curl.startswith("curl http://127.0.0.1:8000/v1/triage")
    assert "Authorization" not in curl
    sent = json.loads(curl.partition("-d ")[2].strip("'").replace("'\"'\"'", "'"))
    assert sent == {
        "text": "C'est où, mon colis ?", "brand": "demo", "channel": "instagram", "visibility": "private",
        "author": {"customer_id": "C-1042"},
    }  # fmt: skip
    assert Message.model_validate(sent).author.customer_id == "C-1042"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"text": "  \n "}, "Type a message first."),
        ({"text": "x" * 10_001}, "at most 10,000 characters"),
        ({"customer": "C-nobody"}, "no such customer"),
        ({"customer": "C" * 501}, "no such customer"),
        ({"channel": "fax"}, "Choose a channel"),
        ({"visibility": "secret"}, "Choose who can read it"),
    ],
)
async def test_what_is_not_right_is_said_beside_its_field_and_what_was_typed_stays(
    visitor: Any, changed: dict[str, str], said: str
) -> None:
    await visitor.get("/desk/try")
    answer = await visitor.send("/desk/try", ASKED | changed)
    (field,) = changed
    assert answer.status_code == 422
    assert said in re.search(rf'id="{field}-wrong">(.*?)</span>', answer.text, re.S)[1]  # type: ignore[index]
    assert (ASKED | changed)["text"] in html.unescape(answer.text)
    streamed = await visitor.send("/desk/try/stream", ASKED | changed)
    assert streamed.status_code == 422
    assert f'<p data-field="{field}">' in streamed.text
    assert said in streamed.text


async def test_ten_thousand_characters_are_tried(visitor: Any) -> None:
    await visitor.get("/desk/try")
    text = ("Wo ist mein Paket? " * 600)[:10_000]
    answer = await visitor.send("/desk/try/stream", ASKED | {"text": text.replace(" ", "\r\n", 1)})
    assert "developers" in events_of(answer.text)


async def test_what_is_typed_never_becomes_markup(visitor: Any) -> None:
    await visitor.get("/desk/try")
    for path in ("/desk/try", "/desk/try/stream"):
        text = (await visitor.send(path, ASKED | {"text": HOSTILE})).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "{{7*7}}" in text


async def test_a_busy_service_refuses_a_try_as_it_does_a_triage(visitor: Any, own: Parts, client_on: Any) -> None:
    full = replace(own, settings=own.settings.model_copy(update={"max_concurrent": 0}))
    async with client_on(full) as client:
        visitor.client = client
        await visitor.get("/desk/try")
        statuses = [(await visitor.send(path, ASKED)).status_code for path in ("/desk/try", "/desk/try/stream")]
        refused = await client.post("/v1/triage", json={"text": "Wo ist mein Zelt?"})
    assert statuses == [refused.status_code] * 2 == [503] * 2


async def test_an_agent_tries_their_own_brand_alone(own: Parts, hire: Any, visitor: Any) -> None:
    await hire("maja", "agent", ("elsewhere",))
    await visitor.log_in("maja")
    assert (await visitor.get("/desk/try")).status_code == 404
    await hire("tom", "agent", ("demo",))
    await visitor.log_in("tom")
    await visitor.get("/desk/try")
    answer = await visitor.send("/desk/try/stream", ASKED)
    assert "$FIRSTREPLY_KEY" in html.unescape(events_of(answer.text)["developers"])


def test_signals_are_highlighted_and_the_text_stays_whole() -> None:
    text = "third time, third!"
    signals = [
        Signal(code="a", evidence="third time", start=0, end=10),
        Signal(code="b", evidence="time, third", start=6, end=17),
    ]
    pieces = by_signals(text, [*signals, Signal(code="c", evidence="nowhere")])
    assert "".join(piece.text for piece in pieces) == text
    assert [(piece.text, piece.marks) for piece in pieces] == [
        ("third ", ("a",)), ("time", ("a", "b")), (", third", ("b",)), ("!", ()),
    ]  # fmt: skip


@pytest.fixture
async def day(own: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo day, of two messages."""
    chosen = day_messages()[:2]
    monkeypatch.setattr("service.demo_day.day_messages", lambda: chosen)
    await load(own)


async def test_the_banner_is_there_while_the_day_is_and_a_lead_removes_it(visitor: Any, own: Parts, hire: Any, day: None) -> None:
    await hire("tom")
    await hire("maja", "lead")
    await visitor.log_in("tom")
    page = (await visitor.get("/desk/try")).text
    assert "firstreply demo remove" in page
    assert "/desk/demo/remove" not in page
    assert (await visitor.send("/desk/demo/remove", {})).status_code == 403
    await visitor.log_in("maja")
    assert "/desk/demo/remove" in (await visitor.get("/desk/try")).text
    assert (await visitor.send("/desk/demo/remove", {})).status_code == 303
    assert "firstreply demo remove" not in (await visitor.get("/desk/try")).text
    assert not await own.records.demo_day.loaded()
    assert (await visitor.send("/desk/demo/remove", {})).status_code == 404


async def test_the_banner_is_hidden_in_one_browser(visitor: Any, own: Parts, day: None) -> None:
    await visitor.get("/desk/try")
    answer = await visitor.send("/desk/demo/hide", {"back": "/desk/try"})
    assert answer.headers["location"] == "/desk/try"
    assert "firstreply demo remove" not in (await visitor.get("/desk/try")).text
    visitor.client.cookies.delete("firstreply_demo_hidden")
    assert "firstreply demo remove" in (await visitor.get("/desk/try")).text
    await visitor.send("/desk/demo/remove", {})
