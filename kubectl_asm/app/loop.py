"""The controller's loop: take work, do it, and turn its outcome into the next run. The only place that does the latter.

Workers are threads that call `work`; tests call `step` on a fake clock. What a round does is in reconcile.py.
Source: spec/controller.md 6, spec/writes-and-failures.md 7.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kubectl_asm.app.queue import Item, Priority, WorkQueue
from kubectl_asm.engine.plan import Done, Outcome, Retry, RetryAfter
from kubectl_asm.model.objects import ObjectRef
from kubectl_asm.ports import Random

_LOG = logging.getLogger(__name__)
_INTERNAL: Final = "an internal error ended the round; the log has its place in the program"

Work = Callable[[Item], Outcome]


@dataclass(frozen=True, slots=True)
class Pace:
    """How outcomes become delays, in seconds.

    early: a refresh comes up to this share of its interval early, so that objects made together drift apart and none is
    late. shortest_s: neither an interval of zero nor a delay of zero may spin. first_s, longest_s: back-off after failed
    rounds.
    """

    early: float = 0.1
    shortest_s: float = 1.0
    first_s: float = 1.0
    longest_s: float = 300.0

    def refresh_s(self, interval_s: float, random: Random) -> float:
        """Return the delay before a refresh."""
        return max(interval_s * random.uniform(1.0 - self.early, 1.0), self.shortest_s)

    def backoff_s(self, failures: int, random: Random) -> float:
        """Return the delay after so many failures in a row, at least one."""
        exponent = min(failures - 1, 32)
        return min(self.first_s * 2.0**exponent, self.longest_s) * random.uniform(0.8, 1.2)


@dataclass(slots=True)
class Loop:
    """Works off a queue. works: what to do, by kind. may_start: whether work on an object may begin now.

    on_taken: told of everything that is handed out; on_retry: of every failed round.
    """

    queue: WorkQueue
    works: Mapping[str, Work]
    random: Random
    pace: Pace = field(default_factory=Pace)
    may_start: Callable[[ObjectRef], bool] = lambda _ref: True
    on_taken: Callable[[Item], None] = lambda _item: None
    on_retry: Callable[[ObjectRef], None] = lambda _ref: None
    _failures: dict[ObjectRef, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, is_stopping: Callable[[], bool]) -> None:
        """Work until told to stop: the body of a worker thread."""
        while not is_stopping() and not self.queue.is_closed:
            if (item := self.queue.take()) is not None:
                self._run(item)

    def step(self) -> bool:
        """Do one piece of work that is due; False when there is none."""
        item = self.queue.take_due()
        if item is not None:
            self._run(item)
        return item is not None

    def forget(self, ref: ObjectRef) -> None:
        """Forget the failures of an object that is gone."""
        with self._lock:
            self._failures.pop(ref, None)

    def forget_where(self, is_forgotten: Callable[[ObjectRef], bool]) -> None:
        """Forget the failures of objects that are somebody else's now."""
        with self._lock:
            self._failures = {ref: count for ref, count in self._failures.items() if not is_forgotten(ref)}

    def failing(self) -> int:
        """Return how many objects failed in their last round."""
        with self._lock:
            return len(self._failures)

    def _run(self, item: Item) -> None:
        try:
            outcome = self._outcome(item)
            if outcome is not None:
                self.requeue(item.key, outcome)
        finally:
            self.queue.done(item.key)

    def _outcome(self, item: Item) -> Outcome | None:
        """Return how the work came out; None when it may not begin, because the object is somebody else's now."""
        try:
            self.on_taken(item)
            if not self.may_start(item.key):
                self.forget(item.key)
                return None
            return self.works[item.key.kind](item)
        except Exception as error:  # noqa: BLE001  # a defect met with one object must not stop the others
            place = "".join(traceback.format_tb(error.__traceback__)[-3:])
            _LOG.error("%s: %s: %s\n%s", item.key, _INTERNAL, type(error).__name__, place)  # its text may hold anything
            return Retry(_INTERNAL)

    def requeue(self, key: ObjectRef, outcome: Outcome) -> None:
        """Plan the next run."""
        if isinstance(outcome, Retry):
            failures = self._count_failure(key)
            self.on_retry(key)
            self.queue.add_after(key, self.pace.backoff_s(failures, self.random), Priority.REFRESH)
            return
        self.forget(key)
        if isinstance(outcome, RetryAfter):
            self.queue.add_after(key, max(outcome.delay.total_seconds(), self.pace.shortest_s), Priority.NEW)
        elif outcome.again_after is not None:
            self.queue.add_after(key, self.pace.refresh_s(outcome.again_after.total_seconds(), self.random))

    def _count_failure(self, key: ObjectRef) -> int:
        with self._lock:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            return failures


__all__ = ["Done", "Loop", "Pace", "Work"]
