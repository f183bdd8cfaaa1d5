"""`firstreply webhooks`: who is told of triages, and `firstreply dead-letters`: messages whose triage failed for good."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Annotated, Any

import typer

from service.errors import NotFound
from service.fetch import trouble_of
from service.records.endpoints import EVENTS
from service.settings import read_settings
from service.terminal import fail, out, say, with_records

webhooks = typer.Typer(no_args_is_help=True, help="Webhooks that tell other systems of triages: add, list, rotate, test, remove.")
dead_letters = typer.Typer(no_args_is_help=True, help="Accepted messages whose triage failed for good: list, replay.")
EndpointId = Annotated[str, typer.Argument(help="The endpoint's id in webhooks list.")]


@webhooks.command("add")
def add(
    url: Annotated[str, typer.Argument(help="https address that is told; http only for FIRSTREPLY_WEBHOOK_HOSTS.")],
    brand: Annotated[str, typer.Option(help="Whose triages.")] = "demo",
    event: Annotated[list[str] | None, typer.Option(help="What is told: triage.done.")] = None,
    with_triage: Annotated[
        bool,
        typer.Option("--with-triage", help="Send the whole triage, which quotes the message; by default ids and the decision."),
    ] = False,
) -> None:
    """Tell a system of each triage from now on; the secret it is signed with is shown once."""
    if trouble := trouble_of(url, read_settings().webhook_hosts):
        fail(f"{trouble}: write https://host/path, or list a host of your own network in FIRSTREPLY_WEBHOOK_HOSTS")
    events = event or list(EVENTS)
    if unknown := sorted(set(events) - set(EVENTS)):
        fail(f"no event {unknown[0]!r}: one of {', '.join(EVENTS)}")

    async def work(records: Any) -> tuple[str, str]:
        known = await records.brands()
        if brand not in known:
            fail(f"no brand named {brand!r}; known brands: {', '.join(sorted(known)) or 'none yet'}")
        made: tuple[str, str] = await records.endpoints.add(brand, url, events, with_triage=with_triage)
        return made

    endpoint_id, secret = with_records(work)
    _show(secret, endpoint_id)


@webhooks.command("list")
def list_them() -> None:
    """List the endpoints; their secrets are not shown."""
    for one in with_records(lambda records: records.endpoints.all()):
        state = "" if one.enabled else "  disabled"
        several = f"  {len(one.secrets)} secrets in force" if len(one.secrets) > 1 else ""
        what = ", ".join(one.events) + (" with the triage" if one.with_triage else "")
        out.print(f"{one.id}  {one.url}  {one.brand}  {what}  made {one.created_at:%Y-%m-%d}{several}{state}", markup=False)


@webhooks.command("rotate-secret")
def rotate_secret(
    endpoint_id: EndpointId,
    grace_hours: Annotated[float, typer.Option(min=0, max=24 * 30, help="How long the one before signs, too.")] = 24,
) -> None:
    """Make a new secret; meanwhile what is sent carries both signatures, so that the receiver may change over at any moment."""
    _show(with_records(lambda records: records.endpoints.rotate(endpoint_id, timedelta(hours=grace_hours))), endpoint_id)


@webhooks.command("test")
def test(endpoint_id: EndpointId) -> None:
    """Send a webhook of the type webhook.test; a running service or worker delivers it within a second."""

    async def work(records: Any) -> str:
        endpoint = await records.endpoints.one(endpoint_id)
        if endpoint is None:
            raise NotFound(f"there is no endpoint {endpoint_id}: see firstreply webhooks list")
        made: str = await records.deliveries.test(endpoint.id, endpoint.brand)
        return made

    say(f"{with_records(work)} is on its way: GET /v1/deliveries says what was answered")


@webhooks.command("remove")
def remove(endpoint_id: EndpointId) -> None:
    """End an endpoint and forget its log; what was not delivered is not delivered any more."""
    if not with_records(lambda records: records.endpoints.remove(endpoint_id)):
        fail(f"there is no endpoint {endpoint_id}: see firstreply webhooks list")
    say(f"{endpoint_id} is removed")


@dead_letters.command("list")
def list_dead(
    brand: Annotated[str | None, typer.Option(help="Only this brand.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most messages.")] = 100,
) -> None:
    """List messages that failed at every attempt; a human has each of them already."""
    for one in with_records(lambda records: records.inbox.dead(brand, most=limit)):
        out.print(f"{one.id}  {one.brand}  {one.done_at:%Y-%m-%d %H:%M}  {one.triage_id}  {one.error}", markup=False)


@dead_letters.command("replay")
def replay(message_ids: Annotated[list[str], typer.Argument(help="Ids of dead letters.")]) -> None:
    """Triage messages anew, once what was wrong is mended; a running service or worker does it within a second."""

    async def work(records: Any) -> list[str]:
        return [one for one in message_ids if not await records.inbox.again(one)]

    unknown = with_records(work)
    if unknown:
        fail(f"no dead letters: {', '.join(unknown)}; see firstreply dead-letters list", 1)
    say(f"{len(message_ids)} will be triaged anew")


def _show(secret: str, endpoint_id: str) -> None:
    sys.stdout.write(secret + "\n")
    say(f"shown once: the secret of {endpoint_id}")
