"""Standard Webhooks 1.0: whether a request was signed with one of our secrets, a short while ago.

The reference library signs, and the comparison is ours: the library's own reads a signature that another spelling of Base64
or of the time would change without breaking it, and raises bare ValueErrors at headers of another form.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from service.errors import NotAuthenticated

TOLERANCE = timedelta(minutes=5)  # of the specification: older may be a replay, and clocks differ
MOST_SIGNATURES = 10  # of one request: a sender signs with the secrets in force, which are two while they change
_ID = re.compile(r"[\x21-\x7e]{1,255}")
_SECONDS = re.compile(r"[1-9][0-9]{0,11}")  # one spelling of each: what is signed is the number, not how it was written


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> str:
    """The webhook's id; raises NotAuthenticated, always with the same words, for whatever is not as it should be."""
    webhook_id = headers.get("webhook-id", "")
    seconds = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")[:MOST_SIGNATURES]
    if not (_ID.fullmatch(webhook_id) and _SECONDS.fullmatch(seconds)):
        raise _refusal()
    signed_at = datetime.fromtimestamp(min(int(seconds), 32_503_680_000), UTC)
    if abs(now - signed_at) > TOLERANCE:
        raise _refusal()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _refusal() from None
    expected = [Webhook(secret).sign(webhook_id, signed_at, text) for secret in secrets]
    # Every pair is compared, in constant time each, so that the time tells nothing.
    matches = [hmac.compare_digest(ours.encode(), theirs.encode()) for ours in expected for theirs in given]
    if not any(matches):
        raise _refusal()
    return webhook_id


def _refusal() -> NotAuthenticated:
    return NotAuthenticated("the webhook's signature can't be verified")
