"""Signed webhooks: what the secret's holder sent is taken, and nothing that differs from it in one bit."""

from __future__ import annotations

import base64
import os
import random
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from service.errors import NotAuthenticated
from service.intake.signatures import MOST_SIGNATURES, TOLERANCE, verify
from service.records.signing import new_secret

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
BODY = '{"type":"message.created","data":{"text":"Wo ist mein Paket? 😡"}}'.encode()
MUTATIONS = 100_000 if os.environ.get("TEST_LONG") else 3_000


def signed(body: bytes = BODY, secret: str = SECRET, at: datetime = NOW, webhook_id: str = "wh_1") -> dict[str, str]:
    """The headers of a sender that uses the reference library."""
    signature = Webhook(secret).sign(webhook_id, at, body.decode())
    return {"webhook-id": webhook_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def refused(body: bytes, headers: dict[str, str], secrets: tuple[str, ...] = (SECRET,)) -> None:
    with pytest.raises(NotAuthenticated, match=r"^the webhook's signature can't be verified$"):
        verify(body, headers, secrets, NOW)


def test_what_the_reference_library_signs_is_taken() -> None:
    assert verify(BODY, signed(), (SECRET,), NOW) == "wh_1"


def test_while_secrets_change_both_are_taken_and_others_are_not() -> None:
    old, new = SECRET, new_secret()
    for secret in (old, new):
        assert verify(BODY, signed(secret=secret), (new, old), NOW) == "wh_1"
    refused(BODY, signed(secret=old), (new,))
    both = signed(secret=new) | {"webhook-signature": f"v1,AAAA {signed(secret=old)['webhook-signature']} v2,abc"}
    assert verify(BODY, both, (old,), NOW) == "wh_1"


@pytest.mark.parametrize("away", [TOLERANCE + timedelta(seconds=1), timedelta(days=3650)])
def test_stale_and_future_webhooks_are_refused(away: timedelta) -> None:
    refused(BODY, signed(at=NOW - away))
    refused(BODY, signed(at=NOW + away))
    assert verify(BODY, signed(at=NOW - TOLERANCE), (SECRET,), NOW)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-signature", ""),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,a,b"),
        ("webhook-signature", "v1,é"),
        ("webhook-signature", "v1," + "A" * 100_000),
        ("webhook-signature", "v2," + signed()["webhook-signature"][3:]),
        ("webhook-signature", "v1, " + signed()["webhook-signature"][3:]),
        ("webhook-signature", "v1,=" + signed()["webhook-signature"][3:]),
        ("webhook-timestamp", ""),
        ("webhook-timestamp", "now"),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", signed()["webhook-timestamp"] + ".0"),
        ("webhook-timestamp", "0" + signed()["webhook-timestamp"]),
        ("webhook-timestamp", signed()["webhook-timestamp"].replace("1", "١")),
        ("webhook-timestamp", "9" * 5_000),
        ("webhook-timestamp", "9" * 12),
        ("webhook-id", ""),
        ("webhook-id", "wh_2"),
        ("webhook-id", "wh 1"),
        ("webhook-id", "i" * 10_000),
    ],
)
def test_headers_of_another_form_are_refused_with_the_same_words(header: str, value: str) -> None:
    refused(BODY, signed() | {header: value})


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(header: str) -> None:
    headers = signed()
    del headers[header]
    refused(BODY, headers)


def test_only_so_many_signatures_are_looked_at() -> None:
    right = signed()["webhook-signature"]
    assert verify(BODY, signed() | {"webhook-signature": " ".join(["v1,a"] * (MOST_SIGNATURES - 1) + [right])}, (SECRET,), NOW)
    refused(BODY, signed() | {"webhook-signature": " ".join(["v1,a"] * MOST_SIGNATURES + [right])})


def test_a_body_that_is_no_text_is_refused() -> None:
    refused(b"\xff\xfe", signed())


def test_every_flipped_bit_of_body_and_signature_is_refused() -> None:
    for place in range(len(BODY) * 8):
        body = bytearray(BODY)
        body[place // 8] ^= 1 << place % 8
        refused(bytes(body), signed())
    signature = signed()["webhook-signature"]
    for index, letter in enumerate(signature):
        for bit in range(7):
            refused(
                BODY, signed() | {"webhook-signature": signature[:index] + chr(ord(letter) ^ 1 << bit) + signature[index + 1 :]}
            )


def test_no_mutation_is_taken() -> None:
    """Bytes and headers cut, doubled, swapped, spelled otherwise; a seed of its own each run would hide what failed."""
    rng = random.Random(20261122)
    for _ in range(MUTATIONS):
        body, headers = bytearray(BODY), signed()
        name = rng.choice(["body", *headers])
        target = body if name == "body" else bytearray(headers[name].encode())
        before = bytes(target)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(target)) if target else 0
            match rng.randrange(5):
                case 0:
                    target[at : at + 1] = bytes([rng.randrange(128)])
                case 1:
                    target.insert(at, rng.randrange(128))
                case 2:
                    del target[at : at + rng.randint(1, 4)]
                case 3:
                    target += target[at : at + 8]
                case 4:
                    target[:] = target[at:] + target[:at]
        if bytes(target) == before:
            continue
        if name != "body":
            headers[name] = target.decode("latin-1")
            if name == "webhook-signature" and signed()[name] in headers[name].split(" "):
                continue  # the right signature among others is right
        refused(bytes(body), headers)


def test_a_secret_of_ours_is_one_of_the_specification() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    assert secret != new_secret()
