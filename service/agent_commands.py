"""`firstreply agents`: who may use the desk."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from service.terminal import fail, out, say, with_records

agents = typer.Typer(no_args_is_help=True, help="Agents of the desk: create, list, disable, password.")
MOST_NAME = 100  # characters of the name that is shown
Name = Annotated[str, typer.Argument(help="The name to log in with.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")]


@agents.command("create")
def create(
    name: Name,
    role: Annotated[str, typer.Option(help="agent, or lead: sees the glance as well.")] = "agent",
    brand: Annotated[list[str] | None, typer.Option(help="Only this brand; repeat it. Default every brand.")] = None,
    display_name: Annotated[str | None, typer.Option(help="The name colleagues see; default NAME.")] = None,
    password_stdin: FromStdin = False,
) -> None:
    """Make an agent, who logs in at /desk. Asks for the password twice."""
    from service.records.agents import ROLES
    from service.records.passwords import hashed

    known = _name(name)
    if role not in ROLES:
        fail(f"no role {role!r}: one of {', '.join(ROLES)}")
    shown = (display_name or name).strip()
    if not 1 <= len(shown) <= MOST_NAME:
        fail(f"the name that is shown has 1 to {MOST_NAME} characters")
    kept = hashed(_password(password_stdin))
    with_records(lambda records: records.agents.add(known, shown, role, brand or None, kept))
    say(f"{known} is made and logs in at /desk")


@agents.command("list")
def list_them() -> None:
    """List the agents, those disabled too."""
    for agent in with_records(lambda records: records.agents.all()):
        brands = "every brand" if agent.brands is None else ",".join(agent.brands)
        state = "active" if agent.disabled_at is None else f"disabled {agent.disabled_at:%Y-%m-%d}"
        line = f"{agent.name}  {agent.display_name}  {agent.role}  {brands}  made {agent.created_at:%Y-%m-%d}  {state}"
        out.print(line, markup=False)


@agents.command("disable")
def disable(name: Name) -> None:
    """Let an agent in no more; every session of theirs ends at once."""
    known = _name(name)
    with_records(lambda records: records.agents.disable(known))
    say(f"{known} is disabled")


@agents.command("password")
def change_password(name: Name, password_stdin: FromStdin = False) -> None:
    """Set another password; every session of the agent ends at once."""
    from service.records.passwords import hashed

    known = _name(name)
    kept = hashed(_password(password_stdin))
    with_records(lambda records: records.agents.set_password(known, kept))
    say(f"{known} has another password and must log in again")


def _name(given: str) -> str:
    from service.records.agents import agent_name

    name = agent_name(given)
    if name is None:
        fail("a name is letters a to z, digits and . _ @ + - only, at most 100, and begins with a letter or a digit")
    return name


def _password(from_stdin: bool) -> str:
    from service.records.passwords import LONGEST, SHORTEST

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        fail("no terminal to ask for the password on: send it with --password-stdin")
    if not SHORTEST <= len(password) <= LONGEST:
        fail(f"a password has {SHORTEST} to {LONGEST} characters")
    return password
