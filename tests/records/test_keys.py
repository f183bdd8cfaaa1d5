"""Keys on SQLite and on Postgres: only a digest is kept, a rotated one goes on for its grace, use is noted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from downgrade import back_to

from service.errors import NotFound
from service.records.database import migrate
from service.records.keys import SCOPES, key_digest
from service.records.queries import Records
from service.records.tables import api_keys

HOUR = timedelta(hours=1)


async def test_a_key_is_kept_as_its_digest_alone(records: Records) -> None:
    key = await records.api_keys.make("desk", "demo", ["read"], per_minute=5)
    (row,) = await records.all(api_keys.select())
    assert row.digest == key_digest(key)
    assert key not in str(tuple(row))
    (kept,) = await records.api_keys.all()
    assert (kept.name, kept.brand, kept.scopes, kept.per_minute) == ("desk", "demo", ("read",), 5)
    assert (kept.expires_at, kept.last_used_at, kept.revoked_at) == (None, None, None)


async def test_a_rotated_key_and_its_successor_are_both_in_force_until_the_grace_is_over(records: Records) -> None:
    former = await records.api_keys.make("desk", "demo", ["read", "feedback"], per_minute=5)
    fresh = await records.api_keys.rotate(1, HOUR)
    active = await records.api_keys.active()
    assert active.keys() == {key_digest(former), key_digest(fresh)}
    one, two = active[key_digest(former)], active[key_digest(fresh)]
    assert (two.name, two.brand, two.scopes, two.per_minute) == (one.name, one.brand, one.scopes, one.per_minute)
    now = datetime.now(UTC)
    assert one.expires_at is not None
    assert now < one.expires_at <= now + HOUR
    assert (one.in_force(one.expires_at - HOUR), one.in_force(one.expires_at)) == (True, False)
    assert two.expires_at is None


async def test_without_a_grace_the_former_key_is_over_at_once(records: Records) -> None:
    await records.api_keys.make("desk", None)
    fresh = await records.api_keys.rotate(1, timedelta(0))
    assert list(await records.api_keys.active()) == [key_digest(fresh)]
    with pytest.raises(NotFound):
        await records.api_keys.rotate(1, HOUR)


async def test_rotating_again_does_not_let_a_key_live_longer(records: Records) -> None:
    await records.api_keys.make("desk", None)
    await records.api_keys.rotate(1, HOUR)
    ends = (await records.api_keys.all())[0].expires_at
    await records.api_keys.rotate(1, 24 * HOUR)
    assert (await records.api_keys.all())[0].expires_at == ends


@pytest.mark.parametrize("number", [1, 2])
async def test_a_key_that_is_over_or_nobodys_is_not_rotated(records: Records, number: int) -> None:
    await records.api_keys.make("desk", None)
    await records.api_keys.revoke(1)
    with pytest.raises(NotFound):
        await records.api_keys.rotate(number, HOUR)
    assert len(await records.api_keys.all()) == 1


async def test_a_key_made_before_there_were_scopes_may_do_what_it_could(records: Records) -> None:
    key = await records.api_keys.make("desk", "demo")
    async with records.engine.begin() as connection:
        await connection.run_sync(back_to, "0008")
    await migrate(records.engine)
    found = (await records.api_keys.active())[key_digest(key)]
    assert (found.name, found.brand, found.scopes, found.per_minute) == ("desk", "demo", SCOPES, None)
    assert (found.expires_at, found.last_used_at) == (None, None)


async def test_of_two_notes_of_use_the_later_one_stays(records: Records) -> None:
    await records.api_keys.make("desk", None, SCOPES)
    await records.api_keys.make("other", None, SCOPES)
    late, early = datetime(2026, 11, 22, 9, tzinfo=UTC), datetime(2026, 11, 22, 8, tzinfo=UTC)
    await records.api_keys.used({1: late})
    await records.api_keys.used({1: early, 7: late})
    assert [key.last_used_at for key in await records.api_keys.all()] == [late, None]
