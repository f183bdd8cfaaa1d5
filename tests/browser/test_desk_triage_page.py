"""The page of a triage in a real browser: keys alone, two agents, a lost connection, an ended session, and what is newer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

LATE = "My order A-1001 is still not here and nobody answers, this is the third time I write! When will it come?"


@pytest.fixture(scope="module")
def come(desk: str) -> Any:
    """`come("text", channel=…)`: a message that came just now; its triage."""

    def send(text: str = "Do you ship to Belgium?", **fields: Any) -> Any:
        at = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
        given = {"text": text, "channel": "email", "author": {"name": "Kim"}, "received_at": at} | fields
        answer = httpx.post(f"{desk}/v1/triage", json=given, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


@pytest.fixture
def opened(visit: Any, log_in: Any) -> Any:
    """`opened(triage, "tom")`: its page as that agent sees it; the clipboard may be used."""

    def open_page(triage: Any, name: str = "maja", query: str = "", **options: Any) -> Any:
        page = visit(f"/desk/triages/{triage['id']}{query}", permissions=["clipboard-read", "clipboard-write"], **options)
        log_in(page, name=name)
        page.locator("#editor").wait_for()
        page.wait_for_load_state("load")
        return page

    return open_page


def feedback(desk: str, triage: Any) -> list[tuple[str, str]]:
    given = httpx.get(f"{desk}/v1/triages/{triage['id']}/feedback", timeout=60).json()
    return [(one["feedback"]["action"], one["feedback"]["agent"]) for one in given]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_the_page_shuts_nobody_out(opened: Any, come: Any, no_violations: Any, scheme: str, width: int) -> None:
    thread = [{"role": "customer", "text": "Where is it?"}, {"role": "brand", "text": "We are looking. " + "x" * 400}]
    author = {"customer_id": "C-1042", "name": "مريم " + "n" * 150, "handle": "@lena"}
    page = opened(come(LATE, channel="instagram", author=author, thread=thread), color_scheme=scheme, width=width)
    no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for key in ("r", "l", "m", "?"):
        page.keyboard.press(key)
        page.locator("dialog[open]").wait_for()
        no_violations(page)
        page.keyboard.press("Escape")
        page.locator("dialog[open]").wait_for(state="detached")
    page.evaluate("document.querySelectorAll('main details:not(.menu)').forEach(one => { one.open = true; })")
    no_violations(page)
    page.goto(f"/desk/triages/{come('y' * 9_000)['id']}")
    no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keys_alone_accept_edit_and_go_on(opened: Any, come: Any, desk: str) -> None:
    first, second = come(), come("Do you ship to Austria?")
    page = opened(first)
    page.keyboard.press("a")
    page.get_by_text("Accepted", exact=True).wait_for()
    text = first["draft"]["private"]["text"]
    page.wait_for_function("text => navigator.clipboard.readText().then(copied => copied === text)", arg=text)
    assert feedback(desk, first) == [("accepted", "maja")]
    page.keyboard.press("j")
    page.wait_for_url(lambda url: first["id"] not in url)
    page.goto(f"/desk/triages/{second['id']}")
    page.locator("#editor").wait_for()
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.type(" Have a good day, asdf!")
    page.get_by_text("Edited", exact=True).wait_for()
    page.get_by_text("Yours: nothing stands behind it").wait_for()
    page.keyboard.press("Control+Enter")
    page.get_by_text("Accepted, edited", exact=True).wait_for()
    assert feedback(desk, second) == [("edited", "maja")]
    page.keyboard.press("Tab")
    page.locator("h1").click()
    page.keyboard.press("x")
    page.get_by_role("button", name="Reopen").wait_for()


def test_keys_alone_reject_and_correct(opened: Any, come: Any, desk: str) -> None:
    triage = come()
    page = opened(triage)
    page.keyboard.press("r")
    page.get_by_label("Wrong tone").press("Space")
    page.get_by_label("In your words").fill("too stiff")
    page.get_by_role("dialog").get_by_role("button", name="Reject").press("Enter")
    page.get_by_text("Rejected", exact=True).wait_for()
    page.locator("dialog[open]").wait_for(state="detached")
    page.locator("h1").click()
    page.keyboard.press("l")
    page.get_by_label("Praise").press("Space")
    page.get_by_role("button", name="Save").press("Enter")
    page.wait_for_timeout(500)
    assert [action for action, _ in feedback(desk, triage)] == ["rejected", "rejected"]


def test_a_new_draft_comes_and_what_was_typed_can_come_back(opened: Any, come: Any) -> None:
    page = opened(come(LATE, channel="instagram", author={"customer_id": "C-1042"}))
    area = page.locator("#editor .side:not([hidden]) textarea")
    page.keyboard.press("2")
    assert page.get_by_role("tab", name="Private").get_attribute("aria-selected") == "true"
    before = area.input_value()
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.type(" MY OWN WORDS")
    page.locator("h1").click()
    page.keyboard.press("s")
    page.get_by_text("There is a new draft").wait_for()
    assert page.get_by_role("tab", name="Private").get_attribute("aria-selected") == "true"
    assert "MY OWN WORDS" not in area.input_value()
    page.locator("#editor .side:not([hidden]) [data-undo]").click()
    assert area.input_value() == f"{before} MY OWN WORDS"
    page.locator("h1").click()
    page.keyboard.press("m")
    page.get_by_label("Search").fill("language")
    page.locator(".macro-list li:visible button").first.click()
    assert len(area.input_value()) > len(before) + 40


def test_what_is_typed_outlives_a_lost_connection_and_a_reload(opened: Any, come: Any, desk: str) -> None:
    triage = come()
    page = opened(triage)
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.type("Typed on a train.")
    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    page.get_by_text("can't be reached").wait_for()
    assert page.locator("textarea").first.input_value() == "Typed on a train."
    page.context.set_offline(False)
    page.reload()
    page.get_by_text("What you typed here before is back.").wait_for()
    assert page.locator("textarea").first.input_value() == "Typed on a train."
    page.locator("h1").click()
    page.keyboard.press("a")
    page.get_by_text("Accepted, edited", exact=True).wait_for()
    page.reload()
    page.locator("#editor").wait_for()
    assert page.locator("textarea").first.input_value() == triage["draft"]["private"]["text"]
    page.locator("textarea").first.fill("not accepted")
    page.locator("summary", has_text="Maja Lind").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/desk/login")
    assert page.evaluate("Object.keys(localStorage).filter(name => name.includes('typed'))") == []


def test_a_session_that_ends_while_typing_comes_back_to_the_same_place(opened: Any, come: Any, log_in: Any) -> None:
    triage = come()
    page = opened(triage)
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.type("Still here?")
    page.context.clear_cookies()
    page.keyboard.press("Control+Enter")
    page.get_by_text("Your session has ended").wait_for()
    assert page.locator("textarea").first.input_value() == "Still here?"
    page.reload()
    log_in(page)
    page.wait_for_url(f"**/desk/triages/{triage['id']}")
    page.get_by_text("What you typed here before is back.").wait_for()
    page.keyboard.press("a")
    page.get_by_text("Accepted, edited", exact=True).wait_for()


def test_two_agents_see_what_the_other_did(opened: Any, come: Any, desk: str) -> None:
    triage = come(conversation_id="two-1")
    maja, tom = opened(triage), opened(triage, "tom")
    maja.keyboard.press("c")
    maja.locator(".claim .chip", has_text="Yours").wait_for()
    tom.keyboard.press("a")
    tom.get_by_text("Somebody was faster").wait_for()
    assert feedback(desk, triage) == []
    maja.keyboard.press("c")
    maja.locator(".claim-button", has_text="Claim").wait_for()
    maja.keyboard.press("s")
    maja.get_by_text("There is a new draft").wait_for()
    tom.get_by_text("There is a newer draft").wait_for(timeout=20_000)
    tom.get_by_role("button", name="Send mine anyway").click()
    tom.locator("#done .note").wait_for()
    assert [agent for _, agent in feedback(desk, triage)] == ["tom"]
    come("And one thing more", conversation_id="two-1")
    maja.get_by_text("The customer has written again").wait_for(timeout=20_000)
    maja.get_by_role("link", name="Show it").click()
    maja.wait_for_url(lambda url: triage["id"] not in url)


def test_counts_are_the_channel_s(opened: Any, come: Any) -> None:
    page = opened(come("Where is my parcel?", channel="x"))
    area = page.locator("#text-public")
    area.fill("🎒🎒 https://help.tarnandtimber.example/a/very/long/path/that/counts/as/twenty/three é")
    page.get_by_text("30 of 280").wait_for()
    area.fill("x" * 281)
    page.get_by_text("1 too long").wait_for()
    page.keyboard.press("Control+Enter")
    page.get_by_role("alert").get_by_text("Something is missing").wait_for()


def test_a_key_of_the_queue_opens_what_it_is_for(opened: Any, come: Any) -> None:
    page = opened(come(), query="?do=reject")
    page.get_by_role("dialog").get_by_text("What was wrong").wait_for()
    page = opened(come(), query="?do=edit")
    assert page.evaluate("document.activeElement.className") == "editor"
