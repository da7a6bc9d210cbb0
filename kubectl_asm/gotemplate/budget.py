"""Budgets: what one execution of a template may cost before it ends with one clear error.

The executor and functions that can grow a value charge a Budget; exceeding any limit raises BudgetExceeded, which
the executor turns into a BudgetError with the position. Upstream has no such limits: defaults are far above any real template.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

MIB = 1024 * 1024


class BudgetExceeded(Exception):
    """A limit was hit. text says which one, without any value of the template."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Limits(msgspec.Struct, frozen=True):
    """Limits of one execution. Sizes in bytes, times in seconds.

    steps: nodes visited plus work units charged by functions; output_bytes: whole output; value_bytes: any single value;
    depth: nested template calls; time_s: monotonic time, only checked when a Budget has a clock.
    """

    steps: int = 2_000_000
    output_bytes: int = 16 * MIB
    value_bytes: int = 64 * MIB
    depth: int = 100_000
    time_s: float = 30.0


class Budget:
    """What one execution has left. Not shared between executions.

    monotonic: seconds of a clock that never goes back, or None for no time limit.
    """

    __slots__ = ("_deadline", "_monotonic", "limits", "steps_left")
    CLOCK_EVERY = 256

    def __init__(self, limits: Limits | None = None, monotonic: Callable[[], float] | None = None) -> None:
        self.limits = limits or Limits()
        self.steps_left = self.limits.steps
        self._monotonic = monotonic
        self._deadline = monotonic() + self.limits.time_s if monotonic else 0.0

    def step(self, cost: int = 1) -> None:
        """Charge work units (one is about one visited node). Raises: BudgetExceeded."""
        before = self.steps_left
        self.steps_left = before - cost
        if self.steps_left < 0:
            raise BudgetExceeded(f"template exceeds the budget of {self.limits.steps} steps")
        if before // self.CLOCK_EVERY != self.steps_left // self.CLOCK_EVERY:
            self.check_time()

    def check_time(self) -> None:
        """Compare the clock with the deadline; call it around single slow operations. Raises: BudgetExceeded."""
        if self._monotonic is not None and self._monotonic() > self._deadline:
            raise BudgetExceeded(f"template exceeds the time budget of {self.limits.time_s:g} seconds")

    def value(self, size: int) -> None:
        """Announce a value of so many bytes before building it. Raises: BudgetExceeded."""
        if size > self.limits.value_bytes:
            raise BudgetExceeded(f"template exceeds the budget of {self.limits.value_bytes} bytes for one value")

    def items(self, count: int) -> None:
        """Announce a list of so many items before building it (64 bytes and a tenth of a step each). Raises: BudgetExceeded."""
        self.value(count * 64)
        self.step(count // 10 + 1)
