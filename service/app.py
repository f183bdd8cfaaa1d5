"""The HTTP application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from service import __version__, desk, telemetry
from service.desk.login import Logins
from service.errors import SettingsNotUsable
from service.http import (
    conversations,
    dead_letters,
    deliveries,
    erasure,
    feedback,
    health,
    knowledge,
    messages,
    orders,
    problems,
    stream,
    triage,
    triages,
    webhooks,
)
from service.http.admission import Permits
from service.http.auth import Keys, keys_of
from service.http.middleware import Envelope
from service.http.scopes import describe_scopes
from service.parts import Parts, build_parts
from service.settings import Settings

DESCRIPTION = """One incoming social message in, one *triage* out: what the customer feels and wants, the FAQ passages and
order facts that matter, a draft reply an agent can accept, and whether a human must take over.
Nothing is ever sent to a customer by this service."""


class State(TypedDict):
    """What every request finds in `request.state`."""

    parts: Parts
    keys: Keys
    logins: Logins
    giving: asyncio.Lock  # feedback from the desk is given one by one


def create_app(settings: Settings, parts: Parts | None = None) -> FastAPI:
    """The application; `parts` hands in ready ones, which stay open when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        if parts is not None:
            async with keys_of(parts) as keys:
                yield {"parts": parts, "keys": keys, "logins": Logins(), "giving": asyncio.Lock()}
            return
        async with build_parts(settings) as built:
            await require_key(built)
            telemetry.describe_build(built.embedding.embedder.fingerprint, built.heads.version)
            async with keys_of(built) as keys:
                yield {"parts": built, "keys": keys, "logins": Logins(), "giving": asyncio.Lock()}

    app = FastAPI(
        title="FirstReply", version=__version__, description=DESCRIPTION, lifespan=lifespan, redirect_slashes=False,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"}, servers=[{"url": "/"}],
        docs_url=None, redoc_url=None, swagger_ui_oauth2_redirect_url=None,
    )  # fmt: skip
    patch_fastapi(app, docs_url="/docs", redirect_from_root_to_docs=False)
    app.add_middleware(
        Envelope,
        max_body_bytes=settings.max_body_bytes,
        max_import_bytes=settings.max_import_bytes,
        permits=Permits(settings.max_concurrent),
    )
    problems.install(app)
    app.include_router(triage.router)
    app.include_router(stream.router)
    app.include_router(messages.router)
    app.include_router(webhooks.router)
    app.include_router(triages.router)
    app.include_router(dead_letters.router)
    app.include_router(deliveries.router)
    app.include_router(feedback.router)
    app.include_router(conversations.router)
    app.include_router(knowledge.router)
    app.include_router(orders.router)
    app.include_router(erasure.router)
    app.include_router(health.router)
    if settings.desk:
        desk.install(app)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        description = described()
        description["components"]["schemas"].update(problems.schemas())
        describe_scopes(description)
        return description

    app.openapi = openapi  # type: ignore[method-assign]  # how FastAPI has it extended
    return app


async def require_key(parts: Parts) -> None:
    """Raises SettingsNotUsable where the service would be open to a network without a key."""
    if not parts.settings.loopback and not await parts.records.api_keys.active():
        raise SettingsNotUsable(
            f"listening on {parts.settings.host} needs an API key: run firstreply keys create NAME, or listen on 127.0.0.1"
        )
