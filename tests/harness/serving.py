"""Conformance cases through the controller's queue, dispatcher and loop on a fake clock, in place of one-shot passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.app.dispatch import Dispatcher
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.expansion import Expanded, ExpansionExecutor
from kubectl_asm.app.loop import Loop, Pace, Work
from kubectl_asm.app.queue import Item, Priority, WorkQueue
from kubectl_asm.app.reconcile import ClusterExternalSecretWork, ExternalSecretWork
from kubectl_asm.app.rounds import Rounds
from kubectl_asm.engine.plan import Done, Outcome, Plan, Retry, RetryAfter
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ObjectRef
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from kubectl_asm.ports import SecretSource

from .cluster import ClusterWorld
from .conformance import CaseWorld, Worlds
from .world import FakeClock, SeededRandom

PACE = Pace(early=0.0)
"""Without spreading, so that delays can be compared with what a case expects."""


@dataclass
class Recorder:
    """A RoundObserver that keeps what it is told."""

    plans: list[Plan] = field(default_factory=list)
    expanded: list[Expanded] = field(default_factory=list)

    def round_done(self, plan: Plan, duration_s: float) -> None:
        self.plans.append(plan)

    def expansion_done(self, expanded: Expanded, duration_s: float) -> None:
        self.expanded.append(expanded)

    def store_done(self, plan: Any, duration_s: float) -> None:
        raise AssertionError("stores are not part of this")

    def gone(self, ref: ObjectRef) -> None:
        """Nothing is kept by name."""


@dataclass(frozen=True)
class Unshared:
    """An AgeingSource that shares nothing: cases script every single read, equal ones too."""

    source: SecretSource

    def within(self, age_s: float) -> SecretSource:
        return self.source


@dataclass
class Machine:
    """Queue, dispatcher and loop over a cluster in memory. works: of the kinds that are worked on."""

    cluster: MemoryCluster
    clock: FakeClock
    settings: Settings

    def __post_init__(self) -> None:
        self.queue = WorkQueue(self.clock)
        self.works: dict[str, Work] = {
            kind.RESOURCE.kind: lambda _item: Done(None)
            for kind in (SecretStore, ClusterSecretStore, ExternalSecret, ClusterExternalSecret)
        }
        self.loop = Loop(self.queue, self.works, SeededRandom(), PACE)
        dispatcher = Dispatcher(self.queue, self.cluster, self.settings, self.clock.monotonic)
        dispatcher.subscribe(self.cluster)
        self.cluster.start()

    def run(self, ref: ObjectRef, work: Work) -> None:
        """Ask for one object, as its refresh would, and work until its turn is over."""
        done: list[Item] = []

        def counted(item: Item) -> Outcome:
            if item.key != ref:
                return Done(None)
            done.append(item)
            return work(item)

        self.works[ref.kind] = counted
        self.queue.add(ref, Priority.REFRESH)
        while not done:
            assert self.loop.step(), f"{ref} was asked for and never came"

    def delay_of(self, ref: ObjectRef) -> float | None:
        """Return the seconds until an object is due by its timer, None when it has none."""
        timer = self.queue._timers.get(ref)  # what the queue plans has no other witness
        return None if timer is None else timer[0] - self.clock.monotonic()

    def schedule_problems(self, ref: ObjectRef, outcome: Outcome, *, is_gone: bool) -> list[str]:
        """Compare what the queue has planned with what the outcome says."""
        got = self.delay_of(ref)
        if isinstance(outcome, Retry):
            is_right = got is not None and 0 < got <= PACE.longest_s * 1.2
        else:
            wanted = outcome.delay if isinstance(outcome, RetryAfter) else outcome.again_after
            is_right = got == (None if wanted is None or is_gone else wanted.total_seconds())
        return [] if is_right else [f"queue: {outcome} became a timer of {got} s"]


class ServedCase(CaseWorld):
    """A case whose rounds the controller's loop runs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.machine = Machine(self.cluster, self.clock, self.settings)

    def _round(self, rounds: Rounds, external: ExternalSecret) -> Plan:
        recorder, executor = Recorder(), Executor(self.faults, self.faults)
        work = ExternalSecretWork(
            self.cluster,
            rounds,
            Unshared(rounds.ports.source),
            lambda found, obj: found.run(obj, executor),
            recorder,
            self.clock.monotonic,
        )
        self.machine.run(external.ref, work)
        return recorder.plans[-1]

    def _problems(self, expect: Any, plan: Plan, bucket: Any, before: Any) -> Any:
        yield from super()._problems(expect, plan, bucket, before)
        yield from self.machine.schedule_problems(plan.external.ref, plan.outcome, is_gone=not self._exists())


class ServedCluster(ClusterWorld):
    """A case of a ClusterExternalSecret whose passes the controller's loop runs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.machine = Machine(self.cluster, self.clock, self.settings)

    def _pass(self, parent: ClusterExternalSecret) -> Expanded:
        recorder = Recorder()
        executor = ExpansionExecutor(self.faults, self.faults, self.settings, self.clock.instant)
        work = ClusterExternalSecretWork(self.faults, self.settings, executor, recorder, self.clock.monotonic)
        self.machine.run(parent.ref, work)
        return recorder.expanded[-1]

    def _problems(self, expect: Any, parent: ClusterExternalSecret, expanded: Expanded) -> Any:
        yield from super()._problems(expect, parent, expanded)
        yield from self.machine.schedule_problems(parent.ref, expanded.outcome, is_gone=self._parent() is None)


SERVED = Worlds(ServedCase, ServedCluster)
