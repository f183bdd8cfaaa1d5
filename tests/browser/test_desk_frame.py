"""The desk's frame in a real browser: logging in, language, theme, keys only, and a session that ends while typing."""

from __future__ import annotations

from typing import Any

import pytest


def test_an_agent_logs_in_and_out(visit: Any, log_in: Any) -> None:
    page = visit("/desk")
    log_in(page, "wrong-horse-battery")
    assert "not right" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name").input_value() == "maja"
    log_in(page)
    page.wait_for_url("**/desk")
    assert page.get_by_role("heading", name="Nothing needs you right now").is_visible()
    page.locator("summary", has_text="Maja Lind").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/desk/login")
    page.goto("/desk")
    assert page.url.endswith("/desk/login?next=%2Fdesk")


def test_language_and_theme_are_chosen_and_stay(visit: Any, log_in: Any) -> None:
    page = visit("/desk")
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.locator("summary", has_text="Appearance").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    page.wait_for_selector("html[data-theme=dark]")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light
    page.locator("summary", has_text="Language").click()
    page.get_by_role("button", name="Svenska").click()
    page.wait_for_selector("html[lang=sv][data-theme=dark]")
    assert page.get_by_role("heading", name="Logga in").is_visible()
    assert "next=%2Fdesk" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_nobody_is_shut_out(visit: Any, log_in: Any, no_violations: Any, scheme: str, width: int) -> None:
    page = visit("/desk", color_scheme=scheme, width=width)
    no_violations(page)
    if width == 390:
        log_in(page, "wrong-horse-battery")
        page.get_by_role("alert").wait_for()
        no_violations(page)
    log_in(page)
    page.get_by_role("heading", name="Nothing needs you right now").wait_for()
    for menu in page.locator("details.menu > summary").all():
        menu.click()
        no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/desk/nowhere")
    no_violations(page)


def test_everything_is_reached_by_keys(visit: Any) -> None:
    page = visit("/desk")
    assert page.evaluate("document.activeElement.name") == "name"
    page.keyboard.type("maja")
    page.keyboard.press("Tab")
    page.keyboard.type("correct-horse-battery")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Nothing needs you right now").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText.trim()"))
    assert reached[:4] == ["FirstReply", "Queue", "Glance", "Try it"]
    page.locator("summary", has_text="Maja Lind").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").wait_for()
    page.keyboard.press("Escape")
    assert not page.get_by_role("button", name="Log out").is_visible()
    assert "Maja Lind" in page.evaluate("document.activeElement.innerText")


def typing(visit: Any, log_in: Any) -> Any:
    """A page with a form of htmx's in which something is typed."""
    page = visit("/desk")
    log_in(page)
    page.get_by_role("heading", name="Nothing needs you right now").wait_for()
    page.evaluate(
        """() => {
          const form = document.createElement("form");
          form.setAttribute("hx-post", "/desk/brand");
          form.setAttribute("hx-swap", "none");
          form.innerHTML = '<textarea name="note" aria-label="Note"></textarea><input type="hidden" name="brand" value="demo">'
            + '<button>Send</button>';
          document.querySelector("main").append(form);
          htmx.process(form);
        }"""
    )
    page.get_by_label("Note").fill("half an answer")
    return page


def sent(page: Any) -> int:
    with page.expect_response("**/desk/brand") as answered:
        page.get_by_role("button", name="Send").click()
    return int(answered.value.status)


def test_a_session_that_ends_while_typing_loses_nothing(visit: Any, log_in: Any) -> None:
    page = typing(visit, log_in)
    page.context.clear_cookies(name="firstreply_session")
    assert sent(page) == 401
    toast = page.get_by_role("alert")
    assert "in another tab" in toast.inner_text()
    with page.context.expect_page() as opened:
        toast.get_by_role("link").click()
    other = opened.value
    log_in(other)
    other.get_by_role("heading", name="You are logged in again").wait_for()
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")
    page.get_by_text("Repeat your last step").wait_for()
    assert page.get_by_label("Note").input_value() == "half an answer"
    assert sent(page) == 303


def test_a_page_goes_on_in_the_session_of_another_tab(visit: Any, log_in: Any) -> None:
    page = typing(visit, log_in)
    other = page.context.new_page()
    other.goto("/desk/login")
    log_in(other)
    other.get_by_role("heading", name="Nothing needs you right now").wait_for()
    assert sent(page) == 403
    page.get_by_text("Repeat your last step").wait_for()
    assert page.get_by_label("Note").input_value() == "half an answer"
    assert sent(page) == 303
