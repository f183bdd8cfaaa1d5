"""The queue in a real browser: keys only, up to date by itself, two agents at once, and when the service can't be reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

MESSAGES = (
    ("Zum dritten Mal: wo bleibt mein Paket?! Ich gehe zum Anwalt.", -300, "instagram", "Lena Vogt"),
    ("The stove leaked gas and burnt my hand.", -20, "email", "Anna <b>Berg</b>"),
    ("متى يصل طلبي؟", -50, "whatsapp", "مريم"),
    ("Do you ship to Belgium?", -1, "webchat", "A" * 200),
    ("Love my tent! " + "x" * 4_000, -700, "facebook", None),
)


@pytest.fixture(scope="module")
def come(desk: str) -> Any:
    """`come("text", minutes, channel, name)`: a message that came so many minutes ago; its triage's id."""

    def send(text: str, minutes: float = 0, channel: str = "email", name: str | None = "Kim") -> str:
        at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
        given = {"text": text, "channel": channel, "author": {"name": name}, "received_at": at}
        answer = httpx.post(f"{desk}/v1/triage", json=given, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    for message in MESSAGES:
        send(*message)
    return send


@pytest.fixture
def opened(visit: Any, log_in: Any, come: Any) -> Any:
    """`opened("tom", width=390)`: the queue as that agent sees it."""

    def open_queue(name: str = "maja", path: str = "/desk/queue", **options: Any) -> Any:
        page = visit(path, **options)
        log_in(page, name=name)
        page.locator("#list .row").first.wait_for()
        return page

    return open_queue


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.closest('.row')?.querySelector('.row-text').innerText ?? ''"))


def texts(page: Any) -> list[str]:
    return [text.strip() for text in page.locator(".row-text").all_inner_texts()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_the_queue_shuts_nobody_out(opened: Any, no_violations: Any, scheme: str, width: int) -> None:
    page = opened(color_scheme=scheme, width=width)
    no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#filters > summary").click()
    no_violations(page)
    page.goto("/desk/queue?label=praise&state=resolved&channel=pigeon")
    page.get_by_text("Nothing fits these filters").wait_for()
    no_violations(page)


def test_keys_alone_move_through_the_queue_and_narrow_it_down(opened: Any, no_violations: Any) -> None:
    page = opened()
    all_rows = texts(page)
    page.keyboard.press("j")
    assert focused(page) == all_rows[0]
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    assert focused(page) == all_rows[2]
    page.keyboard.press("k")
    assert focused(page) == all_rows[1]
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    no_violations(page)
    assert "Next conversation" in dialog.inner_text()
    page.get_by_label("Keys of one letter").uncheck()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")
    page.locator(".row-link").first.focus()
    page.keyboard.press("j")
    assert focused(page) == all_rows[0]
    page.locator("#keys-open").click()
    page.get_by_label("Keys of one letter").check()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "state"
    page.keyboard.type("j")  # typed, not a command
    assert page.evaluate("document.activeElement.name") == "state"
    page.get_by_label("About").select_option("praise")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Apply").press("Enter")
    page.wait_for_url("**label=praise**")
    assert len(texts(page)) == 1
    page.get_by_role("link", name="Remove filter: About").press("Enter")
    page.wait_for_url(lambda url: "label" not in url)
    assert texts(page) == all_rows
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/triages/tri_*")


def test_the_list_changes_by_itself_and_keeps_what_is_chosen(opened: Any, come: Any) -> None:
    page = opened()
    page.keyboard.press("j")
    page.keyboard.press("j")
    chosen = focused(page)
    before = texts(page)
    come("Kommt mein Zelt noch vor dem Wochenende?", -400)
    page.get_by_text("Kommt mein Zelt noch").wait_for()
    assert len(texts(page)) == len(before) + 1
    assert focused(page) == chosen
    assert page.locator("#announcements").inner_text() == "The queue has changed."


def test_two_agents_claim_at_once_and_the_second_is_told(opened: Any, come: Any) -> None:
    come("Who takes this one?", -650)
    maja, tom = opened(), opened("tom")
    for page in (maja, tom):
        page.get_by_text("Who takes this one?").wait_for()
    row = "#list .row:has-text('Who takes this one?')"
    maja.locator(f"{row} .claim-button").click()
    maja.locator(f"{row} .chip", has_text="Yours").wait_for()
    tom.locator(f"{row} .chip", has_text="maja has it").wait_for()  # by itself
    assert tom.locator(f"{row} .claim-button").count() == 0
    maja.locator(f"{row} .row-link").focus()
    maja.keyboard.press("c")
    maja.locator(f"{row} .claim-button", has_text="Claim").wait_for()
    tom.locator(f"{row} .claim-button", has_text="Claim").wait_for()
    tom.locator(f"{row} .row-link").focus()
    tom.keyboard.press("c")
    tom.locator(f"{row} .chip", has_text="Yours").wait_for()


def test_a_lost_connection_shows_and_heals(opened: Any) -> None:
    page = opened()
    page.context.set_offline(True)
    page.get_by_text("Not up to date").wait_for()
    page.context.set_offline(False)
    page.get_by_text("Not up to date").wait_for(state="hidden")


def test_without_javascript_the_queue_works(visit: Any, log_in: Any, come: Any) -> None:
    come("Nur mit Formularen", -640)
    page = visit("/desk/queue", java_script_enabled=False)
    log_in(page)
    row = page.locator("#list .row", has_text="Nur mit Formularen")
    row.get_by_role("button", name="Claim").click()
    page.locator("#list .row", has_text="Nur mit Formularen").locator(".chip", has_text="Yours").wait_for()
