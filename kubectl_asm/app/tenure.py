"""One uninterrupted time of holding a shard, and how its length is chosen.

The holder of a Lease works until `renew_s` after the last renewal that it knows of, counted from before that renewal was
sent; another replica waits `lease_s` after the last renewal that it saw, counted from after it was seen. Both count on
their own monotonic clocks, so wall clocks may differ, and the clocks' rates may differ by the ratio of the two.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from kubectl_asm.errors import UsageError
from kubectl_asm.ports import Clock, Random


@dataclass(frozen=True, slots=True)
class Timings:
    """Times of leader election, in seconds; the defaults are those of Kubernetes' own components.

    lease_s: how long others leave a silent holder alone. renew_s: how long a holder goes on after its last renewal.
    retry_s: between two attempts. jitter: by how much of it an attempt may come later. drain_s: how long work that has
    begun may go on when its shard is given up; what is not done by then can write nothing any more.
    """

    lease_s: float = 15.0
    renew_s: float = 10.0
    retry_s: float = 2.0
    drain_s: float = 20.0
    jitter: float = 0.2

    def __post_init__(self) -> None:
        longest_s = self.retry_s * (1 + self.jitter)
        if not (self.lease_s >= 1 and self.lease_s > self.renew_s > longest_s > 0 and self.drain_s >= 0):
            raise UsageError(
                f"lease duration {self.lease_s:g} s, renew deadline {self.renew_s:g} s and retry period {self.retry_s:g} s do not"
                " fit together",
                hint=f"the lease must be longer than the deadline, and that longer than {1 + self.jitter:g} retry periods",
            )

    @property
    def recorded_s(self) -> int:
        """The lease duration as Leases can say it: never shorter than what is meant."""
        return math.ceil(self.lease_s)

    def pause_s(self, random: Random) -> float:
        """Return the time until the next attempt."""
        return random.uniform(self.retry_s, self.retry_s * (1 + self.jitter))


class Tenure:
    """A time of holding a shard. Over once its deadline was missed, even by a moment: nothing revives it.

    Safe for use by several threads.
    """

    def __init__(self, clock: Clock, until_s: float) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until_s = until_s
        self._accepts = True

    @property
    def until_s(self) -> float:
        """When it ends unless it is extended, on the clock."""
        return self._until_s

    @property
    def is_open(self) -> bool:
        """Whether new work is wanted, whatever the time is."""
        return self._accepts

    def holds(self) -> bool:
        """Whether a write may begin now."""
        with self._lock:
            return self._clock.monotonic() < self._until_s

    def accepts(self) -> bool:
        """Whether new work may begin now."""
        return self._accepts and self.holds()

    def extend(self, until_s: float) -> bool:
        """Move the end; False when it is over already."""
        with self._lock:
            now_s = self._clock.monotonic()
            if now_s >= self._until_s or now_s >= until_s:
                self._until_s = -math.inf
                return False
            self._until_s = until_s
            return True

    def close(self) -> None:
        """Begin no new work; what has begun may end."""
        self._accepts = False

    def end(self) -> None:
        """End it now."""
        with self._lock:
            self._accepts = False
            self._until_s = -math.inf
