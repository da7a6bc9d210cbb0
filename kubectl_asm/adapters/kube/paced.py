"""Requests to the API server at a bounded rate (--kube-api-qps, --kube-api-burst), adjustable while they are made.

A decorator of the official client's transport. Watches and the renewal of a Lease must not wait behind a queue of reads:
they use the connection's unpaced transport.
"""

from __future__ import annotations

import threading
from typing import Any

from kubectl_asm.adapters.kube.transport import RestClient
from kubectl_asm.adapters.pacing import Pacer
from kubectl_asm.ports import Clock


class ApiPace:
    """The rate. qps: requests a second, 0 for no bound; burst: requests that may be made at once. Thread-safe."""

    def __init__(self, clock: Clock, qps: float, burst: int) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pacer: Pacer | None = None
        self.change(qps, burst)

    def change(self, qps: float, burst: int) -> None:
        """Use another rate from now on."""
        with self._lock:
            if qps <= 0:
                self._pacer = None
            elif self._pacer is None:
                self._pacer = Pacer(qps, float(burst))
            else:
                self._pacer.change(qps, float(burst), self._clock.monotonic())

    def wait(self) -> None:
        """Wait for a slot. A shutdown ends the waiting: the last writes of a process are not held up."""
        with self._lock:
            pacer = self._pacer
        delay_s = pacer.reserve(self._clock.monotonic()) if pacer is not None else 0.0
        if delay_s:
            self._clock.wait(delay_s)


class PacedClient:
    """RestClient that waits for its turn before every request."""

    def __init__(self, inner: RestClient, pace: ApiPace) -> None:
        self._inner = inner
        self._pace = pace

    def request(self, method: str, url: str, headers: Any = None, body: Any = None, *, _request_timeout: Any = None) -> Any:
        """Wait, then make one HTTP request without reading its body."""
        self._pace.wait()
        return self._inner.request(method, url, headers=headers, body=body, _request_timeout=_request_timeout)
