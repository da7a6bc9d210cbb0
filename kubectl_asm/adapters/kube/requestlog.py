"""Counts requests and hands each to an observer: method, path, status and duration, never a body or a header."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_LOG = logging.getLogger("kubectl_asm.requests")


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request that was made. status: HTTP status, 0 when no answer came. path: without query."""

    method: str
    path: str
    status: int
    milliseconds: int


class RequestLog:
    """What was asked of one API server. Safe for use by several threads."""

    def __init__(self, observe: Callable[[RequestRecord], None] | None = None) -> None:
        self._observe = observe
        self._lock = threading.Lock()
        self._methods: Counter[str] = Counter()

    def add(self, record: RequestRecord) -> None:
        """Count one request."""
        with self._lock:
            self._methods[record.method] += 1
        _LOG.debug("kube %s %s %d in %d ms", record.method, record.path, record.status, record.milliseconds)
        if self._observe is not None:
            self._observe(record)

    @property
    def total(self) -> int:
        """Number of requests so far."""
        with self._lock:
            return self._methods.total()

    @property
    def by_method(self) -> Mapping[str, int]:
        """Number of requests by HTTP method."""
        with self._lock:
            return dict(self._methods)
