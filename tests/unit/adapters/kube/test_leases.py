"""Names and identities of Leases, and requests for them over a canned transport."""

from __future__ import annotations

import pytest

from kubectl_asm.adapters.kube.credentials import FixedCredential
from kubectl_asm.adapters.kube.leases import KubeLeases, check_lease_name, identity_of
from kubectl_asm.adapters.kube.requestlog import RequestLog
from kubectl_asm.adapters.kube.transport import Transport
from kubectl_asm.adapters.system import SystemRandom
from kubectl_asm.errors import UnavailableError, UsageError
from tests.unit.adapters.kube.test_transport import Answer, Canned, Clock


def test_a_busy_server_is_not_asked_again_by_itself_and_every_request_is_bounded():
    timeouts = []

    class Timed(Canned):
        def request(self, *args, _request_timeout=None, **options):
            timeouts.append(_request_timeout)
            return super().request(*args, **options)

    clock, canned = Clock(), Timed(Answer(503, headers={"Retry-After": "7"}))
    transport = Transport(canned, "https://cluster", FixedCredential(), clock=clock, log=RequestLog())
    with pytest.raises(UnavailableError):
        KubeLeases(transport, "asm", timeout_s=5).get("kubectl-asm-controller")
    assert len(canned.requests) == 1
    assert clock.waits == []
    assert timeouts == [(5, 5)]


def test_requests_of_leases_are_counted_with_the_others():
    log = RequestLog()
    transport = Transport(Canned(Answer(200, {"items": []})), "https://cluster", FixedCredential(), clock=Clock(), log=log)
    assert KubeLeases(transport, "asm", timeout_s=5).list("a=b") == []
    assert transport.impatient(1).log is log


@pytest.mark.parametrize("name", ["kubectl-asm-controller", "a", "ack-secret-manager-lock", "a" * 63])
def test_names_that_leases_and_labels_can_have_are_taken(name):
    check_lease_name(name, 1)


@pytest.mark.parametrize("name", ["", "Upper", "-a", "a-", "a.b", "a" * 64, "a/b", "a_b", "a\n"])
def test_other_names_are_refused(name):
    with pytest.raises(UsageError, match="no name for a Lease"):
        check_lease_name(name, 1)


def test_upstreams_lock_cannot_stand_for_several_shards():
    with pytest.raises(UsageError, match="not shard by shard"):
        check_lease_name("ack-secret-manager-lock", 2)


def test_no_two_processes_of_one_host_have_the_same_identity():
    random = SystemRandom()
    first, second = identity_of("asm-7d4f-x2x", random), identity_of("asm-7d4f-x2x", random)
    assert first != second
    assert first.startswith("asm-7d4f-x2x-")


@pytest.mark.parametrize("host", ["My_Host.Example.COM", "", "...", "ä" * 300, "x" * 300])
def test_an_identity_can_be_part_of_a_name(host):
    identity = identity_of(host, SystemRandom())
    check_lease_name(identity[-20:].strip("-"), 1)
    assert len(f"{'a' * 63}-member-{identity}") < 253
    assert identity == identity.lower()
