"""What the emulator's KMS and OOS hold: fixture values, advanced by one script step a call.

Value forms, versions and scripts are those of the fixtures reader (adapters/cloud); only their way onto the wire is here.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from kubectl_asm.adapters.cloud.fixtures import UNKNOWN_KEY, resolve
from kubectl_asm.adapters.cloud.values import BackendValue, Failure, Fault, FaultKind, Fixtures, Payload, Step, Versions
from kubectl_asm.emulator.answers import ServiceFault
from kubectl_asm.emulator.wire import Defect, Response
from kubectl_asm.model.backend import Network, Provider, SecretRequest

# Where a written failure names a code and no status. Source: spec/cloud-apis.md 1.6, 6.2.
_STATUS_BY_PREFIX: Final = (
    ("Rejected.Throttling", 429),
    ("Rejected.LimitExceeded", 400),
    ("Rejected.", 409),
    ("Forbidden.ResourceNotFound", 404),
    ("Forbidden.KeyNotFound", 404),
    ("Forbidden.KeyVersionNotFound", 404),
    ("Forbidden.AliasNotFound", 404),
    ("Forbidden", 403),
    ("NoPermission", 403),
    ("EntityNotExist", 404),
    ("InvalidAccessKeyId.NotFound", 404),
    ("InvalidApi.NotFound", 404),
    ("InternalFailure", 500),
    ("InternalError", 500),
    ("ServiceUnavailable", 503),
)

_HTML: Final = b"<html><head><title>502 Bad Gateway</title></head><body>upstream failed</body></html>"
_HUGE_BYTES: Final = 64 * 1024 * 1024


class Content:
    """The values, and how often each key was asked."""

    def __init__(self, fixtures: Callable[[], Fixtures]) -> None:
        self._fixtures = fixtures
        self._lock = threading.Lock()
        self._calls: Counter[tuple[Provider, str]] = Counter()

    def names(self, provider: Provider) -> list[str]:
        """Return the stored names, sorted."""
        return sorted(self._fixtures().common.of(provider))

    def stored(self, provider: Provider, key: str) -> BackendValue | None:
        """Return a value without advancing its script."""
        return self._fixtures().common.of(provider).get(key)

    def restart(self) -> None:
        """Let every script begin again."""
        with self._lock:
            self._calls.clear()

    def step(self, request: SecretRequest) -> Step:
        """Return what this call answers; an unknown key is the failure UNKNOWN_KEY."""
        value = self._fixtures().common.of(request.provider).get(request.key, UNKNOWN_KEY)
        with self._lock:
            call = self._calls[request.provider, request.key]
            self._calls[request.provider, request.key] += 1
        return resolve(value, request, call)


def versions_of(value: BackendValue) -> tuple[Payload, ...]:
    """Return the versions of a value; one that was written without any has a single current one."""
    return value.payloads if isinstance(value, Versions) else (Payload(version_id="v1", stages=("ACSCurrent",)),)


def service_fault(failure: Failure) -> ServiceFault:
    """Return the fault a written service failure stands for."""
    return ServiceFault(
        failure.code, status_of(failure), failure.message or "Scripted failure.", retry_after_s=failure.retry_after_s
    )


def status_of(failure: Failure) -> int:
    """Return the HTTP status of a failure, by its code when none is written."""
    if failure.status:
        return failure.status
    return next((status for prefix, status in _STATUS_BY_PREFIX if failure.code.startswith(prefix)), 400)


def network_response(network: Network) -> Response:
    """Return the defect that makes a client see a network failure; what happens before a connection exists becomes a reset."""
    return Response(200, defect=Defect.SILENT if network is Network.TIMEOUT else Defect.RESET)


def defective(fault: Fault, complete: Response) -> Response:
    """Return the defective form of a complete answer."""
    kind = fault.kind
    if kind is FaultKind.SLOW:
        return Response(complete.status, complete.body, headers=complete.headers, delay_s=fault.seconds)
    if kind is FaultKind.TRUNCATE:
        return Response(complete.status, complete.body, headers=complete.headers, defect=Defect.TRUNCATED)
    if kind is FaultKind.RESET:
        return Response(200, defect=Defect.RESET)
    return _PAGES[kind]()


_PAGES: Final[dict[FaultKind, Callable[[], Response]]] = {
    FaultKind.EMPTY: lambda: Response(200),
    FaultKind.HTML: lambda: Response(502, _HTML, "text/html"),
    FaultKind.NOT_JSON: lambda: Response(200, b"OK", "text/plain"),
    FaultKind.WRONG_SHAPE: lambda: Response(
        200, b'{"VersionStages": ["ACSCurrent"], "Parameter": ["x"], "SecretValues": {"a": 1}, "Parameters": {"a": 1}}'
    ),
    FaultKind.HUGE: lambda: Response(200, b'{"SecretData": "' + b"x" * _HUGE_BYTES + b'"}'),
    FaultKind.REDIRECT: lambda: Response(302, b"{}", headers=(("location", "/elsewhere"),)),
}
