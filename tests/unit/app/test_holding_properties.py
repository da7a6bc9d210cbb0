"""Whatever happens to replicas and network: never two writers of one object, and work goes on once the trouble is over."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_asm.app.tenure import Timings
from tests.unit.app.replicas import World

ACTIONS = ("kill", "freeze", "cut", "heal", "stop", "start", "down", "up", "faults", "calm", "busy", "idle", "delete")
SHORT = Timings(lease_s=6, renew_s=4, retry_s=1, drain_s=5)

steps = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, 2), st.floats(0.0, 10.0, allow_nan=False)), min_size=3, max_size=10
)
PROFILE = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def act(world: World, action: str, target: int, seconds: float, start) -> None:
    living = [one for one in world.replicas if one.is_alive and not one.holder.is_finished]
    one = living[target % len(living)] if living else None
    if action == "start" and len(living) < 4:
        start()
    elif action in ("down", "up"):
        world.is_down = action == "down"
    elif action in ("faults", "calm"):
        world.fault_share = 0.3 if action == "faults" else 0.0
    elif one is not None and action in ("cut", "heal"):
        one.is_cut_off = action == "cut"
    elif one is not None and action in ("busy", "idle"):
        one.busy = {0, 1, 2, 3} if action == "busy" else set()
    elif one is not None and action == "freeze":
        one.freeze(seconds)
    elif one is not None and action in ("kill", "stop"):
        getattr(one, action)()
    elif action == "delete" and "-member-" in "".join(world.leases):
        del world.leases[sorted(name for name in world.leases if "-member-" in name)[0]]
    world.run(seconds)


def recover(world: World, start) -> None:
    """Everything works again, with two fresh replicas."""
    world.is_down, world.fault_share = False, 0.0
    for one in world.replicas:
        one.is_cut_off, one.busy = False, set()
    start()
    start()
    world.run(12)
    for one in world.replicas[:-2]:
        one.stop()
    world.run(40)


@pytest.mark.parametrize("shards", [1, 4])
@PROFILE
@given(schedule=steps, seed=st.integers(0, 2**32))
def test_one_writer_an_object_and_everything_is_worked_on_in_the_end(shards, schedule, seed):
    world = World(seed, latency_s=0.05)
    world.hang_share = 0.2

    def start():
        world.start(shards=shards, timings=SHORT, rate=world.chance.uniform(0.9, 1.1))

    for _ in range(2):
        start()
    for action, target, seconds in schedule:
        act(world, action, target, seconds, start)
    recover(world, start)
    assert world.is_covered()
    held = [one.held() for one in world.replicas]
    assert sum(held) == shards
    assert max(held) <= max(1, shards // 2)


@PROFILE
@given(schedule=steps, seed=st.integers(0, 2**32))
def test_replicas_of_different_divisions_never_write_the_same_object(schedule, seed):
    world = World(seed, latency_s=0.2)
    world.hang_share = 0.2

    def start():
        world.start(shards=world.chance.choice((1, 2, 3)), timings=SHORT, rate=world.chance.uniform(0.95, 1.05))

    for _ in range(3):
        start()
    for action, target, seconds in schedule:
        act(world, action, target, seconds, start)
