"""What is around every page: strict headers, own forms only, errors as pages, brands apart, files kept for ever."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.desk.static import FOLDER, address, files
from service.imports import import_knowledge
from service.parts import Parts, build_parts

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
MOST_FIRST_PAGE = 100_000  # bytes


@pytest.mark.parametrize("path", ["/desk", "/desk/login", "/desk/nowhere", "/desk/token", "/desk/static/x/nothing.css"])
async def test_every_answer_keeps_the_browser_strict(visitor: Any, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


async def test_the_api_s_answers_stay_as_they_are(visitor: Any, wrong: Any) -> None:
    answer = await visitor.get("/v1/triages/tri_unknown")
    assert "content-security-policy" not in answer.headers
    assert wrong(answer)["status"] == 404


async def test_no_page_has_a_script_or_a_style_of_its_own(visitor: Any) -> None:
    for path in ("/desk", "/desk/nowhere", "/desk/again"):
        html = (await visitor.get(path)).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|hx-on|javascript:", html)
        assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", html))


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ({}, None, 303),
        ({}, "", 403),
        ({}, "0" * 64, 403),
        ({}, "ü", 403),
        ({"origin": "https://evil.example"}, None, 403),
        ({"origin": "null"}, None, 403),
        ({"sec_fetch_site": "cross-site"}, None, 403),
        ({"sec_fetch_site": "same-site"}, None, 403),
        ({"sec_fetch_site": "same-origin"}, None, 303),
    ],
)
async def test_a_form_needs_the_token_and_an_own_page(visitor: Any, headers: Any, token: str | None, status: int) -> None:
    await visitor.get("/desk")
    fields = {"language": "de"} | ({} if token is None else {"csrf": token})
    answer = await visitor.send("/desk/preferences", fields, **headers)
    assert answer.status_code == status
    assert ("firstreply_language" in visitor.client.cookies) == (status == 303)


async def test_a_token_may_come_in_a_header_and_another_browser_s_does_not_count(visitor: Any) -> None:
    await visitor.get("/desk")
    token, visitor.token = visitor.token, ""
    assert (await visitor.send("/desk/preferences", {"theme": "dark"}, x_csrf_token=token)).status_code == 303
    visitor.client.cookies.clear()
    assert (await visitor.send("/desk/preferences", {"theme": "dark"}, x_csrf_token=token)).status_code == 403


async def test_errors_are_pages_in_the_visitor_s_language(visitor: Any) -> None:
    answer = await visitor.get("/desk/nowhere", accept_language="de-AT,de;q=0.9,en;q=0.5")
    assert answer.status_code == 404
    assert '<html lang="de"' in answer.text
    assert "Hier ist nichts" in answer.text
    assert answer.headers["x-request-id"] in answer.text
    missing = await visitor.send("/desk/brand", {})
    assert missing.status_code == 422
    assert "<h1>" in missing.text


async def test_what_is_chosen_is_remembered_and_markup_in_it_is_not(visitor: Any) -> None:
    await visitor.get("/desk")
    await visitor.send("/desk/preferences", {"language": "sv", "theme": "dark"})
    page = await visitor.get("/desk", accept_language="de")
    assert '<html lang="sv" data-theme="dark"' in page.text
    await visitor.send("/desk/preferences", {"language": '"><script>', "theme": '"><script>'})
    assert '<html lang="sv" data-theme="dark"' in (await visitor.get("/desk")).text
    failed = await visitor.log_in('"><script>x</script>')
    assert "<script>x" not in failed.text


async def test_an_agent_works_for_own_brands_only(
    settings_in: Any, data_dir: Path, client_on: Any, visitor: Any, hire: Any
) -> None:
    async with build_parts(settings_in(data_dir)) as parts, client_on(parts) as client:
        visitor.client = client
        await parts.records.agents.add("maja", "Maja", "agent", ("alpha", "demo"), hire.password)
        await _own_brands_only(visitor, parts)


async def _own_brands_only(visitor: Any, own: Parts) -> None:
    for name in ("alpha", "beta"):
        await import_knowledge(own, name, ['{"id": "opening", "question": "When are you open?", "answer": "At nine."}'])
    await own.follow()
    await visitor.log_in("maja")
    page = await visitor.get("/desk")
    assert "beta" not in page.text
    assert 'name="brand" value="alpha" aria-current="true"' in page.text
    assert (await visitor.send("/desk/brand", {"brand": "demo"})).status_code == 303
    assert 'name="brand" value="demo" aria-current="true"' in (await visitor.get("/desk")).text
    foreign = await visitor.send("/desk/brand", {"brand": "beta"})
    unknown = await visitor.send("/desk/brand", {"brand": "gamma"})
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert _same(foreign.text) == _same(unknown.text)
    visitor.client.cookies.set("firstreply_brand", "beta")
    assert "beta" not in (await visitor.get("/desk")).text


async def test_only_leads_are_shown_the_glance(visitor: Any, hire: Any) -> None:
    await hire("maja", "lead")
    await hire("tom", "agent")
    for name, shown in (("maja", True), ("tom", False)):
        await visitor.log_in(name)
        assert ("/desk/glance" in (await visitor.get("/desk")).text) == shown


async def test_files_are_kept_for_ever_under_an_address_of_their_state(visitor: Any) -> None:
    css = await visitor.get(address("desk.css"))
    assert css.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert css.headers["content-encoding"] == "gzip"
    assert css.content == (FOLDER / "desk.css").read_bytes()
    assert (await visitor.get(address("desk.css"), accept_encoding="identity")).content == css.content
    assert (await visitor.get("/desk/static/former/desk.css")).headers["cache-control"] == "no-store"
    for path in ("/desk/static/x/../desk.py", "/desk/static/x/%2e%2e/pages.py", "/desk/static/x/vendor"):
        assert (await visitor.get(path)).status_code == 404


async def test_the_first_page_is_small(visitor: Any) -> None:
    html = (await visitor.get("/desk")).text
    loaded = re.findall(r'(?:src|href)="/desk/static/\w+/([^"]+)"', html)
    assert len(loaded) >= 4
    assert len(html.encode()) + sum(len(files()[name].plain) for name in loaded) <= MOST_FIRST_PAGE


@pytest.mark.parametrize("folder", [FOLDER / "vendor", Path(__file__).parents[1] / "browser" / "vendor"])
def test_files_of_others_are_those_that_are_named(folder: Path) -> None:
    listed = folder / "vendor.yaml" if (folder / "vendor.yaml").exists() else FOLDER.parent / "vendor.yaml"
    named = {one["file"]: one for one in yaml.safe_load(listed.read_text())}
    notice = (Path(__file__).parents[2] / "NOTICE").read_text()
    assert set(named) == {path.name for path in folder.glob("*.js")}
    for name, one in named.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == one["sha256"]
        assert f"{one['name']} {one['version']}" in notice
    assert all(gzip.decompress(file.zipped) == file.plain for file in files().values())


def _same(html: str) -> str:
    return re.sub(r"<code>.*?</code>", "", html)
