"""The banner of the demo day: a lead hides it in a browser, or has the day removed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from service.demo_day import remove
from service.desk.login import HOME, own_path
from service.desk.pages import DEMO_HIDDEN, keep
from service.desk.who import BrandHere, LeadOf
from service.errors import NotFound
from service.http.auth import PartsOf
from service.records.demo import BRAND

router = APIRouter(prefix="/desk/demo")
Back = Annotated[str, Form(max_length=4_000)]


@router.post("/hide")
async def hide(request: Request, agent: LeadOf, back: Back = HOME) -> RedirectResponse:
    """Shows the banner in this browser no more; the messages keep their mark."""
    answer = RedirectResponse(own_path(back), 303)
    keep(request, answer, DEMO_HIDDEN, "1")
    return answer


@router.post("/remove")
async def remove_day(agent: LeadOf, brand: BrandHere, parts: PartsOf) -> RedirectResponse:
    """Erases the demo day; raises NotFound where it is not there, and Conflict while it is loaded."""
    if brand != BRAND:
        raise NotFound("the demo day is the demo brand's")
    await remove(parts.records, parts.settings, agent.name)
    await parts.follow()
    return RedirectResponse(HOME, 303)
