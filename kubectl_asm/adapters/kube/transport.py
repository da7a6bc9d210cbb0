"""One request to the API server: credentials, counting, bounded retries of reads, errors. Knows no kinds.

Uses the official client for its pooled, TLS-verified transport and nothing else of it. Never logs bodies or headers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import urllib3
from kubernetes.client.exceptions import ApiException

from kubectl_asm.adapters.kube.credentials import Credential
from kubectl_asm.adapters.kube.errors import BROKEN_CONNECTION, Asked, error_of_network, error_of_reply
from kubectl_asm.adapters.kube.requestlog import RequestLog, RequestRecord
from kubectl_asm.adapters.kube.stream import NETWORK_ERRORS, Stream
from kubectl_asm.errors import UnavailableError
from kubectl_asm.ports import Clock

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

READ_RETRIES = 3
MAX_WAIT_S = 30.0
FIRST_WAIT_S = 0.5
DEFAULT_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10.0

Body = Mapping[str, Any] | list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class RestClient(Protocol):
    """The part of the official client's transport that is used."""

    def request(self, method: str, url: str, headers: Any = None, body: Any = None, *, _request_timeout: Any = None) -> Any:
        """Make one HTTP request without reading its body."""


class Transport:
    """Requests to one API server as one user. Safe for use by several threads.

    server: URL without path end. headers: sent with every request (impersonation). timeout_s: of one request, None for
    the default (10 s to connect, 60 s between two reads). retries: how often a read is repeated at most.
    """

    def __init__(
        self,
        client: RestClient,
        server: str,
        credential: Credential,
        *,
        clock: Clock,
        log: RequestLog,
        headers: Sequence[tuple[str, str]] = (),
        timeout_s: float | None = None,
        retries: int = READ_RETRIES,
    ) -> None:
        self._client = client
        self._server = server.rstrip("/")
        self._credential = credential
        self._clock = clock
        self._headers = tuple(headers)
        self._timeout_s = timeout_s
        self._retries = retries
        self.log = log

    def impatient(self, timeout_s: float) -> Transport:
        """Return the same connection for requests that are made once and must end within a time, in seconds."""
        client, credential, headers = self._client, self._credential, self._headers
        return Transport(
            client, self._server, credential, clock=self._clock, log=self.log, headers=headers, timeout_s=timeout_s, retries=0
        )

    @property
    def server(self) -> str:
        """URL of the API server."""
        return self._server

    def read(self, path: str, asked: Asked, query: Mapping[str, str | int] | None = None, *, accept: str = JSON) -> Reply:
        """GET; waits and asks again when the server is busy (429, 503), at most `retries` times."""
        for attempt in range(self._retries + 1):
            try:
                return self._authenticated("GET", path, asked, query, None, accept=accept)
            except UnavailableError as error:
                wait = _wait_before_retry(error, attempt)
                if wait is None or attempt == self._retries or not self._clock.wait(wait):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def stream(
        self, path: str, asked: Asked, query: Mapping[str, str | int] | None = None, *, accept: str = JSON, silence_s: float
    ) -> Stream:
        """GET an answer that goes on, once; the caller closes it.

        silence_s: longest wait for its beginning and between two pieces of it; after that an UnavailableError.
        """
        url, timeout = self._url(path, query), (min(CONNECT_TIMEOUT_S, silence_s), silence_s)
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        response = self._begin(path, url, headers, timeout)
        if response.status == 401 and self._credential.renew():
            response.close()
            response = self._begin(path, url, headers, timeout)
        if 200 <= response.status < 300:
            return Stream(response, lambda error: error_of_network(error, self._server, silence_s))
        try:
            body = response.data
        except NETWORK_ERRORS as error:
            raise error_of_network(error, self._server, silence_s) from None
        raise error_of_reply(response.status, response.headers, body, asked)

    def write(
        self,
        method: str,
        path: str,
        asked: Asked,
        body: Body,
        query: Mapping[str, str | int] | None = None,
        content_type: str = JSON,
    ) -> Reply:
        """POST, PUT, PATCH or DELETE, once: a write whose answer got lost is the caller's to look at."""
        return self._authenticated(method, path, asked, query, body, content_type)

    def _authenticated(
        self,
        method: str,
        path: str,
        asked: Asked,
        query: Mapping[str, str | int] | None,
        body: Body | None,
        content_type: str = "",
        *,
        accept: str = JSON,
    ) -> Reply:
        """Make a request; after a 401 once more when the credential can be renewed (the first one had no effect)."""
        url = self._url(path, query)
        headers = {"Accept": accept, "Accept-Encoding": "gzip", **({"Content-Type": content_type} if content_type else {})}
        reply = self._send(method, path, url, body, headers)
        if reply.status == 401 and self._credential.renew():
            reply = self._send(method, path, url, body, headers)
        if 200 <= reply.status < 300:
            return reply
        raise error_of_reply(reply.status, reply.headers, reply.body, asked)

    def _begin(self, path: str, url: str, headers: Mapping[str, str], timeout: tuple[float, float]) -> Any:
        with self._recorded("GET", path) as record:
            response = self._open("GET", url, None, headers, timeout)
            record(response.status)
            return response

    def _url(self, path: str, query: Mapping[str, str | int] | None) -> str:
        return f"{self._server}{path}" + (f"?{urlencode(query)}" if query else "")

    def _send(self, method: str, path: str, url: str, body: Body | None, headers: Mapping[str, str]) -> Reply:
        with self._recorded(method, path) as record:
            response = self._open(method, url, body, headers, self._timeout())
            record(response.status)
            try:
                return Reply(response.status, response.headers, response.data)
            except NETWORK_ERRORS as error:
                raise error_of_network(error, self._server, self._timeout()[1]) from None

    def _open(self, method: str, url: str, body: Body | None, headers: Mapping[str, str], timeout: tuple[float, float]) -> Any:
        """Return the answer as urllib3 has it, with its body not read yet."""
        try:
            sent = self._all_headers(headers)
            return self._client.request(method, url, headers=sent, body=body, _request_timeout=timeout).response
        except (*NETWORK_ERRORS, ApiException) as error:
            raise error_of_network(_cause(error), self._server, timeout[1]) from None

    @contextlib.contextmanager
    def _recorded(self, method: str, path: str) -> Iterator[Callable[[int], None]]:
        """Count a request when the block ends. Yields a function that takes the status, once there is one."""
        started = self._clock.monotonic()
        statuses = [0]
        try:
            yield statuses.append
        finally:
            milliseconds = round((self._clock.monotonic() - started) * 1000)
            self.log.add(RequestRecord(method, path, statuses[-1], milliseconds))

    def _all_headers(self, headers: Mapping[str, str]) -> urllib3.HTTPHeaderDict:
        sent = urllib3.HTTPHeaderDict(headers)
        sent["User-Agent"] = "kubectl-asm"
        if authorization := self._credential.authorization():
            sent["Authorization"] = authorization
        for name, value in self._headers:
            sent.add(name, value)
        return sent

    def _timeout(self) -> tuple[float, float]:
        if self._timeout_s is None:
            return (CONNECT_TIMEOUT_S, DEFAULT_TIMEOUT_S)
        return (min(CONNECT_TIMEOUT_S, self._timeout_s), self._timeout_s)


def _cause(error: Exception) -> Exception:
    """The client turns TLS failures into an exception of its own whose text is all that is left of them."""
    return urllib3.exceptions.SSLError(str(error.reason)) if isinstance(error, ApiException) else error


def _wait_before_retry(error: UnavailableError, attempt: int) -> float | None:
    """Return seconds to wait before a read is repeated, None when it should not be.

    A connection that broke is tried once more at once: the server closed it while it was idle.
    """
    if error.status in (429, 503):
        wait = error.retry_after_s if error.retry_after_s is not None else FIRST_WAIT_S * 2**attempt
        return wait if wait <= MAX_WAIT_S else None
    return 0.0 if error.reason == BROKEN_CONNECTION and attempt == 0 else None
