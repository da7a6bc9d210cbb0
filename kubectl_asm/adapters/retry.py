"""Repeating backend calls that failed for a passing reason. Source: spec/data.md 8.1, spec/operation.md 8."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kubectl_asm.model.backend import BackendError
from kubectl_asm.ports import Clock, Random

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long. waits_s: base seconds after attempt 1, 2, ...; one attempt more than there are waits.

    longest_stated_s: a server that asks for more than this is not waited for; the round's own back-off is the place for that.
    Source: spec/data.md 8.1.
    """

    waits_s: tuple[float, ...] = (2.0, 4.0)
    spread: tuple[float, float] = (0.8, 1.2)
    longest_s: float = 10.0
    longest_stated_s: float = 60.0


class Retry:
    """Runs a call until it succeeds, fails for good, or the policy ends."""

    def __init__(self, clock: Clock, random: Random, policy: RetryPolicy | None = None) -> None:
        self._clock = clock
        self._random = random
        self._policy = policy or RetryPolicy()

    def run(self, call: Callable[[], T], *, failed: BackendError | None = None) -> T:
        """Return what call returns; failed: the error of a first attempt that was made elsewhere.

        Raises the last BackendError; when shutdown cuts a wait, a permanent one whose text holds `last transient error`.
        """
        for base_s in self._policy.waits_s:
            if failed is None:
                try:
                    return call()
                except BackendError as error:
                    failed = error
            self._wait_after(failed, base_s)
            failed = None
        return call()

    def _wait_after(self, error: BackendError, base_s: float) -> None:
        delay_s = self._delay(error, base_s)
        if delay_s is None:
            raise error
        if not self._clock.wait(delay_s):
            raise _interrupted(error) from error

    def _delay(self, error: BackendError, base_s: float) -> float | None:
        """Return the wait in seconds before the next attempt, None when there is to be none."""
        if not error.is_transient:
            return None
        if error.retry_after_s is not None:
            return error.retry_after_s if error.retry_after_s <= self._policy.longest_stated_s else None
        return min(base_s * self._random.uniform(*self._policy.spread), self._policy.longest_s)


def _interrupted(error: BackendError) -> BackendError:
    return BackendError(
        f"stopped by shutdown before another attempt; last transient error: {error}",
        code=error.code,
        status=error.status,
        network=error.network,
        request_id=error.request_id,
        error_class=error.error_class,
        permanent=True,
    )
