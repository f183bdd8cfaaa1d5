"""`python docs/screenshots.py http://127.0.0.1:8000`: the pictures of the desk in docs/images, at three sizes.

Of a service with the demo day on which nobody needs to log in; needs playwright and Debian's Chromium.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "images"
SIZES = ((1600, 900, "light"), (1024, 768, "dark"), (390, 844, "light"))
SAID = "My order A-1001 still isn't here, and this is the third time I write. When will it come?"


def main() -> None:
    """Takes them all."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width, height, scheme in SIZES:
            context = browser.new_context(
                viewport={"width": width, "height": height}, base_url=sys.argv[1], color_scheme=scheme, locale="en-GB"
            )
            page = context.new_page()
            page.goto("/desk")
            take(page, "queue")
            page.locator("#list .row-link", has_text="Hannes").first.click()
            page.locator("#editor").wait_for()
            take(page, "triage")
            page.goto("/desk/glance?days=7")
            take(page, "glance")
            page.goto("/desk/try")
            page.locator("#text").fill(SAID)
            page.get_by_label("Customer").select_option("C-1042")
            page.locator("#text").press("Control+Enter")
            page.wait_for_timeout(2_500)
            take(page, "try")
            context.close()
        browser.close()


def take(page: Page, name: str) -> None:
    """One picture."""
    page.wait_for_timeout(400)
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.screenshot(path=FOLDER / f"desk-{name}-{width}.jpg", type="jpeg", quality=80)


if __name__ == "__main__":
    main()
