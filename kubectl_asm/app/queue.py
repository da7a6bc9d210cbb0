"""The work queue of the controller: every object at most once, never twice at the same time, changes before refreshes.

A key that is added while a worker has it is handed out again when that worker is done. A key has at most one timer; work
that is due now keeps its place whatever its timer says. Time comes from the Clock port.
Source: spec/controller.md 4 and 6.
"""

from __future__ import annotations

import enum
import heapq
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kubectl_asm.model.objects import ObjectRef
from kubectl_asm.ports import Clock


class Priority(enum.IntEnum):
    """Lower goes first."""

    CHANGE = 0
    NEW = 1
    REFRESH = 2


_FAIR_SHARE: Final = 16
_FAVOURED: Final = {0: Priority.REFRESH, _FAIR_SHARE // 2: Priority.NEW}
"""Of this many hand-outs one is a refresh and one an object that is new, if any waits: a stream of others starves nobody."""
_STALE_ENTRIES: Final = 256
"""So many entries of replaced timers may lie in the heap, or as many as there are timers, before they are swept out."""


@dataclass(frozen=True, slots=True)
class Item:
    """Work handed out. waited_s: seconds since it was due."""

    key: ObjectRef
    priority: Priority
    waited_s: float


class WorkQueue:
    """Hands out keys. Safe for use by several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._ready: tuple[OrderedDict[ObjectRef, float], ...] = tuple(OrderedDict() for _ in Priority)
        self._timers: dict[ObjectRef, tuple[float, int, Priority]] = {}
        self._heap: list[tuple[float, int, ObjectRef]] = []
        self._working: set[ObjectRef] = set()
        self._again: dict[ObjectRef, Priority] = {}
        self._at_latest: dict[ObjectRef, float] = {}
        self._sequence = 0
        self._handed_out = 0
        self._is_closed = False

    def add(self, key: ObjectRef, priority: Priority = Priority.CHANGE) -> None:
        """Ask for work now. What is asked for already keeps its place, or moves up."""
        with self._condition:
            self._add(key, priority, self._clock.monotonic())
            self._condition.notify()

    def add_after(self, key: ObjectRef, delay_s: float, priority: Priority = Priority.REFRESH) -> None:
        """Ask for work in a while; replaces the key's timer."""
        with self._condition:
            due_s = self._clock.monotonic() + delay_s
            self._set_timer(key, min(due_s, self._at_latest.pop(key, due_s)), priority)

    def add_within(self, key: ObjectRef, delay_s: float, priority: Priority = Priority.REFRESH) -> None:
        """Ask for work in a while at the latest: an earlier timer stays, and what a worker plans meanwhile is not later."""
        with self._condition:
            due_s = self._clock.monotonic() + delay_s
            if key in self._working:
                self._at_latest[key] = min(due_s, self._at_latest.get(key, due_s))
            elif key not in self._timers or due_s < self._timers[key][0]:
                self._set_timer(key, due_s, priority)

    def forget(self, key: ObjectRef) -> None:
        """Drop the timer of a key that is gone. A worker that has it now is given it once more, and finds it gone."""
        with self._condition:
            self._timers.pop(key, None)
            self._at_latest.pop(key, None)
            if key in self._working:
                self._again.setdefault(key, Priority.REFRESH)

    def drop(self, is_dropped: Callable[[ObjectRef], bool]) -> None:
        """Drop timers and work that is due, by key. What workers have goes on, and is not handed out again."""
        with self._condition:
            known = {*self._timers, *self._again, *self._at_latest, *(key for ready in self._ready for key in ready)}
            for key in filter(is_dropped, known):
                self._timers.pop(key, None)
                self._again.pop(key, None)
                self._at_latest.pop(key, None)
                for ready in self._ready:
                    ready.pop(key, None)

    def take(self, longest_s: float = 1.0) -> Item | None:
        """Wait for work, at most longest_s; None when there is none or the queue was closed."""
        with self._condition:
            item = self._next()
            if item is None and not self._is_closed:
                self._condition.wait(min(longest_s, self._until_next()))
                item = self._next()
            if item is not None and (self._heap or any(self._ready)):
                self._condition.notify()  # somebody else looks after what is due next, while this worker is busy
            return item

    def take_due(self) -> Item | None:
        """Return work that is due now, without waiting."""
        with self._condition:
            return self._next()

    def done(self, key: ObjectRef) -> None:
        """Say that a worker is done with a key; work that was asked for meanwhile becomes due."""
        with self._condition:
            self._working.discard(key)
            if (due_s := self._at_latest.pop(key, None)) is not None:
                self._set_timer(key, due_s, Priority.REFRESH)
            if (priority := self._again.pop(key, None)) is not None:
                self._add(key, priority, self._clock.monotonic())
                self._condition.notify()

    def until_next_s(self) -> float | None:
        """Return the seconds until something is due, 0 when something is, None when nothing is planned."""
        with self._condition:
            if any(self._ready):
                return 0.0
            self._drop_stale()
            return max(self._heap[0][0] - self._clock.monotonic(), 0.0) if self._heap else None

    def close(self) -> None:
        """Hand out nothing more and wake every waiting worker."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether close was called."""
        return self._is_closed

    def depth(self) -> dict[Priority, int]:
        """Return how much is due and not handed out, by priority."""
        with self._condition:
            return {priority: len(self._ready[priority]) for priority in Priority}

    def planned(self) -> int:
        """Return how many keys have a timer."""
        with self._condition:
            return len(self._timers)

    def working(self, count: Callable[[ObjectRef], int]) -> Counter[int]:
        """Return how many keys workers have, by what count says of them (a shard)."""
        with self._condition:
            return Counter(count(key) for key in self._working)

    def _add(self, key: ObjectRef, priority: Priority, now_s: float) -> None:
        if key in self._working:
            self._again[key] = min(priority, self._again.get(key, priority))
            return
        for better in Priority:
            if key in self._ready[better]:
                if better <= priority:
                    return
                now_s = self._ready[better].pop(key)
        self._ready[priority][key] = now_s

    def _next(self) -> Item | None:
        if self._is_closed:
            return None
        self._ripen()
        favoured = _FAVOURED.get((self._handed_out + 1) % _FAIR_SHARE)
        for priority in (*Priority,) if favoured is None else (favoured, *Priority):
            if self._ready[priority]:
                self._handed_out += 1
                key, since_s = self._ready[priority].popitem(last=False)
                self._working.add(key)
                self._timers.pop(key, None)  # this run replaces the planned one
                return Item(key, priority, self._clock.monotonic() - since_s)
        return None

    def _set_timer(self, key: ObjectRef, due_s: float, priority: Priority) -> None:
        self._sequence += 1
        self._timers[key] = (due_s, self._sequence, priority)
        heapq.heappush(self._heap, (due_s, self._sequence, key))
        if len(self._heap) > 2 * len(self._timers) + _STALE_ENTRIES:
            self._heap = [(due_s, sequence, key) for key, (due_s, sequence, _) in self._timers.items()]
            heapq.heapify(self._heap)
        if self._heap[0][2] == key:
            self._condition.notify()

    def _ripen(self) -> None:
        """Move what has become due from the timers to the ready ones."""
        now_s = self._clock.monotonic()
        while self._heap and self._heap[0][0] <= now_s:
            due_s, sequence, key = heapq.heappop(self._heap)
            timer = self._timers.get(key)
            if timer is not None and timer[1] == sequence:
                del self._timers[key]
                self._add(key, timer[2], due_s)

    def _drop_stale(self) -> None:
        """Drop heap entries whose timer was replaced."""
        while self._heap:
            timer = self._timers.get(self._heap[0][2])
            if timer is not None and timer[1] == self._heap[0][1]:
                return
            heapq.heappop(self._heap)

    def _until_next(self) -> float:
        self._drop_stale()
        return max(self._heap[0][0] - self._clock.monotonic(), 0.0) if self._heap else float("inf")
