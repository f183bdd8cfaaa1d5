"""/desk: where an agent begins."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.desk.pages import page
from service.desk.who import AgentOf, BrandHere

router = APIRouter(prefix="/desk")


@router.get("")
async def home(request: Request, agent: AgentOf, brand: BrandHere) -> HTMLResponse:
    """The frame, with nothing in it yet."""
    return page(request, "home.html")
