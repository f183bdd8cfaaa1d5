"""Passwords of agents: kept as scrypt hashes that name their own parameters."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from base64 import b64decode, b64encode

# N = 2^15, r = 8, p = 3 is one of the equal settings that OWASP's Password Storage Cheat Sheet recommends: 32 MiB, 0.2 s.
COST, BLOCK, PARALLEL = 2**15, 8, 3
MEMORY = 64 * 1024 * 1024  # bytes that OpenSSL may take; it needs 128 * N * r and a little
SHORTEST, LONGEST = 12, 1_000  # characters


def hashed(password: str) -> str:
    """The hash of a password with a salt of its own; takes 0.2 s of a core, so never on the event loop."""
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, COST, BLOCK, PARALLEL)
    return f"scrypt${COST}${BLOCK}${PARALLEL}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def matches(password: str, kept: str | None) -> bool:
    """Whether the password is the one that was kept; without one it takes as long and is False."""
    _, cost, block, parallel, salt, digest = (kept or _NOBODYS).split("$")
    found = _scrypt(password, b64decode(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(found, b64decode(digest)) and kept is not None


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(
        unicodedata.normalize("NFKC", password).encode(errors="replace"),
        salt=salt,
        n=cost,
        r=block,
        p=parallel,
        maxmem=MEMORY,
        dklen=32,
    )


# What a name that nobody has is compared with, so that it takes as long as one that somebody has.
_NOBODYS = f"scrypt${COST}${BLOCK}${PARALLEL}${b64encode(bytes(16)).decode()}${b64encode(bytes(32)).decode()}"
