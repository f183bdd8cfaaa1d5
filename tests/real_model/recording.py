"""Between the service and a model server: passes every byte on and keeps what was asked."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it left the service."""

    head: str
    body: Any

    @property
    def text(self) -> str:
        """All that the server was told, in small letters: names of fields and texts."""
        return f"{self.head}\n{json.dumps(self.body, ensure_ascii=False)}".casefold()


class Recording:
    """`with Recording(url) as recording:` a server at `recording.url` that answers as the one at `url` does."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._server = (split.hostname or "", split.port or 80)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.open = 0  # connections
        self._lock = threading.Lock()
        self._sent: list[bytearray] = []  # a connection's bytes

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    @property
    def requests(self) -> list[Asked]:
        """What was asked until now; a request counts when it is whole."""
        with self._lock:
            sent = [bytes(one) for one in self._sent]
        return [request for one in sent for request in _requests(one)]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        kept = bytearray()
        with self._lock:
            self._sent.append(kept)
            self.open += 1
        with client, contextlib.suppress(OSError), socket.create_connection(self._server) as server:
            answering = threading.Thread(target=self._pass, args=(server, client, None), daemon=True)
            answering.start()
            self._pass(client, server, kept)
            answering.join()
        with self._lock:
            self.open -= 1

    def _pass(self, source: socket.socket, target: socket.socket, kept: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if kept is not None:
                    with self._lock:
                        kept += data
                target.sendall(data)
        for one in (source, target):  # either side gone: the other hears of it
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _requests(sent: bytes) -> list[Asked]:
    found = []
    while b"\r\n\r\n" in sent:
        head, _, rest = sent.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            break
        found.append(Asked(head.decode(), json.loads(rest[:size]) if size else None))
        sent = rest[size:]
    return found
