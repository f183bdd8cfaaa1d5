"""/livez, /readyz and /metrics."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from service import telemetry
from service.errors import Unavailable
from service.http.auth import PartsOf

router = APIRouter(tags=["operations"])


@router.get("/livez", operation_id="live", summary="Whether the process answers")
async def live() -> dict[str, str]:
    """The event loop answers."""
    return {"status": "ok"}


@router.get(
    "/readyz", operation_id="ready", summary="Whether messages can be triaged", response_model=None,
    responses={503: {"description": "Not ready; the checks say what is wrong"}},
)  # fmt: skip
async def ready(parts: PartsOf) -> JSONResponse:
    """Each check by name; 503 while one of them fails. The embedder was checked at start.

    Without the index messages are triaged, with a warning and no passages: degraded, and still 200.
    """
    refused = "; ".join(parts.policies.problems.values())
    checks = {
        "records": "ok" if await parts.records.writable() else "failed: the database can't be written",
        "brands": "ok" if parts.brands else "failed: no brand; firstreply knowledge import --brand NAME FILE makes one",
        "embedder": "ok",
        "index": f"degraded: {parts.index.trouble}" if parts.index.trouble else "ok",
        "policies": f"warning: {refused} (the policy before it stays in force)" if refused else "ok",
    }
    if parts.draining.is_set():
        checks["draining"] = "failed: the process is ending"
    failed = any(value.startswith("failed") for value in checks.values())
    status = "not ready" if failed else "degraded" if parts.index.trouble else "ok"
    return JSONResponse({"status": status, "checks": checks}, status_code=503 if failed else 200)


@router.get("/metrics", operation_id="metrics", summary="Metrics for Prometheus", response_class=Response)
async def metrics(parts: PartsOf) -> Response:
    """Prometheus text format; see service/telemetry.py for every name."""
    telemetry.PASSAGES.set(len(parts.passages))
    with contextlib.suppress(Unavailable):  # what was measured last stays: metrics are wanted most while something is away
        backlog = await parts.records.inbox.backlog()
        telemetry.WAITING.set(backlog.waiting)
        telemetry.OLDEST.set((datetime.now(UTC) - backlog.oldest).total_seconds() if backlog.oldest else 0)
        telemetry.DEAD.set(backlog.dead)
        telemetry.UNDELIVERED.set(await parts.records.deliveries.waiting())
    return Response(telemetry.exposition(), media_type=CONTENT_TYPE_LATEST)
