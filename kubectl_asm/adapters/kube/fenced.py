"""Asks right before a request that changes something whether it may still be made.

A decorator of the official client's transport, below the one that paces: a request may wait for its turn for longer than
the Lease under which it was decided is held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubectl_asm.adapters.kube.transport import RestClient


class FencedClient:
    """RestClient that calls a check before every request that is no read. The check raises what the caller gets."""

    def __init__(self, inner: RestClient, check: Callable[[], None]) -> None:
        self._inner = inner
        self._check = check

    def request(self, method: str, url: str, headers: Any = None, body: Any = None, *, _request_timeout: Any = None) -> Any:
        """Make one HTTP request without reading its body."""
        if method != "GET":
            self._check()
        return self._inner.request(method, url, headers=headers, body=body, _request_timeout=_request_timeout)
