"""The controller's HTTP endpoints: /healthz, /readyz and /metrics. Read only, small answers, bounded patience.

Source: conventions of Kubernetes components: 200 with `ok`, or 503 with the reasons, one a line.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from kubectl_asm.errors import UsageError

_LOG = logging.getLogger(__name__)

TEXT: Final = "text/plain; charset=utf-8"
_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers."""

    body: bytes
    status: int = 200
    content_type: str = TEXT


Page = Callable[[], Answer]


def verdict(problems: Callable[[], Sequence[str]]) -> Page:
    """Return a page that says ok, or what is wrong."""

    def answer() -> Answer:
        found = problems()
        text = "".join(f"{problem}\n" for problem in found) or "ok\n"
        return Answer(text.encode(), 503 if found else 200)

    return answer


class Endpoints:
    """Serves pages on one address, host:port; port 0 takes a free one. Call start, then close."""

    def __init__(self, address: str, pages: Mapping[str, Page]) -> None:
        host, port = parse_address(address)
        try:
            self._server = _Server((host, port), _handler(pages))
        except OSError as error:
            raise UsageError(f"cannot listen on {address}: {error.strerror or 'refused'}") from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="asm-http", daemon=True)

    @property
    def port(self) -> int:
        """The port that is served."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving, if start was called, and free the port."""
        if self._thread.is_alive():  # shutdown would wait for ever for a loop that never began
            self._server.shutdown()
        self._server.server_close()


def parse_address(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`, `:port` (all addresses) or `[v6]:port`. Raises UsageError."""
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise UsageError(f'"{address}" is not an address of the form host:port')
    return host.strip("[]"), int(port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


def _answer_of(page: Page) -> Answer:
    try:
        return page()
    except Exception:  # noqa: BLE001  # whoever asks is told that there is no answer; the log says where
        _LOG.exception("a page of health or metrics could not be made")
        return Answer(b"internal error\n", 500)


def _handler(pages: Mapping[str, Page]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE_S
        server_version = "kubectl-asm"
        sys_version = ""

        def do_GET(self) -> None:  # the name is http.server's
            self._answer(with_body=True)

        def do_HEAD(self) -> None:  # the name is http.server's
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            page = pages.get(self.path.partition("?")[0].rstrip("/") or "/")
            answer = _answer_of(page) if page is not None else Answer(b"not found\n", 404)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if with_body:
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
            """Probes are no news."""

    return Handler
