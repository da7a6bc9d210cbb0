"""The life of the controller: caches first, then workers; at the end rounds finish and responsibility is given up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.system import SystemClock, SystemRandom, utc_now
from kubectl_asm.app.controller import Controller
from kubectl_asm.app.dispatch import Dispatcher
from kubectl_asm.app.holding import SoleHolder
from kubectl_asm.app.loop import Loop
from kubectl_asm.app.queue import Item, WorkQueue
from kubectl_asm.engine.plan import Done, Outcome
from kubectl_asm.errors import UnavailableError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Meta
from kubectl_asm.model.settings import Settings

KINDS = ("SecretStore", "ClusterSecretStore", "ClusterExternalSecret", "ExternalSecret")


class Cluster(MemoryCluster):
    """A cluster in memory whose first lists come when `synced` is set, and whose lists can fail."""

    def __init__(self) -> None:
        super().__init__(now=utc_now)
        self.synced = threading.Event()
        self.failures = 0
        self.is_stopped = False

    def has_synced(self) -> bool:
        return self.synced.is_set()

    def problems(self) -> list[str]:
        return [] if self.synced.is_set() else ["no answer"]

    def stop(self) -> None:
        self.is_stopped = True

    def list(self, *args, **options):
        if self.failures:
            self.failures -= 1
            raise UnavailableError("no answer")
        return super().list(*args, **options)


class Life:
    """A controller in a thread. work: what a round does."""

    def __init__(self, work: Callable[[Item], Outcome]) -> None:
        self.clock, self.cluster = SystemClock(), Cluster()
        self.cluster.load([external("before")])
        queue = WorkQueue(self.clock)
        self.done: list[str] = []

        def counted(item: Item) -> Outcome:
            outcome = work(item)
            self.done.append(item.key.name)
            return outcome

        loop = Loop(queue, dict.fromkeys(KINDS, counted), SystemRandom())
        self.holding = SoleHolder(
            self.clock,
            drain=lambda _shard: not queue.working(lambda _ref: 0)[0],
            on_gained=lambda _shard: self.controller.gained(lambda _ref: True),
        )
        dispatcher = Dispatcher(
            queue,
            self.cluster,
            Settings(),
            self.clock.monotonic,
            is_mine=self.holding.is_mine,
            has_started=self.cluster.has_synced,
        )
        self.controller = Controller(self.cluster, dispatcher, queue, loop, self.holding, self.clock, workers=2)
        self.thread = threading.Thread(target=self.controller.run, daemon=True)

    def end(self) -> None:
        self.clock.request_shutdown()
        self.thread.join(5)
        assert not self.thread.is_alive()


def external(name: str) -> ExternalSecret:
    return ExternalSecret(metadata=Meta(name=name, namespace="shop"))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def life():
    made: list[Life] = []

    def make(work: Callable[[Item], Outcome] = lambda _item: Done(None)) -> Life:
        made.append(Life(work))
        return made[-1]

    yield make
    for one in made:
        one.cluster.synced.set()
        one.end() if one.thread.ident else None


def test_no_round_begins_before_every_kind_was_listed(life):
    one = life()
    one.thread.start()
    time.sleep(0.1)
    assert one.done == []
    assert "no answer" in one.controller.unready()
    one.cluster.synced.set()
    until(lambda: one.done == ["before"])
    assert one.controller.unready() == []


def test_changes_are_worked_on_while_it_runs(life):
    one = life()
    one.cluster.synced.set()
    one.thread.start()
    until(lambda: one.done == ["before"])
    one.cluster.create(external("after"))
    until(lambda: one.done == ["before", "after"])


def test_a_list_that_fails_is_made_again(life, monkeypatch):
    monkeypatch.setattr("kubectl_asm.app.controller._AGAIN_S", 0.01)
    one = life()
    one.cluster.failures = 2
    one.cluster.synced.set()
    one.thread.start()
    until(lambda: one.done == ["before"])


def test_a_round_under_way_ends_before_the_process_does(life):
    begun, may_end = threading.Event(), threading.Event()

    def slow(_item: Item) -> Outcome:
        begun.set()
        may_end.wait(5)
        return Done(None)

    one = life(slow)
    one.cluster.synced.set()
    one.thread.start()
    begun.wait(5)
    one.clock.request_shutdown()
    one.thread.join(0.1)
    assert one.thread.is_alive()
    assert not one.holding.is_finished
    may_end.set()
    one.end()
    assert (one.done, one.holding.is_finished, one.cluster.is_stopped) == (["before"], True, True)


def test_a_shutdown_before_the_first_lists_ends_at_once(life):
    one = life()
    one.thread.start()
    time.sleep(0.05)
    one.end()
    assert one.done == []


def test_a_worker_that_ended_makes_the_process_unhealthy(life):
    one = life()
    one.cluster.synced.set()
    one.thread.start()
    until(lambda: one.done == ["before"])
    assert one.controller.unhealthy() == []
    ended = threading.Thread(name="worker 3", target=lambda: None)
    ended.start()
    one.controller._threads.append(ended)
    ended.join()
    assert one.controller.unhealthy() == ["worker 3 ended"]
