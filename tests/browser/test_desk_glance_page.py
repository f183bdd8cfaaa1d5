"""The glance in a real browser: nobody is shut out, and a table is taken along as a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest


@pytest.fixture(scope="module")
def worked(desk: str) -> str:
    """The desk after some messages, one of them answered."""
    for text, minutes, channel in (("Do you ship to Belgium?", 5, "email"), ("Wo ist mein Paket?!", 4_000, "instagram")):
        at = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
        given = {"text": text, "channel": channel, "author": {"name": "K" * 120}, "received_at": at}
        made = httpx.post(f"{desk}/v1/triage", json=given, timeout=60).json()
        if minutes == 5:
            said = {"action": "accepted", "agent": "maja"}
            assert httpx.post(f"{desk}/v1/triages/{made['id']}/feedback", json=said, timeout=60).status_code == 201
    return desk


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_the_glance_shuts_nobody_out(worked: str, visit: Any, log_in: Any, no_violations: Any, scheme: str, width: int) -> None:
    page = visit("/desk/glance?days=7", color_scheme=scheme, width=width)
    log_in(page)
    page.get_by_role("heading", name="By channel").wait_for()
    no_violations(page)
    page.locator(".what summary").nth(2).click()
    no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keys_alone_choose_a_period_and_take_a_table_along(worked: str, visit: Any, log_in: Any, tmp_path: Path) -> None:
    page = visit("/desk/queue")
    log_in(page)
    page.locator("#list .row").first.wait_for()
    page.keyboard.press("g")
    page.keyboard.press("g")
    page.wait_for_url("**/desk/glance")
    page.get_by_role("link", name="30 days").press("Enter")
    page.wait_for_url("**days=30")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV By channel").press("Enter")
    waiting.value.save_as(tmp_path / "table.csv")
    assert waiting.value.suggested_filename.startswith("firstreply-demo-channel-")
    lines = (tmp_path / "table.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["channel", "email", "instagram"]


def test_the_letter_of_a_place_alone_goes_nowhere(worked: str, visit: Any, log_in: Any) -> None:
    page = visit("/desk/queue")
    log_in(page)
    page.reload()
    page.keyboard.press("t")  # on a page just opened
    page.wait_for_timeout(500)
    assert page.url.endswith("/desk/queue")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/desk/try")


def test_an_agent_is_told_that_it_is_for_leads(worked: str, visit: Any, log_in: Any) -> None:
    page = visit("/desk/glance")
    log_in(page, name="tom")
    page.get_by_role("heading", name="This page is for leads").wait_for()
    assert page.locator("nav.tabs").get_by_text("Glance").count() == 0
