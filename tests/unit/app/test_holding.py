"""Leader election and sharding: who works on what, in simulated time."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import pytest

from kubectl_asm.app.holding import SoleHolder, fenced
from kubectl_asm.app.queue import Item, Priority
from kubectl_asm.app.tenure import Timings
from kubectl_asm.engine.plan import Done
from kubectl_asm.errors import UsageError
from kubectl_asm.model.leases import Lease, LeaseSpec, member_lease
from kubectl_asm.model.objects import Meta
from tests.unit.app.replicas import LEASE, REFS, World

LEASE_S, RENEW_S, RETRY_S = 15.0, 10.0, 2.0
LATE_S = 2 * RETRY_S
"""A replica that stands by looks at least this often."""


@pytest.fixture
def world():
    return World()


def led(world, count=2, **options):
    """Return replicas of which the first one leads."""
    leader = world.start(**options)
    world.run(1)
    others = [world.start(**options) for _ in range(count - 1)]
    world.run(5)
    assert world.workers() == [leader]
    return [leader, *others]


def test_the_first_replica_works_at_once_and_the_others_stand_by(world):
    leader, standby = led(world)
    assert leader.told == [("gained", 0)]
    assert standby.told == []
    spec = world.leases[LEASE].spec
    assert (spec.holder_identity, spec.lease_duration_seconds, spec.lease_transitions) == ("replica-0", 15, 0)
    assert spec.acquire_time < spec.renew_time


def test_a_leader_costs_one_request_a_retry_period_and_so_does_a_standby(world):
    led(world)
    world.requests.clear()
    world.run(60)
    assert {verb for name, verb, _ in world.requests if name == "replica-0"} == {"update"}
    assert {verb for name, verb, _ in world.requests if name == "replica-1"} == {"get"}
    assert len(world.requests) <= 60


def test_a_killed_leader_is_replaced_after_the_lease_duration_and_not_before(world):
    leader, standby = led(world)
    leader.kill()
    assert LEASE_S - RETRY_S * 1.5 <= world.run_until(lambda: world.workers() == [standby]) <= LEASE_S + LATE_S
    assert world.leases[LEASE].spec.lease_transitions == 1


@pytest.mark.parametrize("seed", range(6))
def test_a_standby_wakes_when_the_lease_runs_out_instead_of_at_its_next_look(seed):
    world = World(seed)
    leader, standby = led(world)
    leader.kill()
    seen_s = world.run_until(lambda: world.workers() == [standby])
    assert seen_s <= LEASE_S + RETRY_S * 0.2 + 0.2


@pytest.mark.parametrize("slow_s", [4.0, 6.0, 9.0])
def test_an_answer_that_takes_long_does_not_lengthen_the_time_of_the_leader(world, slow_s):
    leader, standby = led(world)
    leader.answers_take_s = slow_s
    world.run_until(lambda: leader.is_stepping or leader.next_s - world.now_s < 0.05)
    world.run(0.2)
    leader.is_cut_off = True
    world.run(40)
    assert world.workers() == [standby]


def test_an_answer_that_takes_long_does_not_lengthen_the_time_of_a_new_leader(world):
    leader = world.start()
    leader.answers_take_s = 3.0
    world.run(0.5)
    leader.is_cut_off = True
    standby = world.start()
    world.run(40)
    assert world.workers() == [standby]


def test_a_missed_deadline_is_told_at_once(world):
    (leader,) = led(world, 1)
    world.is_down = True
    world.run_until(lambda: not leader.may_write(REFS[0]))
    world.run(0.15)
    assert leader.told == [("gained", 0), ("lost", 0)]


def test_a_leader_that_ends_hands_over_at_once(world):
    leader, standby = led(world)
    leader.stop()
    assert not leader.holder.may_start(REFS[0])
    assert world.run_until(lambda: world.workers() == [standby]) <= RETRY_S * 1.3
    assert leader.holder.is_finished
    assert leader.told == [("gained", 0), ("lost", 0)]


def test_a_released_lease_names_nobody(world):
    leader = world.start()
    world.run(1)
    leader.stop()
    world.run(1)
    assert world.leases[LEASE].holder == ""


def test_an_ending_leader_keeps_its_lease_while_work_is_in_progress(world):
    leader, standby = led(world)
    leader.busy.add(0)
    leader.stop()
    world.run(12)
    assert world.workers() == []
    assert leader.may_write(REFS[0])
    leader.busy.clear()
    world.run_until(lambda: world.workers() == [standby], RETRY_S * 1.5)


def test_work_that_does_not_end_in_time_may_not_write_and_its_lease_runs_out(world):
    leader, standby = led(world)
    leader.busy.add(0)
    leader.stop()
    stopped_s = world.run_until(lambda: leader.holder.is_finished)
    assert Timings().drain_s <= stopped_s < Timings().drain_s + 1
    assert not leader.may_write(REFS[0])
    assert world.leases[LEASE].holder == "replica-0"
    assert world.run_until(lambda: world.workers() == [standby]) > LEASE_S - 2 * RETRY_S


def test_a_leader_without_network_stops_at_its_deadline_before_anybody_else_begins(world):
    leader, standby = led(world)
    leader.is_cut_off = True
    stopped_s = world.run_until(lambda: not leader.may_write(REFS[0]))
    assert RENEW_S - LATE_S <= stopped_s <= RENEW_S
    assert world.run_until(lambda: world.workers() == [standby]) >= LEASE_S - RENEW_S - 0.5
    world.run(10)
    assert leader.told[-1] == ("lost", 0)


def test_a_leader_that_gets_its_network_back_stands_by(world):
    leader, standby = led(world)
    leader.is_cut_off = True
    world.run(60)
    leader.is_cut_off = False
    world.run(30)
    assert world.workers() == [standby]
    assert leader.held() == 0


def test_a_frozen_leader_refuses_at_the_first_question_after_it_wakes(world):
    leader, standby = led(world)
    before = leader.holder.tenure_of(REFS[0])
    leader.freeze(40)
    world.run(39.9)
    assert world.workers() == [standby]
    assert not leader.holder.may_start(REFS[0])
    assert not before.holds()
    world.run(10)
    assert leader.told == [("gained", 0), ("lost", 0)]


def test_work_of_a_former_tenure_stays_fenced_after_the_shard_came_back(world):
    leader = world.start()
    world.run(1)
    former = leader.holder.tenure_of(REFS[0])
    leader.freeze(40)
    world.run(45)
    assert leader.holder.may_start(REFS[0])
    assert not former.holds()
    assert leader.told == [("gained", 0), ("lost", 0), ("gained", 0)]


def test_errors_shorter_than_the_deadline_do_not_end_the_work(world):
    (leader,) = led(world, 1)
    world.is_down = True
    world.run(RENEW_S - 2 * RETRY_S)
    world.is_down = False
    world.run(30)
    assert leader.told == [("gained", 0)]


def test_a_lost_answer_is_looked_up_and_renewal_goes_on(world):
    (leader,) = led(world, 1)
    lease = world.leases[LEASE]
    metadata = msgspec.structs.replace(lease.metadata, resource_version="4711", annotations={"note": "by a person"})
    world.leases[LEASE] = msgspec.structs.replace(lease, metadata=metadata)
    world.run(30)
    assert leader.told == [("gained", 0)]
    assert world.leases[LEASE].metadata.annotations["note"] == "by a person"


def test_a_lease_that_somebody_deletes_stays_with_its_holder_until_it_would_have_run_out(world):
    leader, standby = led(world)
    leader.freeze(60)
    del world.leases[LEASE]
    assert world.run_until(lambda: world.workers() == [standby]) > RENEW_S


def test_a_lease_that_somebody_deletes_is_made_again(world):
    leader, _standby = led(world)
    del world.leases[LEASE]
    world.run(RETRY_S * 1.5)
    assert world.workers() == [leader]
    assert leader.told == [("gained", 0), ("lost", 0), ("gained", 0)]


def test_a_lease_that_somebody_else_took_is_lost_at_the_next_renewal(world):
    led(world, 1)
    lease = world.leases[LEASE]
    spec = LeaseSpec(holder_identity="a-person", lease_duration_seconds=600, renew_time="now")
    world.leases[LEASE] = msgspec.structs.replace(
        lease, spec=spec, metadata=msgspec.structs.replace(lease.metadata, resource_version="4711")
    )
    world.run(RETRY_S * 1.5)
    assert world.workers() == []
    world.run(60)
    assert world.workers() == []


def test_wall_clocks_that_are_hours_off_change_nothing(world):
    leader = world.start(wall=timedelta(hours=-30))
    world.run(1)
    standby = world.start(wall=timedelta(hours=30))
    world.run(60)
    assert world.workers() == [leader]
    leader.kill()
    assert world.run_until(lambda: world.workers() == [standby]) <= LEASE_S + LATE_S


def test_labels_that_somebody_sets_do_not_keep_a_dead_leader_alive(world):
    leader, standby = led(world)
    leader.kill()
    for number in range(9):
        lease = world.leases[LEASE]
        metadata = msgspec.structs.replace(
            lease.metadata, labels={**lease.metadata.labels, "n": str(number)}, resource_version=f"x{number}"
        )
        world.leases[LEASE] = msgspec.structs.replace(lease, metadata=metadata)
        world.run(2)
    world.run(3)
    assert world.workers() == [standby]


# -- sharding


def test_replicas_share_the_shards_evenly(world):
    replicas = [world.start(shards=8) for _ in range(3)]
    world.run(20)
    assert world.is_covered()
    assert sorted(one.held() for one in replicas) == [2, 3, 3]


def test_a_replica_that_comes_takes_only_its_share(world):
    first = world.start(shards=6)
    world.run(5)
    assert first.held() == 6
    second = world.start(shards=6)
    world.run(10)
    assert (first.held(), second.held()) == (3, 3)
    assert [word for word, _ in first.told].count("lost") == 3
    assert [word for word, _ in second.told] == ["gained"] * 3


def test_shards_of_a_killed_replica_go_to_the_others(world):
    replicas = [world.start(shards=9) for _ in range(3)]
    world.run(20)
    replicas[1].kill()
    assert world.run_until(world.is_covered) <= LEASE_S + 2 * LATE_S
    world.run(5)
    assert sorted(one.held() for one in replicas) == [0, 4, 5]


def test_shards_of_a_replica_that_ends_move_at_once(world):
    replicas = [world.start(shards=9) for _ in range(3)]
    world.run(20)
    replicas[2].stop()
    assert world.run_until(world.is_covered) <= 2 * RETRY_S
    assert member_lease(LEASE, "replica-2") not in world.leases


def test_a_shard_moves_only_after_work_on_it_has_ended(world):
    first = world.start(shards=2)
    world.run(5)
    first.busy.update((0, 1))
    second = world.start(shards=2)
    world.run(15)
    assert (first.held(), second.held()) == (2, 0)
    assert len([ref for ref in REFS if first.holder.may_start(ref)]) < len(REFS)
    first.busy.clear()
    world.run(RETRY_S * 2)
    assert (first.held(), second.held()) == (1, 1)


def test_more_replicas_than_shards_stand_by(world):
    replicas = [world.start(shards=2) for _ in range(4)]
    world.run(20)
    assert sorted(one.held() for one in replicas) == [0, 0, 1, 1]
    next(one for one in replicas if one.held()).kill()
    assert world.run_until(world.is_covered) <= LEASE_S + 2 * LATE_S


def test_replicas_that_divide_the_work_differently_wait_for_each_other(world):
    old = led(world, 2, shards=1)
    new = [world.start(shards=4) for _ in range(2)]
    world.run(30)
    assert world.workers() == [old[0]]
    assert {name for name in world.leases if "-member-" not in name} == {LEASE}
    for replica in old:
        replica.stop()
    assert world.run_until(world.is_covered) <= 2 * LATE_S
    assert {one.held() for one in new} == {2}
    back = world.start(shards=1)
    world.run(30)
    assert back.held() == 0
    for replica in new:
        replica.kill()
    world.run_until(lambda: back.held() == 1, LEASE_S + 2 * LATE_S)


@pytest.mark.parametrize("seed", range(20))
def test_of_replicas_that_divide_differently_and_start_together_only_one_kind_works(seed):
    world = World(seed, latency_s=0.2)
    for shards in (1, 3, 2):
        world.start(shards=shards).next_s = world.chance.uniform(0, 4)
    world.run(30)
    assert world.is_covered()


def test_a_replica_looks_again_after_it_took_shards_for_one_that_divides_differently(world, monkeypatch):
    divided, single = world.start(shards=3), world.start()
    divided.next_s = single.next_s = float("inf")
    create = divided.store.create

    def overtaken(lease):
        if lease.name == LEASE:
            single.step()
        return create(lease)

    monkeypatch.setattr(divided.store, "create", overtaken)
    divided.step()
    assert world.workers() == [single]
    assert divided.tenures == []
    assert {lease.holder for name, lease in world.leases.items() if name != LEASE} == {"", "replica-0"}
    assert world.leases[f"{LEASE}-1"].holder == ""


def test_a_lease_that_another_program_holds_keeps_all_shards_from_being_worked_on(world):
    metadata = Meta(name=LEASE, resource_version="1")
    spec = LeaseSpec(holder_identity="upstream", lease_duration_seconds=15, renew_time="now")
    world.leases[LEASE] = Lease(metadata=metadata, spec=spec)
    world.start(shards=4)
    world.run(LEASE_S - 1)
    assert {name for name in world.leases if "-member-" not in name} == {LEASE}
    world.run(2 + RETRY_S)
    assert world.is_covered()
    assert world.leases[LEASE].spec.lease_transitions == 1


def test_a_server_that_is_silent_costs_one_time_out_a_step_and_not_one_a_shard(world):
    replica = world.start(shards=6)
    world.run(5)
    world.is_down = True
    world.requests.clear()
    world.run(2 * RETRY_S)
    assert replica.held() == 6
    assert 2 <= len(world.requests) <= 3 * 2


def test_leases_of_replicas_that_were_killed_are_cleared_away(world):
    replicas = [world.start(shards=2) for _ in range(2)]
    world.run(10)
    replicas[1].kill()
    world.run(9 * LEASE_S)
    assert member_lease(LEASE, "replica-1") in world.leases
    world.run(4 * LEASE_S)
    assert member_lease(LEASE, "replica-1") not in world.leases
    assert replicas[0].held() == 2


def test_a_holder_whose_thread_hangs_says_so(world):
    leader = world.start()
    world.run(20)
    assert not leader.holder.is_stalled()
    leader.freeze(100)
    world.run(40)
    assert leader.holder.is_stalled()


# -- around the holder


@pytest.mark.parametrize("times", [(10, 10, 2), (15, 2.2, 2), (15, 10, 0), (0.5, 0.4, 0.1)])
def test_timings_that_cannot_keep_the_promise_are_refused(times):
    lease_s, renew_s, retry_s = times
    with pytest.raises(UsageError, match="do not fit together"):
        Timings(lease_s=lease_s, renew_s=renew_s, retry_s=retry_s)


def test_a_fraction_of_a_second_is_rounded_up_where_a_lease_cannot_say_it():
    assert Timings(lease_s=2.5, renew_s=2, retry_s=0.5).recorded_s == 3


def test_a_thread_steps_until_everything_was_given_up(world):
    leader = world.start()
    thread = threading.Thread(target=leader.holder.run)
    thread.start()
    leader.holder.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert leader.holder.is_finished


def test_a_defect_does_not_end_the_thread(world, caplog):
    leader = world.start()
    gained = threading.Event()

    def fail(shard):
        gained.set()
        raise ValueError("".join(["s3c", "r3t"]))

    leader.holder._on_gained = fail
    thread = threading.Thread(target=leader.holder.run)
    thread.start()
    assert gained.wait(5)
    assert leader.holder.may_start(REFS[0])
    leader.holder.stop()
    thread.join(5)
    assert leader.holder.is_finished
    assert "ValueError" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_without_election_everything_is_worked_on_until_the_end(world):
    clock, told, busy = world.start(), [], [True]
    sole = SoleHolder(
        clock,
        drain=lambda _: not busy[0],
        on_gained=lambda shard: told.append("gained"),
        on_lost=lambda shard: told.append("lost"),
    )
    sole.step()
    assert sole.may_start(REFS[0])
    assert sole.is_mine(REFS[0])
    assert sole.tenure_of(REFS[0]).holds()
    assert sole.held() == 1
    sole.stop()
    assert not sole.may_start(REFS[0])
    sole.step()
    assert not sole.is_finished
    busy[0] = False
    sole.step()
    assert sole.is_finished
    assert not sole.tenure_of(REFS[0]).holds()
    assert told == ["gained", "lost"]


def test_without_election_work_that_hangs_does_not_hold_up_the_end(world):
    clock = world.start()
    sole = SoleHolder(clock, drain_s=5, drain=lambda _: False)
    sole.step()
    sole.stop()
    sole.step()
    world.now_s += 5
    sole.step()
    assert sole.is_finished


def test_work_is_done_under_the_tenure_of_its_object(world):
    (leader,) = led(world, 1)
    seen = []

    @contextmanager
    def under(tenure):
        seen.append(tenure)
        yield

    work = fenced(lambda item: Done(timedelta(seconds=9)), leader.holder, under)
    item = Item(REFS[0], Priority.NEW, 0.0)
    assert work(item) == Done(timedelta(seconds=9))
    assert seen == [leader.holder.tenure_of(REFS[0])]
    leader.stop()
    world.run(1)
    assert work(item) == Done(None)
    assert len(seen) == 1
