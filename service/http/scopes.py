"""What a key must be made for to call an operation, all of it in one place."""

from __future__ import annotations

from typing import Any

from service.http.problems import declared
from service.records.keys import Scope

# By operation id. None: needs no key; a webhook is signed instead.
NEEDED: dict[str, Scope | None] = {
    "triageMessage": "ingest",
    "streamTriage": "ingest",
    "acceptMessages": "ingest",
    "acceptWebhook": None,
    "getMessage": "read",
    "getTriage": "read",
    "listRedrafts": "read",
    "listTriages": "read",
    "listFeedback": "read",
    "explainTriage": "read",
    "getConversation": "read",
    "getFaq": "read",
    "searchKnowledge": "read",
    "getOrder": "read",
    "getCustomer": "read",
    "redraft": "feedback",
    "translate": "feedback",
    "giveFeedback": "feedback",
    "claimConversation": "feedback",
    "answerConversation": "feedback",
    "resolveConversation": "feedback",
    "reopenConversation": "feedback",
    "putFaq": "admin",
    "deleteFaq": "admin",
    "importKnowledge": "admin",
    "putOrder": "admin",
    "deleteOrder": "admin",
    "importOrders": "admin",
    "putCustomer": "admin",
    "eraseCustomer": "admin",
    "eraseHandle": "admin",
    "listDeadLetters": "admin",
    "replayDeadLetter": "admin",
    "listDeliveries": "admin",
    "retryDelivery": "admin",
    "live": None,
    "ready": None,
    "metrics": None,
}


def describe_scopes(openapi: dict[str, Any]) -> None:
    """Adds to every operation that takes a key which scope it needs, and the answers that a key may get."""
    for methods in openapi["paths"].values():
        for operation in methods.values():
            if needed := NEEDED[operation["operationId"]]:
                operation["description"] = f"{operation.get('description', '')}\n\nScope: `{needed}`.".strip()
                operation["responses"] |= {str(status): answer for status, answer in declared(403, 429).items()}
