"""The real clock and the real randomness: the only file of the package that touches either.

Built by wiring.py and handed down as ports; everything below takes Clock, Random or an instant as an argument.
"""

from __future__ import annotations

import secrets  # noqa: TID251  # this file is the Random port
import threading
import time
from datetime import UTC, datetime


class SystemClock:
    """Monotonic seconds and waiting that a shutdown cuts short. Safe to share between threads."""

    def __init__(self) -> None:
        self._shutdown = threading.Event()

    def monotonic(self) -> float:
        """Return seconds since an arbitrary origin."""
        return time.monotonic()  # noqa: TID251  # this file is the Clock port

    def wait(self, seconds: float) -> bool:
        """Wait; return False at once when shutdown is or becomes requested."""
        return not self._shutdown.wait(max(seconds, 0.0))

    def request_shutdown(self) -> None:
        """Wake every waiter; later waits return at once. Cannot be undone. Safe to call from a signal handler."""
        self._shutdown.set()

    def is_shutting_down(self) -> bool:
        """Return whether request_shutdown was called."""
        return self._shutdown.is_set()


class SystemRandom:
    """Randomness of the operating system. Never seeded."""

    def __init__(self) -> None:
        self._source = secrets.SystemRandom()

    def below(self, limit: int) -> int:
        """Return a uniform integer in [0, limit)."""
        return secrets.randbelow(limit)

    def token(self, count: int) -> bytes:
        """Return count random bytes."""
        return secrets.token_bytes(count)

    def uniform(self, low: float, high: float) -> float:
        """Return a uniform float in [low, high]."""
        return self._source.uniform(low, high)


def utc_now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251  # the one place that reads wall time
