"""Events spaced evenly at a rate, with a burst: the arithmetic of every limiter. Waiting is the caller's."""

from __future__ import annotations

import threading
from collections.abc import Callable

from kubectl_asm.ports import Clock


class Pacer:
    """Hands out slots in the order of asking. rate: slots a second, above 0; burst: slots that may be taken at once, the
    first time as well.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._lock = threading.Lock()
        self._next_s: float | None = None
        self._set(rate, burst)

    def reserve(self, now_s: float, longest_s: float | None = None) -> float | None:
        """Return the seconds to wait for the next free slot, None (and no reservation) when they exceed longest_s."""
        with self._lock:
            earliest_s = now_s - self._slack_s
            due_s = earliest_s if self._next_s is None else max(self._next_s, earliest_s)
            delay_s = max(due_s - now_s, 0.0)
            if longest_s is not None and delay_s > longest_s:
                return None
            self._next_s = due_s + self._interval_s
            return delay_s

    def change(self, rate: float, burst: float, now_s: float) -> None:
        """Use another rate from now on. Slots that were handed out stay where they are; the next one follows soon."""
        with self._lock:
            self._set(rate, burst)
            if self._next_s is not None:
                self._next_s = min(self._next_s, now_s + self._interval_s)

    def _set(self, rate: float, burst: float) -> None:
        self._interval_s = 1.0 / rate
        self._slack_s = (max(burst, 1.0) - 1.0) / rate


class WaitMeter:
    """A Clock that reports how long was waited, for the metrics of a limiter. waited: takes seconds."""

    def __init__(self, inner: Clock, waited: Callable[[float], None]) -> None:
        self._inner = inner
        self._waited = waited

    def monotonic(self) -> float:
        """Return the inner clock's seconds."""
        return self._inner.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait and report how long it was."""
        started_s = self._inner.monotonic()
        try:
            return self._inner.wait(seconds)
        finally:
            if seconds > 0:
                self._waited(self._inner.monotonic() - started_s)
