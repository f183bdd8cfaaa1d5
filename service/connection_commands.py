"""`firstreply connections`: who may send signed webhooks, and with which secret."""

from __future__ import annotations

import base64
import binascii
import re
import sys
from datetime import timedelta
from typing import Annotated, Any

import typer

from service.terminal import fail, out, say, with_records

connections = typer.Typer(no_args_is_help=True, help="Systems that send signed webhooks: add, list, rotate, remove.")
SOURCES = ("standard",)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
Name = Annotated[str, typer.Argument(help="The connection's name, which stands in its address.")]
Secret = Annotated[
    str | None, typer.Option(help="A secret that the sender made, as whsec_ and Base64; by default one is made here.")
]


@connections.command("add")
def add(
    name: Name,
    brand: Annotated[str, typer.Option(help="Whose messages they are.")] = "demo",
    source: Annotated[str, typer.Option(help="Whose webhooks they are: standard.")] = "standard",
    secret: Secret = None,
) -> None:
    """Let a system send webhooks; the secret they are signed with is shown once."""
    if not _NAME.fullmatch(name):
        fail("a connection's name is letters, digits and . _ - only, at most 100")
    if source not in SOURCES:
        fail(f"no source {source!r}: one of {', '.join(SOURCES)}")
    _check(secret)

    async def work(records: Any) -> str:
        known = await records.brands()
        if brand not in known:
            fail(f"no brand named {brand!r}; known brands: {', '.join(sorted(known)) or 'none yet'}")
        made: str = await records.connections.add(name, source, brand, secret)
        return made

    _show(with_records(work), f"/v1/webhooks/{source}/{name}")


@connections.command("list")
def list_them() -> None:
    """List the connections; their secrets are not shown."""
    for one in with_records(lambda records: records.connections.all()):
        several = f"  {len(one.secrets)} secrets in force" if len(one.secrets) > 1 else ""
        out.print(f"/v1/webhooks/{one.source}/{one.name}  {one.brand}  made {one.created_at:%Y-%m-%d}{several}", markup=False)


@connections.command("rotate")
def rotate(
    name: Name,
    grace_hours: Annotated[float, typer.Option(min=0, max=24 * 30, help="How long the secret before is taken, too.")] = 24,
    secret: Secret = None,
) -> None:
    """Make a new secret; what is signed with the one before is taken for a while, so that no message is lost meanwhile."""
    _check(secret)
    made = with_records(lambda records: records.connections.rotate(name, timedelta(hours=grace_hours), secret))
    _show(made, f"the connection {name}")


@connections.command("remove")
def remove(name: Name) -> None:
    """End a connection; the messages it brought stay."""
    if not with_records(lambda records: records.connections.remove(name)):
        fail(f"there is no connection named {name}: see firstreply connections list")
    say(f"{name} is removed: its webhooks are refused within a second")


def _show(secret: str, where: str) -> None:
    sys.stdout.write(secret + "\n")
    say(f"shown once: the secret of {where}")


def _check(secret: str | None) -> None:
    """Standard Webhooks wants 24 to 64 bytes."""
    if secret is None:
        return
    try:
        size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith("whsec_") or not 24 <= size <= 64:
        fail("a secret is whsec_ and 24 to 64 bytes in Base64: leave --secret out to have one made")
