"""A real browser on a real `firstreply serve` with the demo brand, and axe-core to look for what shuts people out."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EXPECTED = re.compile(r"status of 4|ERR_INTERNET_DISCONNECTED|htmx:error")  # what a test brings about itself
NAME, PASSWORD = "maja", "correct-horse-battery"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; without it these tests are skipped, and say so.

    Ended with its module: while it is there, no asynchronous test runs in this process.
    """
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("NOT TESTED: the desk in a browser; install chromium (apt-get install chromium)")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("NOT TESTED: the desk in a browser; pip install playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:  # Chromium has no sandbox for root
        opened = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def desk(
    chromium: Browser, start_server: Any, environment: Any, command: list[str], _copied: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:  # fmt: skip
    """The address of a service with the demo brand, the lead NAME and the agent tom."""
    folder = _copied(tmp_path_factory.mktemp("desk"))
    for who in ((NAME, "--role", "lead", "--display-name", "Maja Lind"), ("tom",)):
        create = [*command, "agents", "create", *who, "--password-stdin"]
        subprocess.run(create, env=environment(folder), input=PASSWORD, text=True, check=True, capture_output=True, timeout=300)
    with start_server(folder) as server:
        yield server.url


@pytest.fixture
def visit(chromium: Browser, desk: str) -> Iterator[Callable[..., Page]]:
    """`visit("/desk/login", color_scheme="dark", width=390)`: a page in a browser of its own; it must not complain."""
    contexts, complaints = [], []

    def open_page(path: str = "/desk", *, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, base_url=desk, **{"locale": "en-GB"} | options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: None if EXPECTED.search(message.text) else complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def log_in() -> Callable[[Page], None]:
    """`log_in(page)`: as NAME or another agent, on the login page; the page that follows has loaded, its scripts with it."""

    def enter(page: Page, password: str = PASSWORD, name: str = NAME) -> None:
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        with page.expect_navigation():
            page.get_by_role("button", name="Log in").click()

    return enter


@pytest.fixture
def no_violations() -> Callable[[Page], None]:
    """`no_violations(page)`: fails with what axe-core finds; run beside the page's own strict policy, not against it."""

    def check(page: Page) -> None:
        page.evaluate(AXE.read_text(encoding="utf-8"))  # as a debugger does: the policy has no say in it
        rules = {"runOnly": {"type": "tag", "values": WCAG}}
        result = page.evaluate("rules => axe.run(document, rules)", rules)
        found = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in result["violations"]]
        assert found == []

    return check
