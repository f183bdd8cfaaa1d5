"""The playground in a real browser: stages appear one by one, keys only, nobody shut out, hostile text, trouble on the way."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

NAME, PASSWORD = "maja", "correct-horse-battery"
STAGES = ["understanding", "context", "escalation", "draft", "developers"]
DONE = "#stage-developers:not([hidden])"
HOSTILE = '<script>window.hit=1</script><img src=x onerror="window.hit=2"> \u202eمرحبا Wo ist mein Paket? ' + "w" * 300
# Which stages have something to show, each time one more has.
WATCH = """() => {
  window.seen = [];
  const look = () => {
    const now = [...document.querySelectorAll(".try-stage:not([data-waiting], [hidden])")].map((one) => one.id.slice(6));
    if (now.length && now.join() !== window.seen.at(-1)) window.seen.push(now.join());
  };
  new MutationObserver(look).observe(document.getElementById("stages"), { attributes: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def desk(
    chromium: Any, start_server: Any, environment: Any, command: list[str], _copied: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """As the others have it, with the demo day, which is loaded meanwhile."""
    folder = _copied(tmp_path_factory.mktemp("desk-with-a-day"))
    create = [*command, "agents", "create", NAME, "--role", "lead", "--display-name", "Maja Lind", "--password-stdin"]
    subprocess.run(create, env=environment(folder), input=PASSWORD, text=True, check=True, capture_output=True, timeout=300)
    with start_server(folder, "--demo-day") as server:
        yield server.url


@pytest.fixture
def playground(visit: Any, log_in: Any) -> Any:
    """`playground(width=390)`: the page, logged in."""

    def enter(**options: Any) -> Any:
        page = visit("/desk/try", **options)
        log_in(page)
        page.locator("#try-form").wait_for()
        page.wait_for_load_state()
        return page

    return enter


def with_banner(page: Any) -> Any:
    """The page, once the day is there."""
    for _ in range(300):
        if page.locator(".demo").count():
            return page
        page.wait_for_timeout(200)
        page.reload()
    raise AssertionError("the demo day was not loaded")


def test_stages_appear_one_by_one_by_keys_only(playground: Any) -> None:
    page = playground()
    assert page.evaluate("document.activeElement.id") == "text"
    page.evaluate(WATCH)
    page.keyboard.type("Wo bleibt mein Zelt?!")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.type("Lena Vogt")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(DONE)
    assert page.evaluate("window.seen") == [",".join(STAGES[:count]) for count in range(1, 6)]
    assert "A-1001" in page.locator("#stage-context").inner_text()
    assert "Lena" in page.locator("#stage-draft").inner_text()
    assert page.locator("#text").input_value() == "Wo bleibt mein Zelt?!"
    assert page.locator("#announcements").inner_text().startswith("Understanding")


def test_an_example_is_tried_at_once_and_another_replaces_it(playground: Any) -> None:
    page = playground(reduced_motion="reduce")
    examples = page.locator(".try-examples a")
    assert examples.count() == 8
    examples.nth(0).click()
    page.wait_for_selector(DONE)
    examples.nth(1).click()
    page.locator("#stage-draft", has_text="tumble").or_(page.locator("#stage-draft", has_text="dryer")).first.wait_for()
    assert "Quick one" in page.locator("#text").input_value()
    assert "A-1001" not in page.locator("#stages").inner_text()
    page.locator("#stage-developers summary").first.click()
    assert "curl" in page.locator("#curl-text").inner_text()
    assert page.locator("#stage-developers .try-copy").first.is_visible()


def test_the_keys_are_shown_and_lead_elsewhere(playground: Any) -> None:
    page = playground()
    page.locator("#run").focus()
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("Ctrl ↵").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.wait_for_url("**/desk/queue")


def test_what_is_not_right_is_said_beside_its_field(playground: Any) -> None:
    page = playground()
    page.keyboard.press("Control+Enter")
    page.locator("#text[aria-invalid=true]").wait_for()
    assert page.locator("#text-wrong").inner_text() == "Type a message first."
    assert page.evaluate("document.activeElement.id") == "text"
    page.locator("#text").fill("x" * 10_001)
    page.get_by_role("button", name="Try it").click()
    page.locator("#text-wrong", has_text="10,000").wait_for()
    assert len(page.locator("#text").input_value()) == 10_001


def test_what_is_typed_stays_when_the_answer_is_cut_off_or_the_session_ends(playground: Any) -> None:
    page = playground()
    page.locator("#text").fill("Wo ist mein Paket?")
    cut = {"status": 200, "content_type": "text/event-stream", "body": "event: understanding\ndata: <p>begun</p>\n\nevent: con"}
    page.route("**/desk/try/stream", lambda route: route.fulfill(**cut))
    page.keyboard.press("Control+Enter")
    page.locator(".toast-bad").wait_for()
    page.unroute("**/desk/try/stream")
    page.context.clear_cookies()
    page.keyboard.press("Control+Enter")
    page.locator("[data-session=ended]").wait_for()
    assert page.locator("#text").input_value() == "Wo ist mein Paket?"


def test_hostile_text_stays_text(playground: Any) -> None:
    page = playground(width=390)
    page.locator("#text").fill(HOSTILE)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(DONE)
    assert page.evaluate("window.hit") is None
    assert "<script>window.hit=1</script>" in page.locator("#stage-understanding .try-quote").inner_text()
    assert page.locator("#stages img, #stages script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_nobody_is_shut_out_of_it(playground: Any, no_violations: Any, scheme: str, width: int) -> None:
    page = with_banner(playground(width=width, color_scheme=scheme, reduced_motion="reduce"))
    no_violations(page)
    page.locator(".try-examples a").nth(2).click()
    page.wait_for_selector(DONE)
    for summary in page.locator("#stages summary").all():
        summary.click()
    page.locator(".demo summary").click()
    no_violations(page)
    page.locator("#text").fill("")
    page.keyboard.press("Control+Enter")
    page.locator("#text[aria-invalid=true]").wait_for()
    no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_works_without_javascript(visit: Any, log_in: Any) -> None:
    page = visit("/desk/try", java_script_enabled=False)
    log_in(page)
    page.get_by_role("link", name="Trois hivers").click()
    page.get_by_role("button", name="Try it").click()
    assert page.locator(DONE).is_visible()
    assert "Praise" in page.locator("#stage-understanding").inner_text()
    assert page.locator("#text").input_value().startswith("Trois hivers")


def test_a_lead_takes_the_demo_day_away(playground: Any) -> None:
    page = with_banner(playground())
    page.locator(".demo summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove for good").click()
    page.wait_for_url("**/desk")
    page.goto("/desk/try")
    assert page.locator(".demo").count() == 0
