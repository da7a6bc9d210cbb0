"""A loopback proxy that makes a server fail in chosen ways, switchable while connections are open.

    with FaultProxy(address_of(control_plane.server)) as proxy:          # TLS goes through untouched
        kubeconfig = control_plane.write_kubeconfig(path, user, server=proxy.url)
        proxy.freeze()                                                   # half-open: nothing moves, nothing is closed
        proxy.works()

| mode | what clients meet |
| --- | --- |
| works | the server |
| freeze | connections stay open and nothing comes any more; new ones are taken and stay silent |
| delay(s) | every piece of an answer comes s seconds later |
| refuse | open connections are reset, new ones refused |
| cut(n) | every connection breaks after n more bytes of answers |
| status(code) | that answer to every request, or to those only(method, path) is true for, at most `times` times |

Statuses need a proxy that ends TLS itself: FaultProxy(..., folder=tmp_path, upstream_ca=control_plane.ca_file). It has a CA
of its own (ca_file; write_kubeconfig names it), knows the requests that passed (requests), and speaks HTTP/1.1 with one
request a connection. Client certificates do not get through it; tokens do.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import yaml

from tests.live.controlplane import _certificate, _write_pair

PIECE = 64 * 1024
TICK_S = 0.02
Only = Callable[[str, str], bool]


def address_of(url: str) -> tuple[str, int]:
    """Return host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 443


@dataclass(frozen=True)
class Mode:
    """What happens to connections now."""

    name: str = "works"
    seconds: float = 0.0
    count: int = 0
    status: int = 0
    retry_after: int | None = None
    only: Only = lambda _method, _path: True


class FaultProxy:
    """The proxy; a context manager. target: host and port of the server. folder: for certificates, None: TLS goes through."""

    def __init__(self, target: tuple[str, int], *, folder: Path | None = None, upstream_ca: Path | None = None) -> None:
        self._target = target
        self._mode = Mode()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_closed = False
        self._listener: socket.socket | None = None
        self._server_tls, self._client_tls = _contexts(folder, upstream_ca) if folder else (None, None)
        self.ca_file = folder / "proxy-ca.crt" if folder else None
        self.requests: list[tuple[str, str]] = []
        self.connections = 0
        self.port = self._listen(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed = True
        self._stop_listening()
        self.drop_connections()

    @property
    def url(self) -> str:
        """Where to connect instead of the server."""
        return f"https://127.0.0.1:{self.port}"

    def write_kubeconfig(self, path: Path, user: dict, *, namespace: str = "default") -> Path:
        """Write a kubeconfig for a proxy that ends TLS itself."""
        assert self.ca_file is not None
        ca = base64.b64encode(self.ca_file.read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority-data": ca}}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        }
        path.write_text(yaml.safe_dump(config))
        path.chmod(0o600)
        return path

    # -- modes

    def works(self) -> None:
        """Forward everything."""
        self._switch(Mode())

    def freeze(self) -> None:
        """Move nothing and close nothing."""
        self._switch(Mode("freeze"))

    def delay(self, seconds: float) -> None:
        """Hold every piece of an answer up."""
        self._switch(Mode("delay", seconds))

    def refuse(self) -> None:
        """Reset what is open and take no new connections."""
        self._switch(Mode("refuse"))
        self.drop_connections()

    def cut(self, after_bytes: int) -> None:
        """Break every connection after so many more bytes from the server."""
        self._switch(Mode("cut", count=after_bytes))

    def status(
        self, code: int, *, retry_after: int | None = None, only: Only = lambda _method, _path: True, times: int = 1_000_000
    ) -> None:
        """Answer requests with a status; path holds the query. Those that are not meant are forwarded."""
        assert self._server_tls is not None, "statuses need a proxy that ends TLS itself"
        self._switch(Mode("status", count=times, status=code, retry_after=retry_after, only=only))

    def drop_connections(self) -> None:
        """Reset every open connection."""
        with self._lock:
            dropped, self._open = self._open, set()
        for one in dropped:
            _wake(one) if isinstance(one, ssl.SSLSocket) else _reset(one)

    def _switch(self, mode: Mode) -> None:
        with self._lock:
            before, self._mode = self._mode, mode
        if mode.name == "refuse":
            self._stop_listening()
        elif before.name == "refuse":
            self._listen(self.port)

    # -- connections

    def _listen(self, port: int) -> int:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return int(listener.getsockname()[1])

    def _stop_listening(self) -> None:
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            if self._server_tls is None:
                self._tunnel(client, b"")
            else:
                client.settimeout(30)
                client = self._server_tls.wrap_socket(client, server_side=True)
                self._one_request(client)
        _reset(client)

    def _one_request(self, client: socket.socket) -> None:
        head = _read_request(client)
        if not head:
            return
        method, path = head.split(b" ", 2)[:2]
        request = (method.decode(), path.decode())
        self.requests.append(request)
        refusal = self._refusal(*request)
        if refusal is not None:
            client.sendall(refusal)
            client.recv(1)  # until the other side has read it and closes
            return
        start, _, body = head.partition(b"\r\n\r\n")
        lines = [line for line in start.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        self._tunnel(client, b"\r\n".join([lines[0], b"Connection: close", *lines[1:], b"", body]))

    def _refusal(self, method: str, path: str) -> bytes | None:
        with self._lock:
            mode = self._mode
            if mode.name != "status" or mode.count <= 0 or not mode.only(method, path):
                return None
            self._mode = Mode("status", 0.0, mode.count - 1, mode.status, mode.retry_after, mode.only)
        if mode.status == 404:  # what an API server says about a kind it does not know
            return b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 19\r\n\r\n404 page not found\n"
        reason = {401: "Unauthorized", 403: "Forbidden", 410: "Expired", 429: "TooManyRequests"}.get(mode.status, "InternalError")
        status = {"kind": "Status", "code": mode.status, "reason": reason, "message": f"made up: {mode.status}"}
        body = json.dumps(status).encode()
        stated = f"Retry-After: {mode.retry_after}\r\n" if mode.retry_after is not None else ""
        head = f"HTTP/1.1 {mode.status} X\r\nContent-Type: application/json\r\n{stated}Connection: close\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def _tunnel(self, client: socket.socket, first: bytes) -> None:
        self._hold_while_frozen()
        server: socket.socket = socket.create_connection(self._target, timeout=10)
        server.settimeout(None)
        client.settimeout(None)
        if self._client_tls is not None:
            server = self._client_tls.wrap_socket(server, server_hostname="127.0.0.1")
        with self._lock:
            self._open |= {client, server}
        server.sendall(first)
        if self._client_tls is None:  # OpenSSL must not read and write at once, and the whole request is in first
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
        self._pump(server, client, True)
        for one in (client, server):
            with self._lock:
                self._open.discard(one)
            _reset(one) if self._mode.name in ("cut", "refuse") else _close(one)

    def _pump(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        mode, left = self._mode, self._mode.count
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):
            while data := source.recv(PIECE):
                self._hold_while_frozen()
                if self._mode is not mode:
                    mode, left = self._mode, self._mode.count
                if is_answer and mode.name == "delay":
                    time.sleep(mode.seconds)
                if is_answer and mode.name == "cut":
                    data, left = data[:left], left - len(data)
                sink.sendall(data)
                if is_answer and mode.name == "cut" and left <= 0:
                    return
            if not is_answer:
                sink.shutdown(socket.SHUT_WR)

    def _hold_while_frozen(self) -> None:
        while self._mode.name == "freeze" and not self._is_closed:
            time.sleep(TICK_S)


def _read_request(client: socket.socket) -> bytes:
    """Return a whole request, empty when the other side goes first. Its body is as long as it says."""
    request = b""
    while b"\r\n\r\n" not in request:
        data = client.recv(PIECE)
        if not data:
            return b""
        request += data
    start, _, body = request.partition(b"\r\n\r\n")
    sizes = [line.partition(b":")[2] for line in start.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    missing = int(sizes[0]) - len(body) if sizes else 0
    while missing > 0:
        data = client.recv(PIECE)
        if not data:
            return b""
        request += data
        missing -= len(data)
    return request


def _wake(one: socket.socket) -> None:
    """End a connection whose thread may be inside OpenSSL. That thread closes it: its number must not be another's before."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError, ValueError):
        socket.socket.shutdown(one, socket.SHUT_RDWR)


def _reset(one: socket.socket) -> None:
    """Close so that the other side gets a reset and this one forgets at once."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        socket.socket.shutdown(one, socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        one.close()


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        socket.socket.shutdown(one, socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        one.close()


def _contexts(folder: Path, upstream_ca: Path | None) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    from cryptography import x509

    loopback = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    _write_pair(folder / "proxy-ca", *_certificate("test proxy-ca", is_ca=True))
    _write_pair(folder / "proxy", *_certificate("proxy", issuer=folder / "proxy-ca", extension=loopback))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "proxy.crt", folder / "proxy.key")
    return server, ssl.create_default_context(cafile=str(upstream_ca) if upstream_ca else None)
