"""Replicas around a real API server: who works, how fast work is handed over, and that never two work at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kubectl_asm.adapters.kube.holder import Found, NotFound, find_upstream
from kubectl_asm.adapters.kube.leases import KubeLeases
from kubectl_asm.adapters.system import SystemClock
from kubectl_asm.engine.controller_rbac import controller_manifests
from kubectl_asm.errors import AlreadyExistsError, ConflictError, NotFoundError, RejectedError
from kubectl_asm.model.leases import SHARD, Lease, LeaseSpec, lease_labels, lease_selector, member_lease
from kubectl_asm.model.objects import Meta, ObjectRef
from tests.live.clients import open_connection
from tests.live.replicas import LEASE, REF, TIMINGS, Replica, begin

pytestmark = pytest.mark.usefixtures("alone_with_controllers")
"""The Leases have the controller's own name, which others look for."""

LATE_S = 2 * TIMINGS.retry_s * (1 + TIMINGS.jitter)
BUSY_S = 3.0
"""What a test allows for a machine that is busy with others."""

ROOT = Path(__file__).parents[2]
CLOCK = SystemClock()


@pytest.fixture
def store(control_plane, namespace):
    connection = open_connection(control_plane.kubeconfig)
    yield KubeLeases(connection.unpaced, namespace, timeout_s=5)
    connection.close()


@pytest.fixture
def start(control_plane, namespace):
    """A function that starts a replica; all of them end with the test."""
    replicas: list[Replica] = []

    def one(**options) -> Replica:
        replicas.append(begin(control_plane.kubeconfig, namespace, f"replica-{len(replicas)}", **options))
        return replicas[-1]

    yield one
    for replica in replicas:
        replica.holder.stop()
    for replica in replicas:
        replica.close()


@pytest.fixture
def process(control_plane, namespace):
    """A function that starts a replica as a process and gives it with what it said so far."""
    running = []

    def one(identity: str):
        command = [sys.executable, "-m", "tests.live.replica_process", str(control_plane.kubeconfig), namespace, identity]
        started = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.extend(started.stdout), daemon=True)
        reader.start()
        running.append((started, reader))
        return started, said

    yield one
    for started, reader in running:
        started.kill()
        started.wait(10)
        reader.join(10)
        started.stdin.close()
        started.stdout.close()


def seconds_until(is_reached: Callable[[], bool], longest_s: float, always: Callable[[], None] = lambda: None) -> float:
    """Wait for something, at most so long; always: checked at every look."""
    start_s = CLOCK.monotonic()
    while not is_reached():
        always()
        spent_s = CLOCK.monotonic() - start_s
        assert spent_s < longest_s, f"did not happen within {longest_s:g} s"
        CLOCK.wait(0.01)
    return CLOCK.monotonic() - start_s


def one_leads(*replicas: Replica) -> Replica:
    seconds_until(lambda: any(one.holder.may_start(REF) for one in replicas), 5)
    (leader,) = [one for one in replicas if one.holder.may_start(REF)]
    return leader


def never_two(replicas) -> Callable[[], None]:
    def check() -> None:
        assert sum(one.holder.may_start(REF) for one in replicas) <= 1

    return check


def test_a_leader_that_falls_silent_is_replaced_after_the_lease_duration(start):
    replicas = [start() for _ in range(3)]
    leader = one_leads(*replicas)
    leader.fall_silent()
    others = [one for one in replicas if one is not leader]
    spent_s = seconds_until(
        lambda: any(one.holder.may_start(REF) for one in others), TIMINGS.lease_s + LATE_S + BUSY_S, never_two(replicas)
    )
    assert spent_s > TIMINGS.lease_s - 2 * TIMINGS.retry_s
    assert not leader.holder.may_start(REF)


def test_a_leader_that_ends_hands_over_long_before_its_lease_runs_out(start):
    replicas = [start() for _ in range(3)]
    leader = one_leads(*replicas)
    others = [one for one in replicas if one is not leader]
    leader.holder.stop()
    assert seconds_until(lambda: any(one.holder.may_start(REF) for one in others), 5, never_two(replicas)) < 1.5
    seconds_until(lambda: leader.holder.is_finished, 2)


def test_shards_are_shared_and_those_of_a_silent_replica_taken_over(start, store):
    replicas = [start(shards=6) for _ in range(3)]
    seconds_until(lambda: [one.holder.held() for one in replicas] == [2, 2, 2], 10)
    refs = [ObjectRef("ExternalSecret", "shop", f"db-{number}") for number in range(30)]

    def workers(ref):
        return [one for one in replicas if one.holder.may_start(ref)]

    assert all(len(workers(ref)) == 1 for ref in refs)
    replicas[0].fall_silent()
    seconds_until(lambda: [one.holder.held() for one in replicas] == [0, 3, 3], TIMINGS.lease_s + 2 * LATE_S + BUSY_S)
    assert all(len(workers(ref)) == 1 for ref in refs)
    replicas[1].holder.stop()
    assert seconds_until(lambda: replicas[2].holder.held() == 6, 5) < 2.4
    with pytest.raises(NotFoundError):
        store.get(member_lease(LEASE, "replica-1"))


def test_a_frozen_process_never_says_that_it_may_work_after_another_took_over(start, process):
    frozen, said = process("frozen")
    seconds_until(lambda: said and said[-1].endswith(" 1\n"), 20)
    successor = start()
    CLOCK.wait(1.0)
    frozen.send_signal(signal.SIGSTOP)
    seconds_until(lambda: successor.holder.may_start(REF), TIMINGS.lease_s + LATE_S + BUSY_S)
    taken_s, before = CLOCK.monotonic(), len(said)
    frozen.send_signal(signal.SIGCONT)
    seconds_until(lambda: len(said) > before + 50, 10)
    answers = [line.split() for line in list(said)]
    assert [at for at, answer in answers if float(at) >= taken_s and answer == "1"] == []
    assert any(float(at) >= taken_s for at, _ in answers)
    assert successor.holder.may_start(REF)


def test_a_killed_process_is_replaced(start, process):
    killed, said = process("killed")
    seconds_until(lambda: said and said[-1].endswith(" 1\n"), 20)
    successor = start()
    CLOCK.wait(1.0)
    killed.kill()
    spent_s = seconds_until(lambda: successor.holder.may_start(REF), TIMINGS.lease_s + LATE_S + BUSY_S)
    assert spent_s > TIMINGS.lease_s - 2 * TIMINGS.retry_s


def test_the_role_that_is_shipped_lets_replicas_share_shards(control_plane, kubeconfig_for, namespace):
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    shipped = [one for one in controller_manifests(namespace, (), read_only=False) if one["metadata"]["name"].endswith("-leases")]
    for manifest in shipped:
        if manifest["kind"].endswith("Binding"):
            manifest["subjects"] = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "controller"}]
        control_plane.request("POST", f"{rbac}/namespaces/{namespace}/{manifest['kind'].lower()}s", manifest)
    replicas = [begin(kubeconfig_for("controller"), namespace, f"pod-{number}", shards=2) for number in range(2)]
    try:
        seconds_until(lambda: [one.holder.held() for one in replicas] == [1, 1], 10)
    finally:
        for replica in replicas:
            replica.close()


# -- the store


def lease(name=LEASE, holder="somebody"):
    spec = LeaseSpec(holder, 15, "2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000001Z", 0)
    return Lease(metadata=Meta(name=name, labels=lease_labels(LEASE, SHARD), annotations={"kubectl-asm/shards": "4"}), spec=spec)


def test_a_lease_comes_back_as_it_was_written(store):
    made = store.create(lease())
    assert made.spec == lease().spec
    assert store.get(LEASE) == made
    assert (made.holder, made.component, made.shards) == ("somebody", SHARD, "4")
    assert [one.name for one in store.list(lease_selector(LEASE))] == [LEASE]
    assert store.list(lease_selector("another")) == []


def test_a_released_lease_names_nobody(store):
    made = store.create(lease())
    released = store.update(msgspec.structs.replace(made, spec=msgspec.structs.replace(made.spec, holder_identity=None)))
    assert released.holder == ""
    assert store.get(LEASE) == released


def test_of_two_who_write_the_same_version_one_is_refused(store):
    made = store.create(lease())
    with pytest.raises(AlreadyExistsError):
        store.create(lease())
    store.update(msgspec.structs.replace(made, spec=msgspec.structs.replace(made.spec, holder_identity="first")))
    with pytest.raises(ConflictError):
        store.update(msgspec.structs.replace(made, spec=msgspec.structs.replace(made.spec, holder_identity="second")))
    with pytest.raises(ConflictError):
        store.delete(made)
    assert store.get(LEASE).holder == "first"


def test_an_update_of_a_lease_that_is_gone_makes_none(store):
    made = store.create(lease())
    store.delete(made)
    store.delete(made)
    with pytest.raises(ConflictError):
        store.update(made)
    with pytest.raises(NotFoundError):
        store.get(LEASE)


def test_a_lease_without_a_version_is_never_overwritten(store):
    made = store.create(lease())
    with pytest.raises((ConflictError, RejectedError)):
        store.update(msgspec.structs.replace(made, metadata=Meta(name=LEASE)))


def test_upstreams_lock_is_what_serve_must_not_start_beside(control_plane, namespace, start):
    connection = open_connection(control_plane.kubeconfig)
    try:
        one_leads(start())
        assert find_upstream(connection.transport, namespaces=(namespace,)) == NotFound()
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        control_plane.request("POST", path, {"metadata": {"name": "ack-secret-manager-lock"}})
        found = find_upstream(connection.transport, own_lease="ack-secret-manager-lock")
        assert found == Found(namespace, "ack-secret-manager-lock", "ConfigMap", "ack-secret-manager-lock")
    finally:
        control_plane.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/ack-secret-manager-lock")
        connection.close()
