"""The real clock and the real randomness: the only file of the package that touches either.

Built by wiring.py and handed down as ports; everything below takes Clock, Random or an instant as an argument.
"""

from __future__ import annotations

import functools
import secrets  # noqa: TID251  # this file is the Random port
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

_COUNTS_SLEEP: Final = ("CLOCK_BOOTTIME",) if sys.platform == "linux" else ("CLOCK_MONOTONIC",)
"""Clocks that go on while the machine is suspended: Linux's, and what macOS means by the other name."""


class SystemClock:
    """Monotonic seconds and waiting that a shutdown cuts short. Safe to share between threads.

    The seconds count time during which the process was stopped or the machine suspended, where the system has a clock for
    that (Linux, macOS): a holder of a Lease must notice that it ran out meanwhile. Waits do not count a suspension.
    """

    def __init__(self) -> None:
        self._shutdown = threading.Event()
        self._monotonic = _steady_clock()

    def monotonic(self) -> float:
        """Return seconds since an arbitrary origin."""
        return self._monotonic()

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


def _steady_clock() -> Callable[[], float]:
    """Return the monotonic clock that counts most; sandboxes may know fewer clocks than the system they imitate."""
    for name in _COUNTS_SLEEP:
        number = getattr(time, name, None)
        if number is None:
            continue
        try:
            time.clock_gettime(number)
        except OSError:
            continue
        return functools.partial(time.clock_gettime, number)
    return time.monotonic  # noqa: TID251  # this file is the Clock port


def utc_now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251  # the one place that reads wall time
