"""The desk: the agents' pages under /desk."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse

from service.desk import routes
from service.desk.frame import Frame
from service.desk.static import version
from service.desk.words import words_by_language


def install(app: FastAPI) -> None:
    """Adds the desk to the application; must come after its other middleware, so that the frame is around all of it.

    Raises KnowledgeNotUsable where its words are not the same in every language.
    """
    words_by_language()
    version()
    app.include_router(routes.router())
    app.add_api_route("/", _desk, include_in_schema=False)
    app.add_middleware(Frame)


async def _desk(request: Request) -> RedirectResponse:
    return RedirectResponse("/desk")
