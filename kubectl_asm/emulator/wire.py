"""HTTP/1.1 as far as the cloud's clients speak it: bytes to requests and responses to bytes.

A parser of our own rather than http.server: it takes request lines of 128 KiB (tokens travel in queries), knows
absolute-form targets, keeps every header repeat for the signature check, and is a pure function that can be fuzzed.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

MAX_HEAD_BYTES: Final = 256 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024
MAX_HEADERS: Final = 100

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (\S{1,262144}) HTTP/1\.([01])")
_LENGTH = re.compile(r"[0-9]{1,9}")


class WireError(Exception):
    """Bytes that are no request. status: what to answer before the connection is closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request. target: path and raw query, without scheme and host. headers: lower-case names in order, repeats kept."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)
    keep_alive: bool = True
    is_tls: bool = False

    def header(self, name: str) -> str:
        """Return the first value of a header, empty when absent."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def host(self) -> str:
        """The host asked for, without port, lower case."""
        return self.header("host").rsplit(":", 1)[0].lower()

    @property
    def path(self) -> str:
        """The path without query."""
        return self.target.split("?", 1)[0]

    @property
    def raw_query(self) -> str:
        """The query as sent, without its question mark."""
        return self.target.partition("?")[2]


class Defect(enum.Enum):
    """How sending a response goes wrong on purpose."""

    TRUNCATED = "half of the body, then the end of the connection"
    RESET = "no response, the connection is reset"
    SILENT = "no response until the client gives up"


@dataclass(frozen=True, slots=True)
class Response:
    """One response. delay_s: waited before it is sent."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = "application/json;charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    defect: Defect | None = None
    delay_s: float = 0.0

    def encode(self, *, keep_alive: bool, now: datetime) -> bytes:
        """Return the bytes of the response, complete even when it has a defect. now: for the Date header, aware, in UTC."""
        try:
            reason = HTTPStatus(self.status).phrase
        except ValueError:
            reason = "Unknown"
        lines = [
            f"HTTP/1.1 {self.status} {reason}",
            f"date: {format_datetime(now, usegmt=True)}",
            f"content-type: {self.content_type}",
            f"content-length: {len(self.body)}",
            f"connection: {'keep-alive' if keep_alive else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + self.body


class RequestReader:
    """Cuts a stream of bytes into requests. receive: returns the next bytes, empty at the end of the stream."""

    def __init__(self, receive: Callable[[], bytes], *, is_tls: bool = False) -> None:
        self._receive = receive
        self._is_tls = is_tls
        self._buffer = b""

    def next(self) -> Request | None:
        """Return the next request, None at a clean end. Raises WireError, after which the stream is of no more use."""
        head = self._head()
        if head is None:
            return None
        method, target, minor, headers = parse_head(head)
        body = self._body(headers)
        return Request(method, target, headers, body, _keeps_alive(minor, headers), self._is_tls)

    def _head(self) -> bytes | None:
        searched = 0
        while (end := self._buffer.find(b"\r\n\r\n", max(searched - 3, 0))) < 0:
            searched = len(self._buffer)
            if searched > MAX_HEAD_BYTES:
                raise WireError(431, "the request head is too large")
            chunk = self._receive()
            if not chunk:
                if self._buffer:
                    raise WireError(400, "the request head is incomplete")
                return None
            self._buffer += chunk
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        return head

    def _body(self, headers: tuple[tuple[str, str], ...]) -> bytes:
        length = _body_length(headers)
        while len(self._buffer) < length:
            chunk = self._receive()
            if not chunk:
                raise WireError(400, "the request body is incomplete")
            self._buffer += chunk
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body


def parse_head(head: bytes) -> tuple[str, str, int, tuple[tuple[str, str], ...]]:
    """Return method, target, HTTP minor version and headers of a request head. Raises WireError for anything else."""
    lines = head.decode("latin-1").split("\r\n")
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        raise WireError(400, "the request line is malformed")
    if len(lines) - 1 > MAX_HEADERS:
        raise WireError(431, "too many headers")
    return match[1], _origin_form(match[2]), int(match[3]), tuple(_header(line) for line in lines[1:])


def _origin_form(target: str) -> str:
    """Return path and query of a target; the absolute form is what a client sends to a proxy."""
    if target.startswith("/"):
        return target
    try:
        parts = urlsplit(target)
    except ValueError:
        raise WireError(400, "the request target is malformed") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise WireError(400, "the request target is malformed")
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or _TOKEN.fullmatch(name) is None or "\n" in value or "\r" in value or "\0" in value:
        raise WireError(400, "a header line is malformed")
    return name.lower(), value.strip(" \t")


def _body_length(headers: tuple[tuple[str, str], ...]) -> int:
    if any(name == "transfer-encoding" for name, _ in headers):
        raise WireError(501, "transfer encodings are not served")
    lengths = {value for name, value in headers if name == "content-length"}
    if not lengths:
        return 0
    if len(lengths) > 1 or _LENGTH.fullmatch(text := lengths.pop()) is None:
        raise WireError(400, "the content length is malformed")
    if int(text) > MAX_BODY_BYTES:
        raise WireError(413, "the request body is too large")
    return int(text)


def _keeps_alive(minor: int, headers: tuple[tuple[str, str], ...]) -> bool:
    words = ",".join(value.lower() for name, value in headers if name == "connection")
    return "keep-alive" in words if minor == 0 else "close" not in words
