"""Logging in and out: who gets in, for how long, and who does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from service.desk.login import TRIES, own_path
from service.parts import Parts
from service.records.agents import IDLE, LONGEST, SEEN_WITHIN
from service.records.tables import agent_sessions, agents

PASSWORD = "correct-horse-battery"


async def test_who_is_not_logged_in_comes_back_to_the_page_that_was_wanted(visitor: Any, hire: Any) -> None:
    await hire()
    turned = await visitor.get("/desk?since=a%20b")
    assert (turned.status_code, turned.headers["location"]) == (303, "/desk/login?next=%2Fdesk%3Fsince%3Da%2520b")
    page = await visitor.get(turned.headers["location"])
    assert 'name="next" value="/desk?since=a%20b"' in page.text
    begun = await visitor.log_in("maja", next="/desk?since=a%20b")
    assert (begun.status_code, begun.headers["location"]) == (303, "/desk?since=a%20b")
    desk = await visitor.get("/desk")
    assert desk.status_code == 200
    assert "Maja" in desk.text


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/desk", "//evil.example/desk", "/desk/../v1/triages", "/desk/%2e%2e/v1", "/desk\\evil",
        "/desk/%5cevil",
        "/v1/triages", "/desks", "javascript:alert(1)", "/desk/a\nb", "", "desk", "http:/desk", "//[", "/desk/ü",
    ],
)  # fmt: skip
async def test_nobody_is_led_elsewhere_by_next(wanted: str) -> None:
    assert own_path(wanted) == "/desk"
    assert own_path("/desk/queue?q=a%20b") == "/desk/queue?q=a%20b"


async def test_wrong_names_and_wrong_passwords_are_told_alike(visitor: Any, hire: Any) -> None:
    await hire()
    wrong = await visitor.log_in("maja", "wrong-horse-battery")
    unknown = await visitor.log_in("nobody-here", "wrong-horse-battery")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert "Name or password is not right" in wrong.text
    assert wrong.text.replace("maja", "nobody-here") == unknown.text
    assert (await visitor.get("/desk")).status_code == 303


async def test_a_session_s_cookie_is_kept_from_scripts_and_other_sites(visitor: Any, hire: Any) -> None:
    await hire()
    cookie = (await visitor.log_in("MAJA ")).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    visitor.client.base_url = httpx.URL("https://firstreply")
    assert "Secure" in (await visitor.log_in("maja")).headers["set-cookie"]


async def test_only_digests_of_passwords_and_sessions_are_kept(visitor: Any, hire: Any, own: Parts) -> None:
    await hire()
    await visitor.log_in("maja")
    rows = str([*await own.records.all(select(agents)), *await own.records.all(select(agent_sessions))])
    assert PASSWORD not in rows
    assert visitor.client.cookies["firstreply_session"] not in rows


async def test_logging_out_ends_the_session_for_a_copied_cookie_too(visitor: Any, hire: Any) -> None:
    await hire()
    await visitor.log_in("maja")
    copied = visitor.client.cookies["firstreply_session"]
    await visitor.get("/desk")
    assert (await visitor.send("/desk/logout", {})).headers["location"] == "/desk/login"
    visitor.client.cookies.set("firstreply_session", copied)
    assert (await visitor.get("/desk")).status_code == 303


@pytest.mark.parametrize("ending", ["disable", "password"])
async def test_disabling_an_agent_or_another_password_ends_all_sessions(visitor: Any, hire: Any, own: Parts, ending: str) -> None:
    await hire()
    await visitor.log_in("maja")
    assert (await visitor.get("/desk")).status_code == 200
    if ending == "disable":
        await own.records.agents.disable("maja")
    else:
        await own.records.agents.set_password("maja", "scrypt$2$8$1$AA==$AA==")
    assert (await visitor.get("/desk")).status_code == 303
    assert (await visitor.log_in("maja")).status_code == 401


async def test_a_session_ends_when_unused_and_in_any_case_after_a_week(visitor: Any, hire: Any, own: Parts) -> None:
    await hire()
    for aged, ends in (
        ({"seen_at": IDLE - timedelta(minutes=1)}, False),
        ({"seen_at": IDLE + timedelta(minutes=1)}, True),
        ({"created_at": LONGEST + timedelta(minutes=1)}, True),
    ):
        await visitor.log_in("maja")
        async with own.records.writing() as connection:
            past = {name: datetime.now(UTC) - span for name, span in aged.items()}
            await connection.execute(update(agent_sessions).values(**past))
        assert (await visitor.get("/desk")).status_code == (303 if ends else 200), aged


async def test_use_keeps_a_session_going(visitor: Any, hire: Any, own: Parts) -> None:
    await hire()
    await visitor.log_in("maja")
    async with own.records.writing() as connection:
        await connection.execute(update(agent_sessions).values(seen_at=datetime.now(UTC) - SEEN_WITHIN * 2))
    await visitor.get("/desk")
    (row,) = await own.records.all(select(agent_sessions.c.seen_at))
    assert row.seen_at.replace(tzinfo=UTC) > datetime.now(UTC) - SEEN_WITHIN


async def test_guessing_is_slowed_down_in_words(visitor: Any, hire: Any) -> None:
    await hire()
    await hire("tom")
    for _ in range(TRIES):
        assert (await visitor.log_in("maja", "wrong-horse-battery")).status_code == 401
    refused = await visitor.log_in("maja")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "Too many attempts" in refused.text
    assert (await visitor.log_in("tom")).status_code == 303


async def test_right_passwords_do_not_count_as_guesses(visitor: Any, hire: Any) -> None:
    await hire()
    for _ in range(TRIES + 1):
        assert (await visitor.log_in("maja")).status_code == 303


async def test_an_ended_session_takes_nothing_from_a_page_that_htmx_changes(visitor: Any, hire: Any) -> None:
    await hire()
    ended = await visitor.get("/desk", hx_request="true")
    assert ended.status_code == 401
    assert (ended.headers["hx-retarget"], ended.headers["hx-reswap"]) == ("#toasts", "beforeend")
    assert "hx-redirect" not in ended.headers
    assert 'target="_blank"' in ended.text
    assert "<html" not in ended.text


async def test_after_logging_in_again_an_older_page_gets_the_token_of_the_new_session(visitor: Any, hire: Any) -> None:
    await hire()
    await visitor.log_in("maja")
    await visitor.get("/desk")
    former = visitor.token
    await visitor.log_in("maja")
    answer = await visitor.client.get("/desk/token", headers={"accept": "application/json"})
    assert answer.json()["csrf"] != former
    visitor.token = answer.json()["csrf"]
    assert (await visitor.send("/desk/logout", {})).status_code == 303


async def test_a_session_is_no_key_of_the_api(visitor: Any, hire: Any, own: Parts) -> None:
    await hire("maja", "lead")
    await own.records.api_keys.make("crm", None)
    await visitor.log_in("maja")
    assert (await visitor.get("/desk")).status_code == 200
    assert (await visitor.client.get("/v1/triages?brand=demo")).status_code == 401
