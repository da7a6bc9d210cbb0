"""One HTTP exchange with a cloud host, hardened: the only code of the package that opens connections to the cloud.

The SDK's own transport keeps one session a host for the whole process whatever the CA, adds a private CA to the public
ones, ignores NO_PROXY and follows redirects with credentials; none of that can be configured. So its session is replaced
by this transport (sdk.py), and the STS and metadata clients use it directly.
Guarantees: a private CA is trusted alone; no redirect is followed; nothing is repeated; replies are bounded in size and
time; errors are TransportError with a Network word and a text without URL, header or body.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import certifi
import urllib3
from urllib3.util import make_headers

from kubectl_asm.adapters.cloud.network import TransportError, classify
from kubectl_asm.adapters.cloud.proxies import ProxySettings
from kubectl_asm.errors import UsageError
from kubectl_asm.model.backend import Network
from kubectl_asm.ports import Clock

_LOG = logging.getLogger("kubectl_asm.requests")
_CHUNK: Final = 64 * 1024
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class DialOverride:
    """Dial every cloud host at one address; URL, Host header, SNI and the check of the certificate's name stay.

    ca_file: the CA trusted for hosts without a CA of their own, and nothing else.
    """

    host: str
    port: int
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Limits in seconds and bytes. The SDK's defaults are 5 s to connect and 10 s without a byte; a total it has none."""

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    total_timeout_s: float = 30.0
    max_body_bytes: int = 8 * 1024 * 1024
    connections: int = 32
    dial: DialOverride | None = None
    proxies: ProxySettings = field(default_factory=ProxySettings)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. headers: lower-case names, the last of repeats. The body may hold a secret: it is not in the repr."""

    status: int
    reason: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport:
    """Exchanges requests over pooled connections with one trust anchor. Safe to share between threads."""

    def __init__(self, options: TransportOptions, clock: Clock, *, ca_file: str = "") -> None:
        dial = options.dial
        self._options = options
        self._clock = clock
        self._context = tls_context(ca_file or (dial.ca_file if dial else ""))
        self._timeout = urllib3.Timeout(connect=options.connect_timeout_s, read=options.read_timeout_s)
        self._direct = urllib3.PoolManager(num_pools=64, **self._pool_options())
        self._proxied: dict[str, urllib3.PoolManager] = {}

    def close(self) -> None:
        """Close idle connections."""
        for manager in (self._direct, *self._proxied.values()):
            manager.clear()

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """Send one request and read its whole reply. Raises TransportError; never repeats, never follows."""
        parts, start_s = urlsplit(url), self._clock.monotonic()
        reply: Reply | None = None
        try:
            reply = self._exchange(method, parts, headers, body)
            return reply
        finally:
            _tell(method, parts, reply, self._clock.monotonic() - start_s)

    def _exchange(self, method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> Reply:
        host = parts.hostname or ""
        deadline_s = self._clock.monotonic() + self._options.total_timeout_s
        try:
            response = self._open(method, parts, {"Host": parts.netloc, **_without_host(headers)}, body)
            try:
                return Reply(response.status, response.reason or "", _lower(response.headers), self._read(response, deadline_s))
            finally:
                response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise classify(error, host) from None

    def _open(self, method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        proxy = "" if self._options.dial else self._options.proxies.proxy_for(parts.scheme, parts.hostname or "")
        if proxy and parts.scheme == "http":
            target = parts.geturl()  # a plain proxy wants the absolute form
        return self._pool(parts, proxy).urlopen(
            method,
            target,
            body=body,
            headers={**(_proxy_headers(proxy) if proxy and parts.scheme == "http" else {}), **headers},
            timeout=self._timeout,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
            assert_same_host=False,
        )

    def _pool(self, parts: SplitResult, proxy: str) -> urllib3.HTTPConnectionPool:
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
        dial = self._options.dial
        if dial is None:
            manager = self._manager(proxy) if proxy else self._direct
            return manager.connection_from_host(host, port, parts.scheme)
        names = {"server_hostname": host, "assert_hostname": host} if parts.scheme == "https" else {}
        return self._direct.connection_from_host(dial.host, dial.port, parts.scheme, pool_kwargs=self._pool_options() | names)

    def _manager(self, proxy: str) -> urllib3.PoolManager:
        manager = self._proxied.get(proxy)
        if manager is None:
            # Two threads may both build one; the second assignment wins and the first pool is closed when collected.
            manager = urllib3.ProxyManager(proxy, proxy_headers=_proxy_headers(proxy), **self._pool_options())
            self._proxied[proxy] = manager
        return manager

    def _pool_options(self) -> dict[str, Any]:
        return {"ssl_context": self._context, "maxsize": self._options.connections, "block": False}

    def _read(self, response: urllib3.BaseHTTPResponse, deadline_s: float) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := response.read1(_CHUNK, decode_content=False):
            size += len(chunk)
            if size > self._options.max_body_bytes:
                response.close()  # what follows must not be read as the next reply
                raise TransportError(Network.OTHER, "the answer is larger than this client reads")
            if self._clock.monotonic() > deadline_s:
                response.close()
                raise TransportError(Network.TIMEOUT, f"the answer took longer than {self._options.total_timeout_s:g} s")
            chunks.append(chunk)
        return b"".join(chunks)


def _tell(method: str, parts: SplitResult, reply: Reply | None, seconds: float) -> None:
    """Log one exchange by its host: paths and queries hold names and tokens, so they stay out. Status 0: no answer."""
    _LOG.debug("cloud %s %s %d in %d ms", method, parts.hostname, reply.status if reply else 0, round(seconds * 1000))


def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """Return a verifying context: that CA and no other, or the system's store (Mozilla's list where a system has none)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            reason = "it holds no PEM certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise UsageError(
                f"cannot use the CA file {ca_file}: {reason}", hint="give a PEM file with the CA certificates"
            ) from None
        return context
    context.load_default_certs()
    if not _has_system_store():
        context.load_verify_locations(cafile=certifi.where())
    return context


def _has_system_store() -> bool:
    cafile, capath, *_ = ssl.get_default_verify_paths()  # both are None where nothing is installed
    return bool(cafile) or (bool(capath) and any(Path(capath).iterdir()))


def _proxy_headers(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    return dict(make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}"))


def _without_host(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "host"}


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
