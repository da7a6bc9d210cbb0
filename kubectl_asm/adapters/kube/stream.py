"""An answer of the API server that does not end: lines as they arrive, cut off from another thread when need be."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import urllib3

from kubectl_asm.errors import ClusterError, UnavailableError

READ_BYTES = 64 * 1024
MAX_LINE_BYTES = 16 * 1024 * 1024
"""An object has at most 1.5 MiB in etcd; JSON may escape it to some times that. More is no event of an API server."""

NETWORK_ERRORS = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)


class Stream:
    """The body of one answer. response: of urllib3, not read yet; error_of: maps its errors. A context manager."""

    def __init__(self, response: Any, error_of: Callable[[Exception], UnavailableError]) -> None:
        self._response = response
        self._error_of = error_of
        self._interrupted = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def lines(self) -> Iterator[bytes]:
        """Yield every complete line, without its end, until the server ends the answer or interrupt was called.

        A last line without an end was cut off and is dropped. Raises UnavailableError, also when nothing comes for the
        time-out of the request, and ClusterError for a line no API server sends.
        """
        rest = b""
        while data := self._read():
            *complete, rest = (rest + data).split(b"\n")
            if len(rest) > MAX_LINE_BYTES:
                raise ClusterError(f"a line of the answer is longer than {MAX_LINE_BYTES} bytes")
            yield from (line for line in complete if line.strip())

    def _read(self) -> bytes:
        if self._interrupted.is_set():
            return b""
        try:
            data: bytes = self._response.read1(READ_BYTES)
        except (*NETWORK_ERRORS, ValueError) as error:  # ValueError: reading a socket that was just shut down
            if self._interrupted.is_set():
                return b""
            raise self._error_of(error) from None
        return data

    def interrupt(self) -> None:
        """End the answer now, from any thread: whoever waits in lines returns. The connection is not used again."""
        self._interrupted.set()
        with contextlib.suppress(ValueError, RuntimeError, OSError):  # it has ended by itself
            self._response.shutdown()

    def close(self) -> None:
        """Let go of the answer. The connection is used again only when it was read to its end."""
        with contextlib.suppress(*NETWORK_ERRORS):
            self._response.close()
