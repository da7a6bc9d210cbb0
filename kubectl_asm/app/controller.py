"""The controller as a process: caches first, then workers, and at the end nothing left half done.

    start     subscribe, watch, wait until every kind was listed
    work      N threads of the loop; what this replica is responsible for is asked for as it gets it
    stop      hand out nothing more, let the rounds under way end, give up responsibility, end the watches

Source: spec/controller.md 4 and 7, spec/operation.md 2.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Final, Protocol

from kubectl_asm.app.dispatch import Dispatcher
from kubectl_asm.app.holding import Holding
from kubectl_asm.app.loop import Loop
from kubectl_asm.app.queue import WorkQueue
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.objects import ObjectRef
from kubectl_asm.ports import ObjectWatcher

_LOG = logging.getLogger(__name__)

GRACE_S: Final = 20.0
"""Longest wait for rounds under way at the end; a Pod gets 30 s from the signal."""
_LOOK_S: Final = 1.0
_SAY_AGAIN_S: Final = 60.0
_AGAIN_S: Final = 2.0


class Watched(ObjectWatcher, Protocol):
    """The watches, as far as the controller waits for them and ends them."""

    def has_synced(self) -> bool:
        """Return whether everything that is watched was listed once."""

    def problems(self) -> Sequence[str]:
        """Return what does not work now, one sentence a watch."""

    def stop(self) -> None:
        """End every watch."""


class StoppableClock(Protocol):
    """The Clock port with the question whether the end has come."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary origin."""

    def wait(self, seconds: float) -> bool:
        """Wait; False at once when shutdown is or becomes requested."""

    def is_shutting_down(self) -> bool:
        """Return whether shutdown was requested."""


@dataclass(slots=True)
class Controller:
    """Everything that runs. background: thread bodies that end when shutdown is requested; at_end: called last."""

    watched: Watched
    dispatcher: Dispatcher
    queue: WorkQueue
    loop: Loop
    holding: Holding
    clock: StoppableClock
    workers: int
    background: Sequence[tuple[str, Callable[[], None]]] = ()
    at_end: Sequence[Callable[[], None]] = ()
    _threads: list[threading.Thread] = field(default_factory=list)
    _holder: threading.Thread = field(init=False)
    _gained: SimpleQueue[Callable[[ObjectRef], bool] | None] = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        self._holder = threading.Thread(target=self.holding.run, name="leases", daemon=True)

    def run(self) -> None:
        """Work until shutdown is requested, then end in order."""
        self.dispatcher.subscribe(self.watched)
        for name, body in self.background:
            threading.Thread(target=body, name=name, daemon=True).start()
        self.watched.start()
        try:
            if self._wait_until_synced():
                self._begin()
                while self.clock.wait(_LOOK_S):
                    pass
        finally:
            self._end()

    # -- responsibility

    def gained(self, is_wanted: Callable[[ObjectRef], bool]) -> None:
        """Ask for work on objects this replica has become responsible for. Returns at once."""
        self._gained.put(is_wanted)

    def lost(self, is_lost: Callable[[ObjectRef], bool]) -> None:
        """Forget what is planned for objects that are somebody else's now."""
        self.queue.drop(is_lost)
        self.loop.forget_where(is_lost)

    # -- health

    def unhealthy(self) -> Sequence[str]:
        """Return why this process should be restarted; empty while it works."""
        if self.clock.is_shutting_down():
            return []
        stalled = ["the thread that keeps the Leases hangs"] if self.holding.is_stalled() else []
        return [*stalled, *(f"{thread.name} ended" for thread in self._threads if not thread.is_alive())]

    def unready(self) -> Sequence[str]:
        """Return why this process does not do its work now."""
        waits = [] if self.watched.has_synced() else ["not every kind was listed yet"]
        return [*waits, *self.watched.problems(), *self.unhealthy()]

    # -- phases

    def _wait_until_synced(self) -> bool:
        """Wait for the first lists, saying once a minute what they wait for. False on shutdown."""
        said_s = self.clock.monotonic()
        while not self.watched.has_synced():
            if not self.clock.wait(0.05):
                return False
            if self.clock.monotonic() - said_s >= _SAY_AGAIN_S:
                said_s = self.clock.monotonic()
                _LOG.warning("still waiting for the first lists: %s", "; ".join(self.watched.problems()) or "no answer yet")
        _LOG.info("caches are complete")
        return True

    def _begin(self) -> None:
        for number in range(self.workers):
            self._spawn(f"worker {number + 1}", lambda: self.loop.work(self.clock.is_shutting_down))
        self._spawn("starter", self._ask_for_what_is_gained)
        self._holder.start()

    def _spawn(self, name: str, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=body, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _ask_for_what_is_gained(self) -> None:
        """Put the objects of every gained responsibility into the queue; a failed list is repeated."""
        while (is_wanted := self._gained.get()) is not None:
            while not self.clock.is_shutting_down():
                try:
                    self.dispatcher.everything(is_wanted)
                    break
                except ClusterError as error:
                    _LOG.warning("objects could not be listed, trying again: %s", error.message)
                    self.clock.wait(_AGAIN_S)

    def _end(self) -> None:
        _LOG.info("ending: rounds under way are finished, no new ones begin")
        self.queue.close()
        self.holding.stop()
        self._gained.put(None)
        end_s = self.clock.monotonic() + GRACE_S
        for thread in self._threads:
            thread.join(max(end_s - self.clock.monotonic(), 0.0))
        left = [thread.name for thread in self._threads if thread.is_alive()]
        if left:
            _LOG.warning("not finished in time: %s", ", ".join(left))
        if self._holder.is_alive():
            self._holder.join(GRACE_S)
        self.watched.stop()
        for call in self.at_end:
            call()
        _LOG.info("ended")
