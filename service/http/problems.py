"""Every error as `application/problem+json` (RFC 9457): what is wrong, where, and what to do."""

from __future__ import annotations

import traceback
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from service.errors import (
    FirstReplyError,
    InFlight,
    InvalidMessage,
    NotAuthenticated,
    Overloaded,
    TooManyRequests,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
MOST_FIELDS = 20  # wrong fields named in one answer
MOST_POINTER = 200  # characters of a pointer: a field's name may be as long as the body
RETRY_SECONDS = 2  # told to a caller when the records are busy; a busy SQLite is free again well before
TOO_DEEP = "the JSON is nested too deep: nothing here needs more than eight levels"
log = structlog.get_logger()

_UNEXPECTED = "an unexpected error; it was logged under this request_id"
_ADVICE = {
    "missing": "this field is required",
    "extra_forbidden": "unknown field: remove it, or check its spelling",
    "json_invalid": "the body is not valid JSON",
    "string_too_long": "too long: at most {max_length} characters",
    "too_long": "too many: at most {max_length}",
    "model_attributes_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "tuple_type": "must be a JSON array",
    "string_type": "must be a string",
    "literal_error": "must be one of {expected}",
}


class ProblemField(BaseModel):
    """One wrong field."""

    pointer: str = Field(description="RFC 6901 pointer into the request body", examples=["/thread/0/text"])
    detail: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    request_id: str | None = None
    errors: list[ProblemField] = []


def problem(
    request: Request, status: int, kind: str, title: str, detail: str, errors: list[dict[str, str]] | None = None
) -> JSONResponse:
    """The answer for one error."""
    return JSONResponse(_body(request, status, kind, title, detail, errors), status_code=status, media_type=MEDIA_TYPE)


def problem_of(request: Request, error: FirstReplyError) -> JSONResponse:
    """The answer for an error of ours, with the headers that belong to it."""
    fields = [{"pointer": f.pointer, "detail": f.detail} for f in error.fields] if isinstance(error, InvalidMessage) else None
    answer = problem(request, error.status, error.problem, error.title, error.detail, fields)
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    if isinstance(error, InFlight | Overloaded):
        answer.headers["Retry-After"] = "1"
    if isinstance(error, TooManyRequests):
        answer.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, NotAuthenticated):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def told(request: Request, error: Exception) -> dict[str, Any]:
    """The body of an error that comes after an answer has begun, as the last event of a stream."""
    if isinstance(error, FirstReplyError):
        return _body(request, error.status, error.problem, error.title, error.detail)
    _log_unexpected(request, error)
    return _body(request, 500, "error", "Something went wrong", _UNEXPECTED)


def _body(
    request: Request, status: int, kind: str, title: str, detail: str, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:firstreply:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": request.scope.get("request_id"),
    }
    return body | {"errors": errors} if errors else body


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, for its OpenAPI description."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"content": content, "description": _DESCRIPTIONS[status]} for status in statuses}


def schemas() -> dict[str, Any]:
    """What `declared` refers to, for the components of the OpenAPI description."""
    problem_schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**problem_schema.pop("$defs"), "Problem": problem_schema}


_DESCRIPTIONS = {
    400: "The request could not be read",
    401: "An API key is needed",
    403: "The key was not made for this; the detail names the scope",
    404: "Not found, or not for this key",
    409: "It can't be changed this way; the detail says which way it can",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A field is missing, unknown or out of range",
    429: "The key's requests of a minute are used up; Retry-After says when to go on",
    503: "Not available right now; nothing was lost",
}


def install(app: FastAPI) -> None:
    """Registers the handlers."""

    @app.exception_handler(FirstReplyError)
    async def ours(request: Request, error: FirstReplyError) -> JSONResponse:
        return problem_of(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = error.errors()
        if found and found[0]["type"] == "json_invalid":
            at = found[0]["loc"][-1]
            reason = found[0].get("ctx", {}).get("error", "")
            return problem(
                request, 400, "bad-request", "The request could not be read", f"not valid JSON at character {at}: {reason}"
            )
        fields = [{"pointer": pointer(item["loc"])[:MOST_POINTER], "detail": advice(item)} for item in found[:MOST_FIELDS]]
        detail = "; ".join(f"{field['pointer'] or '/'}: {field['detail']}" for field in fields[:3])
        return problem(request, 422, "invalid-request", "The request has invalid fields", detail, fields)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        kinds = {404: ("not-found", "Not found"), 405: ("method-not-allowed", "Method not allowed")}
        kind, title = kinds.get(error.status_code, ("bad-request", "The request could not be read"))
        details = {404: "no such page: the API is described at /docs", 405: f"{request.method} is not possible here"}
        if isinstance(error.__cause__, RecursionError):  # the body's JSON, which FastAPI reads
            details[400] = TOO_DEEP
        answer = problem(request, error.status_code, kind, title, details.get(error.status_code, str(error.detail)))
        answer.headers.update(error.headers or {})
        return answer


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """The answer to an error nobody foresaw."""
    _log_unexpected(request, error)
    return problem(request, 500, "error", "Something went wrong", _UNEXPECTED)


def _log_unexpected(request: Request, error: Exception) -> None:
    """The log gets an error's type and place, never its text, which may quote a customer."""
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-5:]]
    log.error("unexpected_error", error=type(error).__name__, where=where, request_id=request.scope.get("request_id"))


def pointer(location: tuple[int | str, ...] | list[int | str]) -> str:
    """RFC 6901 pointer of a validation error's location."""
    parts = [str(part) for part in location if part != "body"]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def advice(item: Any) -> str:
    """What to do about one validation error, without repeating what was sent."""
    context = item.get("ctx") or {}
    template = _ADVICE.get(item["type"])
    if template:
        return template.format_map({"max_length": "", "expected": "", **context})
    message = str(item["msg"])
    return message.removeprefix("Value error, ")
