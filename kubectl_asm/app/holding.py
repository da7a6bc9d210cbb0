"""Which objects this replica works on: it holds one Lease a shard (one in all without sharding) and renews them.

A shard is worked on from when its Lease was taken until it is lost (the renew deadline passed, or somebody else has it) or
given up: for balance or at the end of the process no new work begins, begun work ends, then the Lease is released and the
next replica takes it at once. Work that does not end within `drain_s` can write nothing any more, and its Lease is left to
run out, so that a request in flight has the lease duration to end before anybody else begins.
Source: spec/controller.md 7; docs/decisions/0007-leases-and-fences.md.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from kubectl_asm.app.claims import Claims, Membership
from kubectl_asm.app.loop import Work
from kubectl_asm.app.queue import Item
from kubectl_asm.app.tenure import Tenure, Timings
from kubectl_asm.engine.plan import Done, Outcome
from kubectl_asm.engine.shards import assign, shard_of
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.objects import ObjectRef
from kubectl_asm.ports import Clock, LeaseStore, Random

_LOG = logging.getLogger(__name__)

_POLL_S: Final = 0.1
"""How often it is asked whether work of a shard that is given up has ended."""

_SHORTEST_S: Final = 0.05
"""Of a pause; the clock of a Lease that runs out need not be met to the millisecond."""

ShardChanged = Callable[[int], None]


class Holding(Protocol):
    """What the rest of the controller asks: Holder and SoleHolder answer. Questions may come from any thread."""

    @property
    def is_finished(self) -> bool:
        """Whether everything was given up after stop."""

    def may_start(self, ref: ObjectRef) -> bool:
        """Whether work on an object may begin now. What was refused is asked for again by on_gained."""

    def is_mine(self, ref: ObjectRef) -> bool:
        """Whether a change of an object is this replica's to work on."""

    def tenure_of(self, ref: ObjectRef) -> Tenure | None:
        """Return under what work on an object is done, None when it is not this replica's."""

    def shard_of(self, ref: ObjectRef) -> int:
        """Return the shard of an object."""

    def held(self) -> int:
        """Return how many shards this replica works on."""

    def is_stalled(self) -> bool:
        """Whether the thread that keeps the Leases hangs: the process should be restarted."""

    def step(self) -> float:
        """Do what is due; returns the seconds until something is due again."""

    def run(self) -> None:
        """Step until everything was given up after stop: the body of a thread."""

    def stop(self) -> None:
        """Begin no new work and give everything up. Safe to call from a signal handler."""


class _Threaded:
    """Steps in a thread of its own until it has finished."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._is_stopping = False
        self._is_finished = False

    @property
    def is_finished(self) -> bool:
        """Whether everything was given up after stop."""
        return self._is_finished

    def stop(self) -> None:
        """Begin no new work and give everything up. Safe to call from a signal handler."""
        self._is_stopping = True
        self._wake.set()

    def run(self) -> None:
        """Step until everything was given up after stop: the body of a thread."""
        while not self._is_finished:
            self._wake.wait(self._guarded_step())
            self._wake.clear()

    def step(self) -> float:
        """Do what is due; returns the seconds until something is due again."""
        raise NotImplementedError

    def _guarded_step(self) -> float:
        try:
            return self.step()
        except Exception as error:  # noqa: BLE001  # without this thread the replica would never work again
            place = "".join(traceback.format_tb(error.__traceback__)[-3:])
            _LOG.error("keeping Leases met an internal error: %s\n%s", type(error).__name__, place)
            return 1.0


class Holder(_Threaded):
    """Keeps the Leases of one replica. All steps are made by one thread.

    drain: whether no work of a shard is in progress. on_gained, on_lost: told of a shard that is worked on from now on, and
    of one that is not any more; they must return quickly, because no Lease is renewed meanwhile.
    """

    def __init__(
        self,
        store: LeaseStore,
        me: Membership,
        clock: Clock,
        random: Random,
        now: Callable[[], datetime],
        *,
        timings: Timings | None = None,
        drain: Callable[[int], bool] = lambda _shard: True,
        on_gained: ShardChanged = lambda _shard: None,
        on_lost: ShardChanged = lambda _shard: None,
    ) -> None:
        super().__init__()
        self._timings = timings or Timings()
        self._claims = Claims(store, me, self._timings, clock, now)
        self._me = me
        self._clock = clock
        self._random = random
        self._drain = drain
        self._on_gained = on_gained
        self._on_lost = on_lost
        self._tenures: dict[int, Tenure] = {}
        self._draining: dict[int, float] = {}
        self._due_s = self._stepped_s = clock.monotonic()
        self._problem = ""

    # -- questions of other threads

    def may_start(self, ref: ObjectRef) -> bool:
        """Whether work on an object may begin now. What was refused is asked for again by on_gained."""
        tenure = self.tenure_of(ref)
        return tenure is not None and not self._is_stopping and tenure.accepts()

    def is_mine(self, ref: ObjectRef) -> bool:
        """Whether a change of an object is this replica's to work on."""
        tenure = self.tenure_of(ref)
        return tenure is not None and tenure.is_open

    def tenure_of(self, ref: ObjectRef) -> Tenure | None:
        """Return under what work on an object is done, None when it is not this replica's."""
        return self._tenures.get(self.shard_of(ref))

    def shard_of(self, ref: ObjectRef) -> int:
        """Return the shard of an object."""
        return shard_of(ref, self._me.shards)

    def held(self) -> int:
        """Return how many shards this replica works on."""
        return sum(tenure.holds() for tenure in list(self._tenures.values()))

    def is_stalled(self) -> bool:
        """Whether the thread that keeps the Leases hangs: the process should be restarted."""
        return not self._is_finished and self._clock.monotonic() - self._stepped_s > 2 * self._timings.lease_s

    # -- the thread that keeps the Leases

    def step(self) -> float:
        """Do what is due; returns the seconds until something is due again."""
        self._stepped_s = self._clock.monotonic()
        self._end_missed()
        if self._stepped_s >= self._due_s:
            self._due_s = self._stepped_s + self._timings.pause_s(self._random)
            self._report(self._problem_of(self._renew), "" if self._is_stopping else self._problem_of(self._balance))
        if self._is_stopping:
            self._give_up(set(self._tenures))
        self._finish_draining()
        if self._is_stopping and not self._tenures:
            self._finish()
        return self._pause_s()

    @staticmethod
    def _problem_of(action: Callable[[], None]) -> str:
        """Talk to the API server; returns what failed, empty for nothing. The next step tries again."""
        try:
            action()
        except ClusterError as error:
            return error.message
        return ""

    def _report(self, *problems: str) -> None:
        """Log what fails, once, and its end."""
        problem = next((text for text in problems if text), "")
        if problem and problem != self._problem:
            _LOG.warning("keeping Leases failed and is tried again: %s", problem)
        elif self._problem and not problem:
            _LOG.info("keeping Leases works again")
        self._problem = problem

    def _renew(self) -> None:
        """Renew what is held, the most urgent first; one refusal does not keep the others from it, silence does."""
        problem: ClusterError | None = None
        for shard, tenure in sorted(self._tenures.items(), key=lambda pair: pair[1].until_s):
            try:
                self._renew_one(shard, tenure)
            except ClusterError as error:
                problem = error
                if not error.status:
                    break
        if problem is not None:
            raise problem

    def _renew_one(self, shard: int, tenure: Tenure) -> None:
        started_s = self._claims.claim_shard(shard)
        if started_s is None:
            if not self._claims.is_my_shard(shard):
                _LOG.warning("shard %d: its Lease is not ours any more", shard)
                self._lose(shard)
        elif not tenure.extend(started_s + self._timings.renew_s):
            self._lose(shard)

    def _balance(self) -> None:
        """Find out who is there, and take or give up shards so that everybody has the same."""
        if self._me.shards == 1:
            wanted = {0}
            self._look_for_one()
        else:
            self._claims.claim_membership()
            self._claims.look_at_all()
            wanted = self._wanted()
            self._give_up(self._tenures.keys() - wanted)
            self._clear_away()
        self._take({shard for shard in wanted if shard not in self._tenures})

    def _look_for_one(self) -> None:
        if not self._tenures:
            self._claims.look(self._me.lease)
            if self._claims.is_free_shard(0) or self._claims.has_foreign():
                self._claims.look_at_all()  # replicas that divide the work may be there

    def _wanted(self) -> set[int]:
        shares = assign(self._me.shards, self._claims.members(), self._claims.holders())
        return {shard for shard, member in shares.items() if member == self._me.identity}

    def _take(self, shards: set[int]) -> None:
        """Take shards that are free. Whoever divides the work differently must not be at work: looked at before and after.

        Both sides write their Lease before they look, so at least one of two that meet sees the other.
        """
        free = sorted(shard for shard in shards if self._claims.is_free_shard(shard))
        if not free or self._claims.has_foreign():
            return
        claimed = {shard: self._claims.claim_shard(shard) for shard in free}
        taken = {shard: started_s for shard, started_s in claimed.items() if started_s is not None}
        if not taken:
            return
        self._claims.look_at_all()
        if self._claims.has_foreign():
            for shard in taken:
                self._claims.release_shard(shard)
            return
        for shard, started_s in taken.items():
            self._begin(shard, started_s)

    def _begin(self, shard: int, started_s: float) -> None:
        tenure = Tenure(self._clock, started_s + self._timings.renew_s)
        if not tenure.holds():
            return
        self._draining.pop(shard, None)
        self._tenures[shard] = tenure
        _LOG.info("shard %d of %d is worked on here", shard, self._me.shards)
        self._on_gained(shard)

    def _give_up(self, shards: set[int]) -> None:
        for shard in shards - self._draining.keys():
            self._tenures[shard].close()
            self._draining[shard] = self._clock.monotonic()

    def _finish_draining(self) -> None:
        for shard, since_s in list(self._draining.items()):
            if self._drain(shard):
                self._end(shard)
                self._report(self._problem_of(partial(self._claims.release_shard, shard)))
                self._on_lost(shard)
            elif self._clock.monotonic() - since_s >= self._timings.drain_s:
                _LOG.warning("shard %d: work on it goes on for too long and may write nothing any more", shard)
                self._lose(shard)

    def _end_missed(self) -> None:
        """Notice tenures whose end has passed."""
        for shard, tenure in list(self._tenures.items()):
            if not tenure.holds():
                _LOG.warning("shard %d: its Lease could not be renewed in time", shard)
                self._lose(shard)

    def _lose(self, shard: int) -> None:
        self._end(shard)
        self._on_lost(shard)

    def _end(self, shard: int) -> None:
        self._tenures[shard].end()
        del self._tenures[shard]
        self._draining.pop(shard, None)

    def _clear_away(self) -> None:
        """Delete what replicas left that were killed; one replica does so for all."""
        if 0 in self._tenures:
            for lease in self._claims.abandoned_members():
                self._claims.remove(lease)

    def _finish(self) -> None:
        if not self._is_finished:
            self._is_finished = True
            self._report(self._problem_of(self._claims.end_membership))

    def _pause_s(self) -> float:
        """Return the time until the next attempt, the end of a tenure, or when somebody else's Lease runs out."""
        if self._is_finished:
            return 0.0
        now_s = self._clock.monotonic()
        expiry_s = self._claims.next_expiry_s()
        if expiry_s is not None and now_s + expiry_s < self._due_s:
            self._due_s = now_s + expiry_s + self._random.uniform(_SHORTEST_S, self._timings.retry_s * self._timings.jitter)
        ends = [tenure.until_s - now_s for tenure in self._tenures.values()]
        polls = [_POLL_S] if self._draining else []
        return max(min([self._due_s - now_s, *ends, *polls]), _SHORTEST_S)


class SoleHolder(_Threaded):
    """Holder of everything without any Lease, for a controller that is known to be alone (--leader-elect=false)."""

    def __init__(
        self,
        clock: Clock,
        *,
        drain_s: float = Timings().drain_s,
        drain: Callable[[int], bool] = lambda _shard: True,
        on_gained: ShardChanged = lambda _shard: None,
        on_lost: ShardChanged = lambda _shard: None,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._drain_s = drain_s
        self._drain = drain
        self._on_gained = on_gained
        self._on_lost = on_lost
        self._tenure = Tenure(clock, float("inf"))
        self._has_begun = False
        self._stopped_s: float | None = None

    def may_start(self, ref: ObjectRef) -> bool:  # noqa: ARG002  # every object is this one's
        """Whether work may begin: until stop."""
        return not self._is_stopping

    def is_mine(self, ref: ObjectRef) -> bool:  # noqa: ARG002  # every object is this one's
        """Whether a change is to be worked on: from when everything was asked for until stop."""
        return self._has_begun and not self._is_stopping

    def tenure_of(self, ref: ObjectRef) -> Tenure | None:  # noqa: ARG002  # every object is this one's
        """Return under what work is done: until everything is given up."""
        return self._tenure

    def shard_of(self, ref: ObjectRef) -> int:  # noqa: ARG002  # there is one
        """Return 0."""
        return 0

    def held(self) -> int:
        """Return 1 until everything is given up."""
        return int(not self._is_finished)

    def is_stalled(self) -> bool:
        """Nothing has to be renewed, so nothing can be late."""
        return False

    def step(self) -> float:
        """Begin, or after stop wait for work in progress to end."""
        now_s = self._clock.monotonic()
        if not self._has_begun and not self._is_stopping:
            self._has_begun = True
            self._on_gained(0)
        if not self._is_stopping:
            return 3600.0
        self._stopped_s = now_s if self._stopped_s is None else self._stopped_s
        if not self._is_finished and (self._drain(0) or now_s - self._stopped_s >= self._drain_s):
            self._tenure.end()
            self._is_finished = True
            if self._has_begun:
                self._on_lost(0)
        return 0.0 if self._is_finished else _POLL_S


def fenced(work: Work, holding: Holding, under: Callable[[Tenure | None], AbstractContextManager[None]]) -> Work:
    """Return work that is done under the tenure of its object. under: makes writes of this thread obey a tenure."""

    def run(item: Item) -> Outcome:
        tenure = holding.tenure_of(item.key)
        if tenure is None:
            return Done(None)  # lost since the loop asked; whoever gains the shard asks for the work again
        with under(tenure):
            return work(item)

    return run
