"""Repeating backend calls that failed for a passing reason. Source: spec/data.md 8.1, spec/operation.md 8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

    @property
    def repeats(self) -> int:
        """How often a failed call is made again at most."""
        return len(self._policy.waits_s)

    def run(self, call: Callable[[], T]) -> T:
        """Return what call returns.

        Raises the last BackendError; when shutdown cuts a wait, a permanent one whose text holds `last transient error`.
        """
        for repeat in range(self.repeats):
            try:
                return call()
            except BackendError as error:
                failed = error
            if not self.is_worth_it(failed):
                raise failed
            if not self.wait([failed], repeat):
                raise interrupted(failed) from failed
        return call()

    def is_worth_it(self, error: BackendError) -> bool:
        """Return whether a call that failed so is made again."""
        stated_s = error.retry_after_s
        return error.is_transient and (stated_s is None or stated_s <= self._policy.longest_stated_s)

    def wait(self, errors: Sequence[BackendError], repeat: int) -> bool:
        """Wait once before everything that failed is asked for again; False on shutdown. repeat: 0 for the first."""
        base_s = self._policy.waits_s[repeat]
        own_s = min(base_s * self._random.uniform(*self._policy.spread), self._policy.longest_s)
        return self._clock.wait(max(own_s if error.retry_after_s is None else error.retry_after_s for error in errors))


def interrupted(error: BackendError) -> BackendError:
    """Return the error of a call that would have been made again, had shutdown not been requested."""
    return BackendError(
        f"stopped by shutdown before another attempt; last transient error: {error}",
        code=error.code,
        status=error.status,
        network=error.network,
        request_id=error.request_id,
        error_class=error.error_class,
        permanent=True,
    )
