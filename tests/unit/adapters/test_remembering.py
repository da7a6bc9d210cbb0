"""Children are applied only when that can change something."""

from __future__ import annotations

import msgspec
import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.remembering import RememberingWriter
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretSpec, ExternalSecretStatus, SyncResult
from kubectl_asm.model.objects import Meta
from tests.harness.world import FakeClock


class Counting(MemoryCluster):
    applies = 0

    def apply(self, obj, *, force):
        self.applies += 1
        return super().apply(obj, force=force)


@pytest.fixture
def cluster() -> Counting:
    return Counting(now=FakeClock().instant, manager="test")


@pytest.fixture
def writer(cluster: Counting) -> RememberingWriter:
    return RememberingWriter(cluster, cluster)


def child(**labels: str) -> ExternalSecret:
    return ExternalSecret(metadata=Meta(name="fan", namespace="a", labels=labels), spec=ExternalSecretSpec(provider="kms"))


def stored(cluster: Counting) -> ExternalSecret:
    return cluster.get(ExternalSecret, "a", "fan")


def test_an_equal_apply_is_answered_from_memory(cluster, writer):
    first = writer.apply(child(), force=True)
    assert writer.apply(child(), force=True).spec == first.spec
    assert cluster.applies == 1


def test_a_written_status_needs_no_apply(cluster, writer):
    writer.apply(child(), force=True)
    cluster.set_status(stored(cluster), ExternalSecretStatus((SyncResult(status="Succeeded"),)))
    writer.apply(child(), force=True)
    assert cluster.applies == 1


def test_a_wish_that_changed_is_applied(cluster, writer):
    writer.apply(child(), force=True)
    writer.apply(child(app="web"), force=True)
    assert stored(cluster).metadata.labels == {"app": "web"}


def test_what_somebody_else_changed_is_applied_again(cluster, writer):
    writer.apply(child(app="web"), force=True)
    found = stored(cluster)
    cluster.update(msgspec.structs.replace(found, metadata=msgspec.structs.replace(found.metadata, labels={"app": "other"})))
    writer.apply(child(app="web"), force=True)
    assert (cluster.applies, stored(cluster).metadata.labels) == (2, {"app": "web"})


def test_a_deleted_child_is_applied_again(cluster, writer):
    writer.apply(child(), force=True)
    cluster.delete(stored(cluster))
    writer.apply(child(), force=True)
    assert cluster.applies == 2
    writer.delete(stored(cluster))
    writer.apply(child(), force=True)
    assert cluster.applies == 3
