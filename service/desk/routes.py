"""Every page of the desk: one module a page, each with its `router` under the prefix /desk."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from service.desk import answers, claims, demo, glance, login, playground, queue, static, triage
from service.desk.guard import own_form

PAGES = (queue, glance, triage, answers, claims, login, playground, demo)


def router() -> APIRouter:
    """All of them, each state-changing request checked; none is in the API's description."""
    desk = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    for page in PAGES:
        desk.include_router(page.router, dependencies=[Depends(own_form)])
    desk.include_router(static.router)
    return desk
