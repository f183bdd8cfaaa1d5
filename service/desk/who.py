"""Who uses the desk and for which brand: an agent with a session, or anybody at this machine while there is no agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote, urlsplit

from fastapi import Depends, Request

from service.desk.forms import SESSION
from service.errors import LeadsOnly, NotAuthenticated, NotFound, OtherHost
from service.http.auth import Keys, PartsOf
from service.parts import Parts
from service.records.agents import Role
from service.records.demo import BRAND as DEMO

BRAND = "firstreply_brand"  # the cookie with the brand that was chosen last
LOOPBACK = ("127.0.0.1", "::1", "localhost")
PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")  # headers of requests that a proxy passes on


@dataclass(frozen=True)
class Agent:
    """Who is at the desk; `brands` None is every brand."""

    name: str
    display_name: str
    role: Role
    brands: tuple[str, ...] | None

    @property
    def leads(self) -> bool:
        """Whether pages for leads are theirs."""
        return self.role == "lead"

    def may(self, brand: str) -> bool:
        """Whether this agent works for the brand."""
        return self.brands is None or brand in self.brands


LOCAL = Agent("local", "Local", "lead", None)


async def is_open(request: Request) -> bool:
    """Whether nobody needs to log in: only this machine reaches the service, and neither an agent nor an API key was ever made.

    A key says that others reach the service, through a proxy on this machine for example.
    """
    parts: Parts = request.state.parts
    keys: Keys = request.state.keys
    if not parts.settings.loopback or await parts.records.agents.any():
        return False
    await keys.active(parts)
    return not keys.in_use


async def agent_of(request: Request, parts: PartsOf) -> Agent:
    """The agent; raises NotAuthenticated without a session, and OtherHost where an open desk is not asked for by its own name."""
    token = request.cookies.get(SESSION)
    stored = await parts.records.agents.of_session(token) if token else None
    if stored is not None:
        agent = Agent(stored.name, stored.display_name, stored.role, stored.brands)
    elif await is_open(request):
        # A page of another site may have its own name point to this machine (DNS rebinding); a proxy may serve anybody.
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname
        if name not in LOOPBACK or any(header in request.headers for header in PASSED_ON):
            raise OtherHost("open http://127.0.0.1 with the service's port, or make an agent: firstreply agents create NAME")
        agent = LOCAL
    else:
        raise NotAuthenticated("log in at /desk/login")
    request.state.agent = agent
    request.state.brands = brands_of(agent, parts)
    return agent


def brands_of(agent: Agent, parts: Parts) -> dict[str, str]:
    """Display names by name of the brands that the agent works for."""
    return {name: parts.brands[name].identity.display_name for name in sorted(parts.brands) if agent.may(name)}


AgentOf = Annotated[Agent, Depends(agent_of)]


async def lead_of(agent: AgentOf) -> Agent:
    """The agent, who is a lead; raises LeadsOnly."""
    if not agent.leads:
        raise LeadsOnly("ask a lead, or have your role changed")
    return agent


LeadOf = Annotated[Agent, Depends(lead_of)]


async def brand_here(request: Request, agent: AgentOf, parts: PartsOf) -> str:
    """The brand in the path, else the one chosen last, else the agent's first; raises NotFound for one that is not theirs."""
    mine = brands_of(agent, parts)
    brand = request.path_params.get("brand") or unquote(request.cookies.get(BRAND, ""))
    if brand not in mine and "brand" not in request.path_params:
        brand = next(iter(mine), None)  # what was chosen last may have gone
    if brand is None or brand not in mine:
        raise NotFound("there is no such brand, or it is not yours")
    request.state.brand = brand
    request.state.demo_day = brand == DEMO and await parts.records.demo_day.loaded()
    return str(brand)


BrandHere = Annotated[str, Depends(brand_here)]
