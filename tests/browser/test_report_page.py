"""The report's page in a real browser, from a file: what a QA lead sees, with a mouse, a phone or keys only."""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evals.compare import compare
from evals.gates import Gate, Gates, judge
from evals.report.page import page as page_text
from evals.report.write import write_reports
from evals.results import Found, Head, Result, Run, Text, Verdict

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OLD = "Hallo Tom,\n\ndein Paket kommt am 24. November.\n\nViele Grüße"
NEW = "Hallo Tom,\n\ndein Paket ist leider verloren.\n\nViele Grüße"
HOSTILE = "</script><script>window.taken = 1</script><img src=x onerror='window.taken = 1'>\u2028\0 <b>fett</b>"
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
AA = 4.5
# Of every piece of text that can be seen: its colour and the colours behind it, the nearest first, and what it is.
COLOURS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement, style = getComputedStyle(parent);
    if (!node.textContent.trim() || !parent.checkVisibility() || parent.closest("script, option")) continue;
    const behind = [];
    for (let e = parent; e; e = e.parentElement) behind.push(getComputedStyle(e).backgroundColor);
    found.push([parent.closest("svg") ? style.fill : style.color, behind, node.textContent.trim().slice(0, 40)]);
  }
  const search = document.getElementById("search"), box = getComputedStyle(search);
  found.push([getComputedStyle(search, "::placeholder").color, [box.backgroundColor], "placeholder"]);
  return found;
}"""


def result(case: str, fails: Sequence[str] = (), reply: str = OLD, text: str = "", **fields: Any) -> Result:
    label = "praise" if "label" in fails else "information_seeking"
    found = {
        "label": label, "also": [], "scores": {"frustration": 0.1}, "level": "none", "trajectory": "steady", "topic": "delivery",
        "urgency": "normal", "addressed": "direct", "language": "de", "confidence": 0.9, "signals": [],
        "escalate": case.endswith("7"), "score": 0.7 if case.endswith("7") else 0.1, "reasons": [], "evidence": [],
        "queue": "general", "priority": "normal", "passages": {"faq-late-parcel-de": 0.91, "faq-missed-delivery-de": 0.5},
        "orders": ["A-1001"], "action": "reply", "public": None,
        "private": Text(text=reply, length=len(reply), limit=None), "sources": ["A-1001.due_at"], "failed_checks": [],
    }  # fmt: skip
    given = {
        "suite": "care", "case": case, "digest": "d", "text": text or f"Wo ist mein Paket? ({case})", "channel": "x",
        "thread": ["customer: Hallo?"], "slices": {"language": "de"}, "tags": ["nightly"], "found": Found.model_validate(found),
        "expected": {"label": ["information_seeking"], "level": ["none"], "escalate": case.endswith("7")},
        "verdicts": [Verdict(name=n, holds=n not in fails, why=f"why {n}") for n in dict.fromkeys(("label", *fails, "checks"))],
    }  # fmt: skip
    return Result.model_validate(given | fields)


def run(folder: Path, results: Sequence[Result]) -> Run:
    head = Head(made_at="2026-11-22T09:00:00+00:00", suites={"care": "d", "safety": "d"}, target="in process",
                versions={"service": "0.1.0", "embedder": "1571fc9827503943"})  # fmt: skip
    return Run(folder=folder, head=head, results=sorted(results, key=lambda one: one.key))


def after() -> list[Result]:
    """131 cases: 1 raised, 2 lost their label, 3 fail as before, 1 gained, 1 skipped; 8 are English, 8 of another suite."""
    return [
        *(result(f"calm-{at:03}") for at in range(115)),
        *(result(f"abroad-{at}", suite="safety", slices={"language": "en"}, tags=[]) for at in range(8)),
        *(result(f"mistaken-{at}", ["topic", "level", "urgency"]) for at in range(3)),
        result("lost-1", ["label"], NEW), result("lost-2", ["label"], OLD),
        result("won", text=f"Übel: {HOSTILE}"),
        result("broken", found=None, verdicts=[], error="TimeoutError: no answer within 60 s"),
        result("later", found=None, verdicts=[], skipped="waits for the carrier"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with gates and a comparison."""
    folder = tmp_path_factory.mktemp("report")
    before = [
        *(one for one in after() if not one.case.startswith(("lost", "won", "broken", "calm-114"))),
        result("lost-1"), result("lost-2"), result("won", ["label"], text=f"Übel: {HOSTILE}"), result("broken"),
    ]  # fmt: skip
    done, first = run(folder / "v2", after()), run(folder / "v1", before)
    gates = Gates(
        gate=[
            Gate(measure="errors", maximum=0.0),
            Gate(measure="label.accuracy", minimum=0.5, slices=["all", "language=*"]),
            Gate(measure="order.accuracy", minimum=1.0),
        ]
    )
    comparison = compare(first, done)
    write_reports(done, judgements=judge(gates, done, comparison), comparison=comparison)
    return folder / "v2" / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; without it these tests are skipped, and say so."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("NOT TESTED: the report's page in a browser; install chromium (apt-get install chromium)")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("NOT TESTED: the report's page in a browser; pip install playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:  # Chromium has no sandbox for root
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Browser, report: Path) -> Iterator[Callable[..., Page]]:
    """`show(scheme="dark", size="phone", path=…)`: the page, opened; it must not have complained or fetched anything."""
    with _opening(browser, report) as shown:
        yield shown


@contextmanager
def _opening(browser: Browser, report: Path) -> Iterator[Callable[..., Page]]:
    contexts, complaints, fetched = [], [], []

    def shown(scheme: Any = "light", size: str = "desktop", path: Path = report) -> Page:
        context = browser.new_context(viewport=SIZES[size], color_scheme=scheme, offline=True)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(path.as_uri())
        return page

    yield shown
    assert complaints == []
    assert [url for url in fetched if not url.startswith("file:") or not url.endswith(".html")] == []
    for context in contexts:
        context.close()


def names(page: Page) -> list[str]:
    return page.locator("#list > details > summary code").all_inner_texts()


def count(page: Page) -> str:
    return page.locator("#count").inner_text()


def opened(page: Page, case: str) -> Any:
    page.locator("#search").fill(case)
    card = page.locator("#list > details").filter(has=page.locator("summary code", has_text=case)).first
    card.locator("summary").first.click()
    card.locator(".body").wait_for()
    return card


def channels(colour: str) -> tuple[list[float], float]:
    """ "rgb(1, 2, 3)" or "rgba(1, 2, 3, 0.5)" as three numbers from 0 to 255, and opacity."""
    kind, _, inside = colour.partition("(")
    assert kind in ("rgb", "rgba"), colour
    numbers = [float(part) for part in inside.rstrip(")").split(",")]
    return numbers[:3], numbers[3] if len(numbers) == 4 else 1.0


def flat(colour: str, behind: Sequence[str]) -> list[float]:
    """The colour as it is seen on the colours behind it."""
    own, opacity = channels(colour)
    if opacity == 1.0 or not behind:
        return own
    under = flat(behind[0], behind[1:])
    return [opacity * one + (1 - opacity) * other for one, other in zip(own, under, strict=True)]


def luminance(colour: Sequence[float]) -> float:
    r, g, b = ((c / 255 / 12.92) if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(colour: str, behind: Sequence[str]) -> float:
    """The WCAG ratio of a text on what is behind it."""
    under = luminance(flat(behind[0], behind[1:]))
    dark, light = sorted((luminance(flat(colour, behind)), under))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_has_it() -> None:
    assert contrast("rgb(0, 0, 0)", ["rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"]) == pytest.approx(21)
    assert contrast("rgb(119, 119, 119)", ["rgb(255, 255, 255)"]) == pytest.approx(4.48, abs=0.005)


def test_it_opens_from_a_file_offline_without_a_complaint(show: Callable[..., Page]) -> None:
    page = show()

    assert page.title() == "Evals: v2"
    assert count(page) == "131 of 131 cases, the first 50 shown"
    assert page.locator(".verdict").inner_text().startswith("1 gate failed")
    for at in range(12):
        page.locator("#list > details > summary").nth(at).click()
        page.locator("#list > details").nth(at).locator(".body").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_text_has_enough_contrast(scheme: str, size: str, show: Callable[..., Page]) -> None:
    page = show(scheme, size)
    for case in range(4):
        page.locator("#list > details > summary").nth(case).click()
    page.locator(".rest > summary").first.click()
    page.locator(".names > summary").click()
    page.locator("body > .skip").focus()
    texts = page.evaluate(COLOURS)

    poor = {
        (text, round(ratio, 2)) for colour, behind, text in texts if (ratio := contrast(colour, [*behind, "rgb(0,0,0)"])) < AA
    }
    assert poor == set()
    seen = " ".join(text for _, _, text in texts)
    words = (
        "Skip to",
        "failed",
        "passed",
        "too small",
        "raised",
        "turned",
        "lost",
        "fails",
        "precision",
        "recall",
        "placeholder",
    )
    assert [word for word in words if word not in seen] == []
    backdrop = luminance(channels(page.evaluate("getComputedStyle(document.body).backgroundColor"))[0])
    assert backdrop > 0.8 if scheme == "light" else backdrop < 0.05


def test_at_phone_width_only_tables_scroll_sideways(show: Callable[..., Page]) -> None:
    page = show(size="phone")
    for case in range(4):
        page.locator("#list > details > summary").nth(case).click()
    page.locator(".names > summary").click()
    opened(page, "won")

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.evaluate("scrollTo(500, 0)")
    assert page.evaluate("scrollX") == 0
    wide = page.evaluate("""() => [...document.querySelectorAll("body *")].filter(e => !e.closest(".wrap") && !e.closest(".skip")
      && e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 80))""")
    assert wide == []
    scrolled = page.evaluate("""() => [...document.querySelectorAll("body *")].filter(e => e.scrollWidth > e.clientWidth + 1
      && ["auto", "scroll"].includes(getComputedStyle(e).overflowX)).map(e => e.className.split(" ")[0])""")
    assert set(scrolled) == {"wrap"}
    small = page.evaluate("""() => [...document.querySelectorAll("input, select, button, #list > details > summary")]
      .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 40).length""")
    assert small == 0


def test_keys_alone_reach_and_work_everything(show: Callable[..., Page]) -> None:
    page = show()
    focused = "document.activeElement"
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.id") == "search"
    page.keyboard.type("calm-")
    assert count(page) == "115 of 131 cases, the first 50 shown"
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.id") == "state"
    page.keyboard.type("lost")
    assert names(page) == ["broken", "lost-1", "lost-2"]
    for key in ("suite", "slice", "verdict"):
        page.keyboard.press("Tab")
        assert page.evaluate(f"{focused}.id") == key
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.innerText") == "Clear"
    page.keyboard.press("Enter")
    page.locator("#count", has_text="131 of 131").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.matches('#list > details:first-child > summary')")
    assert page.evaluate(f"getComputedStyle({focused}).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.locator("#list > details:first-child .body").wait_for(state="visible")
    page.keyboard.press("Enter")
    page.locator("#list > details:first-child .body").wait_for(state="hidden")


def test_show_more_adds_cases_keeps_what_is_open_and_moves_the_focus_to_the_first_new_one(show: Callable[..., Page]) -> None:
    page = show()
    page.locator("#list > details > summary").first.click()
    page.locator("#more").focus()
    page.keyboard.press("Enter")

    assert len(names(page)) == 100
    assert page.evaluate("[...document.getElementById('list').children].indexOf(document.activeElement.parentElement)") == 50
    page.locator("#list > details:first-child .body").wait_for(state="visible")
    page.locator("#more").click()
    assert len(set(names(page))) == 131
    assert page.locator("#more").is_hidden()
    assert count(page) == "131 of 131 cases"


def test_tables_that_scroll_can_be_reached_by_key_and_have_a_name(show: Callable[..., Page]) -> None:
    page = show(size="phone")
    wrappers = page.locator(".wrap").all()

    assert len(wrappers) >= 5
    for wrapper in wrappers:
        assert (wrapper.get_attribute("tabindex"), wrapper.get_attribute("role")) == ("0", "region")
        assert wrapper.get_attribute("aria-label")
    assert page.locator("label > input, label > select").count() == page.locator("#controls input, #controls select").count() == 5


def test_search_finds_words_of_message_thread_draft_and_name_in_any_order(show: Callable[..., Page]) -> None:
    page = show()
    found = {}
    for words in (
        "ABROAD-3",
        "verloren paket",
        "übel",
        "hallo? calm-007",
        "60 s timeouterror",
        "nightly mistaken",
        "nothing-like-it",
    ):
        page.locator("#search").fill(words)
        found[words] = names(page)

    assert found == {
        "ABROAD-3": ["abroad-3"], "verloren paket": ["lost-1"], "übel": ["won"], "hallo? calm-007": ["calm-007"],
        "60 s timeouterror": ["broken"], "nightly mistaken": ["mistaken-0", "mistaken-1", "mistaken-2"], "nothing-like-it": [],
    }  # fmt: skip
    assert count(page) == "No case matches: clear a filter."
    page.get_by_role("button", name="Clear").click()
    page.locator("#count", has_text="131 of 131").wait_for()
    assert page.locator("#search").input_value() == ""


@pytest.mark.parametrize(
    ("control", "value", "cases"),
    [
        ("state", "bad", ["broken", "lost-1", "lost-2", "mistaken-0", "mistaken-1", "mistaken-2"]),
        ("state", "flipped", ["broken", "lost-1", "lost-2", "won"]),
        ("state", "lost", ["broken", "lost-1", "lost-2"]),
        ("state", "failed", ["lost-1", "lost-2", "mistaken-0", "mistaken-1", "mistaken-2"]),
        ("state", "raised", ["broken"]),
        ("state", "skipped", ["later"]),
        ("suite", "safety", [f"abroad-{at}" for at in range(8)]),
        ("slice", "language=en", [f"abroad-{at}" for at in range(8)]),
        ("verdict", "label", ["lost-1", "lost-2"]),
        ("verdict", "topic", ["mistaken-0", "mistaken-1", "mistaken-2"]),
    ],
)
def test_each_filter_narrows_the_list(control: str, value: str, cases: list[str], show: Callable[..., Page]) -> None:
    page = show()
    page.locator(f"#{control}").select_option(value)

    assert names(page) == cases
    assert count(page) == f"{len(cases)} of 131 cases"


def test_filters_and_search_narrow_together(show: Callable[..., Page]) -> None:
    page = show()
    page.locator("#state").select_option("bad")
    page.locator("#verdict").select_option("label")
    page.locator("#search").fill("verloren")

    assert names(page) == ["lost-1"]


def test_the_worst_cases_come_first_and_say_why_before_they_are_opened(show: Callable[..., Page]) -> None:
    page = show()

    assert names(page)[:7] == ["broken", "lost-1", "lost-2", "mistaken-0", "mistaken-1", "mistaken-2", "calm-000"]
    assert names(page)[6:] == sorted(names(page)[6:])
    heads = [text.split("\n") for text in page.locator("#list > details > summary").all_inner_texts()[:4]]
    assert [head[:4] for head in heads] == [
        ["raised", "broken", "turned", "TimeoutError: no answer within 60 s"], ["failed", "lost-1", "turned", "label"],
        ["failed", "lost-2", "turned", "label"],
        ["failed", "mistaken-0", "topic, level, urgency", "Wo ist mein Paket? (mistaken-0)"],
    ]  # fmt: skip


def test_a_turned_case_shows_both_texts_side_by_side_and_what_differs(show: Callable[..., Page]) -> None:
    page = show()
    card = opened(page, "lost-1")
    old, new = card.locator(".side .text").all()

    assert (old.inner_text(), new.inner_text()) == (OLD, NEW)
    left, right = old.bounding_box(), new.bounding_box()
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == right["y"]
    assert card.locator(".side h3").all_inner_texts() == ["Before", "Now"]
    assert card.locator("del").all_inner_texts() == ["kommt am 24. November."]
    assert card.locator("ins").all_inner_texts() == ["ist leider verloren."]
    assert card.locator("dd.other").all_inner_texts() == ["information_seeking", "praise"]
    assert card.locator(".lost").inner_text() == "lost"


def test_at_phone_width_the_text_before_stands_above_the_text_now(show: Callable[..., Page]) -> None:
    card = opened(show(size="phone"), "lost-1")
    left, right = (one.bounding_box() for one in card.locator(".side .text").all())

    assert left["x"] == right["x"]
    assert left["y"] + left["height"] <= right["y"]


def test_a_case_that_raised_shows_its_error_and_the_text_it_had(show: Callable[..., Page]) -> None:
    card = opened(show(), "broken")

    assert card.locator(".problem").inner_text() == "TimeoutError: no answer within 60 s"
    assert card.locator(".side").all_inner_texts()[1] == "Now\n\nNo answer."
    assert card.locator(".side .text").inner_text() == OLD


def test_a_message_is_shown_as_it_was_written_and_never_runs(show: Callable[..., Page]) -> None:
    page = show()
    card = opened(page, "won")

    shown = card.locator(".body > .text").nth(1).text_content()
    assert shown == f"Übel: {HOSTILE}"
    assert page.locator("#list b, #list img, #list script").count() == 0
    assert page.evaluate("window.taken") is None


def test_ten_thousand_cases_stay_usable(show: Callable[..., Page], report: Path, tmp_path: Path) -> None:
    before = [result(f"c{at:05}") for at in range(10_000)]
    done = [result(f"c{at:05}", ["label"] if at % 10 == 0 else [], NEW if at % 10 == 0 else OLD) for at in range(10_000)]
    now = run(tmp_path / "b", done)
    path = tmp_path / "large.html"
    path.write_text(page_text(now, [], [], compare(run(tmp_path / "a", before), now)), encoding="utf-8")

    began = time.monotonic()
    page = show(path=path)
    page.locator("#list > details").nth(49).wait_for()
    assert time.monotonic() - began < 5
    assert count(page) == "10000 of 10000 cases, the first 50 shown"

    began = time.monotonic()
    page.locator("#search").fill("c09990")
    assert names(page) == ["c09990"]
    page.locator("#search").fill("")
    page.locator("#state").select_option("lost")
    assert count(page) == "1000 of 10000 cases, the first 50 shown"
    opened(page, "c00000")
    assert time.monotonic() - began < 3
