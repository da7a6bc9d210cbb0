"""Several replicas: one that is killed, one that is frozen past its Lease, one that is told to end, and shards over three."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from tests.live.controlplane import wait_until
from tests.live.serving import SYSTEM, Serve, Territory, stays, territory

LEASE_S, RETRY_S = 3.0, 0.5
QUICK = {
    "leader_elect_lease_duration": f"{LEASE_S}s",
    "leader_elect_renew_deadline": "2s",
    "leader_elect_retry_period": f"{RETRY_S}s",
    "lease_namespace": SYSTEM,
    "polling_interval": "1s",
}
TAKE_OVER_S = LEASE_S + 2 * RETRY_S + 4.0
"""The Lease runs out, two attempts, and what a busy machine takes."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    with territory(tmp_path_factory.mktemp("replicas"), db="first") as made:
        yield made


@pytest.fixture
def start(ground: Territory, request: pytest.FixtureRequest) -> Iterator:
    name = f"lease-{abs(hash(request.node.name)) % 10**8}"
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(
            ground.serve(f"--lease-name={name}", "--leader-elect", *options, **QUICK)
        ).is_ready()


def held(serve: Serve) -> int:
    return int(serve.total("asm_shards_held"))


def holds(serve: Serve, shards: int, *, timeout_s: float = TAKE_OVER_S) -> None:
    wait_until(lambda: held(serve) == shards, timeout_s=timeout_s, what=f"{shards} shards\n{serve.log()}")


def test_a_killed_leader_is_followed_by_the_other_replica(ground: Territory, start) -> None:
    place = ground.namespace()
    first = start()
    holds(first, 1)
    second = start()
    place.external("before", "db")
    place.holds("before", db="first")
    assert held(second) == 0
    first.process.kill()
    place.external("after", "db")
    holds(second, 1)
    place.holds("after", db="first")
    ground.set_values(db="second")
    place.holds("before", db="second")
    ground.set_values(db="first")


def test_a_frozen_leader_loses_its_lease_and_writes_nothing_when_it_wakes(ground: Territory, start) -> None:
    place = ground.namespace()
    ground.set_values(thawed="one")
    first = start()
    holds(first, 1)
    second = start()
    place.external("app", "thawed")
    place.holds("app", thawed="one")
    first.signal(signal.SIGSTOP)
    ground.set_values(thawed="two")
    holds(second, 1)
    place.holds("app", thawed="two")
    writes = _changes(place.get("Secret", "app"))
    first.signal(signal.SIGCONT)
    wait_until(lambda: held(first) == 0, timeout_s=5, what="the frozen one to notice")
    stays(lambda: _changes(place.get("Secret", "app")) == writes and held(second) == 1, seconds=3, what="two writers")


def _changes(obj) -> str:
    return obj["metadata"]["resourceVersion"]


def test_a_leader_that_ends_hands_over_at_once(start) -> None:
    first = start()
    holds(first, 1)
    second = start()
    assert first.end_quietly() == 0
    began = time.monotonic()
    holds(second, 1)
    assert time.monotonic() - began < LEASE_S


def test_shards_are_shared_by_three_and_move_when_one_is_killed(ground: Territory, start) -> None:
    place = ground.namespace()
    ground.set_values(spread="one")
    for number in range(24):
        place.external(f"app-{number}", "spread")
    replicas = [start("--shards=6") for _ in range(3)]
    for one in replicas:
        holds(one, 2, timeout_s=30)
    _all_hold(place, 24, "one")
    assert sum(_created(one) for one in replicas) == 24

    replicas[0].process.kill()
    for one in replicas[1:]:
        holds(one, 3)
    ground.set_values(spread="two")
    _all_hold(place, 24, "two")
    series = [sum(place.name in name and "ready" in name for name in one.metrics()) for one in replicas[1:]]
    assert sum(series) == 24, "every object has one replica that works on it"


def _created(serve: Serve) -> float:
    return serve.total("asm_rounds_total", having='decision="create"')


def _all_hold(place, count: int, value: str) -> None:
    def missing() -> Sequence[int]:
        return [number for number in range(count) if place.data(f"app-{number}") != {"spread": value}]

    wait_until(lambda: not missing(), timeout_s=30, what=f"all to hold {value}")
