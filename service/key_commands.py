"""`firstreply keys`: who may call the API, for which brand and for what."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from service.terminal import fail, out, say, with_records

if TYPE_CHECKING:
    from service.records.keys import ApiKey

keys = typer.Typer(no_args_is_help=True, help="API keys: create, list, rotate, revoke.")
MOST_NAME = 200  # characters of a key's name
LONGEST_GRACE = timedelta(days=30)
_SPAN = re.compile(r"(\d{1,4})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
Number = Annotated[int, typer.Argument(help="The key's number in keys list.")]


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who uses it.")],
    brand: Annotated[str | None, typer.Option(help="Only this brand.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do: ingest, read, feedback or admin; repeat it. Default all.")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="Most requests in any minute; default FIRSTREPLY_RATE_LIMIT_PER_MINUTE.")
    ] = None,
) -> None:
    """Make an API key; it is shown once."""
    from service.records.keys import SCOPES

    if not 1 <= len(name.strip()) <= MOST_NAME or len(brand or "") > MOST_NAME:
        fail(f"a key's name has 1 to {MOST_NAME} characters")
    wanted = set(scope or SCOPES)
    if unknown := sorted(wanted - set(SCOPES)):
        fail(f"no scope {unknown[0]!r}: one of {', '.join(SCOPES)}")
    scopes = [one for one in SCOPES if one in wanted]
    _show(with_records(lambda records: records.api_keys.make(name.strip(), brand, scopes, per_minute)))


@keys.command("list")
def list_them() -> None:
    """List the API keys; the keys themselves are kept nowhere."""
    now = datetime.now(UTC)
    for key in with_records(lambda records: records.api_keys.all()):
        limit = f"  {key.per_minute} a minute" if key.per_minute else ""
        used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
        out.print(
            f"{key.number}  {key.name}  {key.brand or 'every brand'}  {','.join(key.scopes)}{limit}  "
            f"made {key.created_at:%Y-%m-%d}  {used}  {_state(key, now)}", markup=False,
        )  # fmt: skip


@keys.command("rotate")
def rotate(
    number: Number,
    grace: Annotated[str, typer.Option(help="How long the former key goes on: 30m, 1h, 7d; 0s ends it now.")] = "1h",
) -> None:
    """Make a new key for the same name, brand and scopes; the former one ends after the grace, so that nobody is locked out."""
    kept = _span(grace)
    _show(with_records(lambda records: records.api_keys.rotate(number, kept)))
    say(f"key {number} ends in {grace}")


@keys.command("revoke")
def revoke(number: Number) -> None:
    """End an API key; running services refuse it within a second."""
    if not with_records(lambda records: records.api_keys.revoke(number)):
        fail(f"no key in force has number {number}: see firstreply keys list")
    say(f"key {number} is revoked")


def _show(key: str) -> None:
    sys.stdout.write(key + "\n")
    say("shown once: keep it. Send it as Authorization: Bearer KEY")


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "in force"
    return f"{'in force, ends' if key.in_force(now) else 'ended'} {key.expires_at:%Y-%m-%d %H:%M}"


def _span(text: str) -> timedelta:
    """A time span such as 30m, 1h or 7d, at most LONGEST_GRACE."""
    found = _SPAN.fullmatch(text.strip())
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if span is None or span > LONGEST_GRACE:
        fail(f"--grace {text}: write it as 30m, 1h or 7d, at most {LONGEST_GRACE.days}d")
    return span
