"""The emulator as a server: one port, one thread a connection, TLS or not by the first byte.

Public entry: `Emulator(options, world)` as a context manager, or `serve(options, world, ...)` until told to stop. Binds
to loopback unless allowed otherwise: whoever reaches the port can read every value in the fixtures.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import ssl
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from kubectl_asm.emulator.certificates import Authority
from kubectl_asm.emulator.cloud import Cloud
from kubectl_asm.emulator.files import CallRecord
from kubectl_asm.emulator.options import EmulatorOptions, World
from kubectl_asm.emulator.wire import Defect, Request, RequestReader, Response, WireError
from kubectl_asm.errors import UsageError

IDLE_TIMEOUT_S: Final = 75.0
SILENCE_S: Final = 120.0
_TLS_HANDSHAKE: Final = b"\x16"
_CHUNK: Final = 64 * 1024
_MAX_CONNECTIONS: Final = 512


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201  # a server's notes go to standard error


class Emulator:
    """A running emulator between __enter__ and __exit__.

    report: told in one line about files that could not be read again. Raises UsageError when it cannot listen, InputError
    and AccountsError for unusable files.
    """

    def __init__(self, options: EmulatorOptions, world: World, report: Callable[[str], None] = _to_stderr) -> None:
        _require_loopback(options)
        self._options = options
        self._world = world
        self._cloud = Cloud(options, world, report)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._slots = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Emulator:
        with contextlib.ExitStack() as stack:
            stack.callback(self._cloud.ledger.close)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kubectl-asm-emulator-")))
            self._listener = stack.enter_context(_listen(self._options))
            self.host, self.port = self._listener.getsockname()[:2]
            self._start_tls(folder)
            stack.callback(self._stop_serving)
            threading.Thread(target=self._accept, name="emulator-accept", daemon=True).start()
            if self._options.ready_file:
                _write_whole(self._options.ready_file, json.dumps(self.ready(), indent=2) + "\n")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ready(self) -> dict[str, Any]:
        """Return what the ready file says: where to connect and which CA to trust."""
        address = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        scheme = "http" if self._options.plain_http else "https"
        return {
            "apiVersion": "kubectl-asm/v1",
            "kind": "EmulatorReady",
            "address": address,
            "host": self.host,
            "port": self.port,
            "caFile": "" if self._options.plain_http else str(self.ca_file),
            "endpoints": {"kms": address, "oos": address, "sts": address, "metadata": f"http://{address}"},
            "scheme": scheme,
        }

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """The calls so far, in order, without values."""
        return self._cloud.ledger.calls()

    def forget_calls(self) -> None:
        """Start the list of calls anew."""
        self._cloud.ledger.clear()

    def set_fixtures(self, document: Any) -> None:
        """Replace the stored values by a parsed fixtures document. Raises InputError."""
        self._cloud.set_fixtures(document)

    def set_accounts(self, document: Any) -> None:
        """Replace the accounts by a parsed accounts document. Raises AccountsError."""
        self._cloud.set_accounts(document)

    # --- connections

    def _start_tls(self, folder: Path) -> None:
        authority = Authority(self._world.now(), folder, (self.host,))
        self.ca_file = (self._options.ca_out or folder / "emulator-ca.pem").absolute()
        if not self._options.plain_http:
            _write_whole(self.ca_file, authority.pem.decode())
        self._context = authority.server_context()

    def _stop_serving(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which close() alone does not
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._slots.acquire()
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def _serve_connection(self, connection: socket.socket) -> None:
        try:
            with connection, self._tracked(connection):
                connection.settimeout(IDLE_TIMEOUT_S)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._serve_requests(connection)
        except OSError:
            pass  # the client went away, or would not shake hands: its affair
        finally:
            self._slots.release()

    @contextlib.contextmanager
    def _tracked(self, connection: socket.socket) -> Iterator[None]:
        """Keep a connection where a stop finds it."""
        with self._lock:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _serve_requests(self, connection: socket.socket) -> None:
        is_tls = not self._options.plain_http and connection.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE
        stream = self._context.wrap_socket(connection, server_side=True) if is_tls else connection
        with stream, self._tracked(stream):
            reader = RequestReader(lambda: stream.recv(_CHUNK), is_tls=is_tls)
            try:
                for request in _requests(reader):
                    response = self._cloud.handle(request)
                    if not self._send(stream, request, response):
                        return
            except WireError as error:
                response = Response(error.status, str(error).encode(), "text/plain")
                stream.sendall(response.encode(keep_alive=False, now=self._world.now()))

    def _send(self, stream: socket.socket, request: Request, response: Response) -> bool:
        """Send a response; return whether the connection goes on."""
        delay_s = self._options.latency_s + response.delay_s
        if response.defect is Defect.SILENT:
            delay_s = SILENCE_S
        if delay_s > 0 and not self._wait(delay_s):
            return False
        if response.defect in (Defect.RESET, Defect.SILENT):
            _reset(stream)
            return False
        data = response.encode(keep_alive=request.keep_alive, now=self._world.now())
        if response.defect is Defect.TRUNCATED:
            stream.sendall(data[: len(data) - max(len(response.body) // 2, 1)])
            return False
        stream.sendall(data)
        return request.keep_alive

    def _wait(self, seconds: float) -> bool:
        """Wait in short steps, so that a stop is not held up by a slow answer."""
        end_s = self._world.monotonic() + seconds
        while not self._stopping.is_set():
            rest_s = end_s - self._world.monotonic()
            if rest_s <= 0:
                return True
            if not self._world.wait(min(rest_s, 0.2)):
                return False
        return False


def serve(options: EmulatorOptions, world: World, started: Callable[[Emulator], None], stop: Callable[[], bool]) -> None:
    """Run an emulator until stop returns True. started: called once it accepts calls. stop: asked again and again, may wait."""
    with Emulator(options, world) as emulator:
        started(emulator)
        while not stop():
            pass


def _requests(reader: RequestReader) -> Iterator[Request]:
    while (request := reader.next()) is not None:
        yield request


def _require_loopback(options: EmulatorOptions) -> None:
    try:
        is_loopback = options.host == "localhost" or ipaddress.ip_address(options.host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback and not options.allow_remote:
        raise UsageError(
            f"the emulator does not listen on {options.host}: every value it holds could be read from there",
            hint="listen on 127.0.0.1, or allow it explicitly",
        )


def _listen(options: EmulatorOptions) -> socket.socket:
    try:
        return socket.create_server((options.host, options.port), backlog=256, family=_family(options.host))
    except OSError as error:
        raise UsageError(f"cannot listen on {options.host}:{options.port}: {error.strerror or type(error).__name__}") from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _reset(stream: socket.socket) -> None:
    """Close so that the peer sees a reset rather than an end."""
    plain = stream
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(stream, ssl.SSLSocket):
        descriptor = stream.detach()
        socket.socket(fileno=descriptor).close()
    else:
        stream.close()


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees nothing or all of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
