"""The desk's own files: read once, under an address that changes with any of them, so that browsers keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.errors import NotFound

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"
router = APIRouter(prefix="/desk")


@dataclass(frozen=True)
class File:
    """A file as it is sent."""

    media_type: str
    plain: bytes
    zipped: bytes


@cache
def files() -> dict[str, File]:
    """Every file by its path under static/."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.suffix in TYPES:
            content = path.read_bytes()
            file = File(TYPES[path.suffix], content, gzip.compress(content, mtime=0))
            found[path.relative_to(FOLDER).as_posix()] = file
    return found


@cache
def version() -> str:
    """Names the state of all files: a module may import another one beside it, so they change together."""
    digest = hashlib.sha256()
    for name, file in files().items():
        digest.update(name.encode() + b"\0" + file.plain)
    return digest.hexdigest()[:12]


def address(name: str) -> str:
    """Where a file is served; raises KeyError for one that is not there."""
    if name not in files():
        raise KeyError(f"the desk has no file static/{name}")
    return f"/desk/static/{version()}/{name}"


@router.get("/static/{given}/{name:path}")
async def static(request: Request, given: str, name: str) -> Response:
    """A file; one of another version, asked for while the service is updated, is sent and not kept."""
    file = files().get(name)
    if file is None:
        raise NotFound("no such file")
    headers = {"Cache-Control": FOR_EVER if given == version() else "no-store", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.zipped, media_type=file.media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(file.plain, media_type=file.media_type, headers=headers)
