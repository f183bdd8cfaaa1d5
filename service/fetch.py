"""Something fetched from, or posted to, an address that a stranger wrote: public hosts alone, within a size and a time.

The name is resolved first and the connection goes to the address that was judged, so that a name which changes its mind
between the two leads nowhere else. Every redirect is judged anew.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

MOST_REDIRECTS = 3
MOST_SECONDS = 60.0  # of one step, whatever the deadline
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last four bytes
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class NotFetched(Exception):
    """Why nothing was fetched or posted; the text names no address."""


@dataclass(frozen=True)
class Pinned:
    """An address with its host resolved and judged: what a request to it is made of."""

    url: str
    headers: dict[str, str]
    extensions: dict[str, str]


async def fetched(url: str, *, most: int, deadline: float, private_hosts: Collection[str] = ()) -> bytes:
    """The body, of at most `most` bytes, by `deadline`, a moment of the event loop's clock; raises NotFetched.

    Only https, but for `private_hosts`, whose addresses may be private ones, too.
    """
    try:
        async with asyncio.timeout_at(deadline), httpx.AsyncClient(trust_env=False, timeout=MOST_SECONDS) as client:
            for _ in range(MOST_REDIRECTS + 1):
                body = await _one(client, url, most, private_hosts)
                if isinstance(body, bytes):
                    return body
                url = body
    except TimeoutError:
        raise NotFetched("it took too long") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        raise NotFetched(f"the server could not be reached ({type(error).__name__})") from None
    raise NotFetched(f"more than {MOST_REDIRECTS} redirects")


async def posted(
    url: str, body: bytes, headers: Mapping[str, str], *, deadline: float, private_hosts: Collection[str] = ()
) -> int:
    """The status that a POST was answered with, by `deadline`; raises NotFetched. What is answered is not read, nor followed."""
    try:
        async with asyncio.timeout_at(deadline), httpx.AsyncClient(trust_env=False, timeout=MOST_SECONDS) as client:
            to = await _pinned(url, private_hosts)
            sent = client.stream("POST", to.url, content=body, headers={**headers, **to.headers}, extensions=to.extensions)
            async with sent as response:
                return response.status_code
    except TimeoutError:
        raise NotFetched("it took too long") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        raise NotFetched(f"the server could not be reached ({type(error).__name__})") from None


async def _one(client: httpx.AsyncClient, url: str, most: int, private_hosts: Collection[str]) -> bytes | str:
    """The body, or the address that it redirects to."""
    to = await _pinned(url, private_hosts)
    headers = {**to.headers, "Accept-Encoding": "identity"}
    async with client.stream("GET", to.url, headers=headers, extensions=to.extensions) as response:
        if response.status_code in _REDIRECTS and "location" in response.headers:
            return urljoin(url, response.headers["location"])
        if response.status_code != 200:
            raise NotFetched(f"the server answered {response.status_code}")
        chunks, size = [], 0
        async for chunk in response.aiter_raw():
            chunks.append(chunk)
            size += len(chunk)
            if size > most:
                raise NotFetched(f"it has more than {most} bytes")
        return b"".join(chunks)


def trouble_of(url: str, private_hosts: Collection[str]) -> str | None:
    """What is wrong with an address before its host is looked up; None where it may be asked."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "the address is none"
    if parts.scheme != "https" and not (host in private_hosts and parts.scheme == "http"):
        return "only https addresses are asked"
    if not host or parts.username is not None:
        return "the address names no host, or a user"
    return None


async def _pinned(url: str, private_hosts: Collection[str]) -> Pinned:
    """The address with its host resolved; raises NotFetched where it leads elsewhere than to a public host or a listed one."""
    if trouble := trouble_of(url, private_hosts):
        raise NotFetched(trouble)
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await _address(host, port, trusted=host in private_hosts)
    shown = f"[{address}]" if ":" in address else address
    pinned = parts._replace(netloc=f"{shown}:{port}").geturl()
    return Pinned(pinned, {"Host": parts.netloc.rpartition("@")[2]}, {"sni_hostname": host})


async def _address(host: str, port: int, *, trusted: bool) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not trusted and not all(_public(address) for address in addresses):
        raise NotFetched("the host is not a public one")
    return addresses[0]


def _public(address: str) -> bool:
    read = ipaddress.ip_address(address.split("%")[0])
    if isinstance(read, ipaddress.IPv6Address):
        inner = read.ipv4_mapped or read.sixtofour or (read.teredo[1] if read.teredo else None)
        if read in _NAT64:
            inner = ipaddress.IPv4Address(int(read) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return read.is_global and not read.is_multicast
