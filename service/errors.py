"""Every error of ours. Each one is its own HTTP answer (RFC 9457) and its own line on stderr.

FirstReplyError
├── NotUsable                 500  something installed or configured can't be used; stops a start with exit code 2
│   ├── SettingsNotUsable          a setting, or a combination of them
│   ├── ModelNotUsable             embedder, heads, or a mismatch between them
│   ├── KnowledgeNotUsable         a brand's folder or a data file; names file and line
│   └── RecordsNotUsable           the database or the data directory
├── BadRequest                400  the request can't be read
│   ├── WrongContentType      415
│   └── BodyTooLarge          413
├── InvalidMessage            422  a field is missing, unknown or out of range; names each with a JSON Pointer
│   ├── UnknownBrand
│   └── KeyReused                  an Idempotency-Key came with another body before
├── NotAuthenticated          401
├── MissingScope              403  the key is valid and was not made for this
├── Refused                   403  a page of the desk that this request may not have
│   ├── LeadsOnly                  the agent is no lead
│   ├── WrongToken                 a form that this browser's session was not given
│   ├── OtherOrigin                a form on another site's page
│   └── OtherHost                  an address that is not this machine's, while nobody needs to log in
├── NotFound                  404
├── Conflict                  409
│   └── InFlight                   a request with this Idempotency-Key is under way
├── TooManyRequests           429  the key's requests of a minute are used up
└── Unavailable               503  the service can't do this right now; nothing was lost
    ├── IndexUnavailable           the vector index doesn't answer; a triage goes on without passages
    └── Overloaded                 as much as can be done at once is under way
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class FirstReplyError(Exception):
    """Base of all; `detail` is one line that says what is wrong and what to do."""

    status: ClassVar[int] = 500
    problem: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotUsable(FirstReplyError):
    """Something installed or configured can't be used."""

    problem = "not-usable"
    title = "The service is not set up correctly"


class SettingsNotUsable(NotUsable):
    """A setting, or a combination of settings, is wrong."""


class ModelNotUsable(NotUsable):
    """The embedder or the heads are missing, broken, or do not belong together."""


class KnowledgeNotUsable(NotUsable):
    """A brand's folder or another data file is missing or malformed; `detail` names file and line."""


class RecordsNotUsable(NotUsable):
    """The database or the data directory can't be used."""


class BadRequest(FirstReplyError):
    """The request can't be read."""

    status = 400
    problem = "bad-request"
    title = "The request could not be read"


class WrongContentType(BadRequest):
    """The body is not declared as JSON."""

    status = 415
    problem = "wrong-content-type"
    title = "Send JSON"


class BodyTooLarge(BadRequest):
    """The body is over the limit."""

    status = 413
    problem = "body-too-large"
    title = "The request body is too large"


@dataclass(frozen=True)
class FieldError:
    """One wrong field: RFC 6901 pointer into the request body and what to do about it."""

    pointer: str
    detail: str


class InvalidMessage(FirstReplyError):
    """A field is missing, unknown or out of range."""

    status = 422
    problem = "invalid-request"
    title = "The request has invalid fields"

    def __init__(self, fields: list[FieldError]) -> None:
        self.fields = fields
        super().__init__("; ".join(f"{field.pointer or '/'}: {field.detail}" for field in fields))


class UnknownBrand(InvalidMessage):
    """The brand of a message has no folder and no knowledge."""

    problem = "unknown-brand"
    title = "Unknown brand"

    def __init__(self, brand: str, known: list[str], at: str = "") -> None:
        names = ", ".join(sorted(known)) or "none yet: firstreply knowledge import --brand NAME FILE makes one"
        super().__init__([FieldError(f"{at}/brand", f"no brand named {brand!r}; known brands: {names}")])


class KeyReused(InvalidMessage):
    """An Idempotency-Key came with another body before."""

    problem = "key-reused"
    title = "This key stands for another request"

    def __init__(self) -> None:
        reason = "this Idempotency-Key came with another body before: send what was sent then, or use a new key"
        super().__init__([FieldError("", reason)])


class NotAuthenticated(FirstReplyError):
    """No valid API key came with the request."""

    status = 401
    problem = "not-authenticated"
    title = "An API key is needed"


class MissingScope(FirstReplyError):
    """The key is valid and was not made for this."""

    status = 403
    problem = "missing-scope"
    title = "This key may not do this"


class Refused(FirstReplyError):
    """A page of the desk that this request may not have."""

    status = 403
    problem = "refused"
    title = "This is not possible here"


class LeadsOnly(Refused):
    """The agent is no lead."""

    problem = "leads-only"
    title = "This page is for leads"


class WrongToken(Refused):
    """A form came without the token that this browser's session was given."""

    problem = "wrong-token"
    title = "This page is out of date"


class OtherOrigin(Refused):
    """A form came from a page of another site."""

    problem = "other-origin"
    title = "This came from another site"


class OtherHost(Refused):
    """The desk, open to this machine alone, was asked for under another name or through a proxy."""

    problem = "other-host"
    title = "The desk is open to this machine only"


class NotFound(FirstReplyError):
    """No such thing, or not for this key."""

    status = 404
    problem = "not-found"
    title = "Not found"


class Conflict(FirstReplyError):
    """The thing is there and can't be changed this way; `detail` says which way it can."""

    status = 409
    problem = "conflict"
    title = "This can't be changed here"


class InFlight(Conflict):
    """A request with the same Idempotency-Key is under way."""

    problem = "in-flight"
    title = "The same request is under way"


class TooManyRequests(FirstReplyError):
    """The key's requests of a minute are used up; `retry_after` is in seconds."""

    status = 429
    problem = "too-many-requests"
    title = "Too many requests"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(FirstReplyError):
    """The service can't do this right now; nothing was lost."""

    status = 503
    problem = "unavailable"
    title = "Not available right now"


class IndexUnavailable(Unavailable):
    """The vector index doesn't answer, or not with what it should hold."""


class Overloaded(Unavailable):
    """As much as can be done at once is under way; nothing of the request was read."""

    problem = "overloaded"
    title = "Too much at once"
