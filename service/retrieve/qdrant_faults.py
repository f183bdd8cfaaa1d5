"""What can go wrong with a Qdrant server, told in one line that says what to do."""

from __future__ import annotations

from typing import Any

import grpc
import httpx
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from service.errors import FirstReplyError

# What a call of the client raises; a ValueError or an AssertionError is an answer that is not Qdrant's.
FAILURES = (ApiException, QdrantException, grpc.RpcError, OSError, ValueError, AssertionError)

_CODE = grpc.StatusCode


class Nothing(ValueError):
    """Nothing was found where the server should hold something."""


def told(error: Exception, timeout: float) -> str:
    """What is wrong and what to do; `timeout` is that of a search, in seconds."""
    if isinstance(error, FirstReplyError):
        return error.detail
    if isinstance(error, Nothing):
        return "Qdrant finds nothing of what it was sent: it is being sent again"
    match code := _code(error):
        case 401 | 403 | _CODE.UNAUTHENTICATED | _CODE.PERMISSION_DENIED:
            return "Qdrant refuses the key: set FIRSTREPLY_QDRANT_API_KEY to one that may read and write"
        case 404 | _CODE.NOT_FOUND:
            return "the collection is gone from Qdrant: it is being made again"
        case "slow" | _CODE.DEADLINE_EXCEEDED:
            return f"Qdrant doesn't answer within {timeout:g} s (FIRSTREPLY_QDRANT_TIMEOUT_SECONDS): see how busy it is"
        case "away":
            return "Qdrant can't be reached: see whether it runs and FIRSTREPLY_QDRANT_URL leads to it"
        case _CODE.UNAVAILABLE:
            return (
                "Qdrant can't be reached by gRPC: see whether it runs and FIRSTREPLY_QDRANT_GRPC_PORT is open to us, "
                "or set FIRSTREPLY_QDRANT_GRPC=false to speak REST"
            )
        case _:
            return f"Qdrant answers with an error ({code or type(error).__name__}): see its log"


def _code(error: Exception) -> Any:
    """An HTTP status, a gRPC code, `slow`, `away`, or None for anything else."""
    source = error.source if isinstance(error, ResponseHandlingException) else error
    if isinstance(source, UnexpectedResponse):
        return source.status_code
    if isinstance(source, grpc.RpcError):
        return source.code() if hasattr(source, "code") else None
    if isinstance(source, (TimeoutError, httpx.TimeoutException)):
        return "slow"
    if isinstance(source, (OSError, httpx.TransportError)):
        return "away"
    return None
